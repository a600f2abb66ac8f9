//! The program as a child process, and a sandbox of its own for each test.

use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tokenwright_client::{
    Issuer, MintRequest, Minted, ProfileIssuer, ProfileSettings, SecretText, SecretValue, profile,
};
use tokenwright_core::{Inputs, Lifetime};
use tokenwright_sandbox::faults::Fault;
use tokenwright_sandbox::ledger::{Ledger, Summary};
use tokenwright_sandbox::{Options, Played, Sandbox, SystemName};
use tokio::process::{Child, Command};

/// No command takes longer on the slowest machine.
const LONG: Duration = Duration::from_secs(60);

/// The program, without the environment of whoever runs the tests.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenwright"));
    command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// How a run ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(crate) async fn run(arguments: &[&str]) -> Ran {
    ended(program(arguments).spawn().unwrap()).await
}

pub(crate) async fn ended(child: Child) -> Ran {
    let ended = tokio::time::timeout(LONG, child.wait_with_output());
    ended.await.unwrap().unwrap().into()
}

/// One played system, and what it takes to try it.
pub(crate) struct Vendor {
    pub(crate) sandbox: Sandbox,
    pub(crate) played: Played,
}

pub(crate) async fn start(name: SystemName) -> Vendor {
    let sandbox = Sandbox::start(Options::new([name])).await.unwrap();
    let played = sandbox.played()[0].clone();
    Vendor { sandbox, played }
}

impl Vendor {
    /// `profile try PROFILE`, with what this system needs and the credential in its variable.
    pub(crate) fn trial(&self, profile: &str, more: &[&str]) -> Command {
        let application = self.played.parameter("application_id").unwrap_or_default();
        let application = format!("application_id={application}");
        let (variable, inputs) = match self.played.system == SystemName::Scaleway {
            true => ("SCW_SECRET_KEY", ["--parameter", &application]),
            false => ("SEEME_API_KEY", ["--scope", "models:read"]),
        };
        let mut command = program(&[
            "profile",
            "try",
            profile,
            "--endpoint",
            &self.played.endpoint,
        ]);
        command.args(inputs).args(more);
        command.env(variable, &self.played.credential);
        command
    }

    pub(crate) async fn tried(&self, profile: &str, more: &[&str]) -> Ran {
        let ran = ended(self.trial(profile, more).spawn().unwrap()).await;
        self.no_secret_in(&ran);
        ran
    }

    /// The value of a new token, which the program never shows.
    #[expect(
        clippy::disallowed_methods,
        reason = "to know what must not be printed"
    )]
    pub(crate) async fn minted_value(&self, name: &str) -> String {
        let minted = self.minted(name, "any").await;
        let (_, text) = minted.value.parts().next().unwrap();
        text.expose().to_owned()
    }

    /// A token with this whole name, minted by somebody else than the program.
    pub(crate) async fn mint(&self, remote_name: &str) {
        self.minted(self.played.system.as_str(), remote_name).await;
    }

    async fn minted(&self, profile: &str, remote_name: &str) -> Minted {
        let profile = profile::builtin(profile).unwrap();
        let part = profile.credential().keys().next().unwrap().clone();
        let credential = SecretText::new(self.played.credential.clone());
        let settings = ProfileSettings {
            endpoint: Some(self.played.endpoint.clone()),
            credential: SecretValue::new([(part, credential)]),
            request_timeout: LONG,
        };
        let issuer = ProfileIssuer::new(profile, settings).unwrap();
        let bearer = self.played.parameter("application_id");
        let bearer = bearer.map(|id| ("application_id".to_owned(), id.to_owned()));
        let scope = bearer.is_none().then(|| "models:read".to_owned());
        let request = MintRequest {
            remote_name: remote_name.to_owned(),
            inputs: Inputs {
                name: "any".to_owned(),
                scopes: scope.into_iter().collect(),
                parameters: bearer.into_iter().collect(),
                lifetime: Lifetime::Never,
            },
            at: jiff::Timestamp::UNIX_EPOCH,
            idempotency_key: "any".to_owned(),
            send_by: None,
        };
        issuer.mint(&request).await.unwrap()
    }

    pub(crate) fn fault(&self, matching: Value, effect: Value) {
        let fault = serde_json::json!({ "match": matching, "effect": effect });
        let fault: Fault = serde_json::from_value(fault).unwrap();
        self.sandbox.faults().add(fault).unwrap();
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.sandbox.ledger(None).unwrap()
    }

    pub(crate) fn summary(&self) -> Summary {
        self.ledger().summary
    }

    /// Neither the credential nor any minted value stands in what was said.
    pub(crate) fn no_secret_in(&self, ran: &Ran) {
        let said = format!("{}\n{}", ran.out, ran.err);
        assert!(
            !said.contains(&self.played.credential),
            "the credential: {said}"
        );
        assert!(!self.shows_a_value(&said), "a value: {said}");
    }

    /// Whether a word of the text is the value of a minted token; the sandbox keeps digests alone.
    pub(crate) fn shows_a_value(&self, text: &str) -> bool {
        let values: Vec<String> = self
            .ledger()
            .tokens
            .into_iter()
            .map(|token| token.sha256)
            .collect();
        let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        words.any(|word| values.contains(&sha256(word)))
    }
}

fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A folder with a copy of a built-in profile, changed, and its examples.
pub(crate) struct Copied {
    pub(crate) folder: tempfile::TempDir,
    name: String,
}

pub(crate) fn copied(name: &str, change: impl FnOnce(&str) -> String) -> Copied {
    let (text, examples) = profile::builtin_files(name).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copied = Copied {
        folder,
        name: name.to_owned(),
    };
    std::fs::write(copied.path("yaml"), change(text)).unwrap();
    std::fs::write(copied.path("examples.yaml"), examples).unwrap();
    copied
}

impl Copied {
    pub(crate) fn path(&self, extension: &str) -> String {
        let path = self
            .folder
            .path()
            .join(format!("{}.{extension}", self.name));
        path.to_str().unwrap().to_owned()
    }
}

/// A copy of a built-in profile with a short time to settle.
pub(crate) fn settling(name: &str, settle: &str) -> Copied {
    copied(name, |text| format!("{text}\nsettle: {settle}\n"))
}

/// Waits until it is so.
pub(crate) async fn until(so: impl Fn() -> bool) {
    for _ in 0..1000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it did not happen within twenty seconds");
}

/// Sends a signal, as a shell does.
pub(crate) async fn send(child: &Child, signal: &str) {
    let id = child.id().unwrap().to_string();
    let sent = Command::new("kill").args([signal, &id]).status().await;
    assert!(sent.unwrap().success());
}
