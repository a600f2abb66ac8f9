//! A replica that works no more, since its Lease is lost or it is told to end, and what it had begun.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokenwright_client::memory::Fault as OfIssuer;
use tokenwright_client::{MemorySettings, Operation};
use tokenwright_core::LostAnswer;
use tokenwright_operator::RunError;
use tokenwright_testbed::memory::Fault;

use crate::replicas::{Two, two_replicas};
use crate::world::World;

/// From here on the issuer takes ten minutes to answer this; done once it was asked.
async fn slow(world: &World, operation: Operation) {
    world.issuer.hook(move |request, _| {
        let slow = OfIssuer::Delay(Duration::from_secs(600));
        (request.operation == operation).then_some(slow)
    });
    let before = world.issuer.count(operation);
    for _ in 0..1_000 {
        world.pass(1).await;
        if world.issuer.count(operation) > before {
            return;
        }
    }
    panic!("nothing is asked for {operation:?}");
}

/// Another replica takes the Lease away.
async fn take_the_lease(world: &World) {
    let leases: Api<Lease> = Api::namespaced(world.user.clone(), "default");
    let other = json!({ "spec": { "holderIdentity": "another" } });
    let merge = PatchParams::default();
    let other = Patch::Merge(&other);
    leases.patch("operator", &merge, &other).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_hangs_puts_off_no_end_of_a_replica() {
    for clean in [true, false] {
        let Two {
            world,
            first,
            stop,
            second,
            ..
        } = two_replicas().await;
        slow(&world, Operation::List).await;
        match clean {
            true => stop.cancel(),
            false => take_the_lease(&world).await,
        }
        world.pass(5).await;
        assert!(first.is_finished(), "clean {clean}: it waits for a listing");
        assert_eq!(first.await.unwrap().is_ok(), clean);
        second.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_told_to_end_after_it_lost_its_lease_ends_in_time() {
    let world = World::with(MemorySettings {
        request_timeout: Duration::from_secs(600),
        ..MemorySettings::default()
    })
    .await;
    let patient = json!({ "requestTimeout": "10m" });
    world.issuer_as("patient", patient).await;
    let (first, stop) = world.replica("first");
    world.pass(30).await;
    let wish = json!({ "issuerRef": { "name": "patient" } });
    // It is slow before the wish is there.
    futures::join!(slow(&world, Operation::Mint), world.ask(wish));
    take_the_lease(&world).await;
    world.pass(60).await;
    assert!(!first.is_finished(), "it leaves a mint behind");
    stop.cancel();
    world.pass(46).await;
    assert!(first.is_finished(), "it waits on though it was told to end");
    let ended = first.await.unwrap();
    assert!(matches!(ended, Err(RunError::LeaseLost(_))), "{ended:?}");
}

/// A rotation is under way at a system that shows no names, where nobody finds a token whose value is lost. The
/// first replica reaches neither the API server nor its Lease from the mint on, for so many seconds.
async fn bereft_in_a_mint(seconds: u64, followed: bool) -> World {
    let mut settings = MemorySettings::default();
    settings.capabilities.lost_answer = LostAnswer::CannotAttribute;
    let world = World::with(settings).await;
    let (first, _stop) = world.replica("first");
    world.ask(json!({})).await;
    world.pass(30).await;
    world
        .issuer
        .fault(Operation::Mint, OfIssuer::Delay(Duration::from_secs(2)));
    world
        .change(json!({ "spec": { "rotation": { "trigger": "go" } } }))
        .await;
    world.pass(1).await;
    assert_eq!(world.issuer.count(Operation::Mint), 2, "it is under way");
    world.api.on_request(|seen| match seen.who == "first" {
        true => Fault::LoseRequest,
        false => Fault::Pass,
    });
    let follower = followed.then(|| world.replica("second"));
    world.pass(seconds).await;
    world.api.clear_faults();
    world.pass(300).await;
    assert!(first.is_finished(), "it works on without its Lease");
    let ended = first.await.unwrap();
    assert!(matches!(ended, Err(RunError::LeaseLost(_))), "{ended:?}");
    let again = follower.is_none().then(|| world.replica("first"));
    // Until every overlap is over.
    world.pass(90_000).await;
    for (replica, _) in follower.into_iter().chain(again) {
        replica.abort();
    }
    world
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_minted_while_the_api_server_is_away_is_delivered_once_it_is_back() {
    let world = bereft_in_a_mint(60, false).await;
    assert_eq!(world.issuer.count(Operation::Mint), 2);
    assert_eq!(world.revision(), Some(2));
    world.the_only_token();
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_minted_while_another_replica_takes_over_is_no_token_too_many() {
    for seconds in [20, 60, 120, 200] {
        let world = bereft_in_a_mint(seconds, true).await;
        world.the_only_token();
        let status = world.object().unwrap().status.unwrap();
        assert!(status.suspects == 0, "{seconds} s: {status:?}");
    }
}
