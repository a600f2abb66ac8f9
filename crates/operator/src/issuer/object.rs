//! What the two kinds of issuers have in common as objects.

use std::fmt::Debug;

use kube::{Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokenwright_api::token::{IssuerKind, IssuerRef};
use tokenwright_api::{
    ApiToken, ClusterTokenIssuer, TokenIssuer, TokenIssuerSpec, TokenIssuerStatus,
};

use crate::cluster::calls::Scoped;
use crate::cluster::token::PackedToken;

/// A `TokenIssuer` or a `ClusterTokenIssuer`.
pub(crate) trait IssuerObject:
    Resource<DynamicType = (), Scope: Scoped>
    + Clone
    + Debug
    + DeserializeOwned
    + Serialize
    + Send
    + Sync
    + 'static
{
    /// How an `ApiToken` names the kind.
    const KIND: IssuerKind;

    /// Which system, where, and with what credential.
    fn settings(&self) -> &TokenIssuerSpec;

    /// What was observed of it.
    fn status(&self) -> TokenIssuerStatus;

    /// The same object with another status.
    fn with_status(self, status: TokenIssuerStatus) -> Self;

    /// Where the Secret of its credential is; `home` is the operator's own namespace.
    fn credential_namespace(&self, home: &str) -> String;

    /// Whether its credential is in this Secret.
    fn authenticates_with(&self, home: &str, namespace: &str, secret: &str) -> bool {
        let credential = self.settings().credential.as_ref();
        credential.is_some_and(|credential| credential.secret_ref.name == secret)
            && self.credential_namespace(home) == namespace
    }

    /// Whether its token system is the `TokenProfile` of this name.
    fn describes(&self, profile: &str) -> bool {
        let named = self.settings().profile_ref.as_ref();
        named.is_some_and(|named| named.name == profile)
    }
}

/// Namespace and name of the issuer that an `ApiToken` names; those of the cluster have no namespace.
pub(crate) fn place_of(token: &ApiToken) -> (String, String) {
    let namespace = token.meta().namespace.as_deref();
    place(&token.spec.issuer_ref, namespace.unwrap_or_default())
}

/// The same of one that is packed.
pub(crate) fn place_of_packed(token: &PackedToken) -> (String, String) {
    place(&token.brief().issuer, token.namespace())
}

fn place(at: &IssuerRef, namespace: &str) -> (String, String) {
    let namespace = match at.kind {
        IssuerKind::TokenIssuer => namespace.to_owned(),
        IssuerKind::ClusterTokenIssuer => String::new(),
    };
    (namespace, at.name.clone())
}

impl IssuerObject for TokenIssuer {
    const KIND: IssuerKind = IssuerKind::TokenIssuer;

    fn settings(&self) -> &TokenIssuerSpec {
        &self.spec
    }

    fn status(&self) -> TokenIssuerStatus {
        self.status.clone().unwrap_or_default()
    }

    fn with_status(self, status: TokenIssuerStatus) -> Self {
        let status = Some(status);
        Self { status, ..self }
    }

    fn credential_namespace(&self, _: &str) -> String {
        self.namespace().unwrap_or_default()
    }
}

impl IssuerObject for ClusterTokenIssuer {
    const KIND: IssuerKind = IssuerKind::ClusterTokenIssuer;

    fn settings(&self) -> &TokenIssuerSpec {
        &self.spec.settings
    }

    fn status(&self) -> TokenIssuerStatus {
        self.status.clone().unwrap_or_default()
    }

    fn with_status(self, status: TokenIssuerStatus) -> Self {
        let status = Some(status);
        Self { status, ..self }
    }

    fn credential_namespace(&self, home: &str) -> String {
        home.to_owned()
    }
}
