//! Many tokens under a real Terraform: how long create, refresh, rotation and destroy take, and what an
//! issuer is asked for them, beside what its own answers alone would take, and beside a plain provider in Go.

mod case;
mod judge;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use self::case::Case;
use self::judge::{CREATE, DESTROY, Judge, REFRESH, ROTATE, Took, Work};
use super::budget::Verdict;
use super::plain::Plain;
use super::{children, row};
use crate::programs::{Sandbox, System};
use crate::tools::product_binary;

const SYSTEM: &str = "scaleway";
/// Where each start of a provider is noted: the seconds that it worked, and the kibibytes that it held at most.
const NOTED: &str = "noted";

/// Many tokens in a state: create, refresh, rotate and destroy them, beside a plain provider in Go
///
/// Where an option has several values, each is measured with each of the others.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Cases {
    /// How many tokens there are in the state.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "100")]
    tokens: Vec<u32>,
    /// By how many milliseconds every answer of the issuer is delayed.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "0")]
    latency: Vec<u32>,
    /// How many resources Terraform works on at once.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "10")]
    parallelism: Vec<u32>,
    /// How many others the issuer shows, of another state.
    #[arg(long, value_name = "N", default_value_t = 0)]
    others: u32,
    /// Measure under OpenTofu in place of Terraform.
    #[arg(long)]
    tofu: bool,
}

impl Cases {
    pub(super) async fn measure(&self, verdict: &mut Verdict) -> Result<()> {
        let mut judge = Judge::new(verdict);
        for &tokens in &self.tokens {
            // What takes no time first: the others are judged beside it.
            for &latency in &self.latency.iter().copied().collect::<BTreeSet<_>>() {
                for &parallelism in &self.parallelism {
                    let case = Case {
                        others: self.others,
                        tofu: self.tofu,
                        ..Case::of(tokens, latency, parallelism)
                    };
                    run(case, &mut judge).await?;
                }
            }
        }
        Ok(())
    }
}

/// A start of a provider, whose worked seconds and greatest memory are noted in a file.
#[derive(Debug, clap::Args)]
pub(super) struct Noted {
    file: PathBuf,
    program: PathBuf,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Noted {
    pub(super) fn run(&self) -> Result<()> {
        let status = std::process::Command::new(&self.program)
            .args(&self.arguments)
            .status()?;
        let (seconds, held) = children()?;
        let mut file = File::options().create(true).append(true).open(&self.file)?;
        file.write_all(format!("{seconds} {held}\n").as_bytes())?;
        anyhow::ensure!(
            status.success(),
            "{} ended: {status}",
            self.program.display()
        );
        Ok(())
    }
}

/// What is measured where nothing is said.
const CASES: [Case; 4] = [
    Case::of(1, 0, 10),
    Case::of(100, 0, 10),
    Case::of(100, 200, 10),
    Case {
        others: 200,
        ..Case::of(200, 200, 50)
    },
];

pub(super) async fn measure(verdict: &mut Verdict) -> Result<()> {
    let mut judge = Judge::new(verdict);
    for case in CASES {
        run(case, &mut judge).await?;
    }
    Ok(())
}

/// Ours and the plain one, on one sandbox.
async fn run(case: Case, judge: &mut Judge<'_>) -> Result<()> {
    let sandbox = Sandbox::start(&[SYSTEM]).await?;
    let settings = json!({ "seconds_per_day": 86_400.0, "scaleway": { "keys_max": 5000 } });
    sandbox.switch(&settings).await?;
    let system = sandbox.system(SYSTEM)?;
    if case.others > 0 {
        let others = State::prepare(
            &ours(system, "others", case.others)?,
            system,
            case.program()?,
        )?;
        others.terraform("apply", 50).await?;
    }
    let plain = Plain::build()?;
    for subject in [
        plain_one(system, &plain, case.tokens)?,
        ours(system, "bench", case.tokens)?,
    ] {
        let mut state = State::prepare(&subject, system, case.program()?)?;
        for (what, work) in [
            ("create", CREATE),
            ("refresh", REFRESH),
            (subject.renewal, ROTATE),
            (subject.end, DESTROY),
        ] {
            if what == subject.renewal {
                state.trigger = "second".to_owned();
            }
            let measuring = Measuring {
                sandbox: &sandbox,
                case,
                who: subject.who,
            };
            let took = measuring.take((what, work), &state).await?;
            if subject.judged {
                judge.judge(what, work, case, &took);
            }
        }
    }
    Ok(())
}

/// A provider with a configuration of many tokens.
#[derive(Debug)]
struct Subject {
    who: &'static str,
    /// What a changed trigger does.
    renewal: &'static str,
    /// What a destroy does.
    end: &'static str,
    /// Whether the budgets are its own.
    judged: bool,
    source: &'static str,
    program: PathBuf,
    configuration: String,
}

fn application(system: &System) -> Result<&String> {
    let application = system.parameters.get("application_id");
    application.context("the sandbox names no application")
}

fn ours(system: &System, manager: &str, tokens: u32) -> Result<Subject> {
    let configuration = format!(
        r#"
provider "tokenwright" {{
  manager = {manager:?}
  issuers = {{ vendor = {{ profile = {SYSTEM:?}, endpoint = {:?} }} }}
}}
resource "tokenwright_api_token" "many" {{
  count      = {tokens}
  name       = "{manager}-${{count.index}}"
  lifetime   = "30d"
  parameters = {{ application_id = {:?} }}
  rotation   = {{ overlap = "1d", triggers = {{ a = var.trigger }} }}
}}
"#,
        system.endpoint,
        application(system)?
    );
    Ok(Subject {
        who: "provider",
        renewal: "rotate",
        end: "destroy both",
        judged: true,
        source: "tokenwright",
        program: product_binary("terraform-provider-tokenwright")?,
        configuration,
    })
}

fn plain_one(system: &System, plain: &Plain, tokens: u32) -> Result<Subject> {
    let configuration = format!(
        r#"
resource "plain_key" "many" {{
  count          = {tokens}
  description    = "plain-${{count.index}}"
  application_id = {:?}
  trigger        = var.trigger
}}
"#,
        application(system)?
    );
    Ok(Subject {
        who: "a plain provider in Go",
        renewal: "replace",
        end: "destroy",
        judged: false,
        source: "plain",
        program: plain.program(),
        configuration,
    })
}

struct Measuring<'a> {
    sandbox: &'a Sandbox,
    case: Case,
    who: &'static str,
}

