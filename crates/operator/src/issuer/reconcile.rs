//! The reconcile of one `TokenIssuer`: from its specification and credential to a handle.
//!
//! Nothing is asked of the issuer here but who the credential is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::runtime::controller::Action as Next;
use serde_json::json;
use tokenwright_api::issuer::CredentialSecret;
use tokenwright_api::names::{condition, finalizer, label, reason};
use tokenwright_api::{TokenIssuer, TokenIssuerStatus};
use tokenwright_client::{Inventory, SecretText};
use tokenwright_core::{bounds, duration};

use crate::cluster::calls::CallError;
use crate::cluster::conditions::{Fact, Trouble, reconciling, stalled, updated};
use crate::cluster::context::Context;
use crate::cluster::finalizers;
use crate::issuer::factory::{Setup, SetupError};
use crate::issuer::hosts::{self, Refused};
use crate::issuer::registry::{Handle, IssuerState, Issuers, Obstacle};
use crate::issuer::scheduler::Scheduler;
use crate::issuer::suspicion;
use crate::secret::limits::is_plain;
use parking_lot::Mutex;

/// A Secret that is not there is not watched; it is looked for this often.
const UNTOLD: Duration = Duration::from_secs(15);

/// Nothing wakes an issuer whose tokens vanish; it is looked at this often.
const LOOK: Duration = Duration::from_secs(60);

/// How long the deletion of an issuer waits for the `ApiToken`s that need it.
const LONGEST_GOODBYE: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// What a handle was made from; as long as it is the same, the handle is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MadeFrom {
    uid: Option<String>,
    generation: Option<i64>,
    credential: Option<String>,
    needed: bool,
}

/// What the issuer's reconcile remembers between two runs, by namespace and name.
pub(crate) type Known = Mutex<BTreeMap<(String, String), MadeFrom>>;

/// What a reconcile of an issuer is given.
#[derive(Debug, Clone)]
pub(crate) struct Around {
    /// The UIDs of the `ApiToken`s that name this issuer.
    pub(crate) dependents: Vec<String>,
    /// Whether there is an `ApiToken` in its namespace that cannot be read.
    pub(crate) unreadable: bool,
    /// The version of the Secret of the credential, as the watch shows it.
    pub(crate) credential: Option<String>,
}

/// Makes the handle of one issuer, or says why there is none.
///
/// # Errors
///
/// If the API server does not answer clearly.
pub(crate) async fn reconcile(
    object: Arc<TokenIssuer>,
    context: &Arc<Context>,
    issuers: &Issuers,
    known: &Known,
    around: Around,
) -> Result<Next, CallError> {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let key = (namespace.clone(), name.clone());
    let needed = !around.dependents.is_empty() || around.unreadable;
    if let Some(since) = object.metadata.deletion_timestamp.as_ref() {
        let waited = context.clock.now().duration_since(since.0) >= LONGEST_GOODBYE;
        if !needed || waited {
            let_go(context, &object).await?;
            issuers.remove(&namespace, &name);
            known.lock().remove(&key);
            return Ok(Next::await_change());
        }
    }
    let made = MadeFrom {
        uid: object.uid(),
        generation: object.metadata.generation,
        credential: around.credential.clone(),
        needed,
    };
    let ready = matches!(issuers.get(&namespace, &name), Some(IssuerState::Ready(_)));
    let before = known.lock().get(&key).cloned();
    if ready && before.as_ref() == Some(&made) {
        let losses = issuers.losses(&namespace, &name);
        suspicion::tell(context, &object, &losses).await?;
        return Ok(Next::requeue(LOOK));
    }
    let object = if needed {
        hold(context, &object).await?
    } else {
        TokenIssuer::clone(&object)
    };
    let result = make(context, issuers, &object, needed).await?;
    let (state, identity, credential) = match result {
        Ok((handle, credential)) => {
            let identity = handle.identity.as_ref().map(ToString::to_string);
            (IssuerState::Ready(handle), identity, credential)
        }
        Err(obstacle) => (IssuerState::NotReady(obstacle), None, None),
    };
    let next = match &state {
        IssuerState::Ready(_) => Next::requeue(LOOK),
        IssuerState::NotReady(_) => Next::requeue(UNTOLD),
    };
    say(context, &object, &state, identity).await?;
    issuers.set(&namespace, &name, state);
    known.lock().insert(key, MadeFrom { credential, ..made });
    for uid in &around.dependents {
        context.wake(uid);
    }
    Ok(next)
}

