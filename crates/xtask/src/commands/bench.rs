//! `cargo xtask bench`: measures the release build.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::cargo::{cargo, root, workspace};
use super::shipped::Shipped;

/// What is measured as it is shipped; the tool itself and the sandbox need not be.
const MEASURED: [&str; 2] = ["terraform-provider-tokenwright", "tokenwright-operator"];

/// Print the figures of the docs: start times, memory, and calls of the release build
///
/// They are figures, not tests: a machine under load misses the targets beside them. `--strict` fails where a
/// budget is missed.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Measure the unoptimised build, which is there sooner: its requests are the same, its times are not
    #[arg(long)]
    debug: bool,

    /// Measure the provider and the operator as they are shipped: optimised as a whole and linked with musl,
    /// which takes minutes more to compile
    #[arg(long, conflicts_with = "debug")]
    shipped: bool,

    /// What to measure, with its options; `operator --help` shows those of many tokens on a real kube-apiserver, and
    /// `operator --external-secrets` measures External Secrets Operator beside ours
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGS"
    )]
    arguments: Vec<String>,
}

impl Bench {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let mut build = cargo(&["build", "--workspace", "--bins"]);
        let profile = match self.debug {
            true => "debug",
            false => {
                build.arg("--release");
                "release"
            }
        };
        let built = build.status().context("cannot start cargo")?;
        if !built.success() {
            bail!("the programs do not build; the compiler's message above says why");
        }
        let bench = workspace()?.target_directory.join(profile).join("bench");
        let mut measure = Command::new(&bench);
        if self.shipped {
            let built = Shipped::here()?.build(&MEASURED)?;
            let folders = built.into_iter().map(|built| built.folder);
            measure.envs(folders.map(|folder| (xtask::dist::PROGRAMS, folder)));
        }
        let measured = measure
            .current_dir(root())
            .args(self.arguments)
            .status()
            .with_context(|| format!("cannot start {bench}"))?;
        if !measured.success() {
            bail!("the measuring failed; its message above says why");
        }
        Ok(ExitCode::SUCCESS)
    }
}
