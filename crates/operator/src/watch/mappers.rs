//! Whom a change concerns, as the watches show it.

use std::sync::Arc;

use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Resource, ResourceExt as _};
use tokenwright_api::names::annotation;
use tokenwright_api::{ApiToken, TokenIssuer};

use crate::adopted::release;
use crate::cluster::unreadable::Unreadable;
use crate::issuer::credential;
use crate::issuer::reconcile as issuer;
use crate::watch::dispatch::{Around, IssuerShown};
use crate::watch::feeds::{SecretMeta, Shown};

/// The `ApiToken` that a Secret says it belongs to, or those that name it.
pub(crate) fn manager_of(
    secret: &SecretMeta,
    tokens: &Store<ApiToken>,
) -> Vec<ObjectRef<ApiToken>> {
    let namespace = secret.namespace().unwrap_or_default();
    match secret.annotations().get(annotation::MANAGER_NAME) {
        Some(name) => vec![ObjectRef::new(name).within(&namespace)],
        None => {
            let name = secret.name_any();
            let names_it = |token: &ApiToken| {
                token.spec.secret.name == name && token.namespace().as_ref() == Some(&namespace)
            };
            tokens
                .state()
                .iter()
                .filter(|token| names_it(token))
                .map(|token| ObjectRef::from_obj(token.as_ref()))
                .collect()
        }
    }
}

/// The `ApiToken`s that adopt the value of a Secret.
pub(crate) fn adopters_of(
    secret: &SecretMeta,
    tokens: &Store<ApiToken>,
) -> Vec<ObjectRef<ApiToken>> {
    let (namespace, name) = (secret.namespace(), secret.name_any());
    tokens
        .state()
        .iter()
        .filter(|token| release::uses(token, namespace.as_deref(), &name))
        .map(|token| ObjectRef::from_obj(token.as_ref()))
        .collect()
}

pub(crate) fn issuers_with(
    secret: &SecretMeta,
    issuers: &Store<TokenIssuer>,
) -> Vec<ObjectRef<TokenIssuer>> {
    let (namespace, name) = (secret.namespace(), secret.name_any());
    let uses_it = |issuer: &TokenIssuer| {
        let credential = issuer.spec.credential.as_ref();
        issuer.namespace() == namespace
            && credential.is_some_and(|credential| credential.secret_ref.name == name)
    };
    issuers
        .state()
        .iter()
        .filter(|issuer| uses_it(issuer))
        .map(|issuer| ObjectRef::from_obj(issuer.as_ref()))
        .collect()
}

/// Whether an issuer may still hold the Secret of a credential: one that cannot be read may.
pub(crate) fn holders_of(
    secret: &SecretMeta,
    issuers: &Store<TokenIssuer>,
    unreadable: &Unreadable,
) -> bool {
    let (namespace, name) = (secret.namespace(), secret.name_any());
    let holds = |issuer: &Arc<TokenIssuer>| credential::uses(issuer, namespace.as_deref(), &name);
    let cannot_tell = unreadable.any(
        &kind::<TokenIssuer>(),
        namespace.as_deref().unwrap_or_default(),
    );
    cannot_tell || issuers.state().iter().any(holds)
}

/// The issuer that an `ApiToken` names.
pub(crate) fn issuer_of(token: &ApiToken) -> ObjectRef<TokenIssuer> {
    let namespace = token.namespace().unwrap_or_default();
    ObjectRef::new(&token.spec.issuer_ref.name).within(&namespace)
}

/// Whether somebody may adopt from this Secret: what cannot be read may.
pub(crate) fn needed(
    source: &SecretMeta,
    tokens: &Store<ApiToken>,
    unreadable: &Unreadable,
) -> bool {
    let namespace = source.namespace().unwrap_or_default();
    !adopters_of(source, tokens).is_empty() || unreadable.any(&kind::<ApiToken>(), &namespace)
}

/// What is shown around an `ApiToken`.
pub(crate) fn around_token(token: &ApiToken, shown: &Shown, unreadable: &Unreadable) -> Around {
    let namespace = token.namespace().unwrap_or_default();
    let (issuer, name) = (issuer_of(token), &token.spec.issuer_ref.name);
    Around {
        secret: version_of(&shown.delivered, &token.spec.secret.name, &namespace),
        issuer: match shown.issuers.get(&issuer) {
            Some(issuer) => IssuerShown::There(issuer.uid()),
            None if unreadable.holds(&kind::<TokenIssuer>(), &namespace, name) => {
                IssuerShown::Unreadable
            }
            None => IssuerShown::Absent,
        },
    }
}

/// What is shown around a `TokenIssuer`. What cannot be read may need it.
pub(crate) fn around_issuer(
    issuer: &TokenIssuer,
    shown: &Shown,
    unreadable: &Unreadable,
) -> issuer::Around {
    let namespace = issuer.namespace().unwrap_or_default();
    let name = issuer.name_any();
    let needs_it = |token: &ApiToken| {
        token.namespace() == issuer.namespace() && token.spec.issuer_ref.name == name
    };
    let credential = issuer.spec.credential.as_ref();
    issuer::Around {
        dependents: shown
            .tokens
            .state()
            .iter()
            .filter(|token| needs_it(token))
            .filter_map(|token| token.uid())
            .collect(),
        unreadable: unreadable.any(&kind::<ApiToken>(), &namespace),
        credential: credential
            .and_then(|at| version_of(&shown.credentials, &at.secret_ref.name, &namespace)),
    }
}

fn kind<K: Resource<DynamicType = ()>>() -> String {
    K::kind(&()).into_owned()
}

fn version_of(secrets: &Store<SecretMeta>, name: &str, namespace: &str) -> Option<String> {
    let reference = ObjectRef::new(name).within(namespace);
    secrets
        .get(&reference)
        .and_then(|secret| secret.resource_version())
}
