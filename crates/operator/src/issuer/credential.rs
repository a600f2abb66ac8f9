//! The Secrets of credentials: read, held while an issuer needs them, and given back.
//!
//! Who needs one is told by what the watches show, not by who did what: a changed reference, an issuer
//! that goes, two issuers that share one, and a restart in between all end the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::runtime::controller::Action as Next;
use serde_json::{Value, json};
use tokenwright_api::issuer::CredentialSecret;
use tokenwright_api::names::{annotation, finalizer, label, reason};
use tokenwright_client::SecretText;
use tokenwright_core::TokenId;

use crate::cluster::calls::CallError;
use crate::cluster::context::Context;
use crate::cluster::finalizers::{self, hold_credential, is_credential, left, sort};
use crate::cluster::marks::has;
use crate::issuer::at_start::AtStart;
use crate::issuer::holds::Holds;
use crate::issuer::object::IssuerObject;
use crate::issuer::obstacle::Obstacle;
use crate::secret::limits::SecretLimits;

/// No part of a credential is longer: each is kept for as long as its issuer is there, and anybody may make issuers.
const LONGEST: usize = 64 << 10;

/// Why one is given back.
const UNNEEDED: &str = "no issuer needs it";

/// The namespace and the name of a Secret.
pub(crate) type At<'a> = (&'a str, &'a str);

/// What an issuer authenticates with.
#[derive(Debug, Default)]
pub(crate) struct Credential {
    /// The parts, by the profile's names.
    pub(crate) parts: BTreeMap<String, SecretText>,
    /// The version of its Secret.
    pub(crate) version: Option<String>,
    /// The token whose value it is, where an `ApiToken` delivered it.
    pub(crate) token: Option<TokenId>,
}

/// The credential that an issuer names. While it is `needed` its Secret is held. Where the watch shows it, at
/// this version, a list `at_start` may show it, too.
pub(crate) async fn read<K: IssuerObject>(
    (context, limits): (&Context, &SecretLimits),
    object: &K,
    needed: bool,
    (at_start, version): (&AtStart, Option<&str>),
) -> Result<Result<Credential, Obstacle>, CallError> {
    let Some(credential) = &object.settings().credential else {
        return Ok(Ok(Credential::default()));
    };
    let at = &credential.secret_ref;
    let namespace = object.credential_namespace(&context.home);
    let listed = match version {
        Some(version) => at_start.get(context, (&namespace, &at.name), version).await,
        None => None,
    };
    let found = match listed {
        Some(listed) => Some(listed),
        None => context.calls.secret(&namespace, &at.name).await?,
    };
    let Some(mut secret) = found else {
        let name = &at.name;
        let message = format!(
            "spec.credential.secretRef: there is no Secret {name} in the namespace {namespace}"
        );
        return Ok(Err(Obstacle::stalled(
            reason::CREDENTIAL_NOT_FOUND,
            message,
        )));
    };
    if !limits.may_read(&secret) {
        let type_ = secret.type_.unwrap_or_default();
        let message = format!(
            "spec.credential.secretRef: the Secret {} has the type {type_:?}, which belongs to Kubernetes or another program: put the credential into a Secret of its own",
            at.name
        );
        return Ok(Err(Obstacle::stalled(reason::INVALID_SPEC, message)));
    }
    if needed && let Some(metadata) = hold_credential(&secret) {
        secret = finalizers::mark(context, object, secret, metadata).await?;
    }
    Ok(parts(&secret, at).map(|parts| Credential {
        parts,
        version: secret.resource_version(),
        token: delivered(&secret),
    }))
}

/// Which token the value in a Secret is, if an `ApiToken` delivered it: value and id are one write.
fn delivered(secret: &Secret) -> Option<TokenId> {
    if sort(secret) != Some(label::SECRET_TOKEN) {
        return None;
    }
    let id = secret.annotations().get(annotation::TOKEN_ID)?;
    Some(TokenId::new(id.as_str()))
}

