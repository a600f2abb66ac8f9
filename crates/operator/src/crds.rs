//! The kinds as YAML: what `tokenwright-operator crd` prints and what the chart installs.
//!
//! They are written anew where they are generated. The program itself has them as texts: to make schemas
//! takes more memory than the operator has use for otherwise.

use std::io::Write as _;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;
use tokenwright_api::crds;
use tokenwright_client::profile::schema;

mod profile;

/// One definition as YAML, with the name of the file that the chart keeps it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// For example `apitokens.yaml`.
    pub file: String,
    /// The document.
    pub yaml: String,
}

/// A definition could not be written as YAML.
#[derive(Debug, thiserror::Error)]
pub enum Unwritable {
    /// As YAML.
    #[error("writing the definition of {kind} as YAML")]
    Yaml {
        /// Which.
        kind: String,
        /// Why.
        source: serde_saphyr::ser::Error,
    },

    /// The schema of profiles makes no definition.
    #[error("writing the schema of profiles into the definition of TokenProfile")]
    Schema(#[source] serde_json::Error),
}

/// All definitions, with the schema of profiles in that of `TokenProfile`.
///
/// # Errors
///
/// If that schema cannot be brought into the form of a definition.
pub fn definitions() -> Result<Vec<CustomResourceDefinition>, Unwritable> {
    let mut crds = crds();
    for crd in &mut crds {
        if crd.spec.names.kind == "TokenProfile" {
            *crd = with_schema(crd, profile::spec(&schema())).map_err(Unwritable::Schema)?;
        }
    }
    Ok(crds)
}

fn with_schema(
    crd: &CustomResourceDefinition,
    spec: Value,
) -> serde_json::Result<CustomResourceDefinition> {
    let mut value = serde_json::to_value(crd)?;
    value["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"] = spec;
    serde_json::from_value(value)
}

/// All definitions.
///
/// # Errors
///
/// If one cannot be written as YAML.
pub fn manifests() -> Result<Vec<Manifest>, Unwritable> {
    definitions()?
        .iter()
        .map(|crd| {
            let yaml = serde_saphyr::to_string(crd).map_err(|source| Unwritable::Yaml {
                kind: crd.spec.names.kind.clone(),
                source,
            })?;
            Ok(Manifest {
                file: format!("{}.yaml", crd.spec.names.plural),
                yaml,
            })
        })
        .collect()
}

/// The definitions of this version, as the chart has them.
pub const WRITTEN: [&str; 4] = [
    include_str!("../../../charts/tokenwright/files/crds/apitokens.yaml"),
    include_str!("../../../charts/tokenwright/files/crds/tokenissuers.yaml"),
    include_str!("../../../charts/tokenwright/files/crds/clustertokenissuers.yaml"),
    include_str!("../../../charts/tokenwright/files/crds/tokenprofiles.yaml"),
];

/// Prints all definitions as one stream of documents.
///
/// # Errors
///
/// If the output is closed.
pub fn print() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for yaml in WRITTEN {
        writeln!(out, "---\n{}", yaml.trim_end())?;
    }
    Ok(())
}
