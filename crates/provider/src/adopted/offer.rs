//! The value that a configuration offers: its parts against the profile's, and its digests.

use std::collections::BTreeMap;

use tfplugin::{AttributePath, Diagnostics, Value};
use tokenwright_client::account::SecretDigests;
use tokenwright_client::{SecretText, SecretValue};

use crate::config::{Given, Secret, secret};
use crate::connect::Connected;
use crate::diagnostics;
use crate::schema::names::*;
use crate::secrets::named_digests;

/// A value that is whole, for the issuer to be asked about.
pub(super) struct Offer {
    /// The secret parts.
    pub(super) value: SecretValue,
    /// Of all parts, public ones included.
    digests: SecretDigests,
}

impl Offer {
    /// Tells this value from another under the same salt.
    pub(super) fn fingerprint(&self, salt: &str) -> String {
        self.digests.keyed(salt.as_bytes())
    }

    /// The value of a configuration. Absent after an error, which stands at its attribute.
    pub(super) fn of(config: &Value, at: &Connected, diags: &mut Diagnostics) -> Given<Self> {
        let parts = match secret(config.get(VALUE_WO), config.get(VALUES_WO)) {
            Given::Unknown => return Given::Unknown,
            Given::Absent => None,
            Given::Known(Secret::Whole(text)) => sole_part(text, at, diags),
            Given::Known(Secret::Parts(parts)) => fits(&parts, at, diags).then_some(parts),
        };
        let Some(mut parts) = parts else {
            return Given::Absent;
        };
        let digests = named_digests(parts.iter());
        parts.retain(|name, _| at.issuer.value_parts().contains_key(name));
        Given::Known(Self {
            value: SecretValue::new(parts),
            digests,
        })
    }
}

/// The only secret part of the system's values, by its name.
fn sole_part(
    text: SecretText,
    at: &Connected,
    diags: &mut Diagnostics,
) -> Option<BTreeMap<String, SecretText>> {
    let path = VALUE_WO.path();
    let mut known = at.issuer.value_parts().iter();
    let (Some((name, max)), None) = (known.next(), known.next()) else {
        let detail = format!("{} Give them in values_wo.", of_the_profile(at));
        diags.error_at(path, "The value has several parts", detail);
        return None;
    };
    well_sized(&text, Some(*max), path, diags).then(|| [(name.clone(), text)].into())
}

/// Whether these are parts of the system's values, and none is missing.
fn fits(parts: &BTreeMap<String, SecretText>, at: &Connected, diags: &mut Diagnostics) -> bool {
    let before = diags.iter().count();
    let known = at.issuer.value_parts();
    let path = VALUES_WO.path();
    for (name, text) in parts {
        let at_part = path.clone().key(name.as_str());
        let max = known.get(name).copied();
        if max.is_none() && !at.public_parts.contains(name) {
            let summary = format!("There is no part {name:?}");
            diags.error_at(at_part, summary, of_the_profile(at));
        } else {
            well_sized(text, max, at_part, diags);
        }
    }
    for name in known.keys().filter(|name| !parts.contains_key(*name)) {
        let summary = format!("The part {name:?} is missing");
        diags.error_at(path.clone(), summary, of_the_profile(at));
    }
    diags.iter().count() == before
}

fn well_sized(
    text: &SecretText,
    max: Option<usize>,
    path: AttributePath,
    diags: &mut Diagnostics,
) -> bool {
    if text.is_empty() {
        let detail = "What a person made was not given here: is the variable set?";
        diags.error_at(path, "The value is empty", detail);
        return false;
    }
    if let Err(problem) = text.sendable(max.is_some()) {
        let detail = format!("It {problem}.");
        diags.error_at(path, "The value cannot be sent", detail);
        return false;
    }
    match max.filter(|max| text.len() > *max) {
        Some(max) => {
            let detail = format!(
                "It has {} bytes, and values of this system have at most {max}. Is it what the system showed?",
                text.len()
            );
            diags.error_at(path, "The value is too long", detail);
            false
        }
        None => true,
    }
}

fn of_the_profile(at: &Connected) -> String {
    let names: Vec<_> = at.issuer.value_parts().keys().map(String::as_str).collect();
    let public = match at.public_parts.as_slice() {
        [] => String::new(),
        public => format!("; public and not needed: {}", public.join(", ")),
    };
    let profile = at.issuer.profile();
    diagnostics::capital(&format!(
        "the parts of a value of profile {profile:?} are: {}{public}.",
        names.join(", ")
    ))
}
