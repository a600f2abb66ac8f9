//! From a specification and a credential to a handle. Nobody is asked.

use std::sync::Arc;

use kube::ResourceExt as _;
use kube::runtime::reflector::ObjectRef;
use parking_lot::Mutex;
use tokenwright_api::TokenIssuerSpec;
use tokenwright_api::issuer::Rate as Said;
use tokenwright_api::names::reason;
use tokenwright_api::token::IssuerKind;
use tokenwright_client::account::{Gate, Limiter, Rate, SecretDigests};
use tokenwright_client::{Account, Issuer};
use tokenwright_core::{TokenId, bounds, duration};
use tokio::sync::mpsc::UnboundedSender;

use crate::cluster::context::Context;
use crate::cluster::metrics;
use crate::issuer::credential::Credential;
use crate::issuer::described::Version;
use crate::issuer::factory::{Setup, SetupError, System};
use crate::issuer::hosts::{self, Refused};
use crate::issuer::listers::Listers;
use crate::issuer::object::IssuerObject;
use crate::issuer::obstacle::Obstacle;
use crate::issuer::outside::{Listings, Outside};
use crate::issuer::registry::{self, Handle, Issuers};
use crate::issuer::scheduler::Scheduler;

/// One request each second: below the limit of every system that is known. Four at the same time hide the
/// latency of each.
const RATE: Rate = Rate {
    per_minute: 60,
    concurrency: 4,
};

/// What a handle is made from; as long as it is the same, the handle is, and with it every pause.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MadeFrom {
    uid: Option<String>,
    settings: TokenIssuerSpec,
    described: Option<Version>,
    credential: SecretDigests,
    /// The names of its parts, which their digests do not tell.
    parts: Vec<String>,
    /// The token whose value it is: that one is not ended while it is used.
    token: Option<TokenId>,
}

impl MadeFrom {
    /// What the handle of this object is made from.
    pub(crate) fn of<K: IssuerObject>(
        object: &K,
        described: Option<Version>,
        credential: &Credential,
    ) -> Self {
        Self {
            uid: object.uid(),
            settings: object.settings().clone(),
            described,
            credential: digests(credential),
            parts: credential.parts.keys().cloned().collect(),
            token: credential.token.clone(),
        }
    }
}

/// What a credential is recognised by.
fn digests(credential: &Credential) -> SecretDigests {
    SecretDigests::new(credential.parts.values().map(|text| text.sha256()))
}

/// Makes the handle of an issuer, or says why there is none.
pub(crate) fn make<K: IssuerObject>(
    context: &Arc<Context>,
    issuers: &Issuers,
    object: &K,
    credential: Credential,
    wakes: &UnboundedSender<ObjectRef<K>>,
) -> Result<Handle, Obstacle> {
    let spec = object.settings();
    let system = system(issuers, spec)?;
    let endpoint = endpoint(issuers, &system, spec)?;
    let (Ok(request_timeout), Ok(recheck)) = (
        duration::parse(spec.request_timeout.as_str()),
        duration::parse(spec.recheck.as_str()),
    ) else {
        let message = "spec.requestTimeout or spec.recheck is no duration";
        return Err(Obstacle::stalled(reason::INVALID_SPEC, message));
    };
    // Admission refuses what lies outside; an object that predates it is served within.
    let request_timeout = bounds::REQUEST_TIMEOUT.clamp(request_timeout);
    let recheck = bounds::RECHECK.clamp(recheck);
    let rate = rate(&spec.rate, issuers.factory.rate(&system));
    let gate = Gate::shared(Limiter::new(rate), context.clock.clone());
    let (wakes, reference) = (wakes.clone(), ObjectRef::from_obj(object));
    let wake = Arc::new(move || {
        let _ended = wakes.send(reference.clone());
    });
    let told = Arc::clone(&wake);
    gate.tell(move || told());
    let misread = Arc::new(Mutex::default());
    // Nobody authenticates where there is no credential, so that nothing needs to stand for the account.
    let stand_in =
        (!credential.parts.is_empty()).then(|| issuers.key.account(&digests(&credential)));
    let parts = credential.parts.values();
    let authenticates_with = parts.map(registry::digest).collect();
    let setup = Setup {
        system: system.clone(),
        endpoint,
        credential: credential.parts,
        request_timeout,
        gate: Arc::clone(&gate),
    };
    let issuer = issuers.factory.make(setup).map_err(unmade)?;
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let name = metrics::issuer((namespace, name));
    context.metrics.there(&name);
    let issuer: Arc<dyn Issuer> = Arc::new(Outside {
        issuer,
        metrics: context.metrics.clone(),
        name,
        observe_only: context.observe_only,
        listings: Listings {
            misread: Arc::clone(&misread),
            changed: wake,
        },
    });
    let account = Account::new(issuer, Arc::clone(&gate), recheck, context.clock.clone());
    Ok(Handle {
        scheduler: Scheduler::new(
            (rate, K::KIND == IssuerKind::ClusterTokenIssuer),
            gate,
            context.clock.clone(),
            (context.waker(), context.tasks.clone()),
        ),
        account: match stand_in {
            Some(identity) => account.with_stand_in(identity),
            None => account,
        },
        authenticates_by: credential.token,
        authenticates_with,
        credential: credential.version,
        losses: issuers.losses(&object.namespace().unwrap_or_default(), &object.name_any()),
        allowances: Arc::clone(&issuers.allowances),
        rate,
        load: Mutex::default(),
        listed_at: Mutex::default(),
        listers: Listers::default(),
        outlasts: Mutex::default(),
        misread,
        public_parts: issuers.factory.public_parts(&system),
        request_timeout,
        recheck,
    })
}

