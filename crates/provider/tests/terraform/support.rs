//! A folder with a configuration, a Terraform that takes the provider from the build, and a vendor.

pub(crate) mod cores;
#[path = "../../../tfplugin/tests/support/framework.rs"]
pub(crate) mod framework;
#[path = "../../../tfplugin/tests/support/go.rs"]
pub(crate) mod go;
pub(crate) mod mirror;
pub(crate) mod processes;
pub(crate) mod record;
mod state;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokenwright_sandbox::faults::Fault;
use tokenwright_sandbox::ledger::{Life, Summary, What};
use tokenwright_sandbox::{Options, Played, Sandbox, Settings, SystemName};
use tokio::process::{Child, Command};

use self::record::Record;

/// The resource of most tests.
pub(crate) const CI: &str = r#"
  name     = "ci"
  scopes   = ["models:read"]
  lifetime = "30d"
"#;

pub(crate) struct World {
    /// The core that runs.
    pub(crate) core: PathBuf,
    pub(crate) sandbox: Sandbox,
    pub(crate) played: Played,
    pub(crate) folder: TempDir,
    /// What was planned in every run.
    pub(crate) record: Record,
    /// What stands in the provider block's issuer, beside the profile.
    pub(crate) issuer: String,
    pub(crate) credential: Option<String>,
    /// Terraform's variables, from the environment.
    pub(crate) variables: BTreeMap<&'static str, String>,
}

/// One run of Terraform.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) text: String,
    pub(crate) lines: Vec<Value>,
}

impl World {
    /// SeeMe, whose days last so many seconds, and this resource.
    pub(crate) async fn new(seconds_per_day: f64, resource: &str) -> Self {
        Self::of(SystemName::Seeme, seconds_per_day, resource).await
    }

    pub(crate) async fn of(system: SystemName, seconds_per_day: f64, resource: &str) -> Self {
        let mut options = Options::new([system]);
        options.settings = Settings {
            seconds_per_day,
            ..Settings::default()
        };
        let sandbox = Sandbox::start(options).await.unwrap();
        let played = sandbox.played()[0].clone();
        let folder = tempfile::tempdir().unwrap();
        let record = Record::new();
        let world = Self {
            core: cores::usual(),
            issuer: format!(
                "endpoint = {:?}\n request_timeout = \"2s\"",
                played.endpoint
            ),
            credential: Some(played.credential.clone()),
            variables: BTreeMap::new(),
            sandbox,
            played,
            folder,
            record,
        };
        world.take_provider(world.record.provider());
        world.configure(resource);
        world
    }

    /// Terraform takes this program for the provider.
    fn take_provider(&self, program: &Path) {
        let rc = format!(
            "provider_installation {{\n  dev_overrides {{\n    \"tokenwright/tokenwright\" = {:?}\n  }}\n  direct {{}}\n}}\n",
            program.parent().unwrap()
        );
        std::fs::write(self.path("terraformrc"), rc).unwrap();
    }

    /// Writes the configuration with one resource of these attributes.
    pub(crate) fn configure(&self, resource: &str) {
        self.write(&format!(
            "provider \"tokenwright\" {{\n manager = \"test\"\n issuers = {{\n  vendor = {{\n profile = {:?}\n {}\n  }}\n }}\n}}\n\
             resource \"tokenwright_api_token\" \"ci\" {{\n{resource}\n}}\n",
            self.played.system.to_string(),
            self.issuer
        ));
    }