async fn make(
    context: &Arc<Context>,
    issuers: &Issuers,
    object: &TokenIssuer,
    needed: bool,
) -> Result<Result<(Arc<Handle>, Option<String>), Obstacle>, CallError> {
    let spec = &object.spec;
    let endpoint = match endpoint(issuers, object) {
        Ok(endpoint) => endpoint,
        Err(obstacle) => return Ok(Err(obstacle)),
    };
    let (credential, version) = match &spec.credential {
        Some(credential) => {
            match read_credential(context, object, &credential.secret_ref, needed).await? {
                Ok(read) => read,
                Err(obstacle) => return Ok(Err(obstacle)),
            }
        }
        None => (BTreeMap::new(), None),
    };
    let (Ok(request_timeout), Ok(recheck)) = (
        duration::parse(spec.request_timeout.as_str()),
        duration::parse(spec.recheck.as_str()),
    ) else {
        let message = "spec.requestTimeout or spec.recheck is no duration";
        return Ok(Err(Obstacle::stalled(reason::INVALID_SPEC, message)));
    };
    // Admission refuses what lies outside; an object that predates it is served within.
    let request_timeout = bounds::REQUEST_TIMEOUT.clamp(request_timeout);
    let recheck = bounds::RECHECK.clamp(recheck);
    let setup = Setup {
        profile: spec.profile.clone(),
        endpoint,
        credential,
        request_timeout,
    };
    let issuer = match issuers.factory.make(setup) {
        Ok(issuer) => issuer,
        Err(error) => {
            let reason = match error {
                SetupError::CredentialMissing => reason::CREDENTIAL_MISSING,
                SetupError::Credential(_) => reason::CREDENTIAL_NOT_FOUND,
                SetupError::Invalid(_) => reason::INVALID_SPEC,
            };
            return Ok(Err(Obstacle::stalled(reason, error.to_string())));
        }
    };
    let identity = match issuer.identity().await {
        Ok(identity) => identity,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the issuer does not say who the credential is"
            );
            return Ok(Err(Obstacle {
                reason: reason::ISSUER_NOT_READY,
                message: format!("{} ({}).", error.kind, error.kind.name()),
                stalled: !error.kind.is_transient(),
            }));
        }
    };
    let now = context.clock.now();
    let handle = Handle {
        scheduler: Scheduler::new(
            spec.rate.per_minute,
            spec.rate.concurrency,
            context.waker(),
            now,
        ),
        inventory: Inventory::new(Arc::clone(&issuer), recheck, context.clock.clone()),
        credential: version.clone(),
        losses: issuers.losses(&object.namespace().unwrap_or_default(), &object.name_any()),
        listed_at: Mutex::default(),
        issuer,
        public_parts: issuers.factory.public_parts(&spec.profile),
        identity,
        request_timeout,
        recheck,
    };
    Ok(Ok((Arc::new(handle), version)))
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

type ReadCredential = (BTreeMap<String, SecretText>, Option<String>);

/// The parts of the credential. On first use its Secret gets our label, so that a correction of it is
/// seen by the watch, and our finalizer, so that a namespace that is deleted can still be cleaned up.
async fn read_credential(
    context: &Context,
    object: &TokenIssuer,
    at: &CredentialSecret,
    needed: bool,
) -> Result<Result<ReadCredential, Obstacle>, CallError> {
    let namespace = object.namespace().unwrap_or_default();
    let Some(mut secret) = context.calls.secret(&namespace, &at.name).await? else {
        let message = format!("spec.credential.secretRef: there is no Secret {}", at.name);
        return Ok(Err(Obstacle::stalled(
            reason::CREDENTIAL_NOT_FOUND,
            message,
        )));
    };
    if !is_plain(&secret) {
        let type_ = secret.type_.unwrap_or_default();
        let message = format!(
            "spec.credential.secretRef: the Secret {} has the type {type_:?}, which belongs to Kubernetes or another program: put the credential into a Secret of its own",
            at.name
        );
        return Ok(Err(Obstacle::stalled(reason::INVALID_SPEC, message)));
    }
    if needed && let Some(metadata) = finalizers::hold_as(&secret, label::SECRET_CREDENTIAL) {
        secret = context.calls.patch_secret(&secret, metadata).await?;
    }
    let version = secret.resource_version();
    Ok(parts(&secret, at).map(|parts| (parts, version)))
}

