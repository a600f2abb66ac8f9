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

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokenwright_testbed::programs::{More, Operator};
use tokenwright_testbed::quickstart::Delivered;

use self::cluster::{Cluster, SYSTEM};

/// Longer than a replica takes to hand over, and than it takes to see that it leads.
const PATIENCE: Duration = Duration::from_secs(20);

/// The program of the older version.
fn older() -> Result<More> {
    let program = std::env::var_os("TOKENWRIGHT_OLDER_OPERATOR");
    let program = program.context("run this with `cargo xtask test --older REVISION`")?;
    Ok(More {
        program: Some(program.into()),
        ..More::default()
    })
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
    let before = cluster.launch("before", older()?).await?;
    let first = cluster.delivered().await?;

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
