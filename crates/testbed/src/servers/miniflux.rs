//! Miniflux: its server on a PostgreSQL of its own, which fetches no feeds.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::postgres::Postgres;
use super::{Command, Ready, Running, posted, start};
use crate::{component, tools};

/// A running Miniflux with its first user.
#[derive(Debug)]
pub struct Miniflux {
    // The server is dropped before its database.
    _running: Running,
    _database: Postgres,
    endpoint: String,
    credential: String,
}

impl Miniflux {
    /// Starts it, waits until it answers, and makes a key with which others are managed.
    ///
    /// # Errors
    ///
    /// When it is not installed, ends or does not get ready; the error carries the end of its log.
    pub async fn start() -> Result<Self> {
        let program = tools::miniflux()?;
        let database = Postgres::start("miniflux").await?;
        let running = start(async |folder, port| {
            let configuration = folder.join("miniflux.conf");
            let text = format!(
                "DATABASE_URL={}?sslmode=disable\nLISTEN_ADDR=127.0.0.1:{port}\nRUN_MIGRATIONS=1\n\
                 CREATE_ADMIN=1\nADMIN_USERNAME={}\nADMIN_PASSWORD={}\nDISABLE_SCHEDULER_SERVICE=1\n",
                database.address("miniflux"),
                Self::USER,
                Self::PASSWORD,
            );
            fs::write(&configuration, text).context("cannot write Miniflux's configuration")?;
            let configuration = configuration.display().to_string();
            Ok(Command {
                name: "miniflux",
                program: program.clone(),
                arguments: vec!["-config-file".to_owned(), configuration],
                ready: Ready::Answers("/healthcheck"),
            })
        })
        .await?;
        let endpoint = format!("{}/v1", running.address);
        let request = component::http()?
            .post(format!("{endpoint}/api-keys"))
            .basic_auth(Self::USER, Some(Self::PASSWORD));
        let key = posted(request, &json!({ "description": "manages the others" })).await?;
        let key = key.get("token").and_then(Value::as_str);
        let credential = key.context("Miniflux shows no key")?.to_owned();
        Ok(Self {
            _running: running,
            _database: database,
            endpoint,
            credential,
        })
    }

    /// The user whose keys are managed.
    pub const USER: &str = "root";

    /// The user's password.
    pub const PASSWORD: &str = "password-71c3e9a8d2";

    /// A key of the user's.
    pub fn credential(&self) -> &str {
        &self.credential
    }

    /// The address of the API, `http://127.0.0.1:PORT/v1`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}
