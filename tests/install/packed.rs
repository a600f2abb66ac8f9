//! A release, packed from the programs of this build, and programs that look at it.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use xtask::archive::Effort;
use xtask::dist::{Programs, Release, companions, pack};

pub(crate) use crate::container::{VERSION, platform, run, stripped};

/// The folder of a release for this machine.
pub(crate) struct Packed {
    folder: TempDir,
    pub(crate) files: Vec<String>,
}

impl Packed {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let programs = [Programs {
            platform: platform(),
            provider: stripped("terraform-provider-tokenwright"),
            cli: stripped("tokenwright"),
        }];
        let companions = companions(&programs[0].cli).unwrap();
        let release = Release {
            version: VERSION,
            programs: &programs,
            companions: &companions,
            sources: &root(),
            effort: Effort::Quick,
        };
        let files = pack(&release, folder.path()).unwrap();
        Self { folder, files }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The folder of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Compares with a committed file, or writes it where that is asked for.
#[track_caller]
pub(crate) fn holds(path: &str, text: &str) {
    let path = root().join(path);
    if std::env::var_os("TOKENWRIGHT_UPDATE").is_some() {
        // Whole or not at all: another test may be reading it.
        let beside = path.with_extension("new");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, &path).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "{} is not what it is made from: run `cargo xtask generate` and look at the difference",
        path.display()
    );
}
