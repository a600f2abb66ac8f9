//! Headscale on SQLite, with neither nodes nor relays.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Command, Ready, Running, output, posted, start};
use crate::component::{self, free_port};
use crate::tools;

const CONFIGURATION: &str = include_str!("headscale.yaml");

/// It does not start without a relay; nobody asks this one.
const RELAYS: &str = "regions: { 900: { regionid: 900, regioncode: none, regionname: none, \
                      nodes: [{ name: none, regionid: 900, hostname: localhost }] } }\n";

/// A running Headscale with one user.
#[derive(Debug)]
pub struct Headscale {
    _running: Running,
    endpoint: String,
    credential: String,
    user: String,
}

impl Headscale {
    /// Starts it, waits until it answers, and makes an API key and a user.
    ///
    /// # Errors
    ///
    /// When it is not installed, ends or does not get ready; the error carries the end of its log.
    pub async fn start() -> Result<Self> {
        let program = tools::headscale()?;
        let running = start(async |folder, port| {
            let text = CONFIGURATION
                .replace("{folder}", &folder.display().to_string())
                .replace("{port}", &port.to_string())
                .replace("{second}", &free_port()?.to_string());
            let configuration = folder.join("config.yaml");
            fs::write(&configuration, text)
                .and_then(|()| fs::write(folder.join("relays.yaml"), RELAYS))
                .context("cannot write Headscale's configuration")?;
            let configuration = configuration.display().to_string();
            Ok(Command {
                name: "headscale",
                program: program.clone(),
                arguments: vec!["--config".to_owned(), configuration, "serve".to_owned()],
                ready: Ready::Answers("/health"),
            })
        })
        .await?;
        let configuration = running.folder().join("config.yaml").display().to_string();
        let make = ["--config", &configuration, "apikeys", "create"];
        let printed = output(&program, &make).await?;
        let credential = printed.lines().last().context("Headscale shows no key")?;
        let endpoint = format!("{}/api/v1", running.address);
        let request = component::http()?
            .post(format!("{endpoint}/user"))
            .bearer_auth(credential);
        let made = posted(request, &json!({ "name": "ada" })).await?;
        let user = made.pointer("/user/id").and_then(Value::as_str);
        Ok(Self {
            user: user.context("Headscale shows no user")?.to_owned(),
            credential: credential.to_owned(),
            _running: running,
            endpoint,
        })
    }

    /// An API key.
    pub fn credential(&self) -> &str {
        &self.credential
    }

    /// The number of a user.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The address of the API, `http://127.0.0.1:PORT/api/v1`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}
