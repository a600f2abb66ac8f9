//! The provider block: read, checked, and kept. Nothing is loaded and nobody is asked.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use tfplugin::{AnyName, AttributePath, Diagnostics, Name, Value};
use tokenwright_client::SecretText;
use tokenwright_core::{Origin, bounds, duration};

use crate::schema::names::{self, *};
use crate::values::is_blank;

/// As long as the operator's.
pub(crate) const REQUEST_TIMEOUT: SignedDuration = SignedDuration::from_secs(30);

/// The provider block.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// The Terraform state that these tokens belong to.
    pub(crate) manager: Given<String>,
    /// By the names that resources use; `None` while they are unknown.
    pub(crate) issuers: Option<BTreeMap<String, IssuerSettings>>,
}

/// One issuer.
#[derive(Debug)]
pub(crate) struct IssuerSettings {
    /// A built-in profile's name, or a profile as YAML.
    pub(crate) profile: Given<String>,
    pub(crate) endpoint: Given<String>,
    pub(crate) credential: Given<Secret>,
    pub(crate) request_timeout: SignedDuration,
}

/// What authenticates: our requests, or an adopted token's.
#[derive(Debug)]
pub(crate) enum Secret {
    /// In one piece.
    Whole(SecretText),
    /// By the profile's names.
    Parts(BTreeMap<String, SecretText>),
}

/// A value of a configuration, which may depend on what is yet to be applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Given<T> {
    #[default]
    Absent,
    Unknown,
    Known(T),
}

impl<T> Given<T> {
    pub(crate) fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }
}

impl Settings {
    pub(crate) fn origin(&self) -> Origin {
        Origin::of(self.manager.known().map_or("", String::as_str))
    }

    /// Reads the block. What cannot be is an error at its attribute.
    pub(crate) fn read(config: &Value, diags: &mut Diagnostics) -> Self {
        let issuers = config.get(ISSUERS).as_map().map(|issuers| {
            let read = |(name, value): (&String, &Value)| {
                let path = ISSUERS.path().key(name.as_str());
                (name.clone(), IssuerSettings::read(value, &path, diags))
            };
            issuers.iter().map(read).collect()
        });
        if is_blank(config.get(MANAGER)) {
            let path = MANAGER.path();
            let detail = format!(
                "Name the state that these tokens belong to, or leave {path} out, which null does, too."
            );
            diags.error_at(path, "The manager is empty", detail);
        }
        Self {
            manager: text(config, MANAGER),
            issuers,
        }
    }
}

impl IssuerSettings {
    fn read(value: &Value, path: &AttributePath, diags: &mut Diagnostics) -> Self {
        let at = |name: Name<String>| path.clone().attribute(name);
        let timeout_at = at(names::REQUEST_TIMEOUT);
        let timeout = value.get(names::REQUEST_TIMEOUT).as_str();
        let request_timeout = match timeout.map(duration::parse) {
            None => REQUEST_TIMEOUT,
            Some(Ok(timeout)) if bounds::REQUEST_TIMEOUT.contain(timeout) => timeout,
            Some(Ok(timeout)) => {
                let sentence = bounds::REQUEST_TIMEOUT.sentence(timeout);
                let detail = format!("{timeout_at} {sentence}.");
                diags.error_at(timeout_at, "The request timeout is out of bounds", detail);
                REQUEST_TIMEOUT
            }
            Some(Err(_)) => {
                let detail =
                    format!("Write {timeout_at} as whole numbers with d, h, m or s, such as 30s.");
                diags.error_at(timeout_at, "request_timeout is no duration", detail);
                REQUEST_TIMEOUT
            }
        };
        // What is not known yet may turn out to be null.
        let given = |name: AnyName| !value.get(name).is_null() && !value.get(name).is_unknown();
        if given(&CREDENTIAL) && given(&CREDENTIAL_PARTS) {
            let detail = format!(
                "Set either {} or {}.",
                at(CREDENTIAL),
                path.clone().attribute(CREDENTIAL_PARTS)
            );
            diags.error_at(at(CREDENTIAL), "The credential is given twice", detail);
        }
        let parts_at = path.clone().attribute(CREDENTIAL_PARTS);
        let parts = value.get(CREDENTIAL_PARTS);
        let whole = (at(CREDENTIAL), value.get(CREDENTIAL));
        let parts = parts.as_map();
        let no_parts = parts.filter(|parts| parts.is_empty());
        let no_parts = no_parts.map(|_| parts_at.clone());
        let parts = parts.into_iter().flatten();
        let parts = parts.map(|(name, part)| (parts_at.clone().key(name.as_str()), part));
        let blank = [whole]
            .into_iter()
            .chain(parts)
            .filter(|(_, of)| is_blank(of));
        for empty in blank.map(|(empty, _)| empty).chain(no_parts) {
            let detail = format!(
                "{empty} must not be empty. Leave it out, which null does, too, to take what the environment has."
            );
            diags.error_at(empty, "The credential is empty", detail);
        }
        let endpoint = match is_blank(value.get(ENDPOINT)) {
            true => {
                let path = at(ENDPOINT);
                let detail = format!(
                    "{path} must not be empty. Leave it out, which null does, too, to take the vendor's own."
                );
                diags.error_at(path, "The endpoint is empty", detail);
                Given::Absent
            }
            false => text(value, ENDPOINT),
        };
        Self {
            profile: text(value, PROFILE),
            endpoint,
            credential: secret(value.get(CREDENTIAL), value.get(CREDENTIAL_PARTS)),
            request_timeout,
        }
    }
}

fn text(object: &Value, name: Name<String>) -> Given<String> {
    match object.get(name).is_unknown() {
        true => Given::Unknown,
        false => object.read(name).map_or(Given::Absent, Given::Known),
    }
}

/// A secret that is given as a whole or in parts.
pub(crate) fn secret(whole: &Value, parts: &Value) -> Given<Secret> {
    if !whole.is_wholly_known() || !parts.is_wholly_known() {
        return Given::Unknown;
    }
    let text = |value: &Value| SecretText::taken_in(value.as_str().unwrap_or_default());
    match (whole.as_str(), parts.as_map()) {
        (Some(_), _) => Given::Known(Secret::Whole(text(whole))),
        (None, Some(parts)) => Given::Known(Secret::Parts(
            parts
                .iter()
                .map(|(name, value)| (name.clone(), text(value)))
                .collect(),
        )),
        (None, None) => Given::Absent,
    }
}
