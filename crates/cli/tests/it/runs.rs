//! `run`: a token for one command.

use serde_json::json;
use tokenwright_sandbox::SystemName::{Scaleway, Seeme};
use tokio::process::Command;

use crate::support::{Ran, Vendor, ended, program, send, start, until};

/// `run` with what the system needs, for a command of the shell.
pub(crate) fn running(vendor: &Vendor, more: &[&str], script: &str) -> Command {
    let mut command = program(&["run", "--profile", vendor.played.system.as_str()]);
    let application = vendor
        .played
        .parameter("application_id")
        .unwrap_or_default();
    let application = format!("application_id={application}");
    let (variable, inputs) = match vendor.played.system == Scaleway {
        true => ("SCW_SECRET_KEY", ["--parameter", &application]),
        false => ("SEEME_API_KEY", ["--scope", "models:read"]),
    };
    command
        .args(["--endpoint", &vendor.played.endpoint, "--lifetime", "1d"])
        .args(inputs)
        .args(more)
        .args(["--", "/bin/sh", "-c", script])
        .env("PATH", "/usr/bin:/bin")
        .env(variable, &vendor.played.credential);
    command
}

async fn ran(vendor: &Vendor, more: &[&str], script: &str) -> Ran {
    let ran = ended(running(vendor, more, script).spawn().unwrap()).await;
    vendor.no_secret_in(&ran);
    ran
}

fn all_ended(vendor: &Vendor, ran: &Ran) {
    let summary = vendor.summary();
    assert_eq!((summary.minted, summary.live), (1, 0), "{}", ran.err);
}

#[tokio::test]
async fn a_command_finds_the_value_in_the_systems_own_variable_and_keeps_its_exit_code() {
    for (system, variable) in [(Seeme, "SEEME_API_KEY"), (Scaleway, "SCW_SECRET_KEY")] {
        let vendor = start(system).await;
        let script = format!("printf %s \"${variable}\" | sha256sum; exit 7");
        let ran = ran(&vendor, &[], &script).await;
        assert_eq!(ran.code, Some(7), "{}", ran.err);
        // Nothing but what the command says.
        let minted = vendor.ledger().tokens[0].sha256.clone();
        assert_eq!(ran.out, format!("{minted}  -\n"), "{}", ran.err);
        assert!(ran.err.contains("minting \"run tw1-"), "{}", ran.err);
        all_ended(&vendor, &ran);
    }
}

#[tokio::test]
async fn a_value_in_a_file_is_read_by_nobody_else_and_the_credential_by_no_command() {
    let vendor = start(Seeme).await;
    let script =
        "sha256sum <\"$KEY\"; stat -c %a \"$KEY\"; echo \"[$SEEME_API_KEY]\"; echo \"$KEY\"";
    let ran = ran(&vendor, &["--file", "key=KEY", "--quiet"], script).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let minted = vendor.ledger().tokens[0].sha256.clone();
    let lines: Vec<_> = ran.out.lines().collect();
    assert_eq!(lines[..3], [format!("{minted}  -").as_str(), "600", "[]"]);
    assert!(!std::path::Path::new(lines[3]).exists());
    assert_eq!(ran.err, "");
    all_ended(&vendor, &ran);
}

#[tokio::test]
async fn signals_are_the_commands_and_the_token_ends_with_it() {
    for (signal, name) in [("-TERM", "TERM"), ("-HUP", "HUP"), ("-INT", "INT")] {
        let vendor = start(Seeme).await;
        let folder = tempfile::tempdir().unwrap();
        let started = folder.path().join("started");
        let script = format!(
            "trap 'exit 9' {name}; : >'{}'; while :; do sleep 0.05; done",
            started.display()
        );
        let child = running(&vendor, &[], &script).spawn().unwrap();
        until(|| started.exists()).await;
        send(&child, signal).await;
        let ran = ended(child).await;
        assert_eq!(ran.code, Some(9), "{signal}: {}", ran.err);
        all_ended(&vendor, &ran);
    }
}

#[tokio::test]
async fn a_signal_before_the_command_runs_ends_the_token_and_starts_nothing() {
    let vendor = start(Seeme).await;
    let once = json!({ "operation": "check", "count": 1 });
    vendor.fault(once, json!({ "latency_ms": 60_000 }));
    let child = running(&vendor, &[], "echo started").spawn().unwrap();
    until(|| vendor.sandbox.faults().list()[0].waiting == 1).await;
    send(&child, "-TERM").await;
    let ran = ended(child).await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(143), ""), "{}", ran.err);
    all_ended(&vendor, &ran);
}

