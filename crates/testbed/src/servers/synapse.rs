//! Synapse, a server of Matrix, on SQLite and alone in the world.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Command, Ready, Running, output, posted, start};
use crate::{component, tools};

const CONFIGURATION: &str = include_str!("synapse.yaml");

/// The password of both users.
const PASSWORD: &str = "password-71c3e9a8d2";

/// A running Synapse with an administrator and a user.
#[derive(Debug)]
pub struct Synapse {
    running: Running,
    credential: String,
}

impl Synapse {
    /// Starts it, waits until it answers, and makes the users.
    ///
    /// # Errors
    ///
    /// When it is not installed, ends or does not get ready; the error carries the end of its log.
    pub async fn start() -> Result<Self> {
        let program = tools::synapse_python()?;
        let running = start(async |folder, port| {
            let text = CONFIGURATION
                .replace("{folder}", &folder.display().to_string())
                .replace("{port}", &port.to_string());
            let configuration = configuration(folder);
            fs::write(&configuration, text).context("cannot write Synapse's configuration")?;
            let server = ["-m", "synapse.app.homeserver", "-c", &configuration];
            let mut keys = server.to_vec();
            keys.push("--generate-keys");
            output(&program, &keys).await?;
            Ok(Command {
                name: "synapse",
                program: program.clone(),
                arguments: server.map(str::to_owned).to_vec(),
                ready: Ready::Answers("/health"),
            })
        })
        .await?;
        make_user(&program, &running, "ops", "--admin").await?;
        make_user(&program, &running, "bot", "--no-admin").await?;
        let credential = log_in(&running.address, "ops").await?;
        Ok(Self {
            running,
            credential,
        })
    }

    /// The user whose tokens are managed.
    pub const USER: &str = "@bot:localhost";

    /// A token of the administrator.
    pub fn credential(&self) -> &str {
        &self.credential
    }

    /// The address of the server, `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.running.address
    }
}

fn configuration(folder: &Path) -> String {
    folder.join("homeserver.yaml").display().to_string()
}

/// Makes a user with the script that Synapse has for it.
async fn make_user(program: &Path, running: &Running, name: &str, rank: &str) -> Result<()> {
    let configuration = configuration(running.folder());
    let script = "synapse._scripts.register_new_matrix_user";
    let user = ["-m", script, "-u", name, "-p", PASSWORD, rank];
    let at = ["-c", &configuration, &running.address];
    output(program, &[user.as_slice(), &at].concat()).await?;
    Ok(())
}

/// Logs a user in, and returns the token.
async fn log_in(endpoint: &str, name: &str) -> Result<String> {
    let login = json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": name },
        "password": PASSWORD,
    });
    let request = component::http()?.post(format!("{endpoint}/_matrix/client/v3/login"));
    let granted = posted(request, &login).await?;
    let token = granted.get("access_token").and_then(Value::as_str);
    token
        .map(str::to_owned)
        .context("Synapse does not let its administrator in")
}
