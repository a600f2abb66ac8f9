//! Two replicas of the operator, one of which is killed or stopped, on a real kube-apiserver.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::stream::{BoxStream, StreamExt as _};
use jiff::SignedDuration;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use tokenwright_api::names::annotation;
use tokenwright_testbed::chart::RELEASE;
use tokenwright_testbed::programs::{OWN_NAMESPACE, Operator, wait_for};
use tokenwright_testbed::quickstart::{Delivered, SECRET, TEAM_NAMESPACE, TOKEN};

use super::cluster::{Cluster, SYSTEM};

/// Longer than the quickstart takes until its token is renewed, and than a Lease runs.
const PATIENCE: Duration = Duration::from_secs(40);

/// Half of it is enough to stop a process, and less than an issuer is waited for.
const MEANWHILE: Duration = Duration::from_millis(1_500);

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

/// Every version of the Secret, as the API server tells them.
struct Values(BoxStream<'static, kube::Result<WatchEvent<Secret>>>);

impl Values {
    async fn from_now_on(cluster: &Cluster) -> Result<Self> {
        let client = cluster.control_plane.admin().await?;
        let secrets: Api<Secret> = Api::namespaced(client, TEAM_NAMESPACE);
        let version = secrets.get(SECRET).await?.resource_version();
        let only = WatchParams::default().fields(&format!("metadata.name={SECRET}"));
        let told = secrets
            .watch(&only, &version.context("no version")?)
            .await?;
        Ok(Self(told.boxed()))
    }

    /// Until it held this token: a value that was written late would be that of an earlier revision.
    async fn only_went_forward_to(mut self, last: &Delivered) -> Result<()> {
        let told = async {
            let mut revisions: Vec<u32> = Vec::new();
            while let Some(told) = self.0.next().await {
                let WatchEvent::Modified(secret) = told? else {
                    continue;
                };
                let held = Delivered::of(secret)?.context("it holds nothing")?;
                revisions.push(held.revision.parse()?);
                if held.id == last.id {
                    return Ok(revisions);
                }
            }
            anyhow::bail!("the watch ended")
        };
        let revisions = tokio::time::timeout(PATIENCE, told).await;
        let revisions = revisions.with_context(|| format!("{} was never shown", last.id))??;
        ensure!(revisions.is_sorted(), "it went back: {revisions:?}");
        Ok(())
    }
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
    let held = cluster.delivered().await?;
    let second = stopped_in_a_mint(&cluster, first, &held).await?;
    cluster.team.delete().await?;
    cluster.nothing_lives().await?;
    second.kill().await
}

#[tokio::test]
async fn a_leader_that_is_stopped_while_its_issuers_own_credential_is_minted_leaks_and_breaks_nothing()
-> Result<()> {
    let cluster = Cluster::start().await?;
    let rights = json!({ "scaleway": { "application_rights": "manage" } });
    cluster.sandbox.switch(&rights).await?;
    let first = cluster.replica("first").await?;
    let of_its_own = |document: &mut Value| match document["kind"].as_str() {
        Some("Secret") => {
            let may_be_taken = json!({ annotation::ALLOW_TAKEOVER_BY: TOKEN });
            document["metadata"] = json!({ "name": SECRET, "annotations": may_be_taken });
        }
        Some("TokenIssuer") => {
            let keys = json!({ "secret_key": "secret_key" });
            document["spec"]["credential"]["secretRef"] = json!({ "name": SECRET, "keys": keys });
        }
        _ => {}
    };
    let held = cluster.delivered_after(of_its_own).await?;
    let second = stopped_in_a_mint(&cluster, first, &held).await?;
    // It is rotated by what was delivered, and so on.
    let now = cluster.team.secret().await?;
    let next = cluster.team.secret_after(now.as_ref()).await?;
    let scaleway = cluster.sandbox.system(SYSTEM)?;
    ensure!(cluster.sandbox.authenticates(scaleway, &next.value).await?);
    cluster.team.ready().await?;
    second.kill().await
}

/// The token after this one is minted, and its value is on its way, when the process that waits for it stands still,
/// until another one has taken over, which this gives.
async fn stopped_in_a_mint(
    cluster: &Cluster,
    first: Operator,
    held: &Delivered,
) -> Result<Operator> {
    let scaleway = cluster.sandbox.system(SYSTEM)?;
    let second = cluster.replica("second").await?;
    let values = Values::from_now_on(cluster).await?;
    let before = deliveries(cluster)?;
    cluster
        .sandbox
        .delay_next(SYSTEM, "mint", MEANWHILE)
        .await?;
    until_the_second_is_minted(cluster).await?;
    first.signal("STOP").await?;
    ensure!(deliveries(cluster)? == before, "it was over already");
    let next = cluster.team.secret_after(Some(held)).await?;
    ensure!(cluster.sandbox.authenticates(scaleway, &next.value).await?);
    wakes_late(cluster, first, values).await?;
    Ok(second)
}

/// The token has ended, and the answer is on its way, when the process that waits for it stands still.
#[tokio::test]
async fn a_leader_that_is_stopped_in_the_middle_of_a_deletion_and_wakes_late_holds_nothing_up()
-> Result<()> {
    let cluster = Cluster::start().await?;
    let first = cluster.replica("first").await?;
    cluster.delivered().await?;
    let second = cluster.replica("second").await?;
    let tokens = cluster.team.tokens();
    let ended = || async {
        let ledger = cluster.sandbox.ledger().await?;
        Ok(ledger.live(SYSTEM).is_empty().then_some(()))
    };
    cluster
        .sandbox
        .delay_next(SYSTEM, "revoke", MEANWHILE)
        .await?;
    tokens.delete(TOKEN, &DeleteParams::default()).await?;
    wait_for("the end of the token", PATIENCE, ended).await?;
    first.signal("STOP").await?;
    let held = tokens.get_opt(TOKEN).await?;
    ensure!(held.is_some(), "it was over already");
    let gone = wait_for("the ApiToken to be gone", PATIENCE, || async {
        Ok(tokens.get_opt(TOKEN).await?.is_none().then_some(()))
    });
    gone.await
        .with_context(|| cluster.log().unwrap_or_default())?;
    let minted = cluster.sandbox.ledger().await?.minted(SYSTEM);

    first.signal("CONT").await?;
    ensure!(!first.ended(PATIENCE).await?, "it lost the Lease");
    ensure!(cluster.team.secret().await?.is_none(), "the Secret stays");
    cluster.nothing_lives().await?;
    ensure!(cluster.sandbox.ledger().await?.minted(SYSTEM) == minted);
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
    let values = Values::from_now_on(&cluster).await?;
    cluster.sandbox.delay_next_check(SYSTEM, MEANWHILE).await?;
    until_the_second_is_minted(&cluster).await?;
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

    wakes_late(&cluster, first, values).await?;
    cluster.team.delete().await?;
    ensure!(cluster.sandbox.ledger().await?.live(SYSTEM).is_empty());
    second.kill().await
}

async fn until_the_second_is_minted(cluster: &Cluster) -> Result<()> {
    wait_for("the second mint", PATIENCE, || async {
        let minted = cluster.sandbox.ledger().await?.minted(SYSTEM);
        Ok((minted == 2).then_some(()))
    })
    .await
}

/// Whoever stood still goes on, after another one took over: it ends, and its writes came to nothing.
async fn wakes_late(cluster: &Cluster, first: Operator, values: Values) -> Result<()> {
    first.signal("CONT").await?;
    ensure!(
        !first.ended(PATIENCE).await?,
        "it must say that it lost the Lease"
    );
    no_token_is_unnamed(cluster).await?;
    let now = cluster.team.secret().await?.context("no Secret")?;
    values.only_went_forward_to(&now).await?;
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