    /// Writes the configuration after the block that names the provider.
    pub(crate) fn write(&self, rest: &str) {
        let head = "terraform {\n  required_providers {\n    tokenwright = {\n      source = \"tokenwright/tokenwright\"\n    }\n  }\n}\n";
        std::fs::write(self.folder.path().join("main.tf"), format!("{head}{rest}")).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.core);
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("TF_CLI_CONFIG_FILE", self.path("terraformrc"))
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .env_remove("TF_LOG")
            .env_remove("TF_LOG_PROVIDER")
            .env_remove("SEEME_API_KEY")
            .env_remove("SCW_SECRET_KEY")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
            .envs(self.credential())
            .envs(self.record.environment());
        for (name, value) in &self.variables {
            command.env(format!("TF_VAR_{name}"), value);
        }
        command
    }

    /// The variable through which the provider gets its credential.
    pub(crate) fn credential(&self) -> Option<(&'static str, &str)> {
        let credential = self.credential.as_deref()?;
        let variable = match self.played.system {
            SystemName::Seeme => "SEEME_API_KEY",
            SystemName::Scaleway => "SCW_SECRET_KEY",
            SystemName::Grafana => "GRAFANA_AUTH",
            // There is nothing that a credential could do.
            SystemName::Seenode | SystemName::OnlineNet | SystemName::Transiyzi => return None,
            other => panic!("no test here plays {other}"),
        };
        Some((variable, credential))
    }

    /// Runs it; `-json` output is read line by line.
    pub(crate) async fn run(&self, args: &[&str]) -> Ran {
        let ran = ran(self
            .command(args)
            .output()
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", cores::needed(&self.core))));
        self.record.agrees();
        ran
    }

    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", cores::needed(&self.core)))
    }

    pub(crate) async fn try_apply(&self) -> Ran {
        self.run(&["apply", "-auto-approve", "-json"]).await
    }

    pub(crate) async fn apply(&self) -> Ran {
        self.try_apply().await.succeeded()
    }

    pub(crate) async fn destroy(&self) -> Ran {
        self.run(&["destroy", "-auto-approve", "-json"])
            .await
            .succeeded()
    }

    /// The actions that a plan shows for the resource, such as `update`, or `no-op`.
    pub(crate) async fn plan(&self) -> (String, Ran) {
        let ran = self.run(&["plan", "-json", "-out=plan"]).await.succeeded();
        let planned = ran.planned();
        let token =
            |(address, _): &(&String, &String)| address.starts_with("tokenwright_api_token.");
        let of = planned.iter().find(token).or(planned.iter().next());
        let action = of.map_or("no-op", |(_, action)| action).to_owned();
        (action, ran)
    }

    /// The change of the resource in the plan that was saved last.
    pub(crate) async fn planned(&self) -> Value {
        let shown = self.run(&["show", "-json", "plan"]).await.succeeded();
        let shown: Value = serde_json::from_str(&shown.text).unwrap();
        shown["resource_changes"][0]["change"].clone()
    }

    pub(crate) async fn plans_nothing(&self) -> Ran {
        let args = ["plan", "-json", "-out=plan", "-detailed-exitcode"];
        let ran = self.run(&args).await;
        assert_eq!(ran.code, 0, "{}", ran.text);
        let summary = ran
            .lines
            .iter()
            .find(|line| line["type"] == "change_summary");
        let changes = &summary.unwrap()["changes"];
        for what in ["add", "change", "remove"] {
            assert_eq!(changes[what], 0, "{}", ran.text);
        }
        ran
    }

    /// Whether a value authenticates at the vendor.
    pub(crate) async fn works(&self, value: &Value) -> bool {
        let value = value.as_str().unwrap();
        let endpoint = &self.played.endpoint;
        let project = self.played.parameter("project_id").unwrap_or_default();
        let path = match self.played.system {
            SystemName::Seeme => "/models".to_owned(),
            SystemName::Scaleway => "/iam/v1alpha1/api-keys?page_size=1".to_owned(),
            SystemName::Seenode => "/v1/teams".to_owned(),
            SystemName::OnlineNet => "/servers".to_owned(),
            SystemName::Transiyzi => format!("/export/locale?project_id={project}"),
            other => panic!("no test here plays {other}"),
        };
        let request = client().get(format!("{endpoint}{path}"));
        let request = match self.played.system {
            SystemName::Scaleway | SystemName::OnlineNet => request.header("X-Auth-Token", value),
            _ => request.bearer_auth(value),
        };
        // What authenticates may still not be allowed to do this.
        request.send().await.unwrap().status() != 401
    }

    /// A person's hand at the vendor.
    pub(crate) async fn by_hand(&self, method: reqwest::Method, id: &Value) {
        let id = id.as_str().unwrap();
        let url = format!("{}/me/apikeys/{id}", self.played.endpoint);
        let request = client()
            .request(method, url)
            .bearer_auth(&self.played.credential);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// A person fills in a form of the vendor's console: the page that follows.
    pub(crate) async fn fill_in(&self, path: &str, form: &[(&str, &str)]) -> String {
        let console = &self.played.console;
        let sent = client()
            .post(format!("{console}{path}"))
            .header("Origin", console.strip_suffix("/console").unwrap())
            .form(form);
        let answer = sent.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.text().await.unwrap()
    }

    /// A person makes a token: its id at the vendor, and the parts of its value as the page shows them.
    pub(crate) async fn make(&self, form: &[(&str, &str)]) -> (String, Vec<String>) {
        let page = self.fill_in("/new", form).await;
        let fields = page.split("id=\"value").skip(1).filter_map(|rest| {
            let (_, rest) = rest.split_once("value=\"")?;
            Some(rest.split_once('"')?.0.to_owned())
        });
        let id = self.lives().last().unwrap().id.clone();
        (id, fields.collect())
    }

    /// A person makes a token of SeeMe with a client of their own: its id.
    pub(crate) async fn made_by_api(&self) -> String {
        self.named_by_api("by hand").await
    }

    /// The same by this name.
    pub(crate) async fn named_by_api(&self, name: &str) -> String {
        let sent = client()
            .post(format!("{}/me/apikeys", self.played.endpoint))
            .bearer_auth(&self.played.credential)
            .json(&json!({ "name": name, "scopes": ["models:read"] }));
        sent.send().await.unwrap().error_for_status().unwrap();
        self.lives().last().unwrap().id.clone()
    }

    /// The same where a value has one part.
    pub(crate) async fn made(&self) -> (String, String) {
        let (id, mut parts) = self.make(&[("name", "by hand"), ("scope", "read")]).await;
        (id, parts.remove(0))
    }

    /// A person deletes one.
    pub(crate) async fn deleted(&self, id: &str) {
        self.fill_in(&format!("/{id}/delete"), &[]).await;
    }

    pub(crate) fn fault(&self, matching: Value, effect: Value) -> u64 {
        let fault: Fault =
            serde_json::from_value(json!({ "match": matching, "effect": effect })).unwrap();
        self.sandbox.faults().add(fault).unwrap()
    }

    /// How many requests a fault holds back at this moment.
    pub(crate) fn waiting(&self, fault: u64) -> u32 {
        let all = self.sandbox.faults().list();
        let of = all.iter().find(|one| one.id == fault);
        of.unwrap().waiting
    }

    /// How many requests met a fault so far.
    pub(crate) fn hits(&self, fault: u64) -> u32 {
        let all = self.sandbox.faults().list();
        all.iter().find(|one| one.id == fault).unwrap().hits
    }

    pub(crate) fn summary(&self) -> Summary {
        self.sandbox.ledger(None).unwrap().summary
    }

    pub(crate) fn lives(&self) -> Vec<Life> {
        self.sandbox.ledger(None).unwrap().tokens
    }

    pub(crate) fn count(&self, what: What) -> usize {
        let ledger = self.sandbox.ledger(None).unwrap();
        ledger
            .events
            .iter()
            .filter(|entry| entry.what == what)
            .count()
    }

    pub(crate) fn nothing_lives(&self) {
        let summary = self.summary();
        assert_eq!(summary.live, 0, "{summary:?}: {:#?}", self.lives());
    }
}

