//! Many tokens under a real Terraform: how long create, refresh, rotation and destroy take, and what an
//! issuer is asked for them, beside what its own answers alone would take.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use super::row;
use crate::programs::{Sandbox, System};
use crate::tools::{product_binary, terraform};

const SYSTEM: &str = "scaleway";

/// How many tokens, among how many others, at an issuer that answers how slowly.
#[derive(Clone, Copy)]
struct Case {
    tokens: u32,
    others: u32,
    latency: Duration,
    parallelism: u32,
}

const CASES: [Case; 4] = [
    Case::of(1, 0, 10),
    Case::of(100, 0, 10),
    Case::of(100, 200, 10),
    Case {
        others: 200,
        ..Case::of(200, 200, 50)
    },
];

impl Case {
    const fn of(tokens: u32, milliseconds: u64, parallelism: u32) -> Self {
        Self {
            tokens,
            others: 0,
            latency: Duration::from_millis(milliseconds),
            parallelism,
        }
    }
}

pub(super) async fn measure() -> Result<()> {
    for case in CASES {
        run(case).await?;
    }
    Ok(())
}

async fn run(case: Case) -> Result<()> {
    let sandbox = Sandbox::start(&[SYSTEM]).await?;
    let settings = json!({ "seconds_per_day": 86_400.0, "scaleway": { "keys_max": 5000 } });
    sandbox.switch(&settings).await?;
    let system = sandbox.system(SYSTEM)?;
    if case.others > 0 {
        let others = State::prepare(system, "others", case.others)?;
        others.terraform("apply", 50).await?;
    }
    let mut state = State::prepare(system, "bench", case.tokens)?;
    let measuring = Measuring {
        sandbox: &sandbox,
        case,
    };
    measuring.take("create", "apply", &state).await?;
    measuring.take("refresh", "plan", &state).await?;
    state.trigger = "second".to_owned();
    measuring.take("rotate", "apply", &state).await?;
    measuring.take("destroy both", "destroy", &state).await
}

struct Measuring<'a> {
    sandbox: &'a Sandbox,
    case: Case,
}

impl Measuring<'_> {
    async fn take(&self, what: &str, command: &str, state: &State) -> Result<()> {
        let Case {
            tokens,
            others,
            latency,
            parallelism,
        } = self.case;
        self.sandbox.slow(latency).await?;
        let begun = Instant::now();
        state.terraform(command, parallelism).await?;
        let took = begun.elapsed().as_secs_f64();
        let asked = self.sandbox.asked().await?;
        self.sandbox.clear_faults().await?;
        let at_once = f64::from(parallelism.min(tokens));
        let answers = f64::from(asked.requests) * latency.as_secs_f64() / at_once;
        let among = match others {
            0 => String::new(),
            others => format!(" among {others} others"),
        };
        row(
            &format!(
                "provider: {what} {tokens}{among}, answers after {} ms, parallelism {parallelism}",
                latency.as_millis()
            ),
            &format!(
                "{took:.1} s, {} requests, {} of them lists",
                asked.requests, asked.lists
            ),
            &format!("the answers alone: {answers:.1} s"),
        );
        Ok(())
    }
}

/// A folder with a configuration and its state.
struct State {
    folder: TempDir,
    program: PathBuf,
    environment: BTreeMap<&'static str, String>,
    trigger: String,
}

impl State {
    fn prepare(system: &System, manager: &str, tokens: u32) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tokenwright-bench-")
            .tempdir()?;
        let provider = product_binary("terraform-provider-tokenwright")?;
        let built = provider.parent().context("the provider lies nowhere")?;
        let application = system
            .parameters
            .get("application_id")
            .context("the sandbox names no application")?;
        let rc = folder.path().join("terraformrc");
        std::fs::write(
            &rc,
            format!(
                "provider_installation {{\n  dev_overrides {{\n    \"tokenwright/tokenwright\" = {built:?}\n  }}\n  direct {{}}\n}}\n"
            ),
        )?;
        let configuration = format!(
            r#"terraform {{
  required_providers {{
    tokenwright = {{ source = "tokenwright/tokenwright" }}
  }}
}}
variable "trigger" {{ default = "first" }}
provider "tokenwright" {{
  manager = {manager:?}
  issuers = {{ vendor = {{ profile = {SYSTEM:?}, endpoint = {:?} }} }}
}}
resource "tokenwright_api_token" "many" {{
  count      = {tokens}
  name       = "{manager}-${{count.index}}"
  lifetime   = "30d"
  parameters = {{ application_id = {application:?} }}
  rotation   = {{ overlap = "1d", triggers = {{ a = var.trigger }} }}
}}
"#,
            system.endpoint
        );
        std::fs::write(folder.path().join("main.tf"), configuration)?;
        Ok(Self {
            environment: BTreeMap::from([
                ("TF_CLI_CONFIG_FILE", rc.display().to_string()),
                ("TF_IN_AUTOMATION", "1".to_owned()),
                ("CHECKPOINT_DISABLE", "1".to_owned()),
                ("SCW_SECRET_KEY", system.credential.clone()),
            ]),
            folder,
            program: terraform()?,
            trigger: "first".to_owned(),
        })
    }

    async fn terraform(&self, command: &str, parallelism: u32) -> Result<()> {
        let mut terraform = Command::new(&self.program);
        terraform
            .arg(command)
            .args(["-input=false", "-no-color"])
            .arg(format!("-parallelism={parallelism}"))
            .env("TF_VAR_trigger", &self.trigger)
            .envs(&self.environment)
            .current_dir(self.folder.path());
        if command != "plan" {
            terraform.arg("-auto-approve");
        }
        let output = terraform
            .output()
            .await
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("terraform {command} failed: {}", said.trim());
        }
        Ok(())
    }
}
