//! Issuers are held for as long as somebody needs them, and no longer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokenwright_api::names::finalizer;
use tokenwright_client::Operation;
use tokenwright_testbed::memory::{Fault, Memory, Seen, Verb};

use crate::world::{NAMESPACE, OPERATOR, World};

const ISSUERS: &str = "tokenissuers.tokenwright.dev";

fn finalizers(api: &Memory, kind: &str, name: &str) -> usize {
    let object = api.snapshot(kind, NAMESPACE, name).unwrap_or_default();
    let finalizers = object["metadata"]["finalizers"].as_array();
    finalizers.map_or(0, Vec::len)
}

/// How many things around the one issuer are held: itself, and its credential.
fn held(world: &World) -> usize {
    finalizers(&world.api, ISSUERS, "issuer") + finalizers(&world.api, "secrets", "credential")
}

/// Counts the mints that find their issuer held.
fn mints_are_watched(world: &World) -> Arc<AtomicUsize> {
    let mints = Arc::new(AtomicUsize::new(0));
    let (api, counted) = (world.api.clone(), Arc::clone(&mints));
    world.issuer.hook(move |request, _| {
        if request.operation == Operation::Mint && finalizers(&api, ISSUERS, "issuer") == 1 {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        None
    });
    mints
}

#[tokio::test(start_paused = true)]
async fn an_issuer_and_its_credential_are_let_go_once_the_last_token_is_gone_and_held_again_for_another()
 {
    let mut world = World::new().await;
    let mints = mints_are_watched(&world);
    world.start();
    world.ask(json!({})).await;
    world
        .ask_as("second", json!({ "secret": { "name": "second" } }))
        .await;
    world.pass(10).await;
    assert_eq!(held(&world), 2);
    world.delete().await;
    world.pass(60).await;
    assert_eq!(held(&world), 2, "another one needs it");
    let all = DeleteParams::default();
    world.tokens().delete("second", &all).await.unwrap();
    world.pass(60).await;
    assert_eq!(held(&world), 0);

    let before = world.api.writes(OPERATOR).len();
    world.pass(3_600).await;
    assert_eq!(world.api.writes(OPERATOR).len(), before, "it rests");
    world
        .ask_as("third", json!({ "secret": { "name": "third" } }))
        .await;
    world.pass(10).await;
    assert_eq!((held(&world), mints.load(Ordering::Relaxed)), (2, 3));

    world.tokens().delete("third", &all).await.unwrap();
    world.pass(60).await;
    assert!(world.issuer.live().is_empty());
    // What a namespace that is deleted deletes, when no operator runs any more.
    world.crash().await;
    world.issuers().delete("issuer", &all).await.unwrap();
    world.secrets().delete("credential", &all).await.unwrap();
    assert!(world.secret_called("credential").is_none());
    assert!(world.issuers().get_opt("issuer").await.unwrap().is_none());
}

/// Jobs of a pipeline, each with an ApiToken of its own.
#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_needed_now_and_then_is_held_each_time_and_in_no_contest() {
    const JOBS: usize = 12;
    let mut world = World::new().await;
    let mints = mints_are_watched(&world);
    world.start();
    for job in 0..JOBS {
        let name = format!("job-{job}");
        world
            .ask_as(&name, json!({ "secret": { "name": name } }))
            .await;
        world.pass(10).await;
        assert_eq!(held(&world), 2, "{name}");
        let all = DeleteParams::default();
        world.tokens().delete(&name, &all).await.unwrap();
        world.pass(60).await;
        assert_eq!(held(&world), 0, "{name}");
    }
    assert_eq!(mints.load(Ordering::Relaxed), JOBS);
    assert_eq!(world.notes("MarkContested"), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_run_held_for_somebody_who_is_gone_is_let_go() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(10).await;
    world.crash().await;
    let loose = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    let patch = PatchParams::default();
    world.tokens().patch("ci", &patch, &loose).await.unwrap();
    world.delete().await;
    assert_eq!(held(&world), 2);
    world.start();
    world.pass(60).await;
    assert_eq!(held(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_minted_at_an_issuer_that_is_let_go_in_the_same_moment() {
    // Each request takes a tenth of a second, so that the next one comes between any two of them.
    for later in (0..25).map(|step| Duration::from_millis(step * 50)) {
        for lags in [false, true] {
            let mut world = World::new().await;
            let mints = mints_are_watched(&world);
            world.start();
            world.ask(json!({})).await;
            world.pass(10).await;
            let slow = Fault::Delay(Duration::from_millis(100));
            world
                .api
                .on_request(move |seen| match seen.who == OPERATOR {
                    true => slow.clone(),
                    false => Fault::Pass,
                });
            world.delete().await;
            if lags {
                world.api.pin(OPERATOR, ISSUERS);
            }
            tokio::time::sleep(later).await;
            world
                .ask_as("next", json!({ "secret": { "name": "next" } }))
                .await;
            world.pass(3).await;
            world.api.release(OPERATOR, ISSUERS);
            world.pass(30).await;
            assert_eq!(mints.load(Ordering::Relaxed), 2, "{later:?} {lags}");
            assert_eq!(world.issuer.count(Operation::Mint), 2, "{later:?} {lags}");
            assert_eq!(held(&world), 2, "{later:?} {lags}");
        }
    }
}

/// Somebody else's finalizer keeps an issuer that is deleted: ours cannot be set any more, and what is minted there
/// could not be ended once it is gone.
#[tokio::test(start_paused = true)]
async fn nothing_is_begun_with_an_issuer_that_goes_and_can_be_held_no_more() {
    let mut world = World::new().await;
    let theirs =
        |finalizers: Value| Patch::Merge(json!({ "metadata": { "finalizers": finalizers } }));
    let patch = PatchParams::default();
    let keep = theirs(json!(["example.com/theirs"]));
    world
        .issuers()
        .patch("issuer", &patch, &keep)
        .await
        .unwrap();
    world.start();
    world.pass(10).await;
    let all = DeleteParams::default();
    world.issuers().delete("issuer", &all).await.unwrap();
    world.pass(10).await;
    world.ask(json!({})).await;
    world.pass(60).await;
    assert_eq!(world.issuer.count(Operation::Mint), 0);
    let told = world.message("Ready");
    assert!(told.contains("being deleted"), "{told}");
    let none = theirs(json!(null));
    world
        .issuers()
        .patch("issuer", &patch, &none)
        .await
        .unwrap();
    world.pass(600).await;
    let told = world.message("Ready");
    assert!(told.contains("There is no"), "{told}");
}

/// The same where it was held before, and somebody took our finalizer off: what was begun is still ended.
#[tokio::test(start_paused = true)]
async fn nothing_more_is_begun_with_an_issuer_that_goes_once_somebody_took_its_hold_off() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(10).await;
    let patch = PatchParams::default();
    let finalizers = async |all: Value| {
        let change = Patch::Merge(json!({ "metadata": { "finalizers": all } }));
        let issuers = world.issuers();
        issuers.patch("issuer", &patch, &change).await.unwrap();
    };
    finalizers(json!(["example.com/theirs", finalizer::IN_USE])).await;
    let all = DeleteParams::default();
    world.issuers().delete("issuer", &all).await.unwrap();
    world.pass(10).await;
    finalizers(json!(["example.com/theirs"])).await;
    world.pass(10).await;
    let next = json!({ "secret": { "name": "next" } });
    world.ask_as("next", next).await;
    world.pass(60).await;
    assert_eq!(world.issuer.count(Operation::Mint), 1);
    let told = world.shown_of("apitokens", NAMESPACE, "next", "Ready");
    assert!(told.contains("being deleted"), "{told}");
    assert_eq!(self::finalizers(&world.api, "secrets", "credential"), 1);
    world.delete().await;
    world.pass(60).await;
    assert!(world.issuer.live().is_empty() && world.object().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_nobody_needs_reads_its_credential_again_once_somebody_does() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(60).await;
    world.delete().await;
    world.pass(60).await;
    let ready = world.issuer_ready("issuer");
    assert!(ready.starts_with("True: "), "{ready}");
    let before = world.api.requests().len();
    world.pass(3_600).await;
    let asked = world.api.requests().into_iter().skip(before);
    let about = |seen: &Seen| {
        seen.who == OPERATOR && seen.resource == "secrets" && seen.verb != Verb::Watch
    };
    let read: Vec<_> = asked.filter(|record| about(&record.seen)).collect();
    assert!(read.is_empty(), "{read:#?}");
    world.set_credential("wrong").await;
    world.ask(json!({})).await;
    world.pass(60).await;
    assert_eq!(world.issuer.count(Operation::Mint), 1);
    let ready = world.issuer_ready("issuer");
    assert!(ready.starts_with("False: "), "{ready}");
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_while_an_issuer_is_taken_into_hold_waits_no_longer_than_that_takes() {
    // Each request takes a tenth of a second, so that the second one comes between any two of them.
    for later in (0..20).map(|step| Duration::from_millis(step * 50)) {
        let mut world = World::new().await;
        world.start();
        world.pass(10).await;
        world.api.on_request(|seen| match seen.who == OPERATOR {
            true => Fault::Delay(Duration::from_millis(100)),
            false => Fault::Pass,
        });
        world.ask(json!({})).await;
        tokio::time::sleep(later).await;
        let second = json!({ "secret": { "name": "second" } });
        world.ask_as("second", second).await;
        world.pass(10).await;
        assert_eq!(world.issuer.live().len(), 2, "{later:?}");
    }
}
