//! A release, packed from the programs of this build, and programs that look at it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use tempfile::TempDir;
use tokenwright_testbed::tools::product_binary;
use xtask::archive::Effort;
use xtask::dist::{Platform, Programs, Release, companions, pack};

/// The version of every crate, of this one too.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

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

/// The platform that tests run on.
pub(crate) fn platform() -> Platform {
    Platform::host().expect("no release is made for this machine")
}

/// The folder of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// A copy of one of our programs without what debuggers read, as the release profile leaves it; made once.
pub(crate) fn stripped(name: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    let program = product_binary(name).unwrap();
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let age = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
    if age(&copy) <= age(&program) {
        run(Command::new("strip").arg("-o").arg(&copy).arg(program));
    }
    copy
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

/// Runs a program to its end, which must be a good one, and gives what it printed.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {said}");
    String::from_utf8(output.stdout).unwrap()
}
