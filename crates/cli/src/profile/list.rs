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

use crate::arguments::{Format, List};
use crate::exit::Exit;
use crate::output::{print, table};

/// One system, as programs read it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct System {
    profile: String,
    title: String,
    endpoint: String,
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
    lost_answer: &'static str,
    check: bool,
    disable: &'static str,
    update: Vec<&'static str>,
    revoke: bool,
    scopes: &'static str,
    lifetime_unit: String,
    lifetime_max: Option<String>,
    never: bool,
    settle: String,
}

/// Prints them.
pub(crate) fn run(list: &List) -> anyhow::Result<Exit> {
    let profiles: Vec<_> = builtins().filter_map(builtin).collect();
    match list.output {
        Format::Table => print(&table(&rows(&profiles))),
        Format::Json => {
            let systems: Vec<System> = profiles.iter().map(|profile| system(profile)).collect();
            print(&format!("{}\n", serde_json::to_string_pretty(&systems)?));
        }
    }
    Ok(Exit::Done)
}

fn system(profile: &Profile) -> System {
    let (can, limits) = (profile.capabilities(), profile.limits());
    let credential = profile.credential().iter();
    let parameters = profile.parameters().iter();
    System {
        profile: profile.name().to_owned(),
        title: profile.title().to_owned(),
        endpoint: profile.endpoint().to_owned(),
        docs: profile.docs().map(str::to_owned),
        credential: credential
            .map(|(name, part)| (name.clone(), part.env.clone()))
            .collect(),
        parameters: parameters
            .map(|(name, p)| (name.clone(), p.required))
            .collect(),
        exactly_one: profile.exactly_one().to_vec(),
        can: Can {
            lost_answer: match can.lost_answer {
                LostAnswer::Replay => "replay",
                LostAnswer::FindByMarker => "findByMarker",
                LostAnswer::CannotAttribute => "cannotAttribute",
                LostAnswer::CannotList => "cannotList",
            },
            check: can.check,
            disable: match can.disable {
                Disable::Unsupported => "unsupported",
                Disable::SetState => "setState",
                Disable::BlindToggle => "blindToggle",
            },
            update: can.update.iter().copied().map(update).collect(),
            revoke: can.revoke,
            scopes: scopes(profile),
            lifetime_unit: duration::format(limits.lifetime_unit),
            lifetime_max: limits.lifetime_max.map(duration::format),
            never: limits.never,
            settle: duration::format(can.settle),
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

const HEADINGS: [&str; 10] = [
    "PROFILE",
    "SYSTEM",
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
        match can.lost_answer {
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
        yes(can.revoke),
        scopes(profile),
        &expiry(profile),
        &duration::format(can.settle),
    ];
    cells.map(str::to_owned).to_vec()
}

fn yes(can: bool) -> &'static str {
    if can { "yes" } else { "no" }
}

fn scopes(profile: &Profile) -> &'static str {
    match profile.limits().scopes {
        ScopesRule::None => "none",
        ScopesRule::Required => "required",
        ScopesRule::Optional => "optional",
    }
}

/// `in steps of 1d, at most 365d, or never`.
fn expiry(profile: &Profile) -> String {
    let limits = profile.limits();
    let unit = format!("in steps of {}", duration::format(limits.lifetime_unit));
    let max = limits
        .lifetime_max
        .map(|max| format!(", at most {}", duration::format(max)));
    let never = if limits.never { ", or never" } else { "" };
    format!("{unit}{}{never}", max.unwrap_or_default())
}