#[tokio::test]
async fn what_a_killed_run_left_is_found_by_its_marker() {
    let vendor = start(Seeme).await;
    let folder = tempfile::tempdir().unwrap();
    let started = folder.path().join("started");
    let script = format!("echo $$ >'{}'; exec sleep 60", started.display());
    let child = running(&vendor, &[], &script).spawn().unwrap();
    until(|| std::fs::read_to_string(&started).is_ok_and(|id| id.ends_with('\n'))).await;
    send(&child, "-KILL").await;
    ended(
        Command::new("kill")
            .arg(std::fs::read_to_string(&started).unwrap().trim())
            .spawn()
            .unwrap(),
    )
    .await;
    drop(child);
    assert_eq!(vendor.summary().live, 1);
    let mut orphans = program(&["token", "orphans", "--profile", "seeme"]);
    orphans
        .args([
            "--endpoint",
            &vendor.played.endpoint,
            "--manager",
            "tokenwright run",
        ])
        .args(["--older-than", "0s", "--revoke", "--yes"])
        .env("SEEME_API_KEY", &vendor.played.credential);
    let ran = ended(orphans.spawn().unwrap()).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    all_ended(&vendor, &ran);
}

#[tokio::test]
async fn without_a_token_that_works_the_command_does_not_run() {
    let vendor = start(Seeme).await;
    let lost = json!({ "operation": "mint", "count": 1 });
    vendor.fault(lost, json!({ "lost_reply": true }));
    let ran = ran(&vendor, &[], "echo started").await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(125), ""), "{}", ran.err);
    all_ended(&vendor, &ran);
}

#[tokio::test]
async fn a_command_that_cannot_be_started_is_told_as_a_shell_tells_it() {
    let vendor = start(Seeme).await;
    for (words, code) in [(["no-such-command"], 127), (["/"], 126)] {
        let mut command = program(&["run", "--profile", "seeme", "--scope", "models:read"]);
        command
            .args([
                "--endpoint",
                &vendor.played.endpoint,
                "--lifetime",
                "1d",
                "--",
            ])
            .args(words)
            .env("SEEME_API_KEY", &vendor.played.credential);
        let ran = ended(command.spawn().unwrap()).await;
        assert_eq!(ran.code, Some(code), "{}", ran.err);
        assert!(ran.err.contains("cannot be started"), "{}", ran.err);
    }
    let ran = ran(&vendor, &[], "kill -KILL $$").await;
    assert_eq!(ran.code, Some(137), "{}", ran.err);
    assert_eq!(vendor.summary().live, 0);
}

#[tokio::test]
async fn a_token_that_cannot_be_revoked_is_told_and_hides_no_failure_of_the_command() {
    let run = async |script: &str, code: i32| {
        let vendor = start(Seeme).await;
        let refused = json!({ "status": 403, "body": "{\"detail\":\"no\"}" });
        vendor.fault(json!({ "operation": "revoke" }), refused);
        let ran = ran(&vendor, &["--quiet"], script).await;
        assert_eq!(ran.code, Some(code), "{}", ran.err);
        assert!(ran.err.contains("a token may be alive at"), "{}", ran.err);
        assert_eq!(vendor.summary().live, 1);
    };
    // The revoke is tried again for half a minute.
    tokio::join!(run("exit 0", 125), run("exit 5", 5));
}

#[tokio::test]
async fn what_cannot_be_handed_over_is_refused_before_anything_is_minted() {
    let vendor = start(Scaleway).await;
    for (more, told) in [
        (
            ["--env", "key=KEY"],
            "has no part \"key\"; it has secret_key, access_key",
        ),
        (["--file", "x=X"], "has no part \"x\""),
        (["--name", " "], "--name: must be a name"),
    ] {
        let ran = ran(&vendor, &more, "echo started").await;
        assert_eq!((ran.code, ran.out.as_str()), (Some(125), ""), "{}", ran.err);
        assert!(ran.err.contains(told), "{}", ran.err);
    }
    assert_eq!(vendor.summary().minted, 0);
}
