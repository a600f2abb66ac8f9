//! The client that SeeMe.ai itself ships, on the sandbox: what it cannot read, the sandbox plays wrongly.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokenwright_sandbox::{Options, Sandbox, SystemName};
use tokenwright_testbed::tools;

/// Runs the script beside the sandbox; what it prints is JSON.
fn run(told: &Value) -> Result<Value> {
    let mut child = Command::new(tools::seeme_python()?)
        .args(["-c", include_str!("seeme_client.py")])
        // Whatever proxy the environment names, it does not lead to this machine's loopback.
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start the client")?;
    let mut input = child.stdin.take().context("the client has no input")?;
    input.write_all(told.to_string().as_bytes())?;
    drop(input);
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).context("the client printed no JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vendors_own_client_runs_against_the_sandbox_unchanged() -> Result<()> {
    let sandbox = Sandbox::start(Options::new([SystemName::Seeme])).await?;
    let played = sandbox
        .system(SystemName::Seeme)
        .context("it plays no seeme")?;
    let parameter = |name: &str| played.parameter(name).map(str::to_owned);
    let told = json!({
        "endpoint": played.endpoint,
        "credential": played.credential,
        "username": parameter("username"),
        "password": parameter("password"),
    });
    let made = tokio::task::spawn_blocking(move || run(&told)).await??;

    let (minted, never) = (&made["minted"], &made["never"]);
    assert_eq!(minted["name"], "made by the client");
    assert!(minted["key"].as_str().is_some_and(|key| !key.is_empty()));
    assert!(minted["expires_at"].is_string(), "{minted}");
    assert_eq!(never["expires_at"], Value::Null);

    let listed = made["listed"].as_array().context("no listing")?;
    let of = |key: &Value| {
        listed
            .iter()
            .find(|shown| shown["id"] == key["id"])
            .cloned()
    };
    let shown = of(minted).context("the key is not listed")?;
    assert_eq!(shown["expires_at"], minted["expires_at"]);
    assert_eq!(shown["key"], Value::Null, "a value is shown once");
    assert_eq!(shown["disabled"], false);
    assert!(of(never).is_some());

    let ids = |name: &str| made[name].as_array().cloned().unwrap_or_default();
    assert!(
        ids("seen").contains(&minted["id"]),
        "the new key authenticates"
    );
    assert!(!ids("left").contains(&minted["id"]), "it is deleted");
    assert!(ids("left").contains(&never["id"]));
    for refused in ["after", "nonsense", "session"] {
        assert_eq!(made[refused], 401, "{refused}");
    }
    let summary = sandbox.ledger(None)?.summary;
    assert_eq!((summary.minted, summary.live), (2, 0));
    Ok(())
}
