//! The program: its lines, its arguments and its end.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::support::client;

fn program(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_tokenwright-sandbox"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn lines(child: &mut Child, count: usize) -> Vec<Value> {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut read = Vec::new();
    while read.len() < count {
        let line = tokio::time::timeout(Duration::from_secs(20), lines.next_line())
            .await
            .unwrap();
        read.push(serde_json::from_str(&line.unwrap().unwrap()).unwrap());
    }
    read
}

#[tokio::test]
async fn it_prints_one_line_for_each_system_that_a_client_can_use_as_it_stands() {
    let mut child = program(&[
        "--system",
        "seeme",
        "--system",
        "scaleway",
        "--seconds-per-day",
        "1",
    ]);
    let lines = lines(&mut child, 2).await;
    let text = |line: &Value, field: &str| line[field].as_str().unwrap().to_owned();
    assert_eq!(
        (text(&lines[0], "system"), text(&lines[1], "system")),
        ("seeme".into(), "scaleway".into())
    );
    assert!(text(&lines[0], "endpoint").ends_with("/api/v1"));
    assert_eq!(text(&lines[0], "admin"), text(&lines[1], "admin"));
    assert_eq!(
        lines[1]["parameters"]["application_id"]
            .as_str()
            .unwrap()
            .len(),
        36
    );
    let http = client();
    let keys = http.get(format!("{}/me/apikeys", text(&lines[0], "endpoint")));
    assert_eq!(
        keys.bearer_auth(text(&lines[0], "credential"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    let keys = http.get(format!(
        "{}/iam/v1alpha1/api-keys",
        text(&lines[1], "endpoint")
    ));
    assert_eq!(
        keys.header("X-Auth-Token", text(&lines[1], "credential"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    let settings = http
        .get(format!("{}/settings", text(&lines[0], "admin")))
        .send()
        .await
        .unwrap();
    assert_eq!(
        settings.json::<Value>().await.unwrap()["seconds_per_day"],
        1.0
    );
    child.kill().await.unwrap();
}

#[tokio::test]
async fn it_ends_well_on_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let mut child = program(&["--system", "seeme"]);
        lines(&mut child, 1).await;
        let pid = child.id().unwrap().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .await
                .unwrap()
                .success()
        );
        let ended = tokio::time::timeout(Duration::from_secs(20), child.wait())
            .await
            .unwrap()
            .unwrap();
        assert!(ended.success(), "{signal}: {ended}");
    }
}

#[tokio::test]
async fn it_ends_with_its_standard_input_only_where_that_was_asked_for() {
    for (arguments, ends) in [
        (vec!["--system", "seeme", "--exit-with-stdin"], true),
        (vec!["--system", "seeme"], false),
    ] {
        let mut child = program(&arguments);
        lines(&mut child, 1).await;
        drop(child.stdin.take());
        let patience = Duration::from_millis(if ends { 20_000 } else { 500 });
        let ended = tokio::time::timeout(patience, child.wait()).await;
        assert_eq!(ended.is_ok(), ends, "{arguments:?}");
        if !ends {
            child.kill().await.unwrap();
        }
    }
}

#[tokio::test]
async fn wrong_arguments_are_named() {
    for (arguments, named) in [
        (
            vec!["--system", "seeme", "--listen", "0.0.0.0:0"],
            "loopback",
        ),
        (
            vec!["--system", "nobody"],
            "the systems are aws-iam, google-service-account, grafana, online-net, rollbar",
        ),
        (
            vec!["--system", "seeme", "--system", "seeme"],
            "name each system once",
        ),
        (
            vec!["--system", "seeme", "--seconds-per-day", "0"],
            "seconds_per_day",
        ),
        (
            vec!["--system", "seeme", "--settings", "{\"seeme\":{\"x\":1}}"],
            "unknown field `x`",
        ),
        (vec![], "--system"),
    ] {
        let output = program(&arguments).wait_with_output().await.unwrap();
        assert!(!output.status.success());
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains(named), "{arguments:?}: {message}");
    }
}
