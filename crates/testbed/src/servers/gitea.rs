//! Gitea: its web server alone, on SQLite, with neither SSH nor anything that looks outside.

use std::fs;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::sync::OnceCell;

use super::{Command, Ready, Running, output, start};
use crate::{component, tools};

const CONFIGURATION: &str = include_str!("gitea.ini");

/// A running Gitea with its first administrator.
#[derive(Debug)]
pub struct Gitea {
    _running: Running,
    endpoint: String,
}

impl Gitea {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it is not installed, ends or does not get ready; the error carries the end of its log.
    pub async fn start() -> Result<Self> {
        let program = tools::gitea()?;
        let running = start(async |folder, port| {
            let configuration = folder.join("app.ini");
            let read = program.parent().context("gitea is in no folder")?;
            let text = CONFIGURATION
                .replace("{folder}", &folder.display().to_string())
                .replace("{read}", &read.display().to_string())
                .replace("{port}", &port.to_string());
            fs::write(&configuration, text).context("cannot write Gitea's configuration")?;
            let configuration = format!("--config={}", configuration.display());
            output(&program, &[&configuration, "migrate"]).await?;
            let administrator = [
                &configuration,
                "admin",
                "user",
                "create",
                "--admin",
                "--must-change-password=false",
                &format!("--username={}", Self::USER),
                &format!("--password={}", Self::PASSWORD),
                &format!("--email={}@example.com", Self::USER),
            ];
            output(&program, &administrator).await?;
            Ok(Command {
                name: "gitea",
                program: program.clone(),
                arguments: vec![configuration, "web".to_owned()],
                ready: Ready::Answers("/api/v1/version"),
            })
        })
        .await?;
        let endpoint = format!("{}/api/v1", running.address);
        Ok(Self {
            _running: running,
            endpoint,
        })
    }

    /// One server for all tests of this process, started by the first that asks; for tests that keep to
    /// a [`user`](Self::user) of their own. It ends with the process.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<Gitea> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::start).await
    }

    /// Makes a user.
    ///
    /// # Errors
    ///
    /// When the server refuses, since it has the user already.
    pub async fn user(&self, name: &str, password: &str) -> Result<()> {
        let answer = component::http()?
            .post(format!("{}/admin/users", self.endpoint))
            .basic_auth(Self::USER, Some(Self::PASSWORD))
            .json(&json!({
                "username": name,
                "password": password,
                "email": format!("{name}@example.com"),
                "must_change_password": false,
            }))
            .send()
            .await
            .and_then(reqwest::Response::error_for_status);
        answer.with_context(|| format!("cannot make the user {name}"))?;
        Ok(())
    }

    /// The administrator, who may manage everybody's tokens.
    pub const USER: &str = "root";

    /// The administrator's password.
    pub const PASSWORD: &str = "password-71c3e9a8d2";

    /// The address of the API, `http://127.0.0.1:PORT/api/v1`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}
