//! Several replicas share one Lease: one works, the others stand by and send nothing.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;
use tokenwright_client::Operation;
use tokenwright_operator::{LeaseLost, RunError};
use tokenwright_testbed::memory::{Fault, Seen, StopPoint, Verb};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::world::{NAMESPACE, TOKENS, World};

/// What the API server calls all Leases.
const LEASES: &str = "leases.coordination.k8s.io";

/// Who has written to `ApiToken`s and Secrets since the world began.
fn writes(world: &World, who: &str) -> usize {
    let writes = world.api.writes(who).into_iter();
    let to_objects = |namespace: Option<&str>| namespace == Some(NAMESPACE);
    writes
        .filter(|write| to_objects(write.seen.namespace.as_deref()))
        .count()
}

/// Two replicas, of which the first has minted a token and the second stands by.
pub(crate) struct Two {
    pub(crate) world: World,
    pub(crate) first: Replica,
    /// Asks the first to end.
    pub(crate) stop: CancellationToken,
    pub(crate) second: Replica,
    _stop_second: CancellationToken,
}

pub(crate) type Replica = JoinHandle<Result<(), RunError>>;

pub(crate) async fn two_replicas() -> Two {
    let world = World::new().await;
    let (first, stop) = world.replica("first");
    world.ask(json!({})).await;
    world.pass(30).await;
    let (second, _stop_second) = world.replica("second");
    world.pass(5).await;
    Two {
        world,
        first,
        stop,
        second,
        _stop_second,
    }
}

/// Another token is asked for once the first replica has ended, and minted within so many seconds.
async fn the_second_mints(world: &World, within: u64, telling: &str) {
    world
        .ask_as("other", json!({ "secret": { "name": "other" } }))
        .await;
    world.pass(within).await;
    let minted = world.issuer.count(Operation::Mint);
    assert_eq!(minted, 2, "{telling}: the second replica works");
}

#[tokio::test(start_paused = true)]
async fn one_replica_works_and_the_other_takes_over_within_seconds_of_a_clean_stop() {
    let world = World::new().await;
    let (first, stop) = world.replica("first");
    world.pass(1).await;
    let (second, stop_second) = world.replica("second");
    world.ask(json!({})).await;
    world.pass(60).await;
    world.the_only_token();
    assert_eq!(
        writes(&world, "second"),
        0,
        "whoever stands by sends nothing"
    );

    stop.cancel();
    first.await.unwrap().unwrap();
    the_second_mints(&world, 5, "it is asked to end").await;
    stop_second.cancel();
    second.await.unwrap().unwrap();
}

/// Instants in the life of a Lease, which is renewed every five seconds and looked at every two.
const INSTANTS: [Duration; 8] = [
    Duration::ZERO,
    Duration::from_millis(10),
    Duration::from_millis(900),
    Duration::from_millis(1_990),
    Duration::from_millis(2_700),
    Duration::from_millis(3_500),
    Duration::from_millis(4_200),
    Duration::from_millis(4_990),
];

