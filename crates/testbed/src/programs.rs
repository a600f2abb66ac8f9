//! The product's programs as processes, for tests and the demo; they end with whoever started them.

mod ledger;
mod operator;

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

pub use self::ledger::{Ledger, Life, Summary};
pub use self::operator::{More, Operator};
use crate::tools::product_binary;

/// Where tests and the demo let the operator live.
pub const OWN_NAMESPACE: &str = "tokenwright-system";

/// How often it is looked whether something has happened.
pub const LOOK: Duration = Duration::from_millis(50);

/// Waits until `look` finds something, or fails with a sentence after `patience`.
///
/// # Errors
///
/// When it comes to nothing; the error says what was awaited or what the program said.
pub async fn wait_for<T, F>(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    let waiting = async {
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    match tokio::time::timeout(patience, waiting).await {
        Ok(found) => found,
        Err(_) => bail!("waited {} s in vain for {what}", patience.as_secs()),
    }
}

/// Sleeps until an instant of the wall clock.
pub async fn sleep_until(at: Timestamp) {
    let wait = at.duration_since(crate::clock::now());
    if let Ok(wait) = Duration::try_from(wait) {
        tokio::time::sleep(wait).await;
    }
}

/// How long ago an instant of the wall clock was; negative while it lies ahead.
#[must_use]
pub fn since(at: Timestamp) -> SignedDuration {
    crate::clock::now().duration_since(at)
}

/// The host and port of an endpoint on this machine, as the operator is told that it may send there.
#[must_use]
pub fn host(endpoint: &str) -> &str {
    let rest = endpoint.trim_start_matches("http://");
    rest.split('/').next().unwrap_or_default()
}

/// One system that the sandbox plays.
#[derive(Debug, Clone, Deserialize)]
pub struct System {
    /// Its name.
    pub system: String,
    /// The base URL of its API.
    pub endpoint: String,
    /// A management credential.
    pub credential: String,
    admin: String,
    /// Where a person makes and deletes tokens.
    pub console: String,
    /// What a caller needs beside it.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

impl System {
    /// The header that authenticates at this system.
    fn header(&self, value: &str) -> (&'static str, String) {
        match self.system.as_str() {
            "scaleway" => ("X-Auth-Token", value.to_owned()),
            _ => ("Authorization", format!("Bearer {value}")),
        }
    }

    fn harmless_path(&self) -> &'static str {
        match self.system.as_str() {
            "scaleway" => "/iam/v1alpha1/api-keys?page_size=1",
            "seenode" => "/v1/teams",
            _ => "/me/apikeys",
        }
    }
}

/// How often a sandbox was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Whatever for.
    pub requests: u32,
    /// For its listing, by the credential that mints.
    pub lists: u32,
}

/// The sandbox, a process of its own.
#[derive(Debug)]
pub struct Sandbox {
    systems: Vec<System>,
    http: reqwest::Client,
    _process: Child,
}

impl Sandbox {
    /// Starts it for these systems; a day lasts one second.
    ///
    /// # Errors
    ///
    /// When the program cannot be started or reached.
    pub async fn start(names: &[&str]) -> Result<Self> {
        Self::start_with(names, 1).await
    }

