//! `cargo xtask demo`: builds the programs, then becomes the demo.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::cargo::{cargo, root, workspace};

/// Show the main job: Terraform and an operator that rotate tokens while you watch
///
/// Uses the real control plane if its tools are there (`cargo xtask tools` gets them), else an
/// in-memory one; the demo says which. It never builds tools itself.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Handed to the demo as they are; `--help` shows them
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGS"
    )]
    arguments: Vec<String>,
}

impl Demo {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let built = cargo(&["build", "--workspace", "--bins"])
            .status()
            .context("cannot start cargo")?;
        if !built.success() {
            bail!("the programs do not build; the compiler's message above says why");
        }
        let target = workspace()?.target_directory;
        let demo = target.join("debug").join("demo");
        if !demo.is_file() {
            bail!("{demo} was not built: the workspace has no binary of that name");
        }
        let error = Command::new(&demo)
            .current_dir(root())
            .args(self.arguments)
            .exec();
        Err(error).with_context(|| format!("cannot start {demo}"))
    }
}
