//! The operator of an older revision, built beside that of this tree.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::cargo::{BUILD_PROGRAMS, cargo, root, workspace};

/// The operator as this tag or commit has it; afterwards the programs of this tree are built, too.
///
/// Both are built in one place, so that what they depend on is compiled once. The tree of the revision is
/// taken away again.
pub(super) fn operator(revision: &str) -> Result<PathBuf> {
    let target = workspace()?.target_directory.into_std_path_buf();
    let (tree, program) = (target.join("older"), target.join("older-operator"));
    let tree_text = tree.display().to_string();
    // What a run that was interrupted left.
    let _none = git(&["worktree", "remove", "--force", &tree_text]);
    git(&[
        "worktree", "add", "--detach", "--force", &tree_text, revision,
    ])
    .with_context(|| format!("{revision} is no tag or commit of this repository"))?;
    let mut build = cargo(&["build", "-p", "tokenwright-operator", "--manifest-path"]);
    let build = build
        .arg(tree.join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", &target);
    let built = succeeds(build);
    let copied = built.and_then(|()| {
        let from = target.join("debug/tokenwright-operator");
        std::fs::copy(&from, &program).with_context(|| format!("copying {}", from.display()))
    });
    git(&["worktree", "remove", "--force", &tree_text])?;
    copied?;
    succeeds(&mut cargo(BUILD_PROGRAMS))?;
    Ok(program)
}

fn git(arguments: &[&str]) -> Result<()> {
    succeeds(Command::new("git").current_dir(root()).args(arguments))
}

fn succeeds(command: &mut Command) -> Result<()> {
    let status = command.status();
    let status = status.with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?} failed");
    Ok(())
}
