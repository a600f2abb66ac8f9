//! The operator as a process.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::{Child, Command};

use super::OWN_NAMESPACE;
use crate::tools::product_binary;

/// The operator, a process of its own that can be killed.
#[derive(Debug)]
pub struct Operator {
    process: Child,
}

/// What an operator is given beside what it always is.
#[derive(Debug, Clone, Default)]
pub struct More {
    /// Another program than that of this build.
    pub program: Option<PathBuf>,
    /// Another namespace than [`OWN_NAMESPACE`] to live in.
    pub namespace: Option<String>,
    /// Further arguments.
    pub arguments: Vec<String>,
    /// Further variables of its environment.
    pub environment: Vec<(String, String)>,
}

impl Operator {
    /// Starts the replica of this name with this kubeconfig; its log is appended to a file.
    ///
    /// # Errors
    ///
    /// When the program cannot be started or reached.
    pub async fn start(
        name: &str,
        kubeconfig: &Path,
        allow_host: &str,
        log: &Path,
    ) -> Result<Self> {
        Self::start_with(name, kubeconfig, allow_host, log, More::default()).await
    }

    /// The same with more.
    ///
    /// # Errors
    ///
    /// When the program cannot be started or reached.
    pub async fn start_with(
        name: &str,
        kubeconfig: &Path,
        allow_host: &str,
        log: &Path,
        more: More,
    ) -> Result<Self> {
        let program = match more.program {
            Some(program) => program,
            None => product_binary("tokenwright-operator")?,
        };
        let mut command = Command::new(program);
        command
            .args(["--listen", "127.0.0.1:0", "--namespace"])
            .arg(more.namespace.as_deref().unwrap_or(OWN_NAMESPACE))
            .args(["--allow-host", allow_host])
            // As the chart names it.
            .args(["--lease", crate::chart::RELEASE, "--instance", name])
            .args(more.arguments)
            .env("KUBECONFIG", kubeconfig)
            .envs(crate::chart::ENVIRONMENT)
            .envs(more.environment)
            .env(
                "RUST_LOG",
                std::env::var("RUST_LOG").unwrap_or_else(|_| "info".to_owned()),
            );
        Self::spawn(&mut command, log)
    }

    /// Starts whatever operator this is; its log is appended to a file.
    ///
    /// # Errors
    ///
    /// When the program cannot be started.
    pub fn spawn(command: &mut Command, log: &Path) -> Result<Self> {
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log);
        let file = file.with_context(|| format!("cannot write {}", log.display()))?;
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the operator")?;
        Ok(Self { process })
    }

    /// The id of its process, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Sends a signal by its name, such as `STOP`, `CONT` or `TERM`.
    ///
    /// # Errors
    ///
    /// When the operator has ended.
    pub async fn signal(&self, name: &str) -> Result<()> {
        let id = self.process.id().context("the operator has ended")?;
        let sent = Command::new("kill")
            .args([format!("-{name}"), id.to_string()])
            .status()
            .await;
        match sent.context("cannot send a signal")?.success() {
            true => Ok(()),
            false => bail!("the operator takes no signal {name}"),
        }
    }

    /// Waits until it ends by itself; whether it says that all went well.
    ///
    /// # Errors
    ///
    /// When it does not end.
    pub async fn ended(mut self, patience: Duration) -> Result<bool> {
        let ended = tokio::time::timeout(patience, self.process.wait()).await;
        let ended = ended.context("the operator does not end")??;
        Ok(ended.success())
    }

    /// SIGKILL: the operator gets no chance to tidy up.
    ///
    /// # Errors
    ///
    /// When the program cannot be started or reached.
    pub async fn kill(mut self) -> Result<()> {
        self.process
            .kill()
            .await
            .context("cannot kill the operator")
    }
}
