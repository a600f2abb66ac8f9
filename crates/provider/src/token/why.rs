//! Why a token is minted, in words that a person reads in the plan.

use std::collections::BTreeSet;

use tokenwright_core::{Inputs, Reason};

use super::state::Stored;
use super::wanted::Wanted;

/// What the plan says of a mint, and the state keeps.
pub(super) fn rotation_reason(reason: Reason, stored: &Stored, wanted: &Wanted) -> String {
    let current = stored.record.current.as_ref();
    match (reason, current) {
        (Reason::FirstMint, _) => "there was no token".to_owned(),
        (Reason::TokenMissing, _) => "missing at the issuer".to_owned(),
        (Reason::TokenDead, _) => "the value does not authenticate".to_owned(),
        (Reason::TokenExpired, Some(held)) => match held.expires_at {
            Some(at) => format!("expired at {at}"),
            None => "expired".to_owned(),
        },
        (Reason::InputsChanged, Some(held)) => {
            format!(
                "{} changed",
                changed_inputs(&held.inputs, &wanted.spec.inputs, wanted.end())
            )
        }
        (Reason::Triggered, _) => changed_triggers(stored, wanted),
        (Reason::Due, Some(held)) => {
            match tokenwright_core::schedule::renew_at(&wanted.spec, held) {
                Some(at) => format!("due since {at}"),
                None => "due".to_owned(),
            }
        }
        (reason, _) => reason.sentence().to_owned(),
    }
}

fn changed_inputs(has: &Inputs, wants: &Inputs, end: &str) -> String {
    let differs = [
        ("name", has.name != wants.name),
        ("scopes", has.scopes != wants.scopes),
        ("parameters", has.parameters != wants.parameters),
        (end, has.lifetime != wants.lifetime),
    ];
    let names = differs.iter().filter(|(_, differs)| *differs);
    listed(names.map(|(name, _)| (*name).to_owned()))
}

fn changed_triggers(stored: &Stored, wanted: &Wanted) -> String {
    let (has, wants) = (&stored.triggers, &wanted.triggers);
    let keys: BTreeSet<_> = has.keys().chain(wants.keys()).collect();
    let changed: Vec<_> = keys
        .into_iter()
        .filter(|key| has.get(*key) != wants.get(*key))
        .map(|key| format!("`{key}`"))
        .collect();
    let output = stored.output.differs(&wanted.output);
    let output = output.filter(|_| !stored.valueless).map(str::to_owned);
    let word = match changed.len() {
        0 if output.is_none() && stored.valueless => return "the state has no value".to_owned(),
        0 => return format!("{} changed", listed(output.into_iter())),
        1 => "trigger",
        _ => "triggers",
    };
    let all = changed.into_iter().chain(output);
    format!("{word} {} changed", listed(all))
}

/// `a`, `a and b`, `a, b and c`.
fn listed(words: impl Iterator<Item = String>) -> String {
    let words: Vec<_> = words.collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => "inputs".to_owned(),
    }
}
