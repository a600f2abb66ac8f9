//! What the tests share: the demo provider as a program, and scratch folders.

#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod framework;
pub(crate) mod go;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The demo provider, built once per test binary from the current sources.
pub(crate) fn demo() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| example("demo_provider"))
}

/// A provider of the examples, built from the current sources.
///
/// With the features of the whole workspace, so that what is built already is not built once more.
pub(crate) fn example(name: &str) -> PathBuf {
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build
        .args(["build", "--quiet", "--workspace", "--example", name])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    // Cargo describes this test to it in variables. Build scripts look at them: handed on, they
    // would rebuild ring, and all that depends on it, here and at the next call from outside.
    for (variable, _) in std::env::vars() {
        if variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_MANIFEST_") {
            build.env_remove(variable);
        }
    }
    let status = build.status().expect("cargo runs");
    assert!(status.success(), "{name} does not build");
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    profile.join("examples").join(name)
}

/// Polls until `done` says so; the sentence tells what did not happen.
pub(crate) fn within(limit: Duration, sentence: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < limit, "not within {limit:?}: {sentence}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a process with this id runs; one that ended but was not waited for does not.
pub(crate) fn runs(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// The process id in the first line of the journal that the demo writes.
pub(crate) fn started(journal: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(journal).ok()?;
    text.lines().next()?.strip_prefix("started ")?.parse().ok()
}
