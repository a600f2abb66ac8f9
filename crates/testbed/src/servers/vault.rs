//! Vault in memory, unsealed from its start.

use anyhow::{Context, Result};
use serde_json::json;

use super::{Command, Ready, Running, start};
use crate::{component, tools};

/// A running Vault with one policy.
#[derive(Debug)]
pub struct Vault {
    _running: Running,
    endpoint: String,
}

impl Vault {
    /// Starts it, waits until it answers, and makes a policy.
    ///
    /// # Errors
    ///
    /// When it is not installed, ends or does not get ready; the error carries the end of its log.
    pub async fn start() -> Result<Self> {
        let program = tools::vault()?;
        let running = start(async |_, port| {
            let arguments = vec![
                "server".to_owned(),
                "-dev".to_owned(),
                "-dev-no-store-token".to_owned(),
                format!("-dev-root-token-id={}", Self::CREDENTIAL),
                format!("-dev-listen-address=127.0.0.1:{port}"),
            ];
            Ok(Command {
                name: "vault",
                program: program.clone(),
                arguments,
                ready: Ready::Answers("/v1/sys/health"),
            })
        })
        .await?;
        let endpoint = format!("{}/v1", running.address);
        let policy = json!({ "policy": "path \"secret/*\" { capabilities = [\"read\"] }" });
        component::http()?
            .put(format!("{endpoint}/sys/policies/acl/{}", Self::POLICY))
            .header("X-Vault-Token", Self::CREDENTIAL)
            .json(&policy)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .context("Vault takes no policy")?;
        Ok(Self {
            _running: running,
            endpoint,
        })
    }

    /// The token that it starts with.
    pub const CREDENTIAL: &str = "root-71c3e9a8d2";

    /// A policy of its.
    pub const POLICY: &str = "web";

    /// The address of the API, `http://127.0.0.1:PORT/v1`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}
