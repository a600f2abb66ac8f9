//! An issuer of its settings: the profile loaded, the credential found. Nobody is asked.

use std::sync::Arc;

use tfplugin::{Diagnostics, Name};
use tokenwright_client::account::SecretDigests;
use tokenwright_client::profile::{InvalidSettings, builtin, builtins};
use tokenwright_client::{
    Issuer, Profile, ProfileIssuer, ProfileSettings, SecretText, SecretValue, http,
};

use super::{FromSettings, Hosts, MadeIssuer, Refusal};
use crate::config::{Given, IssuerSettings, Secret, Settings};
use crate::diagnostics::chain;
use crate::schema::names::*;
use crate::secrets::duplicate;

/// Stands for a credential that is absent or not known yet; nothing is ever sent with it.
const UNKNOWN: &str = "unknown";

/// No name of a profile is longer.
const LONGEST: usize = 30;

/// Says at the earliest moment what is wrong with profiles and endpoints. Nobody is asked.
pub(crate) fn check(settings: &Settings, diags: &mut Diagnostics) {
    for (name, issuer) in settings.issuers.iter().flatten() {
        let path = |of: Name<String>| ISSUERS.path().key(name.as_str()).attribute(of);
        if let Given::Known(text) = &issuer.profile
            && let Err(message) = profile(text)
        {
            let summary = format!("The profile of issuer {name:?} cannot be used");
            diags.error_at(path(PROFILE), summary, message);
        }
        if let Given::Known(text) = &issuer.endpoint
            && let Err(error) = http::endpoint(text)
        {
            let summary = format!("The endpoint of issuer {name:?} cannot be used");
            let detail = format!(
                "The {error}. An endpoint begins with https://, or with http:// for a system on this machine."
            );
            diags.error_at(path(ENDPOINT), summary, detail);
        }
    }
}

/// An issuer by its profile, with the credential from the configuration or the environment.
pub(crate) fn by_profile(settings: &IssuerSettings, hosts: &Hosts) -> FromSettings {
    let profile = match &settings.profile {
        Given::Known(text) => profile(text).map_err(|m| Refusal::Invalid(PROFILE.as_str(), m)),
        Given::Absent | Given::Unknown => Err(Refusal::Unknown),
    };
    match profile {
        Ok(profile) => FromSettings {
            only_by_hand: only_by_hand(&profile),
            made: make(profile, settings, hosts),
        },
        Err(refusal) => FromSettings {
            only_by_hand: None,
            made: Err(refusal),
        },
    }
}

fn only_by_hand(profile: &Profile) -> Option<String> {
    let manual = profile.manual().unwrap_or_default();
    let title = profile.title();
    (!profile.mints()).then(|| {
        format!(
            "tokens of {title} cannot be minted through its API. A person must: {manual}. \
             What a person made is the resource tokenwright_adopted_token."
        )
    })
}

fn make(
    profile: Arc<Profile>,
    settings: &IssuerSettings,
    hosts: &Hosts,
) -> Result<MadeIssuer, Refusal> {
    if settings.endpoint == Given::Unknown {
        return Err(Refusal::Unknown);
    }
    let credential = credential(&profile, settings)?;
    let stand_in = || {
        let parts = profile.ways().take(1).flat_map(|way| way.parts);
        SecretValue::new(parts.map(|part| (part.clone(), SecretText::new(UNKNOWN.to_owned()))))
    };
    let (used, credential) = match credential {
        Given::Known(used) => {
            let digests = SecretDigests::of(&used);
            (used, Given::Known(digests))
        }
        Given::Unknown => (stand_in(), Given::Unknown),
        Given::Absent => (stand_in(), Given::Absent),
    };
    let made = ProfileSettings {
        endpoint: settings.endpoint.known().cloned(),
        credential: used,
        request_timeout: settings.request_timeout.unsigned_abs(),
    };
    let credential_hint = format!("there is none. {}", hint(&profile));
    let title = profile.title().to_owned();
    let parameters = profile.parameters().keys().cloned().collect();
    let public_parts = profile.public_parts().map(str::to_owned).collect();
    let issuer = ProfileIssuer::new(profile, made).map_err(|error| match error {
        InvalidSettings::Endpoint(_) if settings.endpoint == Given::Absent => {
            let message = format!(
                "{title} have no address that all share. Write the base URL of yours, such as https://HOST."
            );
            Refusal::Invalid(ENDPOINT.as_str(), message)
        }
        InvalidSettings::Endpoint(error) => {
            Refusal::Invalid(ENDPOINT.as_str(), format!("the {error}."))
        }
        InvalidSettings::CredentialPart { .. }
        | InvalidSettings::Way { .. }
        | InvalidSettings::Unsendable { .. } => {
            Refusal::Invalid(CREDENTIAL.as_str(), format!("{error}."))
        }
    })?;
    let gate = hosts.gate(issuer.endpoint());
    Ok(MadeIssuer {
        issuer: Arc::new(issuer.behind(Arc::clone(&gate))),
        gate,
        credential,
        credential_hint,
        parameters,
        public_parts,
    })
}

