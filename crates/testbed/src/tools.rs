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

/// Finds `kubectl`.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn kubectl() -> Result<PathBuf> {
    find(Tool::Kubectl)
}

/// Finds `glua`, the Lua that Argo CD has inside.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn gopher_lua() -> Result<PathBuf> {
    find(Tool::GopherLua)
}

/// Finds `promtool`.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn promtool() -> Result<PathBuf> {
    find(Tool::Promtool)
}

/// Finds `kube-controller-manager`.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn kube_controller_manager() -> Result<PathBuf> {
    find(Tool::KubeControllerManager)
}

/// Finds `terraform`.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn terraform() -> Result<PathBuf> {
    find(Tool::Terraform)
}

/// Finds `tofu`.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn tofu() -> Result<PathBuf> {
    find(Tool::Tofu)
}

/// Finds `jupyterhub`.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn jupyterhub() -> Result<PathBuf> {
    find(Tool::JupyterHub)
}

/// Finds `devpi-server`; `devpi-init` is beside it.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn devpi_server() -> Result<PathBuf> {
    find(Tool::Devpi)
}

/// Finds `gitea`; what it reads when it runs is beside it.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn gitea() -> Result<PathBuf> {
    find(Tool::Gitea)
}

/// Finds `verdaccio`.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn verdaccio() -> Result<PathBuf> {
    find(Tool::Verdaccio)
}

/// Finds a Python that has OpenStack's Keystone.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn keystone_python() -> Result<PathBuf> {
    find(Tool::Keystone)
}

/// Finds a Python that has ZenML's server.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn zenml_python() -> Result<PathBuf> {
    find(Tool::Zenml)
}

/// Finds a Python that has Synapse, a server of Matrix.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn synapse_python() -> Result<PathBuf> {
    find(Tool::Synapse)
}

/// Finds `miniflux`.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn miniflux() -> Result<PathBuf> {
    find(Tool::Miniflux)
}

/// Finds `headscale`.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn headscale() -> Result<PathBuf> {
    find(Tool::Headscale)
}

/// Finds `hydra`.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn hydra() -> Result<PathBuf> {
    find(Tool::Hydra)
}

/// Finds `unleash`.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn unleash() -> Result<PathBuf> {
    find(Tool::Unleash)
}

/// Finds `keycloak`, made ready for a database in memory.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn keycloak() -> Result<PathBuf> {
    find(Tool::Keycloak)
}

/// Finds a Python that has the client of SeeMe.ai, the package `seeme`.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn seeme_python() -> Result<PathBuf> {
    find(Tool::SeemeClient)
}

/// Finds `external-secrets`; its kinds are beside it.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn external_secrets() -> Result<PathBuf> {
    find(Tool::ExternalSecrets)
}

/// Finds `kustomize-controller`; its kinds are beside it.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn kustomize_controller() -> Result<PathBuf> {
    find(Tool::KustomizeController)
}

/// Finds `argo-cd`; its kinds are beside it.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn argo_cd() -> Result<PathBuf> {
    find(Tool::ArgoCd)
}

/// Finds `chromium`.
///
/// # Errors
///
/// When it is missing; the error says how to get it.
pub fn chromium() -> Result<PathBuf> {
    find(Tool::Chromium)
}

fn find(tool: Tool) -> Result<PathBuf> {
    let wanted = Wanted::of(tool, None);
    let located = locate(&wanted, &Places::from_env()?)?;
    if let Some(found) = located.found {
        return Ok(found.path);
    }
    let mut sentences = vec![format!("{} was not found: {}", tool.name(), tool.how())];
    sentences.extend(located.passed_over);
    bail!(sentences.join("; "))
}

/// Finds a binary of this workspace, built beside the running test or demo.
///
/// # Errors
///
/// When it has not been built.
pub fn product_binary(name: &str) -> Result<PathBuf> {
    let chosen = env::var_os(xtask::dist::PROGRAMS).map(|folder| PathBuf::from(folder).join(name));
    if let Some(chosen) = chosen.filter(|path| path.is_file()) {
        return Ok(chosen);
    }
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
