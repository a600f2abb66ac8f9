//! devpi-server with devpi-tokens, empty and offline.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::sync::OnceCell;

use super::{Command, Ready, Running, output, start};
use crate::{component, tools};

/// Its secrets are derived with 500 MB and ten seconds of a core each, at every start and first mint;
/// these guard nothing.
const CHEAP_SECRETS: [&str; 3] = [
    "--argon2-time-cost=1",
    "--argon2-memory-cost=1024",
    "--argon2-parallelism=1",
];

/// A running devpi-server with its first user.
#[derive(Debug)]
pub struct Devpi {
    running: Running,
}

impl Devpi {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it is not installed, ends or does not get ready; the error carries the end of its log.
    pub async fn start() -> Result<Self> {
        let program = tools::devpi_server()?;
        let running = start(async |folder, port| {
            let data = folder.join("data");
            make(&program.with_file_name("devpi-init"), &data).await?;
            let mut arguments = vec![
                format!("--serverdir={}", data.display()),
                "--host=127.0.0.1".to_owned(),
                format!("--port={port}"),
                // It would ask the package index for changes.
                "--offline-mode".to_owned(),
            ];
            arguments.extend(CHEAP_SECRETS.map(str::to_owned));
            Ok(Command {
                name: "devpi-server",
                program: program.clone(),
                arguments,
                ready: Ready::Answers("/+api"),
            })
        })
        .await?;
        Ok(Self { running })
    }

    /// One server for all tests of this process, started by the first that asks; for tests that keep to
    /// a [`user`](Self::user) of their own. It ends with the process.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<Devpi> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::start).await
    }

    /// Makes a user, and returns the address below which the user's tokens are.
    ///
    /// # Errors
    ///
    /// When the server refuses, since it has the user already.
    pub async fn user(&self, name: &str, password: &str) -> Result<String> {
        let address = format!("{}/{name}", self.endpoint());
        let answer = component::http()?
            .put(&address)
            .basic_auth(Self::USER, Some(Self::PASSWORD))
            .json(&json!({ "password": password }))
            .send()
            .await
            .and_then(reqwest::Response::error_for_status);
        answer.with_context(|| format!("cannot make the user {name}"))?;
        Ok(address)
    }

    /// The user who may manage everybody's tokens.
    pub const USER: &str = "root";

    /// The user's password.
    pub const PASSWORD: &str = "password-71c3e9a8d2";

    /// The address of the server, `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.running.address
    }
}

/// Makes the server's folder.
async fn make(devpi_init: &Path, data: &Path) -> Result<()> {
    let folder = format!("--serverdir={}", data.display());
    let password = format!("--root-passwd={}", Devpi::PASSWORD);
    output(devpi_init, &[&folder, "--no-root-pypi", &password]).await?;
    Ok(())
}
