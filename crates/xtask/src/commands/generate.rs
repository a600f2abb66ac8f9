//! `cargo xtask generate`: writes the generated files anew.
//!
//! Each generated file is compared with the committed one by a test, so that a stale one is found by
//! `cargo test`; the same tests write it when a variable asks for that. There is no second generator
//! that could disagree.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use xtask::progress::{command_line, say};

use super::cargo::{all_but_control_plane, cargo, workspace};

/// Asks the tests of generated files to write what they would otherwise compare.
const UPDATE: &str = "TOKENWRIGHT_UPDATE";

/// Rewrite the generated files: protobuf code, CRDs, schemas, attribute docs
///
/// Runs the tests with TOKENWRIGHT_UPDATE=1; those that compare a generated file with the committed
/// one then write it.
#[derive(Debug, Args)]
pub(crate) struct Generate {}

impl Generate {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
        tests
            .args(all_but_control_plane(&workspace()?))
            .env(UPDATE, "1");
        let status = tests
            .status()
            .with_context(|| format!("cannot start {}", command_line(&tests)))?;
        if status.success() {
            say("The generated files are up to date; `git diff` shows what changed.");
            return Ok(ExitCode::SUCCESS);
        }
        say("error: some tests failed; a generated file may be stale until they pass");
        Ok(ExitCode::FAILURE)
    }
}
