//! What Homebrew and Nix install the command line from: each names the archives of this release by their sums.

use super::{Platform, Release, ReleaseFile};
use crate::archive::sha256;

const FORMULA: &str = include_str!("tokenwright.rb");
const DERIVATION: &str = include_str!("tokenwright.nix");
/// Where the files of a release are fetched.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// The recipes, by the archives of the command line.
pub(super) fn files(
    release: &Release<'_>,
    archives: &[(Platform, ReleaseFile)],
) -> Vec<ReleaseFile> {
    let filled = |recipe: &str, archives: String| {
        recipe
            .replace("@archives@\n", &archives)
            .replace("@repository@", REPOSITORY)
            .replace("@version@", release.version)
            .into_bytes()
    };
    let all = |one: fn(&str, Platform, &ReleaseFile) -> String| -> String {
        let all = archives.iter();
        all.map(|(platform, archive)| one(release.version, *platform, archive))
            .collect()
    };
    vec![
        ReleaseFile::new(
            "tokenwright.rb".to_owned(),
            filled(FORMULA, all(of_formula)),
        ),
        ReleaseFile::new(
            "tokenwright.nix".to_owned(),
            filled(DERIVATION, all(of_derivation)),
        ),
    ]
}

fn of_formula(version: &str, platform: Platform, archive: &ReleaseFile) -> String {
    let processor = match platform {
        Platform::LinuxAmd64 => "on_intel",
        Platform::LinuxArm64 => "on_arm",
    };
    format!(
        "    {processor} do\n      url \"{REPOSITORY}/releases/download/v{version}/{}\"\n      sha256 \"{}\"\n    end\n",
        archive.path,
        sha256(&archive.bytes)
    )
}

fn of_derivation(_version: &str, platform: Platform, archive: &ReleaseFile) -> String {
    format!(
        "    {}-linux = {{\n      name = \"{}\";\n      sha256 = \"{}\";\n    }};\n",
        platform.processor(),
        archive.path,
        sha256(&archive.bytes)
    )
}
