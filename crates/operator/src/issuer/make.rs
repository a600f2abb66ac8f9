//! From a specification and a credential to a handle. Nobody is asked.

use std::sync::Arc;

use kube::ResourceExt as _;
use kube::runtime::reflector::ObjectRef;
use parking_lot::Mutex;
use tokenwright_api::TokenIssuer;
use tokenwright_api::names::reason;
use tokenwright_client::account::{Gate, Limiter, Rate, SecretDigests};
use tokenwright_client::{Account, Issuer};
use tokenwright_core::{bounds, duration};
use tokio::sync::mpsc::UnboundedSender;

use crate::cluster::context::Context;
use crate::issuer::credential::Credential;
use crate::issuer::factory::{Setup, SetupError};
use crate::issuer::hosts::{self, Refused};
use crate::issuer::outside::Outside;
use crate::issuer::registry::{Handle, Issuers, Obstacle};
use crate::issuer::scheduler::Scheduler;

/// What a handle is made from; as long as it is the same, the handle is, and with it every pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MadeFrom {
    uid: Option<String>,
    generation: Option<i64>,
    credential: SecretDigests,
}

impl MadeFrom {
    /// What the handle of this object is made from.
    pub(crate) fn of(object: &TokenIssuer, credential: &Credential) -> Self {
        Self {
            uid: object.uid(),
            generation: object.metadata.generation,
            credential: SecretDigests::new(credential.parts.values().map(|text| text.sha256())),
        }
    }
}

/// Makes the handle of an issuer, or says why there is none.
pub(crate) fn make(
    context: &Arc<Context>,
    issuers: &Issuers,
    object: &TokenIssuer,
    credential: Credential,
    wakes: &UnboundedSender<ObjectRef<TokenIssuer>>,
) -> Result<Handle, Obstacle> {
    let spec = &object.spec;
    let endpoint = endpoint(issuers, object)?;
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
    let rate = Rate {
        per_minute: spec.rate.per_minute,
        concurrency: spec.rate.concurrency,
    };
    let gate = Gate::new(Limiter::new(rate), context.clock.clone());
    let (wakes, reference) = (wakes.clone(), ObjectRef::from_obj(object));
    gate.tell(move || {
        let _ended = wakes.send(reference.clone());
    });
    let setup = Setup {
        profile: spec.profile.clone(),
        endpoint,
        credential: credential.parts,
        request_timeout,
        gate: Arc::clone(&gate),
    };
    let issuer = issuers.factory.make(setup).map_err(unmade)?;
    let issuer: Arc<dyn Issuer> = Arc::new(Outside(issuer));
    Ok(Handle {
        scheduler: Scheduler::new(
            spec.rate.concurrency,
            Arc::clone(&gate),
            context.waker(),
            context.clock.now(),
        ),
        account: Account::new(issuer, gate, recheck, context.clock.clone()),
        authenticates_by: credential.token,
        credential: credential.version,
        losses: issuers.losses(&object.namespace().unwrap_or_default(), &object.name_any()),
        listed_at: Mutex::default(),
        public_parts: issuers.factory.public_parts(&spec.profile),
        request_timeout,
        recheck,
    })
}

fn unmade(error: SetupError) -> Obstacle {
    let reason = match error {
        SetupError::CredentialMissing => reason::CREDENTIAL_MISSING,
        SetupError::Credential(_) => reason::CREDENTIAL_NOT_FOUND,
        SetupError::Invalid(_) => reason::INVALID_SPEC,
    };
    Obstacle::stalled(reason, error.to_string())
}

fn endpoint(issuers: &Issuers, object: &TokenIssuer) -> Result<String, Obstacle> {
    let profile = &object.spec.profile;
    let home = issuers.factory.home(profile).ok_or_else(|| {
        Obstacle::stalled(
            reason::UNKNOWN_PROFILE,
            format!("spec.profile: there is no profile {profile:?}"),
        )
    })?;
    let endpoint = match &object.spec.endpoint {
        Some(endpoint) => endpoint.clone(),
        None if home.is_empty() => {
            let message = format!("spec.endpoint: {profile} has no default; say where it is");
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
