//! An issuer at its first use: profile loaded, credential found, one inventory for the whole run.
//!
//! Asks nobody: requests are made by whoever uses the connection.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tfplugin::{AttributePath, Diagnostics};
use tokenwright_client::inventory::RECHECK;
use tokenwright_client::profile::{builtin, builtins};
use tokenwright_client::{
    Clock, Error, Inventory, Issuer, Listing, Profile, ProfileIssuer, ProfileSettings, SecretText,
    SecretValue, http,
};
use tokenwright_core::{Identity, Origin, Parameters};

use crate::config::{Credential, Given, IssuerSettings, Settings};
use crate::say::chain;
use crate::secrets::{Digests, digests, duplicate};

/// Stands for a credential that is not known yet; nothing is ever sent with it.
const UNKNOWN: &str = "unknown";
/// A listing that looks for leftovers before a mint may be this old: it only warns.
const LEFTOVERS: SignedDuration = SignedDuration::from_secs(60);

/// What an issuer is made of.
pub(crate) struct Made {
    pub(crate) issuer: Arc<dyn Issuer>,
    pub(crate) credential: Given<Digests>,
    /// What would be a credential where there is none.
    pub(crate) credential_hint: String,
}

/// Makes an issuer of its settings: by profile, or in memory for tests.
pub(crate) type Maker = dyn Fn(&IssuerSettings) -> Result<Made, Refusal> + Send + Sync;

