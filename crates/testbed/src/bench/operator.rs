//! The operator: its size and its silence at rest, and what a mint and a rotation cost the API server.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{resident, row};
use crate::memory::{Listener, Memory, Record, Verb};
use crate::programs::Sandbox;
use crate::quickstart::{SECRET, TEAM_NAMESPACE as NAMESPACE, TOKEN, Team, example, namespaces};
use crate::{chart, tools};

/// The label of the operator's requests.
const OPERATOR: &str = "operator";
/// Long enough to notice any poll; the token of the example rotates after twelve seconds.
const REST: Duration = Duration::from_secs(8);

pub(super) async fn measure() -> Result<()> {
    let memory = Memory::new();
    let client = memory.client("bench");
    namespaces(&client).await?;
    let crds = std::process::Command::new(tools::product_binary("tokenwright-operator")?)
        .arg("crd")
        .output()?;
    chart::create_all(
        &client,
        &chart::documents(&String::from_utf8(crds.stdout)?)?,
        NAMESPACE,
    )
    .await?;
    let sandbox = Sandbox::start(&["scaleway"]).await?;
    let scaleway = sandbox.system("scaleway")?;

    let (operator, _folder, _listener) = start(&memory, &scaleway.endpoint).await?;
    let process = operator.id().context("the operator ended")?;
    tokio::time::sleep(REST).await;
    row(
        "operator: resident, nothing to do",
        &resident(process)?,
        "under 20 MB",
    );

    chart::create_all(&client, &example(Path::new("."), scaleway)?, NAMESPACE).await?;
    let team = Team::new(client.clone());
    let first = team.secret_after(None).await?;
    team.ready().await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let minted = writes(&memory).len();
    row(
        "operator: writes to a token's objects per first mint",
        &token_writes(&memory, 0).to_string(),
        "at most 4",
    );

    let before = memory.requests().len();
    tokio::time::sleep(REST).await;
    let asked = memory
        .requests()
        .into_iter()
        .skip(before)
        .filter(|r| is_operators(r) && r.seen.verb != Verb::Watch);
    row(
        "operator: API calls at rest beside its watches",
        &asked.count().to_string(),
        "0",
    );

    team.secret_after(Some(&first)).await?;
    // The overlap of the example, the revoke at its end, and the record of that.
    tokio::time::sleep(Duration::from_secs(8)).await;
    row(
        "operator: writes per rotation, revoke included",
        &token_writes(&memory, minted).to_string(),
        "at most 4",
    );
    row(
        "operator: resident with a token",
        &resident(process)?,
        "under 20 MB",
    );
    Ok(())
}

async fn start(memory: &Memory, endpoint: &str) -> Result<(Child, TempDir, Listener)> {
    let folder = tempfile::tempdir()?;
    let listener = memory
        .serve()
        .await
        .context("cannot serve the in-memory API")?;
    let kubeconfig = folder.path().join("kubeconfig");
    listener.kubeconfig(&kubeconfig, OPERATOR)?;
    let operator = Command::new(tools::product_binary("tokenwright-operator")?)
        .args([
            "--listen",
            "127.0.0.1:0",
            "--namespace",
            "tokenwright-system",
        ])
        .args(["--allow-host", endpoint.trim_start_matches("http://")])
        .env("KUBECONFIG", &kubeconfig)
        .envs(crate::chart::ENVIRONMENT)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start the operator")?;
    Ok((operator, folder, listener))
}

fn is_operators(record: &Record) -> bool {
    record.seen.who == OPERATOR
}

fn writes(memory: &Memory) -> Vec<Record> {
    memory.writes(OPERATOR)
}

/// Writes to the ApiToken and its Secret; those to issuer and credential happen once for all tokens.
fn token_writes(memory: &Memory, after: usize) -> usize {
    let of_token = |record: &&Record| {
        let seen = &record.seen;
        let object = seen
            .name
            .as_deref()
            .is_none_or(|name| name == TOKEN || name == SECRET);
        object && (seen.resource == "secrets" || seen.resource.starts_with("apitokens"))
    };
    let of_team = |record: &&Record| record.seen.namespace.as_deref() == Some(NAMESPACE);
    writes(memory)
        .iter()
        .skip(after)
        .filter(of_team)
        .filter(of_token)
        .count()
}
