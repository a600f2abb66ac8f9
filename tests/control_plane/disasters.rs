//! Disasters that need a real control plane: a store that is set back, namespaces that are deleted, objects
//! that the garbage collector takes in the foreground.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::Value;
use tokenwright_testbed::chart;
use tokenwright_testbed::control_plane::{ControlPlane, Controllers};
use tokenwright_testbed::programs::{More, Operator, wait_for};
use tokenwright_testbed::quickstart::{TEAM_NAMESPACE, TOKEN};

use super::cluster::{Cluster, SYSTEM};

const PATIENCE: Duration = Duration::from_secs(60);

/// Enough to stop a store, and less than an issuer is waited for.
const ON_ITS_WAY: Duration = Duration::from_millis(1_500);

/// A cluster with a token that was delivered, and the operator that did so.
async fn delivered() -> Result<(Cluster, Operator)> {
    let cluster = Cluster::start().await?;
    let operator = cluster.operator().await?;
    cluster.delivered().await?;
    Ok((cluster, operator))
}

/// Waits until the value in the Secret authenticates, and belongs to another token than those.
async fn works(cluster: &Cluster, not: &[&str]) -> Result<String> {
    let scaleway = cluster.sandbox.system(SYSTEM)?;
    let works = wait_for("a value that works", PATIENCE, || async {
        let held = cluster.team.secret().await?;
        let Some(held) = held.filter(|held| !not.contains(&held.id.as_str())) else {
            return Ok(None);
        };
        let works = cluster.sandbox.authenticates(scaleway, &held.value).await?;
        Ok(works.then_some(held.id))
    });
    works
        .await
        .with_context(|| cluster.log().unwrap_or_default())
}

/// The Secret names a token that was ended since, and the token that was delivered after it is on no
/// record: the next one is minted and delivered, and what nobody can prove to be ours is told, not ended.
#[tokio::test]
async fn after_the_store_was_set_back_under_a_running_operator_the_secret_works_again() -> Result<()>
{
    let (mut cluster, operator) = delivered().await?;
    // It would lose its Lease where the copy takes long.
    operator.kill().await?;
    let snapshot = cluster.control_plane.snapshot().await?;
    let operator = cluster.operator().await?;
    let first = works(&cluster, &[]).await?;
    let second = works(&cluster, &[&first]).await?;
    // The first one's overlap ends.
    wait_for("the end of the first token", PATIENCE, || async {
        let ledger = cluster.sandbox.ledger().await?;
        let ended = ledger.live(SYSTEM).iter().all(|life| life.id != first);
        Ok(ended.then_some(()))
    })
    .await?;
    cluster.control_plane.rewind(&snapshot).await?;
    // Its Lease was set back, too: the process ends by itself, and the node starts it again.
    let noticed = operator.ended(PATIENCE).await;
    let noticed = noticed.with_context(|| cluster.log().unwrap_or_default())?;
    ensure!(!noticed, "it must say that it lost the Lease");
    let operator = cluster.operator().await?;
    let third = works(&cluster, &[&first]).await?;
    cluster.team.ready().await?;
    let ledger = cluster.sandbox.ledger().await?;
    ensure!(
        ledger.minted(SYSTEM) <= 6,
        "it mints in a loop: {ledger:#?}"
    );
    ensure!(third != first, "{second} {third}");
    // What nobody recorded holds the revokes until it ran out: nothing more is asked of this world.
    operator.kill().await
}

/// The answer to a mint comes while the store is away, and the store that is there then does not expect the token.
#[tokio::test]
async fn a_token_that_is_minted_while_the_store_is_set_back_is_withdrawn() -> Result<()> {
    let (mut cluster, operator) = delivered().await?;
    operator.kill().await?;
    let snapshot = cluster.control_plane.snapshot().await?;
    let operator = cluster.operator().await?;
    let first = works(&cluster, &[]).await?;
    cluster
        .sandbox
        .delay_next(SYSTEM, "mint", ON_ITS_WAY)
        .await?;
    wait_for("the second mint", PATIENCE, || async {
        let minted = cluster.sandbox.ledger().await?.minted(SYSTEM);
        Ok((minted == 2).then_some(()))
    })
    .await?;
    cluster.control_plane.rewind(&snapshot).await?;
    let noticed = operator.ended(PATIENCE).await;
    let noticed = noticed.with_context(|| cluster.log().unwrap_or_default())?;
    ensure!(!noticed, "it must say why it ends");
    let ledger = cluster.sandbox.ledger().await?;
    let live: Vec<_> = ledger.live(SYSTEM).iter().map(|life| &life.id).collect();
    ensure!(live == [&first], "{ledger:#?}");
    let operator = cluster.operator().await?;
    works(&cluster, &[&first]).await?;
    cluster.team.ready().await?;
    cluster.team.delete().await?;
    cluster.nothing_lives().await?;
    operator.kill().await
}