fn parts(secret: &Secret, at: &CredentialSecret) -> Result<BTreeMap<String, SecretText>, Obstacle> {
    let nothing = BTreeMap::new();
    let data = secret.data.as_ref().unwrap_or(&nothing);
    let text = |key: &String| -> Result<SecretText, Obstacle> {
        let unusable = |why: &str| {
            let message = format!("the Secret {} has no usable key {key:?}{why}", at.name);
            Obstacle::stalled(reason::CREDENTIAL_NOT_FOUND, message)
        };
        let bytes = &data.get(key).ok_or_else(|| unusable(""))?.0;
        if bytes.len() > LONGEST {
            let why = format!(": no part of a credential is longer than {LONGEST} bytes");
            return Err(unusable(&why));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| unusable(""))?;
        Ok(SecretText::taken_in(text))
    };
    if at.keys.is_empty() {
        // What is too long for a part may stand beside them.
        let parts = data.iter();
        let parts = parts.filter(|(_, bytes)| data.len() == 1 || bytes.0.len() <= LONGEST);
        return parts
            .map(|(key, _)| Ok((key.clone(), text(key)?)))
            .collect();
    }
    at.keys
        .iter()
        .map(|(part, key)| Ok((part.clone(), text(key)?)))
        .collect()
}

/// Whether an issuer still holds the Secret of its credential: as long as it is held itself.
pub(crate) fn uses<K: IssuerObject>(
    issuer: &K,
    (home, holds): (&str, &Holds),
    (namespace, name): At<'_>,
) -> bool {
    issuer.authenticates_with(home, namespace, name) && stays(issuer, holds)
}

/// Whether an issuer is held, or needed: its finalizer may have been taken off by somebody just now.
fn stays<K: IssuerObject>(issuer: &K, holds: &Holds) -> bool {
    let uid = issuer.meta().uid.as_deref();
    has(issuer, finalizer::IN_USE) || uid.is_some_and(|uid| holds.needed(uid))
}

/// The credential of an issuer that is let go: given back before it, so that whoever waits for it to be gone need not
/// wait for more. Nothing where somebody else holds it, or where there is none.
pub(crate) async fn leave<K: IssuerObject>(
    context: &Context,
    object: &K,
    held_otherwise: impl FnOnce(At<'_>) -> bool,
) -> Result<(), CallError> {
    let Some(credential) = &object.settings().credential else {
        return Ok(());
    };
    let namespace = object.credential_namespace(&context.home);
    let at = (namespace.as_str(), credential.secret_ref.name.as_str());
    if held_otherwise(at) {
        return Ok(());
    }
    finalizers::give_back(&context.calls, at, release, UNNEEDED).await
}

/// Where the Secret is that an issuer holds so.
pub(crate) fn used<K: IssuerObject>(
    issuer: &K,
    (home, holds): (&str, &Holds),
) -> Option<(String, String)> {
    let credential = issuer.settings().credential.as_ref();
    let credential = credential.filter(|_| stays(issuer, holds))?;
    let name = credential.secret_ref.name.clone();
    Some((issuer.credential_namespace(home), name))
}

/// Gives the Secret of a credential back, if no issuer holds it any more.
pub(crate) async fn reconcile(
    (namespace, name): (String, String),
    context: Arc<Context>,
    held: bool,
) -> Result<Next, CallError> {
    if held {
        return Ok(Next::await_change());
    }
    finalizers::give_back(&context.calls, (&namespace, &name), release, UNNEEDED).await?;
    Ok(Next::await_change())
}

fn release(secret: &Secret) -> Option<Value> {
    if !is_credential(secret) {
        return None;
    }
    let source = finalizers::sort(secret) == Some(label::SECRET_SOURCE);
    let finalizers = left(secret, source);
    Some(json!({ "finalizers": finalizers, "labels": { label::CREDENTIAL: null } }))
}