pub(crate) fn ran(output: Output) -> Ran {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let text = format!("{}{}", text(&output.stdout), text(&output.stderr));
    Ran {
        code: output.status.code().unwrap_or(-1),
        lines: text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect(),
        text,
    }
}

impl Ran {
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.text);
        self
    }

    pub(crate) fn failed(self) -> Self {
        assert_ne!(self.code, 0, "it succeeded:\n{}", self.text);
        self
    }

    /// What is planned of each resource, by address; nothing of what rests.
    pub(crate) fn planned(&self) -> BTreeMap<String, String> {
        self.changes("planned_change")
    }

    /// What a refresh saw changed, by address.
    pub(crate) fn seen_changed(&self) -> BTreeMap<String, String> {
        self.changes("resource_drift")
    }

    /// What an apply began to do, by address.
    pub(crate) fn applied(&self) -> BTreeMap<String, String> {
        self.told("apply_start", "hook")
    }

    fn changes(&self, kind: &str) -> BTreeMap<String, String> {
        self.told(kind, "change")
    }

    fn told(&self, kind: &str, of: &str) -> BTreeMap<String, String> {
        let lines = self.lines.iter().filter(|line| line["type"] == kind);
        let named = lines.map(|line| {
            let of = [&line[of]["resource"]["addr"], &line[of]["action"]];
            let [address, action] = of.map(|text| text.as_str().unwrap().to_owned());
            (address, action)
        });
        let rests = |action: &str| ["noop", "move", "import"].contains(&action);
        named.filter(|(_, action)| !rests(action)).collect()
    }

    /// Summary, detail and attribute of all messages of one severity.
    pub(crate) fn said(&self, severity: &str) -> String {
        let diagnostics = self.lines.iter().map(|line| &line["diagnostic"]);
        let of = diagnostics.filter(|diagnostic| diagnostic["severity"] == severity);
        let texts = of.map(|diagnostic| {
            let text = |name: &str| diagnostic[name].as_str().unwrap_or_default();
            let code = diagnostic["snippet"]["code"].as_str().unwrap_or_default();
            format!("{}: {} [{}]", text("summary"), text("detail"), code.trim())
        });
        let texts: Vec<_> = texts.collect();
        texts.join("\n")
    }

    /// Wants these words in its errors.
    pub(crate) fn says(&self, words: &[&str]) {
        let said = self.said("error");
        for word in words {
            assert!(
                said.contains(word),
                "{word:?} is not in: {said}\n{}",
                self.text
            );
        }
    }

    /// Wants these words in its warnings.
    pub(crate) fn warns(&self, words: &[&str]) {
        let said = self.said("warning");
        for word in words {
            assert!(
                said.contains(word),
                "{word:?} is not in: {said}\n{}",
                self.text
            );
        }
    }
}

pub(crate) fn client() -> reqwest::Client {
    // The client wants a TLS provider even for plain HTTP; a second install is refused and harmless.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

pub(crate) async fn seconds(count: f64) {
    tokio::time::sleep(Duration::from_secs_f64(count)).await;
}

/// Waits until `done`, for at most 30 seconds.
pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..600 {
        if done() {
            return;
        }
        seconds(0.05).await;
    }
    panic!("{what}: it did not happen within 30 seconds");
}

/// Waits until an instant that a state names.
pub(crate) async fn reached(instant: &Value) {
    let instant: jiff::Timestamp = instant.as_str().unwrap().parse().unwrap();
    let wait = instant.duration_since(tokenwright_client::Clock::system().now());
    seconds(wait.as_secs_f64().max(0.0) + 0.05).await;
}
