//! Real token systems that are not ours, on free loopback ports: for the proof that a profile is right.
//!
//! Each starts in seconds from its own packages, in a folder that goes with it. Nothing here knows
//! profiles or the client: a test drives the server by what it is given here.

mod devpi;
mod gitea;
mod headscale;
mod hydra;
mod jupyterhub;
mod keycloak;
mod keystone;
mod miniflux;
mod postgres;
mod synapse;
mod unleash;
mod verdaccio;
mod zenml;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

pub use devpi::Devpi;
pub use gitea::Gitea;
pub use headscale::Headscale;
pub use hydra::Hydra;
pub use jupyterhub::JupyterHub;
pub use keycloak::Keycloak;
pub use keystone::Keystone;
pub use miniflux::Miniflux;
pub use synapse::Synapse;
pub use unleash::Unleash;
pub use verdaccio::Verdaccio;
pub use zenml::Zenml;

use crate::component::{self, ATTEMPTS, Component, free_port, is_healthy, is_port_taken};

/// How often a server is asked whether it is ready: it takes five seconds or so.
const POLL: Duration = Duration::from_millis(100);

/// How a server is started.
#[derive(Debug)]
struct Command {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    ready: Ready,
}

/// What shows that all is well.
#[derive(Debug)]
enum Ready {
    /// A path that answers 200.
    Answers(&'static str),
    /// A program that ends well.
    Says {
        program: PathBuf,
        arguments: Vec<String>,
    },
}

/// A running server; dropping it ends its process and removes its folder, as does the death of the
/// process that started it.
#[derive(Debug)]
struct Running {
    address: String,
    // The process is dropped before its folder.
    _process: Component,
    folder: TempDir,
}

impl Running {
    /// Where it was started.
    fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Starts what `command` says for a fresh folder and a free port, and waits until it is ready.
async fn start(command: impl AsyncFn(&Path, u16) -> Result<Command>) -> Result<Running> {
    let http = component::http()?;
    let mut attempt = 1;
    loop {
        match start_once(&http, &command).await {
            Err(error) if attempt < ATTEMPTS && is_port_taken(&error) => attempt += 1,
            outcome => return outcome,
        }
    }
}

async fn start_once(
    http: &reqwest::Client,
    command: impl AsyncFn(&Path, u16) -> Result<Command>,
) -> Result<Running> {
    let folder = tempfile::Builder::new()
        .prefix("tokenwright-server-")
        .tempdir()
        .context("cannot make a folder for a server")?;
    let port = free_port()?;
    let command = command(folder.path(), port).await?;
    let process = Component::start(
        command.name,
        &command.program,
        &command.arguments,
        folder.path(),
    )?;
    let address = format!("http://127.0.0.1:{port}");
    let is_ready = async || match &command.ready {
        Ready::Answers(path) => is_healthy(http, &format!("{address}{path}")).await,
        Ready::Says { program, arguments } => {
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            output(program, &arguments).await.is_ok()
        }
    };
    process.until_ready(POLL, is_ready).await?;
    Ok(Running {
        address,
        _process: process,
        folder,
    })
}

/// What starts a program with these variables beside those of this process.
fn with_variables(variables: &[(&str, String)], program: &Path, arguments: &[&str]) -> Vec<String> {
    let set = variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let program = program.display().to_string();
    let arguments = arguments.iter().map(|argument| (*argument).to_owned());
    set.chain([program]).chain(arguments).collect()
}

/// The program that [`with_variables`] is for.
const ENV: &str = "/usr/bin/env";

/// Runs a program to its end, and returns what it printed.
async fn output(program: &Path, arguments: &[&str]) -> Result<String> {
    let output = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("cannot start {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let complained = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{} failed ({}):\n{said}{complained}",
            program.display(),
            output.status
        );
    }
    Ok(said)
}

/// Sends JSON, and returns the JSON of the answer.
async fn posted(request: reqwest::RequestBuilder, body: &Value) -> Result<Value> {
    let answer = request
        .json(body)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .context("a server refuses what a test needs")?;
    answer.json().await.context("a server answers without JSON")
}
