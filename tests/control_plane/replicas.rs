//! Two replicas of the operator, one of which is killed or stopped, on a real kube-apiserver.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokenwright_testbed::programs::wait_for;

use super::cluster::{Cluster, SYSTEM};

/// Longer than the quickstart takes until its token is renewed, and than a Lease runs.
const PATIENCE: Duration = Duration::from_secs(40);

#[tokio::test]
async fn a_second_replica_takes_over_from_one_that_is_killed_and_mints_nothing_twice() -> Result<()>
{
    let cluster = Cluster::start().await?;
    let first = cluster.replica("first").await?;
    let scaleway = cluster.sandbox.system(SYSTEM)?;
    let held = cluster.delivered().await?;
    let second = cluster.replica("second").await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    first.kill().await?;
    // The quickstart rotates after twelve seconds; only the second replica is left to do it.
    let next = cluster.team.secret_after(Some(&held)).await?;
    ensure!(cluster.sandbox.authenticates(scaleway, &next.value).await?);
    ensure!(
        cluster.sandbox.ledger().await?.minted(SYSTEM) == 2,
        "two replicas minted for one rotation"
    );
    cluster.team.delete().await?;
    ensure!(cluster.sandbox.ledger().await?.live(SYSTEM).is_empty());
    second.kill().await
}

/// The commit is the fence, not the Lease: whoever wakes late finds its write refused.
#[tokio::test]
async fn a_leader_that_is_stopped_in_the_middle_of_a_mint_and_wakes_late_leaks_and_breaks_nothing()
-> Result<()> {
    let cluster = Cluster::start().await?;
    let first = cluster.replica("first").await?;
    let scaleway = cluster.sandbox.system(SYSTEM)?;
    let held = cluster.delivered().await?;
    let second = cluster.replica("second").await?;

    // The next value is minted, and is being proven, when its process stands still.
    let second_of_check = Duration::from_secs(1);
    cluster
        .sandbox
        .delay_next_check(SYSTEM, second_of_check)
        .await?;
    wait_for("the second mint", PATIENCE, || async {
        let minted = cluster.sandbox.ledger().await?.minted(SYSTEM);
        Ok((minted == 2).then_some(()))
    })
    .await?;
    first.signal("STOP").await?;
    let next = cluster.team.secret_after(Some(&held)).await?;
    ensure!(cluster.sandbox.authenticates(scaleway, &next.value).await?);

    first.signal("CONT").await?;
    ensure!(
        !first.ended(PATIENCE).await?,
        "it must say that it lost the Lease"
    );
    let now = cluster.team.secret_after(Some(&held)).await?;
    ensure!(cluster.sandbox.authenticates(scaleway, &now.value).await?);
    cluster.team.delete().await?;
    ensure!(cluster.sandbox.ledger().await?.live(SYSTEM).is_empty());
    second.kill().await
}
