//! The provider's archives, named as Terraform's registry wants them, and a mirror of them in a folder.

use anyhow::Result;
use serde_json::json;

use super::{Release, ReleaseFile, licence, program, sums};
use crate::archive::Contents;

/// What the registry knows the provider by.
const NAME: &str = "terraform-provider-tokenwright";
/// Where `tokenwright/tokenwright` leads, in Terraform and in OpenTofu.
const REGISTRIES: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

pub(super) fn files(release: &Release<'_>) -> Result<Vec<ReleaseFile>> {
    let version = release.version;
    let mut published = vec![ReleaseFile::new(
        format!("{NAME}_{version}_manifest.json"),
        manifest().into_bytes(),
    )];
    let mut mirrored = Vec::new();
    for programs in release.programs {
        let mut contents = Contents::default();
        contents.put(format!("{NAME}_v{version}"), program(&programs.provider)?);
        contents.put("LICENSE.txt", licence(release)?);
        let name = format!("{NAME}_{version}_{}.zip", programs.platform);
        let archive = ReleaseFile::new(name, contents.zip(release.effort)?);
        mirrored.extend(REGISTRIES.map(|registry| ReleaseFile {
            path: format!("mirror/{registry}/tokenwright/tokenwright/{}", archive.path),
            bytes: archive.bytes.clone(),
        }));
        published.push(archive);
    }
    // The registry wants the sums of exactly these, and a signature of this file beside it.
    let name = format!("{NAME}_{version}_SHA256SUMS");
    let sums = ReleaseFile::new(name, sums(published.iter()).into_bytes());
    published.push(sums);
    published.extend(mirrored);
    Ok(published)
}

/// Which protocol the provider speaks.
fn manifest() -> String {
    let manifest = json!({ "version": 1, "metadata": { "protocol_versions": ["6.0"] } });
    format!("{manifest:#}\n")
}