/// Settings of an issuer that make none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A value is not known before something else is applied.
    Unknown(&'static str),
    /// The field of the issuer, and what is wrong with it.
    Invalid(&'static str, String),
}

/// An issuer that was asked for, or why there is none.
type Attempted = Result<Arc<Connected>, Refusal>;

/// All issuers of the provider block.
pub(crate) struct Connections {
    settings: Settings,
    maker: Arc<Maker>,
    clock: Clock,
    made: Mutex<BTreeMap<String, Arc<OnceLock<Attempted>>>>,
}

/// One issuer, with what all resources share.
#[derive(Debug)]
pub(crate) struct Connected {
    /// The key in `issuers`.
    pub(crate) name: String,
    pub(crate) issuer: Arc<dyn Issuer>,
    pub(crate) inventory: Inventory,
    pub(crate) request_timeout: SignedDuration,
    pub(crate) origin: Origin,
    /// `None` while the credential is not known yet.
    pub(crate) credential: Option<Digests>,
    pub(crate) clock: Clock,
    identity: tokio::sync::OnceCell<Option<Identity>>,
    leftovers: tokio::sync::Mutex<BTreeMap<Parameters, Arc<Listing>>>,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Connections {
    pub(crate) fn new(settings: Settings, maker: Arc<Maker>, clock: Clock) -> Self {
        Self {
            settings,
            maker,
            clock,
            made: Mutex::default(),
        }
    }

    /// The name that stands for an absent `issuer`: the only one there is.
    pub(crate) fn sole(&self) -> Option<&str> {
        let issuers = self.settings.issuers.as_ref()?;
        match issuers.len() {
            1 => issuers.keys().next().map(String::as_str),
            _ => None,
        }
    }

    /// The issuer of a resource. `None` without an error means that it is not known yet.
    pub(crate) fn issuer(
        &self,
        name: Option<&str>,
        diags: &mut Diagnostics,
    ) -> Option<Arc<Connected>> {
        let issuers = self.settings.issuers.as_ref()?;
        let path = AttributePath::new("issuer");
        let known = || issuers.keys().cloned().collect::<Vec<_>>().join(", ");
        let Some(name) = name.or_else(|| self.sole()) else {
            let detail = format!(
                "The provider configures several issuers ({}); name one of them.",
                known()
            );
            diags.error_at(path, "The issuer is missing", detail);
            return None;
        };
        let Some(settings) = issuers.get(name) else {
            let detail = format!(
                "The provider configures no issuer {name:?}; it knows {}.",
                known()
            );
            diags.error_at(path, "The issuer is not known", detail);
            return None;
        };
        match self.make(name, settings) {
            Ok(connected) => Some(connected),
            Err(Refusal::Unknown(_)) => None,
            Err(Refusal::Invalid(field, message)) => {
                let summary = format!("Issuer {name:?} cannot be used");
                diags.error_at(
                    path,
                    summary,
                    format!("issuers[{name:?}].{field}: {message}"),
                );
                None
            }
        }
    }

    fn make(&self, name: &str, settings: &IssuerSettings) -> Attempted {
        let cell = {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(made.entry(name.to_owned()).or_default())
        };
        cell.get_or_init(|| {
            let made = (self.maker)(settings)?;
            let credential = match made.credential {
                Given::Known(credential) => Some(credential),
                Given::Unknown => None,
                Given::Absent => return Err(Refusal::Invalid("credential", made.credential_hint)),
            };
            Ok(Arc::new(Connected {
                name: name.to_owned(),
                inventory: Inventory::new(Arc::clone(&made.issuer), RECHECK, self.clock.clone()),
                issuer: made.issuer,
                request_timeout: settings.request_timeout,
                origin: self.settings.origin(),
                credential,
                clock: self.clock.clone(),
                identity: tokio::sync::OnceCell::new(),
                leftovers: tokio::sync::Mutex::default(),
            }))
        })
        .clone()
    }
}

impl Connected {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Who the credential is; asked once in a run.
    pub(crate) async fn identity(&self) -> Result<Option<Identity>, Error> {
        let asked = self
            .identity
            .get_or_try_init(|| self.issuer.identity())
            .await;
        asked.cloned()
    }

    /// A listing in which leftovers of killed creates can be seen; one for all creates of a run.
    pub(crate) async fn leftovers(&self, parameters: &Parameters) -> Result<Arc<Listing>, Error> {
        let mut kept = self.leftovers.lock().await;
        if let Some(listing) = kept.get(parameters)
            && listing.started_at + LEFTOVERS > self.now()
        {
            return Ok(Arc::clone(listing));
        }
        let listing = self.inventory.recent(parameters).await?;
        kept.insert(parameters.clone(), Arc::clone(&listing));
        Ok(listing)
    }

    /// Something was minted, changed or revoked.
    pub(crate) fn changed(&self, parameters: &Parameters) {
        self.inventory.forget(parameters);
    }
}

/// Says at the earliest moment what is wrong with profiles and endpoints. Nobody is asked.
pub(crate) fn check(settings: &Settings, diags: &mut Diagnostics) {
    for (name, issuer) in settings.issuers.iter().flatten() {
        let path = |field: &str| {
            AttributePath::new("issuers")
                .key(name.as_str())
                .attribute(field)
        };
        if let Given::Known(text) = &issuer.profile
            && let Err(message) = profile(text)
        {
            let summary = format!("The profile of issuer {name:?} cannot be used");
            diags.error_at(path("profile"), summary, message);
        }
        if let Given::Known(text) = &issuer.endpoint
            && let Err(error) = http::endpoint(text)
        {
            let summary = format!("The endpoint of issuer {name:?} cannot be used");
            diags.error_at(path("endpoint"), summary, format!("The {error}."));
        }
    }
}

/// An issuer by its profile, with the credential from the configuration or the environment.
pub(crate) fn by_profile(settings: &IssuerSettings) -> Result<Made, Refusal> {
    let profile = match &settings.profile {
        Given::Known(text) => profile(text).map_err(|m| Refusal::Invalid("profile", m))?,
        Given::Absent | Given::Unknown => return Err(Refusal::Unknown("profile")),
    };
    if !profile.mints() {
        let manual = profile.manual().unwrap_or_default();
        let message = format!(
            "tokens of {} cannot be minted through its API. A person must: {manual}.",
            profile.title()
        );
        return Err(Refusal::Invalid("profile", message));
    }
    if settings.endpoint == Given::Unknown {
        return Err(Refusal::Unknown("endpoint"));
    }
    let credential = credential(&profile, settings)?;
    let stand_in = || {
        let parts = profile.credential().keys();
        SecretValue::new(parts.map(|part| (part.clone(), SecretText::new(UNKNOWN.to_owned()))))
    };
    let (used, credential) = match credential {
        Given::Known(used) => {
            let digests = digests(&used);
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
    let hint = hint(&profile);
    let issuer = ProfileIssuer::new(profile, made)
        .map_err(|error| Refusal::Invalid("endpoint", format!("the {error}.")))?;
    Ok(Made {
        issuer: Arc::new(issuer),
        credential,
        credential_hint: hint,
    })
}

fn profile(text: &str) -> Result<Arc<Profile>, String> {
    if let Some(profile) = builtin(text) {
        return Ok(profile);
    }
    // One word is a name; a profile has lines.
    if !text.contains('\n') {
        let known: Vec<_> = builtins().collect();
        return Err(format!(
            "There is no built-in profile {text:?}. Built in are {}; a profile of your own is given as its YAML text.",
            known.join(", ")
        ));
    }
    Profile::parse(text)
        .map(Arc::new)
        .map_err(|error| format!("The {}.", chain(&error)))
}

fn hint(profile: &Profile) -> String {
    let parts = profile.credential();
    let variables: Vec<_> = parts
        .values()
        .filter_map(|part| part.env.as_deref())
        .collect();
    let argument = match parts.len() {
        1 => "credential".to_owned(),
        _ => {
            let names: Vec<_> = parts.keys().map(String::as_str).collect();
            format!("credential_parts with {}", names.join(", "))
        }
    };
    match variables.is_empty() {
        true => format!("there is none. Set {argument}."),
        false => format!(
            "there is none. Set {argument}, or the environment variable {}.",
            variables.join(", ")
        ),
    }
}

fn credential(profile: &Profile, settings: &IssuerSettings) -> Result<Given<SecretValue>, Refusal> {
    let parts = profile.credential();
    let mut used = Vec::new();
    match &settings.credential {
        Given::Unknown => return Ok(Given::Unknown),
        Given::Known(Credential::Whole(secret)) => {
            let (Some(part), 1) = (parts.keys().next(), parts.len()) else {
                return Err(Refusal::Invalid("credential", hint(profile)));
            };
            used.push((part.clone(), duplicate(secret)));
        }
        Given::Known(Credential::Parts(given)) => {
            if let Some(unknown) = given.keys().find(|name| !parts.contains_key(*name)) {
                let known: Vec<_> = parts.keys().map(String::as_str).collect();
                let message = format!(
                    "there is no part {unknown:?}; the profile has {}.",
                    known.join(", ")
                );
                return Err(Refusal::Invalid("credential_parts", message));
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
                if let Some(text) = variable.filter(|text| !text.is_empty()) {
                    used.push((name.clone(), SecretText::new(text)));
                }
            }
        }
    }
    if used.len() < parts.len() {
        return Ok(Given::Absent);
    }
    Ok(Given::Known(SecretValue::new(used)))
}