fn parts(secret: &Secret, at: &CredentialSecret) -> Result<BTreeMap<String, SecretText>, Obstacle> {
    let data = secret.data.clone().unwrap_or_default();
    let text = |key: &String| {
        let missing = || {
            let message = format!("the Secret {} has no usable key {key:?}", at.name);
            Obstacle::stalled(reason::CREDENTIAL_NOT_FOUND, message)
        };
        let bytes = data.get(key).ok_or_else(missing)?;
        let text = std::str::from_utf8(&bytes.0).map_err(|_| missing())?;
        Ok(SecretText::taken_in(text))
    };
    if at.keys.is_empty() {
        return data
            .keys()
            .map(|key| Ok((key.clone(), text(key)?)))
            .collect();
    }
    at.keys
        .iter()
        .map(|(part, key)| Ok((part.clone(), text(key)?)))
        .collect()
}

/// Holds an issuer that `ApiToken`s need.
async fn hold(context: &Context, object: &TokenIssuer) -> Result<TokenIssuer, CallError> {
    if finalizers::has(object, finalizer::IN_USE) || object.metadata.deletion_timestamp.is_some() {
        return Ok(object.clone());
    }
    let finalizers = finalizers::with(object, finalizer::IN_USE);
    context.calls.set_finalizers(object, &finalizers).await
}

/// Lets an issuer and the Secret of its credential go.
async fn let_go(context: &Context, object: &TokenIssuer) -> Result<(), CallError> {
    if let Some(credential) = &object.spec.credential {
        let namespace = object.namespace().unwrap_or_default();
        let secret = context
            .calls
            .secret(&namespace, &credential.secret_ref.name)
            .await?;
        if let Some(secret) = secret.filter(|s| finalizers::has(s, finalizer::IN_USE)) {
            let others = finalizers::without(&secret, finalizer::IN_USE);
            let metadata = json!({ "finalizers": others });
            context.calls.patch_secret(&secret, metadata).await?;
        }
    }
    if finalizers::has(object, finalizer::IN_USE) {
        finalizers::release(&context.calls, object, finalizer::IN_USE).await?;
    }
    Ok(())
}

async fn say(
    context: &Context,
    object: &TokenIssuer,
    state: &IssuerState,
    identity: Option<String>,
) -> Result<(), CallError> {
    let before = object.status.clone().unwrap_or_default();
    let (ready, why, waits) = match state {
        IssuerState::Ready(_) => {
            let sentence = "The issuer can be used.";
            let ready = Fact::new(condition::READY, true, reason::READY, sentence);
            (ready, None, None)
        }
        IssuerState::NotReady(obstacle) => {
            let why = obstacle.reason;
            let ready = Fact::new(condition::READY, false, why, obstacle.message.clone());
            let word = Some(Trouble::new(why, ""));
            match obstacle.stalled {
                true => (ready, word, None),
                false => (ready, None, word),
            }
        }
    };
    let facts = [ready, reconciling(waits), stalled(why)];
    let generation = object.metadata.generation.unwrap_or_default();
    let last_inventory = match state {
        IssuerState::Ready(handle) => handle.listed_at.lock().or(before.last_inventory),
        IssuerState::NotReady(_) => before.last_inventory,
    };
    let status = TokenIssuerStatus {
        observed_generation: Some(generation),
        conditions: updated(&before.conditions, &facts, generation, context.clock.now()),
        identity: identity.or_else(|| before.identity.clone()),
        last_inventory,
    };
    if status == before {
        return Ok(());
    }
    let mut next = object.clone();
    next.status = Some(status);
    context.calls.write_status(next).await.map(|_| ())
}
