//! JupyterHub: its hub alone, without the proxy that would lead browsers to notebooks.
//!
//! The hub serves the whole API itself; so neither Node nor the proxy's package is needed.

use std::fs;

use anyhow::{Context, Result};
use tokio::sync::OnceCell;

use super::{Command, Ready, Running, start};
use crate::tools;

/// Written into the configuration, which reads nothing else from its surroundings.
const CONFIGURATION: &str = include_str!("jupyterhub_config.py");

/// A running JupyterHub with some users and one service that may manage their tokens.
#[derive(Debug)]
pub struct JupyterHub {
    _running: Running,
    endpoint: String,
}

impl JupyterHub {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it is not installed, ends or does not get ready; the error carries the end of its log.
    pub async fn start() -> Result<Self> {
        let program = tools::jupyterhub()?;
        let running = start(async |folder, port| {
            let configuration = folder.join("config.py");
            let text = CONFIGURATION
                .replace("{folder}", &folder.display().to_string())
                .replace("{port}", &port.to_string())
                .replace("{users}", &format!("{:?}", Self::USERS))
                .replace("{credential}", Self::CREDENTIAL);
            fs::write(&configuration, text).context("cannot write JupyterHub's configuration")?;
            Ok(Command {
                name: "jupyterhub",
                program: program.clone(),
                arguments: vec![format!("--config={}", configuration.display())],
                ready: Ready::Answers("/hub/api/"),
            })
        })
        .await?;
        let endpoint = format!("{}/hub/api", running.address);
        Ok(Self {
            _running: running,
            endpoint,
        })
    }

    /// One hub for all tests of this process, started by the first that asks; for tests that keep to one
    /// of the users. It ends with the process.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<JupyterHub> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::start).await
    }

    /// The users whose tokens are managed.
    pub const USERS: [&str; 3] = ["ada", "grace", "alan"];

    /// The token of the service, as the configuration hands it out.
    pub const CREDENTIAL: &str = "service-5b1de8f04c7a9632";

    /// The address of the API, `http://127.0.0.1:PORT/hub/api`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}
