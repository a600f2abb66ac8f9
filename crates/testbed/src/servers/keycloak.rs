//! Keycloak with a database in memory, and a client that manages the others.

use anyhow::Result;

use super::{Command, ENV, Ready, Running, start, with_variables};
use crate::tools;

/// A running Keycloak with its first realm.
#[derive(Debug)]
pub struct Keycloak {
    running: Running,
}

impl Keycloak {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it is not installed, ends or does not get ready; the error carries the end of its log.
    pub async fn start() -> Result<Self> {
        let program = tools::keycloak()?;
        let running = start(async |_, port| {
            let variables = [
                ("KC_BOOTSTRAP_ADMIN_CLIENT_ID", Self::CLIENT.to_owned()),
                ("KC_BOOTSTRAP_ADMIN_CLIENT_SECRET", Self::SECRET.to_owned()),
            ];
            let port = format!("--http-port={port}");
            let arguments = [
                "start",
                "--optimized",
                "--http-enabled=true",
                "--http-host=127.0.0.1",
                &port,
                "--hostname-strict=false",
                "--cache=local",
            ];
            Ok(Command {
                name: "keycloak",
                program: ENV.into(),
                arguments: with_variables(&variables, &program, &arguments),
                ready: Ready::Answers("/realms/master"),
            })
        })
        .await?;
        Ok(Self { running })
    }

    /// The realm.
    pub const REALM: &str = "master";

    /// The client that may manage clients.
    pub const CLIENT: &str = "manager";

    /// Its secret.
    pub const SECRET: &str = "secret-71c3e9a8d2";

    /// The address of the server, `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.running.address
    }
}