fn profile(text: &str) -> Result<Arc<Profile>, String> {
    if let Some(profile) = builtin(text) {
        return Ok(profile);
    }
    // One word is a name; a profile has lines, or is written as JSON.
    if !text.contains(['\n', '{']) {
        if text.ends_with(".yaml") || text.ends_with(".yml") {
            return Err(format!(
                "A profile of your own is given as its YAML text: write file({text:?})."
            ));
        }
        let meant = text.trim().to_lowercase();
        let begins = |name: &&str| meant.get(..3).is_some_and(|begin| name.starts_with(begin));
        let near: Vec<_> = builtins().filter(begins).collect();
        let known = match near.is_empty() {
            true => format!("Built in are {}", builtins().collect::<Vec<_>>().join(", ")),
            false => format!("Is {} meant", near.join(" or ")),
        };
        let end = if near.is_empty() { "." } else { "?" };
        // Something else was given by mistake, and may be secret.
        let named = match text.len() <= LONGEST {
            true => format!(" {text:?}"),
            false => String::from(" of so long a name"),
        };
        return Err(format!(
            "There is no built-in profile{named}. {known}{end} A profile of your own is given as its YAML text, such as file(\"hub.yaml\")."
        ));
    }
    Profile::parse(text)
        .map(Arc::new)
        .map_err(|error| format!("The {}.", chain(&error)))
}

/// What a person writes to give a credential.
fn hint(profile: &Profile) -> String {
    let parts = profile.credential();
    let variables: Vec<_> = parts
        .values()
        .filter_map(|part| part.env.as_deref())
        .collect();
    let ways = profile.ways().map(|way| match way.parts {
        [_] => CREDENTIAL.as_str().to_owned(),
        parts => format!("credential_parts with {}", parts.join(", ")),
    });
    let argument = ways.collect::<Vec<_>>().join(" or ");
    match variables.is_empty() {
        true => format!("Set {argument}."),
        false => {
            let several = if variables.len() == 1 { "" } else { "s" };
            let variables = variables.join(", ");
            format!("Set {argument}, or the environment variable{several} {variables}.")
        }
    }
}

fn credential(profile: &Profile, settings: &IssuerSettings) -> Result<Given<SecretValue>, Refusal> {
    let parts = profile.credential();
    let mut used = Vec::new();
    if parts.is_empty() && !matches!(settings.credential, Given::Absent) {
        let title = profile.title();
        let message = format!(
            "{title} have no credential: nothing is minted, and an adopted value is checked with itself. Leave it out."
        );
        return Err(Refusal::Invalid(CREDENTIAL.as_str(), message));
    }
    match &settings.credential {
        Given::Unknown => return Ok(Given::Unknown),
        Given::Known(Secret::Whole(secret)) => {
            let Some(part) = profile.single_part() else {
                let message = format!("one text is too little here. {}", hint(profile));
                return Err(Refusal::Invalid(CREDENTIAL.as_str(), message));
            };
            used.push((part.to_owned(), duplicate(secret)));
        }
        Given::Known(Secret::Parts(given)) => {
            if let Some(unknown) = given.keys().find(|name| !parts.contains_key(*name)) {
                let known: Vec<_> = parts.keys().map(String::as_str).collect();
                let message = format!(
                    "there is no part {unknown:?}; the profile has {}.",
                    known.join(", ")
                );
                return Err(Refusal::Invalid(CREDENTIAL_PARTS.as_str(), message));
            }
            used.extend(
                given
                    .iter()
                    .map(|(name, secret)| (name.clone(), duplicate(secret))),
            );
        }
        Given::Absent => {
            for (name, part) in parts {
                let variable = part
                    .env
                    .as_deref()
                    .and_then(|name| std::env::var(name).ok());
                let text = variable.map(|text| SecretText::taken_in(&text));
                if let Some(text) = text.filter(|text| !text.is_empty()) {
                    used.push((name.clone(), text));
                }
            }
            // Variables are set for other programs, too: the first way that they are enough for.
            let way = profile.way_given(|part| used.iter().any(|(name, _)| name == part));
            used.retain(|(name, _)| way.is_some_and(|way| way.parts.contains(name)));
        }
    }
    let way = profile.way_given(|part| used.iter().any(|(name, _)| name == part));
    if way.is_none() {
        return Ok(Given::Absent);
    }
    Ok(Given::Known(SecretValue::new(used)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_of_a_profile_is_not_repeated_and_a_mistyped_one_is_told_which_is_meant() {
        let secret = "s3cret".repeat(8);
        let told = profile(&secret).unwrap_err();
        assert!(
            told.contains("no built-in profile of so long a name"),
            "{told}"
        );
        assert!(!told.contains("s3cret"), "{told}");
        for mistyped in ["SeeMe", " seeme ", "seeme-ai"] {
            let told = profile(mistyped).unwrap_err();
            assert!(
                told.contains(mistyped) && told.contains("Is seeme "),
                "{told}"
            );
        }
        assert!(builtins().all(|name| name.len() <= LONGEST));
    }

    #[test]
    fn a_profile_may_be_written_in_one_line_as_json() {
        let told = profile("{\"profile\": \"hub\", \"colour\": \"red\"}").unwrap_err();
        assert!(told.contains("unknown field `colour`"), "{told}");
    }
}
