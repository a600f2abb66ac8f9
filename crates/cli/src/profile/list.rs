//! `profile list`: the built-in systems, and what each can and cannot do.
//!
//! Everything follows from the profiles; nothing is written down here a second time.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use tokenwright_client::Profile;
use tokenwright_client::limits::ScopesRule;
use tokenwright_client::profile::{builtin, builtins};
use tokenwright_core::{Disable, LostAnswer, UpdateKind, duration};

use crate::arguments::List;
use crate::exit::Exit;
use crate::output::{give, print, table};

/// One system, as programs read it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct System {
    profile: String,
    title: String,
    endpoint: Option<String>,
    docs: Option<String>,
    /// The parts of the credential, each with its environment variable.
    credential: BTreeMap<String, Option<String>>,
    /// The parameters, each with whether it must be given.
    parameters: BTreeMap<String, bool>,
    exactly_one: Vec<String>,
    can: Can,
    manual: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Can {
    mint: bool,
    check: bool,
    disable: &'static str,
    update: Vec<&'static str>,
    revoke: bool,
    settle: String,
    // Null where tokens are made by hand: whoever makes them sees at the system what it gives.
    lost_answer: Option<&'static str>,
    scopes: Option<&'static str>,
    expiry: Option<bool>,
    never: Option<bool>,
    // Null also where tokens do not expire.
    lifetime_unit: Option<String>,
    lifetime_max: Option<String>,
}

/// Prints them.
pub(crate) fn run(list: &List) -> anyhow::Result<Exit> {
    let profiles: Vec<_> = builtins().filter_map(builtin).collect();
    let systems: Vec<System> = profiles.iter().map(|profile| system(profile)).collect();
    give(list.output, &systems, |_| print(&table(&rows(&profiles))))?;
    Ok(Exit::Done)
}

fn system(profile: &Profile) -> System {
    let (can, limits) = (profile.capabilities(), profile.limits());
    let expires = profile.mints() && limits.expiry;
    let credential = profile.credential().iter();
    let parameters = profile.parameters().iter();
    System {
        profile: profile.name().to_owned(),
        title: profile.title().to_owned(),
        endpoint: profile.default_endpoint().map(str::to_owned),
        docs: profile.docs().map(str::to_owned),
        credential: credential
            .map(|(name, part)| (name.clone(), part.env.clone()))
            .collect(),
        parameters: parameters
            .map(|(name, p)| (name.clone(), p.required))
            .collect(),
        exactly_one: profile.exactly_one().to_vec(),
        can: Can {
            mint: profile.mints(),
            check: can.check,
            disable: match can.disable {
                Disable::Unsupported => "unsupported",
                Disable::SetState => "setState",
                Disable::BlindToggle => "blindToggle",
            },
            update: can.update.iter().copied().map(update).collect(),
            revoke: can.revoke,
            settle: duration::format(can.settle),
            lost_answer: profile.mints().then_some(match can.lost_answer {
                LostAnswer::Replay => "replay",
                LostAnswer::FindByMarker => "findByMarker",
                LostAnswer::CannotAttribute => "cannotAttribute",
                LostAnswer::CannotList => "cannotList",
            }),
            scopes: scopes(profile),
            expiry: profile.mints().then_some(limits.expiry),
            never: profile.mints().then(|| limits.allows_never()),
            lifetime_unit: expires.then(|| duration::format(limits.lifetime_unit)),
            lifetime_max: limits.lifetime_max.map(duration::format),
        },
        manual: profile.manual().map(str::to_owned),
    }
}

fn update(kind: UpdateKind) -> &'static str {
    match kind {
        UpdateKind::Name => "name",
        UpdateKind::Scopes => "scopes",
        UpdateKind::AddExpiry => "addExpiry",
        UpdateKind::ShortenExpiry => "shortenExpiry",
        UpdateKind::ExtendExpiry => "extendExpiry",
    }
}

const HEADINGS: [&str; 11] = [
    "PROFILE",
    "SYSTEM",
    "MINT",
    "LOST MINT",
    "CHECK",
    "DISABLE",
    "UPDATE",
    "REVOKE",
    "SCOPES",
    "EXPIRY",
    "SETTLE",
];

fn rows(profiles: &[Arc<Profile>]) -> Vec<Vec<String>> {
    let headings = HEADINGS.map(str::to_owned).to_vec();
    let rows = profiles.iter().map(|profile| row(profile));
    [headings].into_iter().chain(rows).collect()
}

fn row(profile: &Profile) -> Vec<String> {
    let can = profile.capabilities();
    let updates: Vec<_> = can.update.iter().copied().map(update).collect();
    let cells = [
        profile.name(),
        profile.title(),
        match profile.mints() {
            true => "yes",
            false => "by hand",
        },
        match can.lost_answer {
            _ if !profile.mints() => "",
            LostAnswer::Replay => "sent again",
            LostAnswer::FindByMarker => "found by name",
            LostAnswer::CannotAttribute => "lists no names",
            LostAnswer::CannotList => "no listing",
        },
        yes(can.check),
        match can.disable {
            Disable::Unsupported => "no",
            Disable::SetState => "yes",
            Disable::BlindToggle => "by flipping",
        },
        match updates.is_empty() {
            true => "no",
            false => &updates.join(", "),
        },
        match profile.mints() {
            true => yes(can.revoke),
            false => "by hand",
        },
        scopes(profile).unwrap_or_default(),
        &expiry(profile),
        &match profile.mints() {
            true => duration::format(can.settle),
            false => String::new(),
        },
    ];
    cells.map(str::to_owned).to_vec()
}

fn yes(can: bool) -> &'static str {
    if can { "yes" } else { "no" }
}

/// Nothing where whoever makes the tokens by hand chooses.
fn scopes(profile: &Profile) -> Option<&'static str> {
    profile.mints().then_some(match profile.limits().scopes {
        ScopesRule::None => "none",
        ScopesRule::Required => "required",
        ScopesRule::Optional => "optional",
    })
}

/// `in steps of 1d, at most 365d, or never`; nothing where whoever makes the tokens by hand chooses.
fn expiry(profile: &Profile) -> String {
    let limits = profile.limits();
    if !profile.mints() {
        return String::new();
    }
    if !limits.expiry {
        return "never".to_owned();
    }
    let unit = format!("in steps of {}", duration::format(limits.lifetime_unit));
    let max = limits
        .lifetime_max
        .map(|max| format!(", at most {}", duration::format(max)));
    let never = match limits.allows_never() {
        true => ", or never",
        false => "",
    };
    format!("{unit}{}{never}", max.unwrap_or_default())
}
