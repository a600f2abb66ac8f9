//! Calls of cargo, always for the whole workspace: a build of one package would choose other
//! features for shared dependencies, and rebuild most of the tree.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand, TargetKind};
use serde_json::Value;

/// The test binary that needs a real control plane; nothing outside of it may.
pub(super) const CONTROL_PLANE_TESTS: &str = "control_plane";

/// The test binary on servers that the usual run does not build.
pub(super) const MORE_SERVERS_TESTS: &str = "more_servers";

/// The feature without which cargo does not build it: so the usual run only lints it.
pub(super) const MORE_SERVERS: &str = "tokenwright-tests/more-servers";

/// The test binary of an older version beside this one.
pub(super) const VERSIONS_TESTS: &str = "versions";

/// The feature without which cargo does not build it.
pub(super) const VERSIONS: &str = "tokenwright-tests/versions";

/// The test binary of Flux and Argo CD.
pub(super) const GITOPS_TESTS: &str = "gitops";

/// The feature without which cargo does not build it.
pub(super) const GITOPS: &str = "tokenwright-tests/gitops";

/// Builds all programs together with the tests, so that they share one set of features.
pub(super) const BUILD: &[&str] = &["build", "--workspace", "--all-targets"];

/// Builds the programs alone.
pub(super) const BUILD_PROGRAMS: &[&str] = &["build", "--workspace", "--bins"];

/// The workspace that this program was built from.
pub(super) fn workspace() -> Result<Metadata> {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cannot read the workspace")
}

/// The version that all packages of the workspace share.
pub(super) fn version() -> Result<String> {
    let workspace = workspace()?;
    let packages = workspace.workspace_packages();
    let first = packages.first().context("the workspace is empty")?;
    Ok(first.version.to_string())
}

/// The folder of the workspace's Cargo.toml.
pub(super) fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates
        .and_then(Path::parent)
        .unwrap_or(Path::new("."))
        .to_owned()
}

/// A call of the cargo that started this program, in the workspace's folder.
pub(super) fn cargo(arguments: &[&str]) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root()).args(arguments);
    // Cargo describes this program to it in variables. Build scripts look at them: handed on, they
    // would rebuild ring, and all that depends on it, whenever a person calls cargo in between.
    for (variable, _) in env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&variable);
        }
    }
    command
}

/// The arguments that choose all tests but those on a real control plane, documentation apart.
///
/// Cargo can name targets, not leave one out; so all others are named.
pub(super) fn all_but_control_plane(workspace: &Metadata) -> Vec<String> {
    let mut arguments = vec!["--lib".to_owned(), "--bins".to_owned()];
    let mut names: Vec<&str> = workspace
        .workspace_packages()
        .into_iter()
        .flat_map(|package| &package.targets)
        .filter(|target| target.kind.contains(&TargetKind::Test))
        .filter(|target| target.required_features.is_empty())
        .map(|target| target.name.as_str())
        .filter(|name| *name != CONTROL_PLANE_TESTS)
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        arguments.push("--test".to_owned());
        arguments.push(name.to_owned());
    }
    arguments
}

/// The executable of an integration test that [`BUILD`] has built.
///
/// Asked of the same build again: to build one test alone would choose other features.
pub(super) fn test_binary(name: &str) -> Result<String> {
    let output = cargo(BUILD)
        .args(["--quiet", "--message-format=json"])
        .output()
        .context("cannot ask cargo for its test binaries")?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let found = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter(|message| message["target"]["name"] == name && message["profile"]["test"] == true)
        .find_map(|message| message["executable"].as_str().map(str::to_owned));
    found.with_context(|| format!("cargo has built no test binary {name}"))
}
