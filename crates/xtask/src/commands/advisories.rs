//! `cargo xtask advisories`: whether a dependency has a known vulnerability, by today's knowledge.
//!
//! Not part of `cargo xtask test`: the database changes by the day, and the same commit must not pass
//! today and fail tomorrow.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use xtask::progress::say;
use xtask::tools::{Places, Tool, Wanted, provide};

use super::cargo::root;

/// Look each dependency up in the RustSec advisory database, as it is today
///
/// Where the network has no such database the check is skipped with a sentence and ends with 0, unless
/// `--required` says that it must not be.
#[derive(Debug, Args)]
pub(crate) struct Advisories {
    /// Fail where the database cannot be fetched
    #[arg(long)]
    required: bool,
}

impl Advisories {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let places = Places::from_env()?;
        let deny = provide(&Wanted::of(Tool::CargoDeny, None), &places)?.path;
        let run = |arguments: &[&str]| {
            let mut command = std::process::Command::new(&deny);
            command.current_dir(root()).arg("--workspace");
            let status = command.args(arguments).status();
            status.context("cannot start cargo-deny")
        };
        if !run(&["fetch", "db"])?.success() {
            say("advisories: skipped, since the database cannot be fetched from here");
            return Ok(match self.required {
                true => ExitCode::FAILURE,
                false => ExitCode::SUCCESS,
            });
        }
        Ok(match run(&["check", "advisories"])?.success() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }
}
