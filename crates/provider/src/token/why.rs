//! Why a token is minted, in words that a person reads in the plan.

use tokenwright_core::{Inputs, Reason};

use super::state::Stored;
use super::wanted::Wanted;
use crate::schema::names::*;

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
        (NAME.as_str(), has.name != wants.name),
        (SCOPES.as_str(), has.scopes != wants.scopes),
        (PARAMETERS.as_str(), has.parameters != wants.parameters),
        (end, has.lifetime != wants.lifetime),
    ];
    let names = differs.iter().filter(|(_, differs)| *differs);
    listed(names.map(|(name, _)| (*name).to_owned()))
}

fn changed_triggers(stored: &Stored, wanted: &Wanted) -> String {
    let (has, wants) = (&stored.triggers, &wanted.triggers);
    let quoted = |key: &String| format!("`{key}`");
    let differs = |key: &&String| has.get(*key) != wants.get(*key);
    let changed: Vec<_> = wants.keys().filter(differs).map(quoted).collect();
    let gone = has.keys().filter(|key| !wants.contains_key(*key));
    let gone: Vec<_> = gone.map(quoted).collect();
    let output = stored.output.differs(&wanted.output);
    let output = output.filter(|_| !stored.valueless).map(str::to_owned);
    let mut all = Vec::new();
    if !changed.is_empty() || output.is_some() {
        let named = listed(changed.iter().cloned().chain(output));
        all.push(format!("{}{named} changed", triggers(changed.len())));
    }
    if !gone.is_empty() {
        let named = listed(gone.iter().cloned());
        all.push(format!("{}{named} removed", triggers(gone.len())));
    }
    match (all.is_empty(), stored.valueless) {
        (true, true) => "the state has no value".to_owned(),
        (true, false) => "inputs changed".to_owned(),
        (false, _) => all.join(", "),
    }
}

fn triggers(count: usize) -> &'static str {
    match count {
        0 => "",
        1 => "trigger ",
        _ => "triggers ",
    }
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
