//! What installs the operator: the chart as `helm package` would pack it and name it, and its objects in
//! one file.

use std::fs;

use anyhow::{Context, Result};

use super::{Release, ReleaseFile, folder};

/// The files of the Kustomize base, in the order in which they can be applied.
const BASE: [&str; 3] = ["namespace.yaml", "crds.yaml", "operator.yaml"];

pub(super) fn files(release: &Release<'_>) -> Result<Vec<ReleaseFile>> {
    let version = release.version;
    let chart = folder(&release.sources.join("charts/tokenwright"))?.below("tokenwright");
    let chart = chart.tar_gz(release.effort)?;
    let mut objects = String::new();
    for name in BASE {
        let path = release.sources.join("deploy/kustomize").join(name);
        let text = fs::read_to_string(&path);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        if !text.starts_with("---") {
            objects.push_str("---\n");
        }
        objects.push_str(&text);
    }
    Ok(vec![
        ReleaseFile::new(format!("tokenwright-{version}.tgz"), chart),
        ReleaseFile::new(
            format!("tokenwright-operator_{version}.yaml"),
            objects.into_bytes(),
        ),
    ])
}
