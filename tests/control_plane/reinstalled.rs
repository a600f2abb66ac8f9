//! Somebody deletes the operator's own namespace first: with it go its rights, its Lease, its digest key and
//! the Deployment, and nobody is left to end what is held. A new installation does.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use tokenwright_api::names::annotation;
use tokenwright_testbed::chart;
use tokenwright_testbed::control_plane::ControlPlane;
use tokenwright_testbed::programs::{More, OWN_NAMESPACE, Operator, Sandbox, host, wait_for};
use tokenwright_testbed::quickstart::{self, TEAM_NAMESPACE, TOKEN, Team};
use tokenwright_testbed::tools::Tools;

use super::cluster::{SYSTEM, root};
use super::helm_test::install;
use super::shared::{SHARED, api, example, says};

const AGAIN: &str = "tokenwright-again";

const PATIENCE: Duration = Duration::from_secs(60);

/// The team's token comes from a shared issuer, whose credential lies in the namespace that goes; another
/// ApiToken, with an issuer of its own, lies there as well.
pub(crate) async fn arranged(client: &Client, sandbox: &Sandbox) -> Result<serde_json::Value> {
    let scaleway = sandbox.system(SYSTEM)?;
    quickstart::namespace(client, TEAM_NAMESPACE).await?;
    let label = json!({ "metadata": { "labels": { "tokenwright.example.com/scaleway": "true" } } });
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let patch = PatchParams::default();
    namespaces
        .patch(TEAM_NAMESPACE, &patch, &Patch::Merge(label))
        .await?;
    let shared = example(SHARED, scaleway)?;
    chart::create_all(client, &shared, TEAM_NAMESPACE).await?;
    let mut own = quickstart::example(&root(), scaleway)?;
    // Its credential is the same Secret.
    own.retain(|object| object["kind"] != "Secret");
    for object in &mut own {
        object["metadata"]["namespace"] = json!(OWN_NAMESPACE);
    }
    chart::create_all(client, &own, OWN_NAMESPACE).await?;
    for namespace in [TEAM_NAMESPACE, OWN_NAMESPACE] {
        let tokens = api(client, "ApiToken", namespace);
        says(&tokens, TOKEN, "Ready", "True: Ready").await?;
    }
    let credential = shared.into_iter().find(|object| object["kind"] == "Secret");
    credential.context("the example has no credential")
}

#[tokio::test]
async fn a_new_installation_ends_what_the_deletion_of_the_operator_s_own_namespace_left_and_goes_on()
-> Result<()> {
    let control_plane = ControlPlane::start(&Tools::find()?).await?;
    let sandbox = Sandbox::in_earnest(&[SYSTEM]).await?;
    let scaleway = sandbox.system(SYSTEM)?;
    let client = control_plane.admin().await?;
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("log");
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    let kubeconfig = install(&control_plane, OWN_NAMESPACE, &[]).await?;
    let host = host(&scaleway.endpoint);
    let operator = Operator::start("first", &kubeconfig, host, &log).await?;
    let arranged = arranged(&client, &sandbox).await;
    let mut credential = arranged.with_context(said)?;
    let team = Team::new(client.clone());
    let held = team.secret().await?.context("no Secret")?;

    let _controllers =
        control_plane.controllers(&["namespace-controller", "garbage-collector-controller"])?;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces
        .delete(OWN_NAMESPACE, &DeleteParams::default())
        .await?;
    // The pods go with the namespace; nothing runs pods here.
    operator.signal("TERM").await?;
    operator.ended(PATIENCE).await?;
    let left = api(&client, "ApiToken", OWN_NAMESPACE);
    wait_for(
        "the controller to come to the ApiToken",
        PATIENCE,
        || async {
            let left = left.get_opt(TOKEN).await?;
            Ok(left.filter(|left| left.metadata.deletion_timestamp.is_some()))
        },
    )
    .await?;
    let secrets: Api<Secret> = Api::namespaced(client.clone(), OWN_NAMESPACE);
    ensure!(secrets.get_opt("scaleway-credential").await?.is_some());
    ensure!(sandbox.authenticates(scaleway, &held.value).await?);
    ensure!(sandbox.ledger().await?.live(SYSTEM).len() == 2);

    // Nothing can be made in a namespace that goes.
    let kubeconfig = install(&control_plane, AGAIN, &["--take-ownership"]).await?;
    credential["metadata"]["namespace"] = json!(AGAIN);
    chart::create_all(&client, &[credential], AGAIN).await?;
    let more = More {
        namespace: Some(AGAIN.to_owned()),
        ..More::default()
    };
    let operator = Operator::start_with("second", &kubeconfig, host, &log, more).await?;
    let gone = wait_for("the first namespace to be gone", PATIENCE, || async {
        let there = namespaces.get_opt(OWN_NAMESPACE).await?;
        Ok(there.is_none().then_some(()))
    });
    gone.await.with_context(said)?;
    let ledger = sandbox.ledger().await?;
    ensure!(ledger.minted(SYSTEM) == 2, "{ledger:#?}");
    let live: Vec<_> = ledger
        .live(SYSTEM)
        .iter()
        .map(|life| life.id.clone())
        .collect();
    ensure!(live == [held.id.clone()], "{live:?}");

    team.ready().await.with_context(said)?;
    let rotate = json!({ "metadata": { "annotations": { annotation::ROTATE: "now" } } });
    let (tokens, patch) = (team.tokens(), PatchParams::default());
    tokens.patch(TOKEN, &patch, &Patch::Merge(rotate)).await?;
    let next = team.secret_after(Some(&held)).await.with_context(said)?;
    ensure!(sandbox.authenticates(scaleway, &next.value).await?);
    team.delete().await.with_context(said)?;
    let ledger = sandbox.ledger().await?;
    ensure!(ledger.live(SYSTEM).is_empty(), "{ledger:#?}");
    operator.kill().await
}