    /// Starts it for these systems; a day lasts as long as outside.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn in_earnest(names: &[&str]) -> Result<Self> {
        Self::start_with(names, 86_400).await
    }

    async fn start_with(names: &[&str], seconds_per_day: u32) -> Result<Self> {
        let mut command = Command::new(product_binary("tokenwright-sandbox")?);
        command.args(names.iter().flat_map(|name| ["--system", name]));
        let seconds = seconds_per_day.to_string();
        command.args(["--seconds-per-day", &seconds, "--exit-with-stdin"]);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the sandbox")?;
        let output = process.stdout.take().context("the sandbox has no output")?;
        let mut lines = BufReader::new(output).lines();
        let mut systems = Vec::new();
        for _ in names {
            let line = lines
                .next_line()
                .await?
                .context("the sandbox ended at its start")?;
            systems.push(
                serde_json::from_str(&line).context("cannot read the sandbox's first lines")?,
            );
        }
        // Whatever proxy the environment names, it does not lead to this machine's loopback.
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .context("cannot make an HTTP client")?;
        Ok(Self {
            systems,
            http,
            _process: process,
        })
    }

    /// One of the systems that it plays.
    ///
    /// # Errors
    ///
    /// When the program cannot be started or reached.
    pub fn system(&self, name: &str) -> Result<&System> {
        let system = self.systems.iter().find(|system| system.system == name);
        system.with_context(|| format!("the sandbox does not play {name}"))
    }

    /// Whether a value authenticates, asked as any user of the system would.
    ///
    /// # Errors
    ///
    /// When the program cannot be started or reached.
    pub async fn authenticates(&self, system: &System, value: &str) -> Result<bool> {
        let (header, value) = system.header(value);
        let url = format!("{}{}", system.endpoint, system.harmless_path());
        let answer = self
            .http
            .get(url)
            .header(header, value)
            .send()
            .await
            .context("cannot reach the sandbox")?;
        match answer.status().as_u16() {
            200 => Ok(true),
            401 => Ok(false),
            status => bail!("{} answered {status}", system.system),
        }
    }

    /// Every token that was minted, and the numbers.
    ///
    /// # Errors
    ///
    /// When the program cannot be started or reached.
    pub async fn ledger(&self) -> Result<Ledger> {
        let url = format!("{}/ledger", self.admin()?);
        let answer = self
            .http
            .get(url)
            .send()
            .await
            .context("cannot ask for the ledger")?;
        answer.json().await.context("cannot read the ledger")
    }

    /// Delays the next check that is made with a minted value.
    ///
    /// # Errors
    ///
    /// When the program cannot be started or reached.
    pub async fn delay_next_check(&self, system: &str, delay: Duration) -> Result<()> {
        let checks = json!({ "system": system, "operation": "check", "by": "minted", "count": 1 });
        self.delay(&checks, delay).await
    }

    /// Delays the answer to the next such operation, as `mint` or `revoke`, which is done at once.
    ///
    /// # Errors
    ///
    /// When the program cannot be started or reached.
    pub async fn delay_next(&self, system: &str, operation: &str, delay: Duration) -> Result<()> {
        let next = json!({ "system": system, "operation": operation, "count": 1 });
        self.delay(&next, delay).await
    }

    async fn delay(&self, matching: &Value, delay: Duration) -> Result<()> {
        let delay = u64::try_from(delay.as_millis())?;
        self.fault(matching, &json!({ "latency_ms": delay })).await
    }

    /// Adds a fault of the sandbox's own words.
    ///
    /// # Errors
    ///
    /// When the program cannot be reached, or knows no such fault.
    pub async fn fault(&self, matching: &Value, effect: &Value) -> Result<()> {
        let fault = json!({ "match": matching, "effect": effect });
        self.tell("faults", &fault).await
    }

    /// Turns switches of the systems, as the admin API takes them.
    ///
    /// # Errors
    ///
    /// When the program cannot be reached, or knows no such switch.
    pub async fn switch(&self, settings: &Value) -> Result<()> {
        self.tell("settings", settings).await
    }

    /// Delays every answer, and counts from now on what is asked.
    ///
    /// # Errors
    ///
    /// When the program cannot be reached.
    pub async fn slow(&self, latency: Duration) -> Result<()> {
        for matching in [
            json!({}),
            json!({ "operation": "list", "by": "credential" }),
        ] {
            self.delay(&matching, latency).await?;
        }
        Ok(())
    }

    /// Loses the answers to one in twenty of the next `requests` that are made with the management
    /// credential; what they ask for is done.
    ///
    /// # Errors
    ///
    /// When the program cannot be reached.
    pub async fn lose_one_in_twenty(&self, requests: u32) -> Result<()> {
        for twenty in 0..requests.div_ceil(20) {
            // Spread over the twenty, without a draw.
            let skip = twenty * 20 + twenty * 7 % 20;
            let one = json!({ "by": "credential", "skip": skip, "count": 1 });
            self.fault(&one, &json!({ "lost_reply": true })).await?;
        }
        Ok(())
    }

    /// How many of the faults were met.
    ///
    /// # Errors
    ///
    /// When the program cannot be reached.
    pub async fn faults_met(&self) -> Result<u64> {
        let faults = self.faults().await?;
        let hits = |fault: &Value| fault.get("hits").and_then(Value::as_u64).unwrap_or(0);
        Ok(faults.iter().map(hits).sum())
    }

    async fn faults(&self) -> Result<Vec<Value>> {
        let url = format!("{}/faults", self.admin()?);
        let answer = self.http.get(url).send().await;
        let faults = answer.context("cannot ask for the faults")?;
        faults.json().await.context("cannot read the faults")
    }

    /// What was asked since [`slow`](Self::slow).
    ///
    /// # Errors
    ///
    /// When the program cannot be reached.
    pub async fn asked(&self) -> Result<Asked> {
        let faults = self.faults().await?;
        let hits = |at: usize| {
            let hits = faults.get(at).and_then(|fault| fault.get("hits"));
            let hits = hits
                .and_then(Value::as_u64)
                .context("a fault has no hits")?;
            u32::try_from(hits).context("more hits than can be")
        };
        Ok(Asked {
            requests: hits(0)?,
            lists: hits(1)?,
        })
    }

    async fn tell(&self, what: &str, told: &Value) -> Result<()> {
        let url = format!("{}/{what}", self.admin()?);
        let answer = self.http.post(url).json(told).send().await;
        answer
            .and_then(reqwest::Response::error_for_status)
            .with_context(|| format!("the sandbox does not take these {what}: {told}"))?;
        Ok(())
    }

    /// Removes every fault, and lets what they hold go.
    ///
    /// # Errors
    ///
    /// When the program cannot be started or reached.
    pub async fn clear_faults(&self) -> Result<()> {
        let url = format!("{}/faults", self.admin()?);
        self.http
            .delete(url)
            .send()
            .await
            .context("cannot clear the faults")?;
        Ok(())
    }

    fn admin(&self) -> Result<&str> {
        let first = self.systems.first().context("the sandbox plays nothing")?;
        Ok(&first.admin)
    }
}

/// Runs a program to its end and gives what it printed.
///
/// # Errors
///
/// When it comes to nothing; the error says what was awaited or what the program said.
pub async fn output(command: &mut Command) -> Result<Value> {
    let name = command
        .as_std()
        .get_program()
        .to_string_lossy()
        .into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .await
        .with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{name} failed: {}", said.trim());
    }
    Ok(serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
}