/// The first replica ends at one of these instants, and the second has minted so many seconds later.
async fn followed(within: u64, ends: impl AsyncFn(Replica, CancellationToken)) {
    for instant in INSTANTS {
        let Two {
            world,
            first,
            stop,
            second,
            ..
        } = two_replicas().await;
        world.pass(30).await;
        tokio::time::sleep(instant).await;
        ends(first, stop).await;
        the_second_mints(&world, within, &format!("{instant:?}")).await;
        second.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_stopped_is_followed_within_five_seconds_whenever_that_is() {
    let stops = async |first: Replica, stop: CancellationToken| {
        stop.cancel();
        first.await.unwrap().unwrap();
    };
    followed(5, stops).await;
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_killed_is_followed_within_twenty_seconds_and_mints_nothing_twice() {
    followed(20, async |first: Replica, _| first.abort()).await;
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_stopped_while_it_renews_its_lease_is_followed_within_five_seconds() {
    let Two {
        world,
        first,
        stop,
        second,
        ..
    } = two_replicas().await;
    let renewed = StopPoint::new();
    let held = renewed.clone();
    let renews = |seen: &Seen| seen.who == "first" && seen.resource == LEASES && seen.is_write();
    world.api.once(renews, Fault::StopAfter(held));
    renewed.reached().await;
    stop.cancel();
    first.await.unwrap().unwrap();
    the_second_mints(&world, 5, "it renewed its Lease").await;
    second.abort();
}

#[tokio::test(start_paused = true)]
async fn whoever_cannot_renew_the_lease_stops_before_another_begins() {
    let world = World::new().await;
    let (first, _stop) = world.replica("first");
    world.pass(30).await;
    world.api.on_request(|seen| {
        let first = seen.who == "first" && seen.resource == LEASES;
        match first {
            true => Fault::Hang,
            false => Fault::Pass,
        }
    });
    let (second, _stop_second) = world.replica("second");
    world.pass(11).await;
    assert!(first.is_finished(), "it works on without its Lease");
    let ended = first.await.unwrap();
    assert!(matches!(
        ended,
        Err(RunError::LeaseLost(LeaseLost::NotRenewed))
    ));
    world.ask(json!({})).await;
    world.pass(10).await;
    world.the_only_token();
    second.abort();
}

#[tokio::test(start_paused = true)]
async fn whoever_stands_by_knows_everything_already_when_it_takes_over() {
    let Two {
        world,
        first,
        stop,
        second,
        ..
    } = two_replicas().await;
    world.pass(30).await;
    world
        .change(json!({ "spec": { "rotation": { "trigger": "go" } } }))
        .await;
    world.pass(30).await;
    assert_eq!(world.revision(), Some(2));
    // Both do what there is to do, and only one of them does it.
    assert_eq!(world.issuer.count(Operation::Mint), 2);
    let lists = |world: &World| {
        let requests = world.api.requests().into_iter();
        let reads = requests
            .filter(|record| matches!(record.seen.verb, Verb::List | Verb::Watch))
            .filter(|record| record.seen.resource == TOKENS);
        reads.filter(|record| record.seen.who == "second").count()
    };
    let before = lists(&world);
    assert!(before > 0, "it has listed nothing yet");

    stop.cancel();
    first.await.unwrap().unwrap();
    world
        .change(json!({ "spec": { "rotation": { "trigger": "again" } } }))
        .await;
    world.pass(5).await;
    assert_eq!(world.revision(), Some(3));
    assert_eq!(lists(&world), before, "it lists anew what it has watched");
    second.abort();
}

#[tokio::test(start_paused = true)]
async fn whoever_stood_by_under_another_key_of_the_digests_begins_anew_and_mints_nothing() {
    let Two {
        world,
        first,
        stop,
        second,
        ..
    } = two_replicas().await;
    world.pass(10).await;
    let other = json!({ "data": { "key": "b3RoZXIta2V5LW90aGVyLWtleS1vdGhlci1rZXk=" } });
    let secrets: Api<Secret> = Api::namespaced(world.user.clone(), "default");
    let merge = PatchParams::default();
    let other = Patch::Merge(&other);
    let changed = secrets.patch("tokenwright-digest-key", &merge, &other);
    changed.await.unwrap();
    stop.cancel();
    first.await.unwrap().unwrap();
    world.pass(5).await;
    assert!(second.is_finished(), "it goes on with a key that is gone");
    let ended = second.await.unwrap();
    assert!(
        matches!(ended, Err(RunError::OtherDigestKey(_))),
        "{ended:?}"
    );
    let (again, _stop_again) = world.replica("second");
    world.pass(60).await;
    world.the_only_token();
    again.abort();
}

#[tokio::test(start_paused = true)]
async fn an_object_that_was_mended_while_a_replica_stood_by_is_not_complained_of() {
    let Two {
        world,
        first,
        second,
        ..
    } = two_replicas().await;
    first.abort();
    // Nobody works now.
    world
        .make(
            "tokenwright.dev/v1alpha1",
            "ApiToken",
            json!({
                "metadata": { "name": "odd", "namespace": NAMESPACE }, "spec": { "issuerRef": 7 },
            }),
        )
        .await;
    world.pass(1).await;
    world.api.erase("ApiToken", NAMESPACE, "odd");
    world
        .ask_as("odd", json!({ "secret": { "name": "odd" } }))
        .await;
    world.pass(40).await;
    assert!(
        world
            .condition_of("ApiToken", "odd", "Ready")
            .starts_with("True")
    );
    let complained = world.api.requests().into_iter().any(|record| {
        record.seen.who == "second"
            && record.seen.name.as_deref() == Some("odd")
            && record.seen.verb == Verb::Get
            && record.seen.resource == TOKENS
    });
    assert!(
        !complained,
        "it looks at what can be read again to complain of it"
    );
    second.abort();
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_nobody_took_is_kept_however_late_its_renewal_comes() {
    let world = World::new().await;
    let (first, _stop) = world.replica("first");
    world.pass(30).await;
    // A real API server takes its time.
    world.api.on_request(|seen| match seen.resource.as_str() {
        LEASES => Fault::Delay(Duration::from_millis(50)),
        _ => Fault::Pass,
    });
    // As after a stop of the process, or where it was starved: all its timers are overdue at once.
    tokio::time::advance(Duration::from_secs(60)).await;
    world.ask(json!({})).await;
    world.pass(30).await;
    assert!(!first.is_finished(), "it gives up what is its own");
    world.the_only_token();
    first.abort();
}

#[tokio::test(start_paused = true)]
async fn the_successor_of_a_process_is_that_process_again() {
    let world = World::new().await;
    let (first, _stop) = world.replica("first");
    world.pass(30).await;
    first.abort();
    let (again, _stop_again) = world.replica("first");
    world.ask(json!({})).await;
    world.pass(3).await;
    world.the_only_token();
    again.abort();
}

#[tokio::test(start_paused = true)]
async fn whoever_finds_its_lease_set_back_ends_since_it_watches_a_history_that_is_no_more() {
    let world = World::new().await;
    let (first, _stop) = world.replica("first");
    world.pass(20).await;
    let leases: Api<Lease> = Api::namespaced(world.user.clone(), "default");
    let before = leases.get("operator").await.unwrap();
    world.pass(20).await;
    let mut set_back = leases.get("operator").await.unwrap();
    set_back.spec = before.spec;
    let post = PostParams::default();
    leases.replace("operator", &post, &set_back).await.unwrap();
    world.pass(10).await;
    assert!(first.is_finished(), "it goes on with what it knew");
    let ended = first.await.unwrap();
    assert!(matches!(ended, Err(RunError::LeaseLost(LeaseLost::Taken))));
    let (again, _stop_again) = world.replica("first");
    world.ask(json!({})).await;
    world.pass(30).await;
    world.the_only_token();
    again.abort();
}

#[tokio::test(start_paused = true)]
async fn whoever_finds_the_store_set_back_by_less_than_a_renewal_ends_and_remembers_nothing() {
    for (others_go_on, watch_expires, breaks) in [
        (false, false, true),
        (true, true, true),
        (true, false, true),
        // Nobody tells it; the end of the overlap cannot be written.
        (true, false, false),
    ] {
        let world = World::new().await;
        let (first, _stop) = world.replica("first");
        world.ask(json!({})).await;
        world.pass(21).await;
        let lease = || world.api.snapshot("Lease", "default", "operator").unwrap();
        let (before, renewed) = (world.api.version(), lease());
        let wish = json!({ "spec": { "token": { "scopes": ["read"] } } });
        world.change(wish).await;
        world.pass(3).await;
        assert_eq!(world.revision(), Some(2));
        assert_eq!(lease(), renewed, "the Lease tells nothing");
        world.api.rewind(before).unwrap();
        assert_eq!(world.revision(), Some(1));
        for n in 0..if others_go_on { 50 } else { 0 } {
            let other = json!({ "metadata": { "name": format!("other-{n}") } });
            world.make("v1", "Namespace", other).await;
        }
        if watch_expires {
            world.api.compact();
        }
        if breaks {
            world.api.cut_watches("first");
        }
        world.pass(if breaks { 10 } else { 3700 }).await;
        assert!(first.is_finished(), "it goes on with what it knew");
        let ended = first.await.unwrap();
        assert!(matches!(ended, Err(RunError::SetBack)), "{ended:?}");
        world.the_secret_works();
        let (again, _stop_again) = world.replica("first");
        for _ in 0..80 {
            world.pass(60).await;
            world.the_secret_works();
        }
        again.abort();
    }
}
