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
pub mod owner;
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

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;
use serde_json::json;

/// The definitions of all kinds, in the order in which they are installed.
#[must_use]
pub fn crds() -> Vec<CustomResourceDefinition> {
    let kinds = [
        ApiToken::crd(),
        TokenIssuer::crd(),
        ClusterTokenIssuer::crd(),
        TokenProfile::crd(),
    ];
    kinds
        .into_iter()
        .map(plain)
        .map(unseen)
        .map(signed)
        .collect()
}

/// Leaves out the formats that Kubernetes does not know: it warns whoever installs them of each.
fn plain(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    fn within(schema: &mut JSONSchemaProps) {
        let unknown = |format: &String| format.starts_with("uint");
        schema.format = schema.format.take().filter(|format| !unknown(format));
        let properties = schema.properties.iter_mut();
        properties.flat_map(|all| all.values_mut()).for_each(within);
        if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
            within(values);
        }
        if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
            within(items);
        }
    }
    let versions = crd.spec.versions.iter_mut();
    let schemas = versions.filter_map(|version| version.schema.as_mut());
    schemas
        .filter_map(|kind| kind.open_api_v3_schema.as_mut())
        .for_each(within);
    crd
}

/// Lets an object that no operator has looked at say so: those who read statuses without knowing the kind,
/// as kstatus does for Flux, take an object without a status for done.
fn unseen(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    for version in &mut crd.spec.versions {
        let schema = version
            .schema
            .as_mut()
            .and_then(|kind| kind.open_api_v3_schema.as_mut());
        let status = schema.and_then(|schema| schema.properties.as_mut()?.get_mut("status"));
        if let Some(status) = status {
            status.default = Some(JSON(json!({ "observedGeneration": names::UNSEEN })));
        }
    }
    crd
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
