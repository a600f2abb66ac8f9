//! Whom a change concerns, as the watches show it.

use std::collections::HashSet;
use std::sync::Arc;

use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Resource, ResourceExt as _};
use tokenwright_api::token::IssuerKind;
use tokenwright_api::{ApiToken, ClusterTokenIssuer, TokenIssuer};

use crate::cluster::context::Context;
use crate::cluster::token::PackedToken;
use crate::cluster::unreadable::Unreadable;
use crate::issuer::credential;
use crate::issuer::holds::Holds;
use crate::issuer::object::{IssuerObject, place_of_packed};
use crate::issuer::reconcile as issuer;
use crate::secret::shown::SecretMeta;
use crate::watch::dispatch::{Around, Dispatch, IssuerShown};
use crate::watch::feeds::Shown;
use crate::watch::index::Index;

/// The `ApiToken`s that deliver to a Secret, whosever it says that it is: one that was taken from another concerns
/// both.
pub(crate) fn managers_of(secret: &SecretMeta, index: &Index) -> Vec<ObjectRef<ApiToken>> {
    let namespace = secret.namespace().unwrap_or_default();
    index.delivering_to(&namespace, &secret.name_any())
}

/// The `ApiToken`s that adopt the value of a Secret.
pub(crate) fn adopters_of(secret: &SecretMeta, index: &Index) -> Vec<ObjectRef<ApiToken>> {
    let namespace = secret.namespace().unwrap_or_default();
    index.adopting_from(&namespace, &secret.name_any())
}

/// The issuers whose credential is in a Secret; `home` is the operator's own namespace.
pub(crate) fn issuers_with<K: IssuerObject>(
    secret: &SecretMeta,
    issuers: &Store<K>,
    home: &str,
) -> Vec<ObjectRef<K>> {
    let (namespace, name) = (secret.namespace().unwrap_or_default(), secret.name_any());
    issuers
        .state()
        .iter()
        .filter(|issuer| issuer.authenticates_with(home, &namespace, &name))
        .map(|issuer| ObjectRef::from_obj(issuer.as_ref()))
        .collect()
}

/// Whether an issuer may still hold the Secret of a credential: one that cannot be read may. Those that are `let_go`
/// do not.
pub(crate) fn is_held(
    at: credential::At<'_>,
    shown: &Shown,
    dispatch: &Dispatch,
    let_go: impl Fn(&str) -> bool,
) -> bool {
    let Context {
        home, unreadable, ..
    } = dispatch.context.as_ref();
    if unreadable.any(&kind::<TokenIssuer>(), at.0)
        || (at.0 == home && unreadable.any(&kind::<ClusterTokenIssuer>(), ""))
    {
        return true;
    }
    let of_cluster = shown.cluster_issuers.as_ref();
    let around = (home.as_str(), &dispatch.issuers.holds);
    any_holds(&shown.issuers, around, at, &let_go)
        || of_cluster.is_some_and(|all| any_holds(all, around, at, &let_go))
}

fn any_holds<K: IssuerObject>(
    all: &Store<K>,
    around: (&str, &Holds),
    at: credential::At<'_>,
    let_go: impl Fn(&str) -> bool,
) -> bool {
    let holds = |issuer: &Arc<K>| {
        let issuer = issuer.as_ref();
        credential::uses(issuer, around, at)
            && !let_go(issuer.meta().uid.as_deref().unwrap_or_default())
    };
    all.state().iter().any(holds)
}

/// The credentials that no issuer which can be read holds.
pub(crate) fn unheld(shown: &Shown, dispatch: &Dispatch) -> Vec<ObjectRef<SecretMeta>> {
    let around = (dispatch.context.home.as_str(), &dispatch.issuers.holds);
    let of_namespace = shown.issuers.state();
    let of_cluster = shown.cluster_issuers.as_ref().map(Store::state);
    let mut held: HashSet<_> = of_namespace
        .iter()
        .filter_map(|issuer| credential::used(issuer.as_ref(), around))
        .collect();
    let of_cluster = of_cluster.iter().flatten();
    held.extend(of_cluster.filter_map(|issuer| credential::used(issuer.as_ref(), around)));
    let credentials = shown.credentials.state().into_iter();
    let unheld = credentials.filter(|secret| {
        !held.contains(&(secret.namespace().unwrap_or_default(), secret.name_any()))
    });
    unheld
        .map(|secret| ObjectRef::from_obj(secret.as_ref()))
        .collect()
}

/// The issuer that an `ApiToken` names, as a reference to one of this kind.
pub(crate) fn issuer_of<K: IssuerObject>(token: &PackedToken) -> ObjectRef<K> {
    let (namespace, name) = place_of_packed(token);
    ObjectRef::new(&name).within(&namespace)
}

/// Whether somebody may adopt from this Secret: what cannot be read may.
pub(crate) fn needed(source: &SecretMeta, index: &Index, unreadable: &Unreadable) -> bool {
    let namespace = source.namespace().unwrap_or_default();
    !adopters_of(source, index).is_empty() || unreadable.any(&kind::<ApiToken>(), &namespace)
}

/// What is shown around an `ApiToken`.
pub(crate) fn around_token(token: &PackedToken, shown: &Shown, unreadable: &Unreadable) -> Around {
    let issuer = match token.brief().issuer.kind {
        IssuerKind::TokenIssuer => shown_as(token, Some(&shown.issuers), unreadable),
        IssuerKind::ClusterTokenIssuer => {
            shown_as(token, shown.cluster_issuers.as_ref(), unreadable)
        }
    };
    let secret = shown
        .delivered
        .get(token.namespace(), &token.brief().delivers_to);
    Around {
        secret: secret.map(Arc::new),
        issuer,
    }
}

/// What the watch of its kind shows of the issuer that an `ApiToken` names.
fn shown_as<K: IssuerObject>(
    token: &PackedToken,
    issuers: Option<&Store<K>>,
    unreadable: &Unreadable,
) -> IssuerShown {
    let (namespace, name) = place_of_packed(token);
    let Some(issuers) = issuers else {
        return IssuerShown::NotServed;
    };
    match issuers.get(&issuer_of(token)) {
        Some(issuer) => IssuerShown::There(issuer.uid()),
        None if unreadable.holds(&kind::<K>(), &namespace, &name) => IssuerShown::Unreadable,
        None => IssuerShown::Absent,
    }
}

/// What is shown around an issuer. What cannot be read may need it.
pub(crate) fn around_issuer<K: IssuerObject>(
    issuer: &K,
    shown: &Shown,
    context: &Context,
) -> issuer::Around {
    let namespace = issuer.namespace().unwrap_or_default();
    let at = issuer.credential_namespace(&context.home);
    let credential = issuer.settings().credential.as_ref();
    issuer::Around {
        dependents: shown
            .tokens
            .of_issuer(K::KIND, &namespace, &issuer.name_any()),
        unreadable: context.unreadable.any(&kind::<ApiToken>(), &namespace),
        credential: credential
            .and_then(|named| version_of(&shown.credentials, &named.secret_ref.name, &at)),
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
