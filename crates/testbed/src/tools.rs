//! Where the programs are that tests start: tools from elsewhere, and the workspace's own binaries.
//!
//! It only looks; `cargo xtask tools` builds what is missing. What cannot be found is an error with
//! a sentence that says how to get it, so that no test is skipped silently.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use xtask::tools::{Places, Tool, Wanted, locate};

/// What a real control plane is made of.
#[derive(Debug, Clone)]
pub struct Tools {
    /// The executable `etcd`.
    pub etcd: PathBuf,
    /// The executable `kube-apiserver`.
    pub kube_apiserver: PathBuf,
}

impl Tools {
    /// Finds both, by the variables that `cargo xtask test` sets, else by the order of
    /// `cargo xtask tools`.
    ///
    /// # Errors
    ///
    /// When one of them is missing; the error says how to get it.
    pub fn find() -> Result<Self> {
        Ok(Self {
            etcd: find(Tool::Etcd)?,
            kube_apiserver: find(Tool::KubeApiserver)?,
        })
    }
}

/// Finds `helm`.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn helm() -> Result<PathBuf> {
    find(Tool::Helm)
}

/// Finds `terraform`.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn terraform() -> Result<PathBuf> {
    find(Tool::Terraform)
}

fn find(tool: Tool) -> Result<PathBuf> {
    let wanted = Wanted::of(tool, None);
    let located = locate(&wanted, &Places::from_env()?)?;
    if let Some(found) = located.found {
        return Ok(found.path);
    }
    let how = match tool {
        Tool::Terraform => "install Terraform 1.11 or newer",
        Tool::Etcd | Tool::KubeApiserver | Tool::Helm | Tool::CargoDeny => {
            "get it with `cargo xtask tools`"
        }
    };
    let mut sentences = vec![format!("{} was not found: {how}", tool.name())];
    sentences.extend(located.passed_over);
    bail!(sentences.join("; "))
}

/// Finds a binary of this workspace, built beside the running test or demo.
///
/// # Errors
///
/// When it has not been built.
pub fn product_binary(name: &str) -> Result<PathBuf> {
    let running = env::current_exe().context("cannot tell where this program is")?;
    // Tests run from `target/debug/deps`, programs from `target/debug`.
    let found = running
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    found.with_context(|| {
        format!("{name} is not built: run `cargo build --workspace --bins` or `cargo xtask test`")
    })
}