impl Measuring<'_> {
    async fn take(&self, (what, work): (&str, Work), state: &State) -> Result<Took> {
        let case = self.case;
        let name = case.core();
        let wait = Duration::from_millis(u64::from(case.latency));
        self.sandbox.slow(wait).await?;
        let (begun, worked) = (Instant::now(), children()?.0);
        state.terraform(work.command, case.parallelism).await?;
        let wall = begun.elapsed().as_secs_f64();
        let (provider, held) = state.noted()?;
        let core = children()?.0 - worked - provider;
        let asked = self.sandbox.asked().await?;
        self.sandbox.clear_faults().await?;
        let answers = f64::from(asked.requests) * wait.as_secs_f64() / f64::from(case.at_once());
        row(
            &format!("{}: {}", self.who, case.told(what)),
            &format!(
                "{wall:.1} s; the provider worked {provider:.1} s and held {held:.1} MB at most, {name} worked {core:.1} s; {} requests, {} of them lists",
                asked.requests, asked.lists
            ),
            &format!(
                "the answers alone {answers:.1} s, with {name}'s work {:.1} s",
                answers + core
            ),
        );
        Ok(Took {
            wall,
            provider,
            core,
            held,
            lists: asked.lists,
        })
    }
}

/// A folder with a configuration and its state, and with a script that starts the provider and notes what it took.
struct State {
    folder: TempDir,
    program: PathBuf,
    environment: BTreeMap<&'static str, String>,
    trigger: String,
}

impl State {
    fn prepare(subject: &Subject, system: &System, program: PathBuf) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tokenwright-bench-")
            .tempdir()?;
        let source = subject.source;
        let noted = folder.path().join(NOTED);
        let script = folder.path().join(format!("terraform-provider-{source}"));
        std::fs::write(
            &script,
            format!(
                "#!/bin/sh\nexec '{}' noted '{}' '{}' \"$@\"\n",
                std::env::current_exe()?.display(),
                noted.display(),
                subject.program.display(),
            ),
        )?;
        std::fs::set_permissions(&script, Permissions::from_mode(0o700))?;
        let rc = folder.path().join("terraformrc");
        std::fs::write(
            &rc,
            format!(
                "provider_installation {{\n  dev_overrides {{\n    \"tokenwright/{source}\" = {:?}\n  }}\n  direct {{}}\n}}\n",
                folder.path()
            ),
        )?;
        let configuration = format!(
            r#"terraform {{
  required_providers {{
    {source} = {{ source = "tokenwright/{source}" }}
  }}
}}
variable "trigger" {{ default = "first" }}
{}"#,
            subject.configuration
        );
        std::fs::write(folder.path().join("main.tf"), configuration)?;
        Ok(Self {
            environment: BTreeMap::from([
                ("TF_CLI_CONFIG_FILE", rc.display().to_string()),
                ("TF_IN_AUTOMATION", "1".to_owned()),
                ("CHECKPOINT_DISABLE", "1".to_owned()),
                ("SCW_SECRET_KEY", system.credential.clone()),
                ("PLAIN_ENDPOINT", system.endpoint.clone()),
            ]),
            folder,
            program,
            trigger: "first".to_owned(),
        })
    }

    /// The seconds that the provider worked since this was asked last, and the megabytes that it held at most.
    fn noted(&self) -> Result<(f64, f64)> {
        let path = self.folder.path().join(NOTED);
        let noted = std::fs::read_to_string(&path).context("no provider was started")?;
        std::fs::remove_file(path)?;
        let (mut worked, mut held) = (0.0, 0.0_f64);
        for start in noted.lines() {
            let (seconds, kibibytes) = start.split_once(' ').context("noted otherwise")?;
            worked += seconds.parse::<f64>()?;
            held = held.max(kibibytes.parse::<f64>()? * 1024.0 / 1e6);
        }
        Ok((worked, held))
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
