//! `cargo xtask bench`: measures the release build.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::cargo::{cargo, root, workspace};

/// Print the figures of the docs: start times, memory, and calls of the release build
///
/// They are figures, not tests: a machine under load misses the targets beside them.
#[derive(Debug, Args)]
pub(crate) struct Bench {}

impl Bench {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let built = cargo(&["build", "--release", "--workspace", "--bins"])
            .status()
            .context("cannot start cargo")?;
        if !built.success() {
            bail!("the programs do not build; the compiler's message above says why");
        }
        let bench = workspace()?.target_directory.join("release").join("bench");
        let measured = Command::new(&bench)
            .current_dir(root())
            .status()
            .with_context(|| format!("cannot start {bench}"))?;
        if !measured.success() {
            bail!("the measuring failed; its message above says why");
        }
        Ok(ExitCode::SUCCESS)
    }
}
