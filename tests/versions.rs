//! The operator of an older version beside the one of this build, as during an upgrade: run by
//! `cargo xtask test --older REVISION` alone, which builds the older one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy tells test functions from others, but not what they share"
)]

#[allow(dead_code, reason = "most of it is for the tests of one version")]
#[path = "control_plane/cluster.rs"]
mod cluster;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ListParams, PostParams};
use kube::{Api, ResourceExt as _};
use serde_json::Value;
use tokenwright_testbed::chart;
use tokenwright_testbed::programs::{More, OWN_NAMESPACE, Operator};
use tokenwright_testbed::quickstart::{Delivered, TEAM_NAMESPACE};

use self::cluster::{Cluster, SYSTEM, root};

/// Longer than a replica takes to hand over, and than it takes to see that it leads.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longer than an API server takes to serve kinds as they were written.
const SERVED_ANEW: Duration = Duration::from_secs(5);

/// The program of the older version.
fn program() -> Result<PathBuf> {
    let program = std::env::var_os("TOKENWRIGHT_OLDER_OPERATOR");
    let program = program.context("run this with `cargo xtask test --older REVISION`")?;
    Ok(program.into())
}

fn older() -> Result<More> {
    let program = program()?;
    let help = Command::new(&program).arg("--help").output()?;
    ensure!(
        String::from_utf8_lossy(&help.stdout).contains("--lease"),
        "that revision is too old: its operator shares no Lease with another one"
    );
    Ok(More {
        program: Some(program),
        ..More::default()
    })
}

/// The kinds as the older version has them.
fn older_kinds() -> Result<Vec<Value>> {
    let printed = Command::new(program()?).arg("crd").output()?;
    ensure!(
        printed.status.success(),
        "the older version prints no kinds"
    );
    chart::documents(&String::from_utf8(printed.stdout)?)
}

/// The kinds of this version.
fn kinds() -> Result<Vec<Value>> {
    let mut documents = chart::render(&root(), OWN_NAMESPACE, &[])?;
    documents.retain(|document| document["kind"] == "CustomResourceDefinition");
    Ok(documents)
}

/// Puts kinds in the place of those that are there, as an upgrade of the chart does.
async fn install(cluster: &Cluster, kinds: Vec<Value>) -> Result<()> {
    let api: Api<CustomResourceDefinition> = Api::all(cluster.control_plane.admin().await?);
    for kind in kinds {
        let mut kind: CustomResourceDefinition = serde_json::from_value(kind)?;
        let name = kind.name_any();
        kind.metadata.resource_version = api.get(&name).await?.metadata.resource_version;
        api.replace(&name, &PostParams::default(), &kind).await?;
    }
    // Until the API server serves them anew it refuses watches, and not every version begins those again.
    tokio::time::sleep(SERVED_ANEW).await;
    Ok(())
}

/// What the objects and the operator say, for whoever reads why a token never came.
async fn how_it_stands(cluster: &Cluster) -> Result<String> {
    let client = cluster.control_plane.admin().await?;
    let mut said = cluster.log()?;
    for kind in ["TokenIssuer", "ApiToken"] {
        let api = chart::api(&client, kind, TEAM_NAMESPACE);
        for object in api.list(&ListParams::default()).await? {
            let status = &object.data["status"];
            said += &format!("\n{kind} {}: {status:#}", object.name_any());
        }
    }
    Ok(said)
}

/// One replica ends as a rollout ends it while the next stands by; what is rotated then is its work.
async fn hand_over(cluster: &Cluster, from: Operator, held: &Delivered) -> Result<Delivered> {
    tokio::time::sleep(Duration::from_secs(3)).await;
    from.signal("TERM").await?;
    ensure!(from.ended(PATIENCE).await?, "it did not end well");
    // A rotation of the last moment may be the former's.
    let now = cluster.team.secret_after(None).await?;
    let next = cluster.team.secret_after(Some(&now)).await?;
    ensure!(now.revision >= held.revision, "a rotation was undone");
    let scaleway = cluster.sandbox.system(SYSTEM)?;
    ensure!(cluster.sandbox.authenticates(scaleway, &next.value).await?);
    Ok(next)
}

#[tokio::test]
async fn an_older_operator_and_this_one_hand_over_to_each_other_and_neither_mints_for_the_other()
-> Result<()> {
    let cluster = Cluster::start().await?;
    install(&cluster, older_kinds()?).await?;
    let before = cluster.launch("before", older()?).await?;
    let first = match cluster.delivered().await {
        Ok(first) => first,
        Err(error) => return Err(error.context(how_it_stands(&cluster).await?)),
    };

    // The chart brings its kinds before its operator, and the older one goes on under them.
    install(&cluster, kinds()?).await?;
    let upgraded = cluster.replica("upgraded").await?;
    let second = hand_over(&cluster, before, &first).await?;

    let rolled_back = cluster.launch("rolled-back", older()?).await?;
    let third = hand_over(&cluster, upgraded, &second).await?;

    let again = cluster.replica("again").await?;
    let last = hand_over(&cluster, rolled_back, &third).await?;
    let minted = cluster.sandbox.ledger().await?.minted(SYSTEM);
    ensure!(
        minted.to_string() == last.revision,
        "{minted} mints for {} revisions",
        last.revision
    );
    cluster.team.delete().await?;
    cluster.nothing_lives().await?;
    again.kill().await
}
