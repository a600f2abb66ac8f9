//! Unleash on a PostgreSQL of its own, without what it would tell its makers.

use anyhow::Result;

use super::postgres::Postgres;
use super::{Command, ENV, Ready, Running, start, with_variables};
use crate::tools;

/// A running Unleash with one admin token.
#[derive(Debug)]
pub struct Unleash {
    // The server is dropped before its database.
    _running: Running,
    _database: Postgres,
    endpoint: String,
}

impl Unleash {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it is not installed, ends or does not get ready; the error carries the end of its log.
    pub async fn start() -> Result<Self> {
        let program = tools::unleash()?;
        let database = Postgres::start("unleash").await?;
        let running = start(async |_, port| {
            let variables = [
                ("DATABASE_URL", database.address("unleash")),
                ("DATABASE_SSL", "false".to_owned()),
                ("HTTP_HOST", "127.0.0.1".to_owned()),
                ("HTTP_PORT", port.to_string()),
                ("CHECK_VERSION", "false".to_owned()),
                ("SEND_TELEMETRY", "false".to_owned()),
                ("INIT_ADMIN_API_TOKENS", Self::CREDENTIAL.to_owned()),
            ];
            Ok(Command {
                name: "unleash",
                program: ENV.into(),
                arguments: with_variables(&variables, &program, &[]),
                ready: Ready::Answers("/health"),
            })
        })
        .await?;
        let endpoint = format!("{}/api", running.address);
        Ok(Self {
            _running: running,
            _database: database,
            endpoint,
        })
    }

    /// The admin token that it starts with.
    pub const CREDENTIAL: &str = "*:*.admin-71c3e9a8d2admin71c3e9a8d2";

    /// An environment that it starts with.
    pub const ENVIRONMENT: &str = "development";

    /// The address of the API, `http://127.0.0.1:PORT/api`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}
