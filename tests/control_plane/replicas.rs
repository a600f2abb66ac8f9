//! Two replicas of the operator, one of which is killed or stopped, on a real kube-apiserver.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::stream::{BoxStream, StreamExt as _};
use jiff::SignedDuration;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::api::{WatchEvent, WatchParams};
use kube::{Api, ResourceExt as _};
use tokenwright_testbed::chart::RELEASE;
use tokenwright_testbed::programs::{OWN_NAMESPACE, Operator, wait_for};
use tokenwright_testbed::quickstart::{SECRET, TOKEN};

use super::cluster::{Cluster, SYSTEM};

/// Longer than the quickstart takes until its token is renewed, and than a Lease runs.
const PATIENCE: Duration = Duration::from_secs(40);

/// Whoever was asked to end is followed within this.
const AFTER_A_STOP: SignedDuration = SignedDuration::from_secs(5);
/// Whoever was killed is followed within this.
const AFTER_A_KILL: SignedDuration = SignedDuration::from_secs(20);

/// What is written into the Lease, version by version: who took it over from whom, and when by their clocks.
struct Versions {
    last: LeaseSpec,
    next: BoxStream<'static, kube::Result<WatchEvent<Lease>>>,
}

impl Versions {
    async fn from_now_on(cluster: &Cluster) -> Result<Self> {
        let client = cluster.control_plane.admin().await?;
        let leases: Api<Lease> = Api::namespaced(client, OWN_NAMESPACE);
        let lease = leases.get(RELEASE).await?;
        let version = lease.resource_version().context("no version")?;
        let next = leases.watch(&WatchParams::default(), &version).await?;
        Ok(Self {
            last: lease.spec.context("an empty Lease")?,
            next: next.boxed(),
        })
    }

    /// The version before `holder` has it, and the first one in which it does.
    async fn until(mut self, holder: &str) -> Result<(LeaseSpec, LeaseSpec)> {
        let taken = async {
            while let Some(told) = self.next.next().await {
                let WatchEvent::Modified(lease) = told? else {
                    continue;
                };
                let spec = lease.spec.context("an empty Lease")?;
                if spec.holder_identity.as_deref() == Some(holder) {
                    return Ok((self.last, spec));
                }
                self.last = spec;
            }
            anyhow::bail!("the watch ended")
        };
        let taken = tokio::time::timeout(PATIENCE, taken).await;
        taken.with_context(|| format!("{holder} does not take over"))?
    }
}

/// How long after the last word of the former holder the next one took the Lease, and how long it lasts.
fn between(last: &LeaseSpec, next: &LeaseSpec) -> Result<(SignedDuration, SignedDuration)> {
    let transitions = |spec: &LeaseSpec| spec.lease_transitions.unwrap_or_default();
    ensure!(
        transitions(next) == transitions(last) + 1,
        "{last:?} {next:?}"
    );
    let said = last.renew_time.as_ref().context("no renewal")?;
    let taken = next.acquire_time.as_ref().context("no acquisition")?;
    let lasts = last.lease_duration_seconds.context("no duration")?;
    let lasts = SignedDuration::from_secs(lasts.into());
    Ok((taken.0.duration_since(said.0), lasts))
}

#[tokio::test]
async fn a_second_replica_takes_over_from_one_that_is_killed_and_mints_nothing_twice() -> Result<()>
{
    let cluster = Cluster::start().await?;
    let first = cluster.replica("first").await?;
    let scaleway = cluster.sandbox.system(SYSTEM)?;
    let held = cluster.delivered().await?;
    let second = cluster.replica("second").await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let versions = Versions::from_now_on(&cluster).await?;
    first.kill().await?;
    let (last, next) = versions.until("second").await?;
    ensure!(last.holder_identity.as_deref() == Some("first"), "{last:?}");
    let (waited, lasts) = between(&last, &next)?;
    ensure!(waited >= lasts, "the Lease was not over: {last:?} {next:?}");
    ensure!(waited < AFTER_A_KILL, "{waited}: {last:?} {next:?}");
    // The quickstart rotates after twelve seconds; only the second replica is left to do it.
    let next = cluster.team.secret_after(Some(&held)).await?;
    ensure!(cluster.sandbox.authenticates(scaleway, &next.value).await?);
    ensure!(
        cluster.sandbox.ledger().await?.minted(SYSTEM) == 2,
        "two replicas minted for one rotation"
    );

    // Who is asked to end gives the Lease up: the next one does not wait until it is over.
    let third = cluster.replica("third").await?;
    let versions = Versions::from_now_on(&cluster).await?;
    second.signal("TERM").await?;
    ensure!(second.ended(PATIENCE).await?, "a stop is no failure");
    let (last, next) = versions.until("third").await?;
    ensure!(last.holder_identity.is_none(), "{last:?}");
    let (waited, _) = between(&last, &next)?;
    ensure!(waited < AFTER_A_STOP, "{waited}: {last:?} {next:?}");
    cluster.team.delete().await?;
    ensure!(cluster.sandbox.ledger().await?.live(SYSTEM).is_empty());
    third.kill().await
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
    until_the_second_is_being_proven(&cluster).await?;
    first.signal("STOP").await?;
    ensure!(deliveries(&cluster)? == 1, "it was over already");
    let next = cluster.team.secret_after(Some(&held)).await?;
    ensure!(next.revision == "3", "{} is that of the lost one", next.id);
    ensure!(cluster.sandbox.authenticates(scaleway, &next.value).await?);

    wakes_late(&cluster, first, 1).await?;
    cluster.team.delete().await?;
    ensure!(cluster.sandbox.ledger().await?.live(SYSTEM).is_empty());
    second.kill().await
}

