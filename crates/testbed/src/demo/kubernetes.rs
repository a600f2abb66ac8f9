//! The Kubernetes half: mint, two rotations, a kill between mint and publish, healing, deletion.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::cluster::Cluster;
use super::stage::Stage;
use super::timeline::Timeline;
use crate::chart;
use crate::programs::{Operator, Sandbox, host, wait_for};
use crate::quickstart::{EXAMPLE, SECRET, TEAM_NAMESPACE, TOKEN, Team, example};

/// Longer than a rotation takes to fall due.
const PATIENCE: Duration = Duration::from_secs(40);
const SYSTEM: &str = "scaleway";
/// The check of the token that is about to be lost takes this long, so that the kill comes before it ends.
const DELAY: Duration = Duration::from_millis(1_500);

pub(super) async fn show(
    stage: &Stage,
    cluster: &Cluster,
    sandbox: &Sandbox,
    timeline: &mut Timeline,
) -> Result<()> {
    stage.act("Kubernetes: a token that lives 45 seconds, rotated every 12");
    let scaleway = sandbox.system(SYSTEM)?;
    let team = Team::new(cluster.client.clone());
    let host = host(&scaleway.endpoint).to_owned();
    let log = log_file(cluster)?;
    let start = || Operator::start("operator", &cluster.operator_kubeconfig, &host, &log);

    let operator = start().await?;
    chart::create_all(
        &cluster.client,
        &example(Path::new("."), scaleway)?,
        TEAM_NAMESPACE,
    )
    .await?;
    stage.done(&format!("The operator runs; {EXAMPLE} is applied"));

    let first = team.secret_after(None).await?;
    team.ready()
        .await
        .with_context(|| format!("the operator's log is in {}", log.display()))?;
    timeline.holds(SYSTEM, &first.id);
    ensure!(
        sandbox.authenticates(scaleway, &first.value).await?,
        "the delivered value does not authenticate"
    );
    stage.done(&format!(
        "ApiToken {TOKEN} is Ready; Secret {SECRET} holds {} and its value authenticates",
        first.describe()
    ));

    stage.doing("The token falls due …");
    let second = team.secret_after(Some(&first)).await?;
    timeline.holds(SYSTEM, &second.id);
    ensure!(
        sandbox.authenticates(scaleway, &second.value).await?,
        "the rotated value does not authenticate"
    );
    ensure!(
        sandbox.authenticates(scaleway, &first.value).await?,
        "the previous value ended before its overlap"
    );
    stage.done(&format!(
        "Rotated to {}; the previous value is alive in its overlap",
        second.describe()
    ));

    sandbox.delay_next_check(SYSTEM, DELAY).await?;
    stage.doing("The next rotation will be killed between mint and publish …");
    let minted = sandbox.ledger().await?.minted(SYSTEM);
    let lost = wait_for("the mint of the next token", PATIENCE, || async {
        let ledger = sandbox.ledger().await?;
        let newest = ledger.tokens.iter().rfind(|life| life.system == SYSTEM);
        Ok(newest
            .filter(|_| ledger.minted(SYSTEM) > minted)
            .map(|life| life.id.clone()))
    });
    let lost = lost.await?;
    operator.kill().await?;
    ensure!(
        team.secret()
            .await?
            .is_some_and(|held| held.id == second.id),
        "the kill came too late: the token was published"
    );
    timeline.killed();
    stage.done(&format!(
        "SIGKILL: {lost} is minted, and its value is lost; the Secret still holds {}",
        second.describe()
    ));
    sandbox.clear_faults().await?;
    let ended = sandbox
        .ledger()
        .await?
        .tokens
        .iter()
        .any(|life| life.id == first.id && life.ended_at.is_some());
    ensure!(ended, "the first token outlived its overlap");

    let operator = start().await?;
    let third = team.secret_after(Some(&second)).await?;
    timeline.holds(SYSTEM, &third.id);
    ensure!(
        third.id != lost,
        "the Secret names the token whose value is lost"
    );
    ensure!(
        sandbox.authenticates(scaleway, &third.value).await?,
        "the healed value does not authenticate"
    );
    wait_for("the revoke of the lost token", PATIENCE, || async {
        let ledger = sandbox.ledger().await?;
        Ok(ledger
            .tokens
            .iter()
            .any(|life| life.id == lost && life.revoked_at.is_some())
            .then_some(()))
    })
    .await?;
    stage.done(&format!(
        "A new operator healed it: {} is delivered, and {lost} was found by its marker and revoked",
        third.describe()
    ));

    stage.doing("kubectl delete apitoken: waits until no lost answer can surface any more …");
    team.delete().await?;
    timeline.holds_nothing(SYSTEM);
    ensure!(
        team.secret().await?.is_none(),
        "the Secret outlived its ApiToken"
    );
    for value in [&first.value, &second.value, &third.value] {
        ensure!(
            !sandbox.authenticates(scaleway, value).await?,
            "a value outlived its ApiToken"
        );
    }
    let ledger = sandbox.ledger().await?;
    ensure!(
        ledger.live(SYSTEM).is_empty(),
        "the ledger shows tokens that live on"
    );
    stage.done("Deleted: every token is revoked, the Secret is gone, the finalizer dropped");
    operator.kill().await
}

fn log_file(cluster: &Cluster) -> Result<PathBuf> {
    let folder = Path::new("target/demo");
    std::fs::create_dir_all(folder).or_else(|_| std::fs::create_dir_all(cluster.folder.path()))?;
    let log = folder.join("operator.log");
    std::fs::write(&log, "").with_context(|| format!("cannot write {}", log.display()))?;
    Ok(log)
}
