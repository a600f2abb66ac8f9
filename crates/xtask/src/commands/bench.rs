//! `cargo xtask bench`: measures the release build.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::cargo::cargo;

/// Print the figures of the docs: start times, memory, and calls of the release build
///
/// They are figures, not tests: a machine under load misses the targets beside them.
#[derive(Debug, Args)]
pub(crate) struct Bench {}

impl Bench {
    pub(crate) fn run(self) -> Result<ExitCode> {
        for arguments in [
            &["build", "--release", "--workspace", "--bins"][..],
            &[
                "run",
                "--quiet",
                "--release",
                "--package",
                "tokenwright-testbed",
                "--bin",
                "bench",
            ][..],
        ] {
            let done = cargo(arguments).status().context("cannot start cargo")?;
            if !done.success() {
                bail!(
                    "cargo {} failed; its message above says why",
                    arguments.join(" ")
                );
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
