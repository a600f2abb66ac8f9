//! Whom a change concerns, as the watches show it.

use kube::ResourceExt as _;
use kube::runtime::reflector::{ObjectRef, Store};
use tokenwright_api::names::annotation;
use tokenwright_api::{ApiToken, TokenIssuer};

use crate::adopted::release;
use crate::issuer::reconcile::Around;
use crate::watch::feeds::SecretMeta;

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

pub(crate) fn version_of(
    secrets: &Store<SecretMeta>,
    name: &str,
    namespace: &str,
) -> Option<String> {
    let reference = ObjectRef::new(name).within(namespace);
    secrets
        .get(&reference)
        .and_then(|secret| secret.resource_version())
}

pub(crate) fn around(
    issuer: &TokenIssuer,
    tokens: &Store<ApiToken>,
    credentials: &Store<SecretMeta>,
) -> Around {
    let name = issuer.name_any();
    let needs_it = |token: &ApiToken| {
        token.namespace() == issuer.namespace() && token.spec.issuer_ref.name == name
    };
    let credential = issuer.spec.credential.as_ref();
    Around {
        dependents: tokens
            .state()
            .iter()
            .filter(|token| needs_it(token))
            .filter_map(|token| token.uid())
            .collect(),
        credential: credential.and_then(|at| {
            version_of(
                credentials,
                &at.secret_ref.name,
                &issuer.namespace().unwrap_or_default(),
            )
        }),
    }
}