/// The write waits in the API server until its writer stands still, and is made then.
#[tokio::test]
async fn a_leader_that_is_stopped_in_the_middle_of_a_delivery_and_wakes_late_leaks_and_breaks_nothing()
-> Result<()> {
    let cluster = Cluster::start().await?;
    let first = cluster.replica("first").await?;
    let scaleway = cluster.sandbox.system(SYSTEM)?;
    let held = cluster.delivered().await?;
    let second = cluster.replica("second").await?;

    // Until the value is proven the store stands still, and nothing can be written any more.
    until_the_second_is_being_proven(&cluster).await?;
    cluster.control_plane.hold_store(true)?;
    wait_for("the delivery", PATIENCE, || async {
        let came = cluster.control_plane.requests_for_secrets()?;
        let mut updates = came.iter().filter(|came| came.verb == "update");
        let delivery = updates.any(|came| came.name == SECRET && !came.uri.contains("dryRun"));
        Ok(delivery.then_some(()))
    })
    .await?;
    first.signal("STOP").await?;
    ensure!(deliveries(&cluster)? == 1, "it was over already");
    cluster.control_plane.hold_store(false)?;
    let next = cluster.team.secret_after(Some(&held)).await?;
    ensure!(next.revision == "2", "the delivery was lost: {}", next.id);
    ensure!(cluster.sandbox.authenticates(scaleway, &next.value).await?);
    // The next one is minted by whoever took over.
    let last = cluster.team.secret_after(Some(&next)).await?;
    ensure!(last.revision == "3", "{} is not the next one", last.id);

    wakes_late(&cluster, first, 0).await?;
    cluster.team.delete().await?;
    ensure!(cluster.sandbox.ledger().await?.live(SYSTEM).is_empty());
    second.kill().await
}

/// The next token is minted, and its value is being proven, for some seconds.
async fn until_the_second_is_being_proven(cluster: &Cluster) -> Result<()> {
    let (sandbox, check) = (&cluster.sandbox, Duration::from_secs(3));
    sandbox.delay_next_check(SYSTEM, check).await?;
    wait_for("the second mint", PATIENCE, || async {
        let minted = cluster.sandbox.ledger().await?.minted(SYSTEM);
        Ok((minted == 2).then_some(()))
    })
    .await
}

/// Whoever stood still goes on, after another one took over: it ends, and its writes came to nothing. So many tokens
/// were lost to it.
async fn wakes_late(cluster: &Cluster, first: Operator, lost: usize) -> Result<()> {
    first.signal("CONT").await?;
    ensure!(
        !first.ended(PATIENCE).await?,
        "it must say that it lost the Lease"
    );
    no_token_is_unnamed(cluster).await?;
    // That of the first replica was refused, or it came to none.
    let once = "one write of the Secret for each revision, and none for a lost one";
    let now = wait_for(once, PATIENCE, || async {
        let now = cluster.team.secret().await?.context("no Secret")?;
        let written = deliveries(cluster)?;
        Ok((now.revision.parse() == Ok(written + lost)).then_some(now))
    })
    .await;
    let now = now.with_context(|| format!("{:#?}", cluster.writes()))?;
    let scaleway = cluster.sandbox.system(SYSTEM)?;
    ensure!(cluster.sandbox.authenticates(scaleway, &now.value).await?);
    Ok(())
}

/// How often the Secret was written.
fn deliveries(cluster: &Cluster) -> Result<usize> {
    let writes = cluster.writes()?.into_iter();
    let written = writes.filter(|write| write.resource == "secrets" && write.code < 300);
    Ok(written.count())
}

/// Waits until every token that lives is one that the status knows; a token that leaked stays unknown.
async fn no_token_is_unnamed(cluster: &Cluster) -> Result<()> {
    wait_for("every living token to be a known one", PATIENCE, || async {
        let ledger = cluster.sandbox.ledger().await?;
        let status = cluster.team.tokens().get(TOKEN).await?.data["status"].clone();
        let known = |id: &str| {
            let retiring = status["retiring"].as_array().into_iter().flatten();
            let known = retiring.chain([&status["current"]]);
            known.clone().any(|token| token["tokenID"] == id)
        };
        let live = ledger.live(SYSTEM);
        Ok(live.iter().all(|life| known(&life.id)).then_some(()))
    })
    .await
}
