//! ZenML's server on SQLite, without its pages.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Command, ENV, Ready, Running, posted, start, with_variables};
use crate::{component, tools};

/// A running ZenML with its first user and one service account.
#[derive(Debug)]
pub struct Zenml {
    _running: Running,
    endpoint: String,
    account: String,
}

impl Zenml {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it is not installed, ends or does not get ready; the error carries the end of its log.
    pub async fn start() -> Result<Self> {
        let program = tools::zenml_python()?;
        let running = start(async |folder, port| {
            let home = folder.display().to_string();
            let configuration = folder.join("configuration");
            fs::create_dir(&configuration).context("cannot make ZenML's folder")?;
            let variables = [
                ("HOME", home),
                ("ZENML_CONFIG_PATH", configuration.display().to_string()),
                ("ZENML_SERVER", "true".to_owned()),
                ("ZENML_SERVER_DEPLOYMENT_TYPE", "local".to_owned()),
                (
                    "ZENML_SERVER_AUTH_SCHEME",
                    "OAUTH2_PASSWORD_BEARER".to_owned(),
                ),
                ("ZENML_SERVER_AUTO_ACTIVATE", "1".to_owned()),
                ("ZENML_ANALYTICS_OPT_IN", "false".to_owned()),
                ("ZENML_DEFAULT_USER_NAME", Self::USER.to_owned()),
                ("ZENML_DEFAULT_USER_PASSWORD", Self::PASSWORD.to_owned()),
            ];
            let port = port.to_string();
            let server = "zenml.zen_server.zen_server_api:app";
            let arguments = [
                "-m",
                "uvicorn",
                server,
                "--host",
                "127.0.0.1",
                "--port",
                &port,
            ];
            Ok(Command {
                name: "zenml",
                program: ENV.into(),
                arguments: with_variables(&variables, &program, &arguments),
                ready: Ready::Answers("/health"),
            })
        })
        .await?;
        let endpoint = format!("{}/api/v1", running.address);
        Ok(Self {
            account: make_account(&endpoint).await?,
            _running: running,
            endpoint,
        })
    }

    /// The user who may manage the keys of service accounts.
    pub const USER: &str = "root";

    /// The user's password.
    pub const PASSWORD: &str = "password-71c3e9a8d2";

    /// The id of the service account whose keys are managed.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The address of the API, `http://127.0.0.1:PORT/api/v1`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

/// Makes a service account, and returns its id.
async fn make_account(endpoint: &str) -> Result<String> {
    let http = component::http()?;
    let form = [
        ("grant_type", "password"),
        ("username", Zenml::USER),
        ("password", Zenml::PASSWORD),
    ];
    let login = http.post(format!("{endpoint}/login")).form(&form).send();
    let login = login.await.context("ZenML does not let its user in")?;
    let login: Value = login.json().await.context("ZenML answers without JSON")?;
    let token = login.get("access_token").and_then(Value::as_str);
    let request = http
        .post(format!("{endpoint}/service_accounts"))
        .bearer_auth(token.context("ZenML does not let its user in")?);
    let made = posted(request, &json!({ "name": "robot", "active": true })).await?;
    let id = made.get("id").and_then(Value::as_str);
    id.map(str::to_owned)
        .context("ZenML shows no service account")
}
