//! The Kubernetes kinds of Tokenwright: what a user writes, what the operator answers, and every
//! name that is part of this contract.
//!
//! For the operator, the command line tool and other programs that read or write these kinds.
//! This crate decides nothing and talks to nobody.
//!
//! In reading order: [`names`] (group, labels, annotations, finalizers, conditions, reasons),
//! [`text`] (durations and other checked strings), [`token`], [`adopt`] and [`status`] (`ApiToken`),
//! [`issuer`] (`TokenIssuer`), [`cluster_issuer`] (`ClusterTokenIssuer`), [`profile`] (`TokenProfile`),
//! and an `ApiToken` in the words of the lifecycle: [`wanted`], [`record`].

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod adopt;
pub mod cluster_issuer;
pub mod issuer;
pub mod names;
pub mod profile;
pub mod record;
pub mod status;
pub mod text;
pub mod token;
pub mod wanted;

pub use cluster_issuer::{ClusterTokenIssuer, ClusterTokenIssuerSpec, Grant};
pub use issuer::{TokenIssuer, TokenIssuerSpec, TokenIssuerStatus};
pub use profile::{TokenProfile, TokenProfileSpec, TokenProfileStatus};
pub use status::ApiTokenStatus;
pub use token::{ApiToken, ApiTokenSpec};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

/// The definitions of all kinds, in the order in which they are installed.
#[must_use]
pub fn crds() -> Vec<CustomResourceDefinition> {
    let kinds = [
        ApiToken::crd(),
        TokenIssuer::crd(),
        ClusterTokenIssuer::crd(),
        TokenProfile::crd(),
    ];
    kinds.into_iter().map(signed).collect()
}

/// Says which version wrote it, so that another version can tell what it finds.
fn signed(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    let annotations = crd.metadata.annotations.get_or_insert_default();
    let version = env!("CARGO_PKG_VERSION").to_owned();
    annotations.insert(names::annotation::VERSION.to_owned(), version);
    crd
}

#[cfg(test)]
mod tests;
