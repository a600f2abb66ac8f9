//! The kinds as YAML: what `tokenwright-operator crd` prints and what the chart installs.

use std::io::Write as _;

use tokenwright_api::crds;

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
#[error("writing the definition of {kind} as YAML")]
pub struct Unwritable {
    kind: String,
    source: serde_saphyr::ser::Error,
}

/// All definitions.
///
/// # Errors
///
/// If one cannot be written as YAML.
pub fn manifests() -> Result<Vec<Manifest>, Unwritable> {
    crds()
        .iter()
        .map(|crd| {
            let yaml = serde_saphyr::to_string(crd).map_err(|source| Unwritable {
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

/// Prints all definitions as one stream of documents.
///
/// # Errors
///
/// If a definition cannot be written as YAML, or the output is closed.
pub fn print() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for manifest in manifests()? {
        writeln!(out, "---\n{}", manifest.yaml.trim_end())?;
    }
    Ok(())
}
