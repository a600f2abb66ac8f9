//! Verdaccio: an npm registry with nothing in it and none behind it.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{Command, Ready, Running, start};
use crate::{component, tools};

const CONFIGURATION: &str = include_str!("verdaccio.yaml");

/// A running Verdaccio.
#[derive(Debug)]
pub struct Verdaccio {
    running: Running,
}

impl Verdaccio {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it is not installed, ends or does not get ready; the error carries the end of its log.
    pub async fn start() -> Result<Self> {
        let program = tools::verdaccio()?;
        let running = start(async |folder, port| {
            let configuration = folder.join("config.yaml");
            fs::write(&configuration, CONFIGURATION)
                .context("cannot write Verdaccio's configuration")?;
            Ok(Command {
                name: "verdaccio",
                program: program.clone(),
                arguments: vec![
                    format!("--config={}", configuration.display()),
                    format!("--listen=http://127.0.0.1:{port}"),
                ],
                ready: Ready::Answers("/-/ping"),
            })
        })
        .await?;
        Ok(Self { running })
    }

    /// One registry for all tests of this process, started by the first that asks; for tests that keep
    /// to a [`user`](Self::user) of their own. It ends with the process.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<Verdaccio> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::start).await
    }

    /// Makes a user, and returns the token of this first login.
    ///
    /// # Errors
    ///
    /// When the registry refuses, since it has the user already.
    pub async fn user(&self, name: &str, password: &str) -> Result<String> {
        let about = || format!("cannot make the user {name}");
        let answer = component::http()?
            .put(format!(
                "{}/-/user/org.couchdb.user:{name}",
                self.endpoint()
            ))
            .json(&json!({ "name": name, "password": password }))
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .with_context(about)?;
        let answer: Value = answer.json().await.with_context(about)?;
        let token = answer.get("token").and_then(Value::as_str);
        token.map(str::to_owned).with_context(about)
    }

    /// The address of the registry, `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.running.address
    }
}