/// The real controllers of a namespace's end.
fn controllers(control_plane: &ControlPlane) -> Result<Controllers> {
    control_plane.controllers(&["namespace-controller", "garbage-collector-controller"])
}

async fn delete_namespace(cluster: &Cluster) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(cluster.control_plane.admin().await?);
    namespaces
        .delete(TEAM_NAMESPACE, &DeleteParams::default())
        .await?;
    Ok(())
}

async fn gone(cluster: &Cluster) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(cluster.control_plane.admin().await?);
    let gone = wait_for("the namespace to be gone", PATIENCE, || async {
        let there = namespaces.get_opt(TEAM_NAMESPACE).await?;
        Ok(there.is_none().then_some(()))
    });
    gone.await
        .with_context(|| cluster.log().unwrap_or_default())
}

#[tokio::test]
async fn a_namespace_that_is_deleted_with_everything_in_it_goes_and_leaves_no_token() -> Result<()>
{
    let (cluster, operator) = delivered().await?;
    let _controllers = controllers(&cluster.control_plane)?;
    delete_namespace(&cluster).await?;
    gone(&cluster).await?;
    cluster.nothing_lives().await?;
    operator.kill().await
}

#[tokio::test]
async fn a_namespace_that_is_deleted_while_no_operator_runs_goes_once_one_does() -> Result<()> {
    let (cluster, operator) = delivered().await?;
    let _controllers = controllers(&cluster.control_plane)?;
    operator.kill().await?;
    delete_namespace(&cluster).await?;
    // What nobody holds goes first; the credential and the Secret of the token are held.
    tokio::time::sleep(Duration::from_secs(5)).await;
    ensure!(cluster.team.tokens().get_opt(TOKEN).await?.is_some());
    let operator = cluster.operator().await?;
    gone(&cluster).await?;
    cluster.nothing_lives().await?;
    operator.kill().await
}

#[tokio::test]
async fn a_deletion_in_the_foreground_revokes_and_lets_go() -> Result<()> {
    let (cluster, operator) = delivered().await?;
    let _controllers = controllers(&cluster.control_plane)?;
    let tokens = cluster.team.tokens();
    tokens.delete(TOKEN, &DeleteParams::foreground()).await?;
    let gone = wait_for("the ApiToken to be gone", PATIENCE, || async {
        Ok(tokens.get_opt(TOKEN).await?.is_none().then_some(()))
    });
    gone.await
        .with_context(|| cluster.log().unwrap_or_default())?;
    ensure!(cluster.team.secret().await?.is_none());
    cluster.nothing_lives().await?;
    operator.kill().await
}

/// What a Velero or a GitOps tool brings back: the objects under new UIDs, without a status.
#[tokio::test]
async fn what_a_backup_brings_back_under_new_uids_is_taken_up() -> Result<()> {
    let (cluster, operator) = delivered().await?;
    let client = cluster.control_plane.admin().await?;
    let tokens = cluster.team.tokens();
    let mut kept: Value = serde_json::to_value(tokens.get(TOKEN).await?)?;
    operator.kill().await?;
    let held = cluster.team.secret().await?.context("no Secret")?;
    let loose = kube::api::Patch::Merge(serde_json::json!({ "metadata": { "finalizers": null } }));
    tokens.patch(TOKEN, &Default::default(), &loose).await?;
    tokens.delete(TOKEN, &DeleteParams::default()).await?;
    for key in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
        "generation",
    ] {
        kept["metadata"]
            .as_object_mut()
            .context("no metadata")?
            .remove(key);
    }
    kept.as_object_mut().context("no object")?.remove("status");
    chart::create_all(&client, &[kept], TEAM_NAMESPACE).await?;
    let minted = cluster.sandbox.ledger().await?.minted(SYSTEM);
    // A person looks first, as the guide of the platform team says.
    let only_looks = More {
        arguments: vec!["--observe-only".to_owned()],
        ..More::default()
    };
    let looking = cluster.launch("looking", only_looks).await?;
    let told = wait_for("what it would do", PATIENCE, || async {
        let object = tokens.get(TOKEN).await?;
        let conditions = object.data["status"]["conditions"].as_array().cloned();
        let mut conditions = conditions.into_iter().flatten();
        let told = conditions.find(|condition| condition["reason"] == "ObserveOnly");
        let told = told.map(|condition| condition["message"].to_string());
        Ok(told.filter(|told| told.contains("It would ")))
    });
    let told = told.await;
    told.with_context(|| cluster.log().unwrap_or_default())?;
    looking.kill().await?;
    ensure!(cluster.sandbox.ledger().await?.minted(SYSTEM) == minted);
    let operator = cluster.operator().await?;
    cluster.team.ready().await?;
    works(&cluster, &[&held.id]).await?;
    let ledger = cluster.sandbox.ledger().await?;
    let former = ledger.tokens.iter().find(|life| life.id == held.id);
    ensure!(
        former.is_some_and(|life| life.revoked_at.is_none()),
        "{ledger:#?}"
    );
    operator.kill().await
}
