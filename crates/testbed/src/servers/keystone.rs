//! OpenStack's Keystone on a PostgreSQL of its own: on SQLite it locks itself out when it deletes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::postgres::Postgres;
use super::{Command, Ready, Running, output, start};
use crate::{component, tools};

const STARTER: &str = include_str!("keystone.py");

/// Of the keys that sign and seal what goes with the folder: they guard nothing.
const KEY: &str = "dG9rZW53cmlnaHQtdGVzdHMtdG9rZW53cmlnaHQtMzI=";

/// A running Keystone with its first user and project.
#[derive(Debug)]
pub struct Keystone {
    // The server is dropped before its database.
    _running: Running,
    _database: Postgres,
    endpoint: String,
    user: String,
    project: String,
}

impl Keystone {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it is not installed, ends or does not get ready; the error carries the end of its log.
    pub async fn start() -> Result<Self> {
        let python = tools::keystone_python()?;
        let database = Postgres::start("keystone").await?;
        let address = database.address("keystone");
        let running = start(async |folder, port| {
            let starter = folder.join("keystone.py");
            fs::write(&starter, STARTER).context("cannot write Keystone's starter")?;
            let configuration = configure(folder, &address)?;
            let (starter, port) = (starter.display().to_string(), port.to_string());
            let own = ["-I", &starter, &configuration];
            let make = [&own[..], &["make", &port]].concat();
            output(&python, &[&make[..], &["db_sync"]].concat()).await?;
            let url = format!("--bootstrap-public-url=http://127.0.0.1:{port}/v3");
            let password = format!("--bootstrap-password={}", Self::PASSWORD);
            output(
                &python,
                &[&make[..], &["bootstrap", &password, &url]].concat(),
            )
            .await?;
            let serve = [&own[..], &["serve", &port]].concat();
            Ok(Command {
                name: "keystone",
                program: python.clone(),
                arguments: serve.into_iter().map(str::to_owned).collect(),
                ready: Ready::Answers("/v3"),
            })
        })
        .await?;
        let endpoint = format!("{}/v3", running.address);
        let token = login(&endpoint).await?;
        let id = |of: &str| {
            let id = token.pointer(&format!("/token/{of}/id"));
            let id = id.and_then(Value::as_str).map(str::to_owned);
            id.with_context(|| format!("Keystone does not say who the {of} is"))
        };
        Ok(Self {
            user: id("user")?,
            project: id("project")?,
            _running: running,
            _database: database,
            endpoint,
        })
    }

    /// The password of the user.
    pub const PASSWORD: &str = "password-71c3e9a8d2";

    /// The id of the user who has the roles `admin`, `member` and `reader`.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The id of the project in which the user has them.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The address of the API, `http://127.0.0.1:PORT/v3`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

/// Writes the configuration and its keys, and returns the path.
fn configure(folder: &Path, database: &str) -> Result<String> {
    let database = database.replacen("postgresql:", "postgresql+psycopg2:", 1);
    let mut text = format!("[database]\nconnection = {database}\n[cache]\nenabled = false\n");
    for section in ["fernet_tokens", "fernet_receipts", "credential"] {
        let keys = folder.join(section);
        fs::create_dir(&keys).context("cannot make a folder of keys")?;
        for name in ["0", "1"] {
            fs::write(keys.join(name), KEY).context("cannot write a key")?;
        }
        text.push_str(&format!(
            "[{section}]\nkey_repository = {}\n",
            keys.display()
        ));
    }
    let path = folder.join("keystone.conf");
    fs::write(&path, text).context("cannot write Keystone's configuration")?;
    Ok(path.display().to_string())
}

/// What the first login answers.
async fn login(endpoint: &str) -> Result<Value> {
    let domain = json!({ "id": "default" });
    let user = json!({ "name": "admin", "domain": domain, "password": Keystone::PASSWORD });
    let wanted = json!({ "auth": {
        "identity": { "methods": ["password"], "password": { "user": user } },
        "scope": { "project": { "name": "admin", "domain": domain } },
    } });
    let request = component::http()?.post(format!("{endpoint}/auth/tokens"));
    super::posted(request, &wanted).await
}
