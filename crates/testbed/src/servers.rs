//! Real token systems that are not ours, on free loopback ports: for the proof that a profile is right.
//!
//! Each starts in seconds from its own packages, in a folder that goes with it. Nothing here knows
//! profiles or the client: a test drives the server by what it is given here.

mod devpi;
mod gitea;
mod jupyterhub;
mod verdaccio;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

pub use devpi::Devpi;
pub use gitea::Gitea;
pub use jupyterhub::JupyterHub;
pub use verdaccio::Verdaccio;

use crate::component::{self, ATTEMPTS, Component, free_port, is_healthy, is_port_taken};

/// How often a server is asked whether it is ready: it takes five seconds or so.
const POLL: Duration = Duration::from_millis(100);

/// How a server is started.
#[derive(Debug)]
struct Command {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    /// A path that answers 200 when all is well.
    ready: &'static str,
}

/// A running server; dropping it ends its process and removes its folder, as does the death of the
/// process that started it.
#[derive(Debug)]
struct Running {
    address: String,
    // The process is dropped before its folder.
    _process: Component,
    _folder: TempDir,
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
    let ready = format!("{address}{}", command.ready);
    process
        .until_ready(POLL, || is_healthy(http, &ready))
        .await?;
    Ok(Running {
        address,
        _process: process,
        _folder: folder,
    })
}
