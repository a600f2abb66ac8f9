//! The operator as a process, on a real kube-apiserver, under exactly the permissions of the chart.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokenwright_testbed::programs::{More, wait_for};
use tokenwright_testbed::quickstart::TOKEN;

use super::cluster::{Cluster, SYSTEM};

/// The overlap of the quickstart, and some.
const OVERLAP: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_token_is_minted_rotated_and_revoked_with_the_chart_s_permissions_alone() -> Result<()> {
    let cluster = Cluster::start().await?;
    let operator = cluster.operator().await?;
    let scaleway = cluster.sandbox.system(SYSTEM)?;
    let first = cluster.delivered().await?;
    ensure!(
        cluster
            .sandbox
            .authenticates(scaleway, &first.value)
            .await?
    );
    let minting = cluster.writes()?.len();
    ensure!(
        minting <= 4,
        "{minting} writes per first mint: {:#?}",
        cluster.writes()?
    );

    let second = cluster.team.secret_after(Some(&first)).await?;
    ensure!(
        cluster
            .sandbox
            .authenticates(scaleway, &first.value)
            .await?,
        "no overlap"
    );
    ensure!(
        cluster
            .sandbox
            .authenticates(scaleway, &second.value)
            .await?
    );
    wait_for("the end of the overlap", OVERLAP, || async {
        let ledger = cluster.sandbox.ledger().await?;
        let revoked = ledger.tokens.iter().find(|life| life.id == first.id);
        Ok(revoked.and_then(|life| life.revoked_at))
    })
    .await?;
    // The record of the revoke follows it.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let rotating = cluster.writes()?.len() - minting;
    ensure!(
        rotating <= 4,
        "{rotating} writes per rotation: {:#?}",
        cluster.writes()?
    );

    cluster.team.delete().await?;
    ensure!(
        cluster.team.secret().await?.is_none(),
        "the Secret outlived its ApiToken"
    );
    cluster.nothing_lives().await?;
    let refused: Vec<_> = cluster
        .requests()?
        .into_iter()
        .filter(|r| r.code == 403)
        .collect();
    ensure!(
        refused.is_empty(),
        "the chart grants too little: {refused:#?}"
    );
    operator.kill().await
}

#[tokio::test]
async fn an_operator_that_is_killed_mints_nothing_when_it_comes_back_and_nothing_is_due()
-> Result<()> {
    let cluster = Cluster::start().await?;
    let operator = cluster.operator().await?;
    let held = cluster.delivered().await?;
    operator.kill().await?;

    let before = cluster.writes()?.len();
    let operator = cluster.operator().await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    ensure!(
        cluster.sandbox.ledger().await?.minted(SYSTEM) == 1,
        "a restart minted"
    );
    ensure!(
        cluster.writes()?.len() == before,
        "a restart wrote: {:#?}",
        cluster.writes()?
    );
    let now = cluster.team.secret().await?.context("the Secret is gone")?;
    ensure!(now.id == held.id, "a restart rotated");
    cluster.team.delete().await?;
    operator.kill().await
}

#[tokio::test]
async fn an_operator_that_only_observes_lets_a_rotation_pass_and_writes_nothing_but_conditions()
-> Result<()> {
    let cluster = Cluster::start().await?;
    let operator = cluster.operator().await?;
    let held = cluster.delivered().await?;
    operator.kill().await?;

    let before = cluster.writes()?.len();
    let more = More {
        arguments: vec!["--observe-only".to_owned()],
        ..More::default()
    };
    let observer = cluster.launch("observer", more).await?;
    // The quickstart rotates after twelve seconds.
    let said = wait_for("what would be done", OVERLAP + OVERLAP, || async {
        let object = cluster.team.tokens().get(TOKEN).await?;
        let conditions = object.data["status"]["conditions"].as_array().cloned();
        let mut said = conditions.into_iter().flatten();
        Ok(said.find(|condition| condition["reason"] == "ObserveOnly"))
    })
    .await?;
    let message = said["message"].as_str().unwrap_or_default();
    ensure!(message.contains("mint revision 2"), "{message}");
    tokio::time::sleep(Duration::from_secs(5)).await;
    ensure!(cluster.sandbox.ledger().await?.minted(SYSTEM) == 1);
    let writes = cluster.writes()?.split_off(before);
    ensure!(
        writes.iter().all(|write| write.uri.contains("/status")),
        "it wrote: {writes:#?}"
    );
    let now = cluster.team.secret().await?.context("the Secret is gone")?;
    ensure!(now.id == held.id);
    observer.kill().await?;

    let operator = cluster.operator().await?;
    cluster.team.secret_after(Some(&held)).await?;
    cluster.team.delete().await?;
    operator.kill().await
}
