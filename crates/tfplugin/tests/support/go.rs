//! Programs in Go that stand beside the plugin server, on HashiCorp's own libraries, and the host among them.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

pub(crate) fn tfplugin() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tfplugin")
}

/// One of them, built from its sources by the Go of this machine; its modules are cached by Go itself.
pub(crate) fn built(package: &str, name: &str) -> PathBuf {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let status = std::process::Command::new("go")
        .args(["build", "-o"])
        .arg(&built)
        .arg(package)
        .current_dir(tfplugin().join("tests/go"))
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .env("GOFLAGS", "-mod=readonly -buildvcs=false")
        .status()
        .expect("this test needs Go: https://go.dev/dl");
    assert!(status.success(), "{package} does not build");
    built
}

/// A started host with its provider; both end with it.
pub(crate) struct Host {
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
    /// With this provider, whose sockets are in `folder`.
    pub(crate) fn of<'a>(
        provider: &Path,
        folder: &Path,
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut command = Command::new(program());
        command
            .arg(provider)
            .arg(tfplugin().join("proto"))
            .env("TMPDIR", folder)
            .envs(variables)
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

    pub(crate) async fn answer(&mut self, rpc: &str, of: &str, request: Value) -> Value {
        let call = json!({ "rpc": rpc, "of": of, "request": request });
        let line = format!("{call}\n");
        self.input.write_all(line.as_bytes()).await.unwrap();
        let line = self.output.next_line().await.unwrap();
        serde_json::from_str(&line.expect("the host ended")).unwrap()
    }

    /// All answers of a call that streams.
    pub(crate) async fn stream(&mut self, rpc: &str, of: &str, request: Value) -> Vec<Value> {
        let answer = self.answer(rpc, of, request).await;
        let answers = answer["responses"].as_array();
        answers.unwrap_or_else(|| panic!("{rpc}: {answer}")).clone()
    }

    /// The answer of a call.
    pub(crate) async fn call(&mut self, rpc: &str, of: &str, request: Value) -> Value {
        self.stream(rpc, of, request).await.remove(0)
    }

    /// The same, without an error or a warning.
    pub(crate) async fn calm(&mut self, rpc: &str, of: &str, request: Value) -> Value {
        let answer = self.call(rpc, of, request).await;
        assert!(answer["diagnostics"].is_null(), "{rpc}: {answer}");
        answer
    }
}

/// What was said: severity, place and summary of each.
pub(crate) fn said(answer: &Value) -> Vec<(String, String, String)> {
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