/// How much is asked: what the person says, or else what the vendor documents, or else little; but never nothing,
/// which an object may say that predates the bounds of its kind.
fn rate(said: &Said, documented: Option<Rate>) -> Rate {
    let usual = documented.unwrap_or(RATE);
    Rate {
        per_minute: said.per_minute.unwrap_or(usual.per_minute).max(1),
        concurrency: said.concurrency.unwrap_or(usual.concurrency).max(1),
    }
}

fn unmade(error: SetupError) -> Obstacle {
    let reason = match error {
        SetupError::CredentialMissing => reason::CREDENTIAL_MISSING,
        SetupError::Credential(_) => reason::CREDENTIAL_NOT_FOUND,
        SetupError::Invalid(_) => reason::INVALID_SPEC,
    };
    Obstacle::stalled(reason, error.to_string())
}

/// The token system that an issuer names: one that is built in, or one that an administrator describes.
fn system(issuers: &Issuers, spec: &TokenIssuerSpec) -> Result<System, Obstacle> {
    match (&spec.profile, &spec.profile_ref) {
        (Some(name), None) => Ok(System::BuiltIn(name.clone())),
        (None, Some(at)) => issuers.described.get(&at.name).map(System::Described),
        // Admission refuses both.
        (Some(_), Some(_)) | (None, None) => {
            let message = "exactly one of spec.profile and spec.profileRef is required";
            Err(Obstacle::stalled(reason::INVALID_SPEC, message))
        }
    }
}

fn endpoint(
    issuers: &Issuers,
    system: &System,
    spec: &TokenIssuerSpec,
) -> Result<String, Obstacle> {
    let home = issuers.factory.home(system).ok_or_else(|| {
        let name = spec.profile.clone().unwrap_or_default();
        Obstacle::stalled(
            reason::UNKNOWN_PROFILE,
            format!("spec.profile: there is no profile {name:?}"),
        )
    })?;
    let endpoint = match &spec.endpoint {
        Some(endpoint) => endpoint.clone(),
        None if home.is_empty() => {
            let message = "spec.endpoint: the profile has no default; say where it is";
            return Err(Obstacle::stalled(reason::INVALID_SPEC, message));
        }
        None => home.clone(),
    };
    match hosts::check(&endpoint, &home, &issuers.allow_hosts) {
        Ok(()) => Ok(endpoint),
        Err(refused) => {
            let reason = match refused {
                Refused::NotAllowed(_) => reason::HOST_NOT_ALLOWED,
                Refused::NotAUrl(_) | Refused::Plain(_) | Refused::Credential => {
                    reason::INVALID_SPEC
                }
            };
            Err(Obstacle::stalled(reason, refused.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokenwright_api::TokenIssuer;
    use tokenwright_client::SecretText;

    use super::*;
    use crate::issuer::factory::IssuerFactory as _;
    use crate::issuer::profiles::Profiles;

    #[test]
    fn an_issuer_is_asked_as_a_person_says_or_its_vendor_documents_or_once_a_second() {
        let documented = |profile: &str| Profiles.rate(&System::BuiltIn(profile.to_owned()));
        let mut said = Said::default();
        let of = |said: &Said, profile| rate(said, documented(profile)).per_minute;
        assert_eq!(of(&said, "cloudflare-account"), 120);
        assert_eq!(of(&said, "grafana-cloud"), 10);
        assert_eq!(of(&said, "scaleway"), 60);
        said.per_minute = Some(600);
        assert_eq!(of(&said, "cloudflare-account"), 600);
        assert_eq!(rate(&said, documented("scaleway")).concurrency, 4);
        (said.per_minute, said.concurrency) = (Some(0), Some(0));
        let least = rate(&said, None);
        assert_eq!((least.per_minute, least.concurrency), (1, 1));
    }

    #[test]
    fn a_handle_is_made_anew_for_another_token_and_for_parts_of_other_names() {
        let object = json!({
            "apiVersion": "tokenwright.dev/v1alpha1", "kind": "TokenIssuer",
            "metadata": {"name": "i", "namespace": "n"}, "spec": {"profile": "seeme"},
        });
        let object: TokenIssuer = serde_json::from_value(object).unwrap();
        let of = |part: &str, token: Option<&str>| {
            let text = SecretText::new("hunter2".to_owned());
            let credential = Credential {
                parts: [(part.to_owned(), text)].into(),
                version: None,
                token: token.map(TokenId::new),
            };
            MadeFrom::of(&object, None, &credential)
        };
        assert_eq!(of("key", Some("1")), of("key", Some("1")));
        assert_ne!(of("key", Some("1")), of("key", Some("2")));
        assert_ne!(of("key", Some("1")), of("key", None));
        assert_ne!(of("key", None), of("token", None));
    }
}
