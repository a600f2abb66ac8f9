//! The provider under a host on HashiCorp's own Go libraries: go-plugin with AutoMTLS, go-cty, and the plugin
//! framework beside it. What only a newer core asks for is asked for here, too.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::support::World;
use crate::support::go::{built, tfplugin};

mod actions;
mod cases;
mod framework;
mod functions;
mod inventory;
mod life;
mod moves;
mod values;

const TOKEN: &str = "tokenwright_api_token";
const OF_TOKEN: &str = "resource:tokenwright_api_token";

/// A started host with its provider; both end with it.
struct Host {
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

/// The host, built once.
fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| built(".", "go-host"))
}

impl Host {
    async fn start(world: &World) -> Self {
        let mut command = Command::new(program());
        command
            .arg(env!("CARGO_BIN_EXE_terraform-provider-tokenwright"))
            .arg(tfplugin().join("proto"))
            .env("TMPDIR", world.folder.path())
            .envs(world.credential())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        Self {
            input: process.stdin.take().unwrap(),
            output: BufReader::new(process.stdout.take().unwrap()).lines(),
            _process: process,
        }
    }

    /// Started, with the provider configured for the vendor of this world.
    async fn configured(world: &World) -> Self {
        let mut host = Self::start(world).await;
        let issuer = json!({
            "profile": world.played.system.to_string(),
            "endpoint": world.played.endpoint,
            "request_timeout": "2s",
        });
        let config = json!({ "manager": "test", "issuers": { "vendor": issuer } });
        let request = json!({ "terraformVersion": "1.16.0", "config": { "$value": config } });
        host.calm("ConfigureProvider", "provider", request).await;
        host
    }

    async fn answer(&mut self, rpc: &str, of: &str, request: Value) -> Value {
        let call = json!({ "rpc": rpc, "of": of, "request": request });
        let line = format!("{call}\n");
        self.input.write_all(line.as_bytes()).await.unwrap();
        let line = self.output.next_line().await.unwrap();
        serde_json::from_str(&line.expect("the host ended")).unwrap()
    }

    /// All answers of a call that streams.
    async fn stream(&mut self, rpc: &str, of: &str, request: Value) -> Vec<Value> {
        let answer = self.answer(rpc, of, request).await;
        let answers = answer["responses"].as_array();
        answers.unwrap_or_else(|| panic!("{rpc}: {answer}")).clone()
    }

    /// The answer of a call.
    async fn call(&mut self, rpc: &str, of: &str, request: Value) -> Value {
        self.stream(rpc, of, request).await.remove(0)
    }

    /// The same, without an error or a warning.
    async fn calm(&mut self, rpc: &str, of: &str, request: Value) -> Value {
        let answer = self.call(rpc, of, request).await;
        assert!(answer["diagnostics"].is_null(), "{rpc}: {answer}");
        answer
    }
}

/// What the provider offers, as the protocol says it.
pub(crate) async fn protocol_schemas(world: &World) -> Value {
    let mut host = Host::start(world).await;
    host.calm("GetProviderSchema", "", Value::Null).await
}

/// What was said: severity, place and summary of each.
fn said(answer: &Value) -> Vec<(String, String, String)> {
    let all = answer["diagnostics"].as_array();
    let told = all.into_iter().flatten().map(|one| {
        let steps = one["attribute"]["steps"].as_array();
        let steps = steps.into_iter().flatten().map(|step| {
            let step = step.as_object().unwrap().values().next().unwrap();
            step.as_str().unwrap().to_owned()
        });
        let path = steps.collect::<Vec<_>>().join(".");
        let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
        (text("severity"), path, text("summary"))
    });
    told.collect()
}

/// A configuration of a token, as go-cty will write it: what is left out is null.
fn config(more: Value) -> Value {
    let mut config = json!({ "name": "ci", "scopes": ["models:read"], "lifetime": "30d" });
    for (name, value) in more.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}
