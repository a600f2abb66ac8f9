//! The Secrets that people fill: late, unusable, shared, moved, deleted; held while they are needed, and
//! given back after.

use kube::api::DeleteParams;
use serde_json::{Value, json};
use tokenwright_api::names::label;
use tokenwright_client::{MemorySettings, Operation};

use crate::world::World;

const MINUTE: u64 = 60;

/// What is ours on a Secret: label and finalizers.
fn held(world: &World, name: &str) -> (Option<String>, Vec<String>) {
    let secret = world.secret_called(name).expect("there is no such Secret");
    let labels = secret.metadata.labels.unwrap_or_default();
    let finalizers = secret.metadata.finalizers.unwrap_or_default();
    (labels.get(label::SECRET).cloned(), finalizers)
}

fn is_held(world: &World, name: &str) -> bool {
    let ours = vec!["tokenwright.dev/in-use".to_owned()];
    let (label, finalizers) = held(world, name);
    let all = label.as_deref() == Some("source") && finalizers == ours;
    let nothing = label.is_none() && finalizers.is_empty();
    assert!(
        all || nothing,
        "{name} is held by half: {label:?} {finalizers:?}"
    );
    all
}

async fn delivered(changes: Value) -> (World, String) {
    let (mut world, _, value) = World::offering(MemorySettings::default()).await;
    world.start();
    world.adopt(changes).await;
    world.pass(5).await;
    assert_eq!(world.data("token").as_ref(), Some(&value));
    assert!(is_held(&world, "source"));
    (world, value)
}

async fn remove(world: &World, token: &str) {
    let once = DeleteParams::default();
    world.tokens().delete(token, &once).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_source_that_comes_late_is_found() {
    let mut world = World::new().await;
    world.start();
    world.adopt(json!({})).await;
    world.pass(5).await;
    assert_eq!(world.condition("Ready"), "False: SourceMissing");
    assert_eq!(world.condition("Stalled"), "True: SourceMissing");
    assert_eq!(world.condition("Accepted"), "False: SourceMissing");
    assert_eq!(world.message("Ready"), "There is no Secret source.");
    let writes = world.writes().len();
    world.pass(10 * MINUTE).await;
    assert_eq!(world.writes().len(), writes, "waiting writes nothing");
    let (_, value) = world.by_hand().await;
    world.fill("source", &value).await;
    world.pass(5 * MINUTE + 1).await;
    assert_eq!(world.data("token"), Some(value));
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Stalled"), "False: Idle");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_does_not_come_is_looked_for_less_and_less_often() {
    let mut world = World::new().await;
    world.start();
    world.adopt(json!({})).await;
    world.pass(5).await;
    let looks = |world: &World| {
        let all = world.api.requests().into_iter();
        all.filter(|record| record.seen.name.as_deref() == Some("source"))
            .count()
    };
    let first = looks(&world);
    world.pass(MINUTE).await;
    let soon = looks(&world) - first;
    assert!((2..=4).contains(&soon), "{soon} looks in the first minute");
    world.pass(60 * MINUTE).await;
    let hour = looks(&world) - first;
    assert!((12..=20).contains(&hour), "{hour} looks in an hour");
    // Whoever comes next begins no quicker.
    world.crash().await;
    world.start();
    world.pass(5).await;
    let before = looks(&world);
    world.pass(60 * MINUTE).await;
    let hour = looks(&world) - before;
    assert!((11..=14).contains(&hour), "{hour} looks after a restart");
}

#[tokio::test(start_paused = true)]
async fn a_source_without_a_value_is_watched_and_its_correction_is_seen_at_once() {
    let mut world = World::new().await;
    world.fill("source", "\n").await;
    world.start();
    world.adopt(json!({})).await;
    world.pass(5).await;
    assert_eq!(world.condition("Ready"), "False: SourceMissing");
    assert_eq!(
        world.message("Ready"),
        "The key \"PASTED\" of the Secret source is empty."
    );
    assert!(is_held(&world, "source"));
    assert_eq!(world.issuer.count(Operation::Check), 0);
    let (_, value) = world.by_hand().await;
    world.fill("source", &value).await;
    world.pass(1).await;
    assert_eq!(world.data("token"), Some(value));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_gets_unusable_takes_nothing_away() {
    let (world, value) = delivered(json!({})).await;
    world.fill("source", &"x".repeat(65)).await;
    world.pass(1).await;
    assert_eq!(world.data("token"), Some(value));
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Accepted"), "False: SourceMissing");
    let said = world.message("Accepted");
    assert!(said.contains("has 65 bytes, and at most 64"), "{said}");
    world.pass(30 * MINUTE).await;
    assert!(
        world.issuer.count(Operation::Check) >= 3,
        "what is delivered is checked all the same"
    );
}

#[tokio::test(start_paused = true)]
async fn keys_are_mapped_and_a_key_for_no_part_is_refused() {
    let (mut world, _, value) = World::offering(MemorySettings::default()).await;
    world.start();
    let keys = |keys: Value| json!({ "adopt": { "valueFrom": { "secretRef": { "keys": keys } } } });
    world.adopt(keys(json!({ "tokn": "PASTED" }))).await;
    world.pass(5).await;
    assert_eq!(world.condition("Ready"), "False: InvalidSpec");
    assert_eq!(
        world.message("Ready"),
        "spec.adopt.valueFrom.secretRef.keys: the value has no part \"tokn\"; it has token"
    );
    assert_eq!(world.condition("Stalled"), "True: InvalidSpec");
    let right = json!({ "tokn": null, "token": "PASTED" });
    world.change(json!({ "spec": keys(right) })).await;
    world.pass(2).await;
    assert_eq!(world.data("token"), Some(value));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_deleted_while_it_is_needed_waits_and_goes_with_the_last_that_needs_it() {
    let (world, value) = delivered(json!({})).await;
    world
        .adopt_as("other", json!({ "secret": { "name": "other-token" } }))
        .await;
    world.pass(5).await;
    world
        .secrets()
        .delete("source", &DeleteParams::default())
        .await
        .unwrap();
    world.pass(20 * MINUTE).await;
    assert!(world.secret_called("source").is_some(), "gone while needed");
    assert_eq!(world.condition("Ready"), "True: Ready");
    remove(&world, "ci").await;
    world.pass(5).await;
    assert!(world.secret().is_none());
    assert!(
        world.secret_called("source").is_some(),
        "the other one needs it"
    );
    remove(&world, "other").await;
    world.pass(5).await;
    assert!(world.tokens().get_opt("other").await.unwrap().is_none());
    assert!(
        world.secret_called("source").is_none(),
        "it waits for nobody"
    );
    assert!(world.issuer.accepts(&value));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_shared_is_given_back_after_the_last_also_if_both_go_at_once() {
    let (world, _) = delivered(json!({})).await;
    world
        .adopt_as("other", json!({ "secret": { "name": "other-token" } }))
        .await;
    world.pass(5).await;
    let writes = world.writes();
    assert_eq!(
        writes
            .iter()
            .filter(|write| *write == "patch secrets")
            .count(),
        1,
        "held once: {writes:?}"
    );
    let (_, next) = world.by_hand().await;
    world.fill("source", &next).await;
    world.pass(2).await;
    for name in ["ci-token", "other-token"] {
        let data = world.secret_called(name).unwrap().data.unwrap();
        assert_eq!(data["token"].0, next.as_bytes(), "{name}");
    }
    remove(&world, "ci").await;
    remove(&world, "other").await;
    world.pass(5).await;
    assert!(world.object().is_none());
    assert!(!is_held(&world, "source"));
}

#[tokio::test(start_paused = true)]
async fn another_source_is_followed_and_the_one_before_is_given_back() {
    let (world, _) = delivered(json!({})).await;
    let (_, next) = world.by_hand().await;
    world.fill("elsewhere", &next).await;
    let moved =
        json!({ "spec": { "adopt": { "valueFrom": { "secretRef": { "name": "elsewhere" } } } } });
    world.change(moved).await;
    world.pass(2).await;
    assert_eq!(world.data("token"), Some(next));
    assert!(is_held(&world, "elsewhere"));
    assert!(!is_held(&world, "source"));
    assert_eq!(world.adopted().source, "elsewhere");
}

#[tokio::test(start_paused = true)]
async fn a_source_is_given_back_also_if_nobody_saw_that_it_is_not_needed_any_more() {
    let (mut world, _) = delivered(json!({})).await;
    world.crash().await;
    let nobody = json!({ "metadata": { "finalizers": null } });
    world.change(nobody).await;
    remove(&world, "ci").await;
    assert!(is_held(&world, "source"));
    world.start();
    world.pass(5).await;
    assert!(!is_held(&world, "source"));
}

#[tokio::test(start_paused = true)]
async fn a_change_of_a_source_concerns_those_that_name_it_and_nobody_else() {
    let (world, _) = delivered(json!({})).await;
    let (_, other) = world.by_hand().await;
    world.fill("elsewhere", &other).await;
    let source = json!({ "valueFrom": { "secretRef": { "name": "elsewhere" } } });
    world
        .adopt_as(
            "other",
            json!({ "adopt": source, "secret": { "name": "other-token" } }),
        )
        .await;
    world.pass(5).await;
    let reads = |world: &World| {
        let records = world.api.requests();
        let reads = records.iter().map(|record| &record.seen);
        let reads = reads.filter(|seen| !seen.is_write() && seen.resource == "secrets");
        reads
            .filter(|seen| seen.name.as_deref() == Some("ci-token"))
            .count()
    };
    let before = reads(&world);
    let (_, next) = world.by_hand().await;
    world.fill("elsewhere", &next).await;
    world.pass(5).await;
    assert_eq!(
        reads(&world),
        before,
        "the other ApiToken was looked at, too"
    );
    let delivered = world.secret_called("other-token").unwrap().data.unwrap();
    assert_eq!(delivered["token"].0, next.as_bytes());
}

#[tokio::test(start_paused = true)]
async fn what_another_api_token_delivers_can_be_adopted_and_stays_theirs() {
    let mut world = World::new().await;
    world.start();
    world
        .ask_as(
            "minted",
            json!({ "secret": { "name": "minted-token" }, "rotation": { "overlap": "1m" } }),
        )
        .await;
    world.pass(10).await;
    let source = json!({ "valueFrom": { "secretRef": { "name": "minted-token", "keys": { "token": "token" } } } });
    world.adopt(json!({ "adopt": source })).await;
    world.pass(10).await;
    let first = world.data("token").unwrap();
    assert!(world.issuer.accepts(&first));
    let theirs = (Some("token".to_owned()), Vec::new());
    assert_eq!(held(&world, "minted-token"), theirs);
    let rotate = json!({ "spec": { "rotation": { "trigger": "1" } } });
    let minted = world.tokens();
    minted
        .patch(
            "minted",
            &Default::default(),
            &kube::api::Patch::Merge(rotate),
        )
        .await
        .unwrap();
    world.pass(10).await;
    assert_ne!(world.data("token"), Some(first), "the rotation is followed");
    remove(&world, "minted").await;
    world.pass(2 * MINUTE).await;
    assert!(
        world.secret_called("minted-token").is_none(),
        "its deletion waits for nobody"
    );
    assert_eq!(world.condition("Accepted"), "False: SourceMissing");
}

#[tokio::test(start_paused = true)]
async fn the_credential_of_an_issuer_can_be_adopted_and_stays_the_issuer_s() {
    let mut settings = tokenwright_client::MemorySettings::default();
    settings.capabilities.check = false;
    let mut world = World::with(settings).await;
    world.start();
    let source = json!({ "valueFrom": { "secretRef": { "name": "credential" } } });
    world.adopt(json!({ "adopt": source })).await;
    world.pass(20).await;
    assert_eq!(world.data("token").as_deref(), Some("right"));
    // Each duty has its label; the finalizer stays until the last of them is done.
    let (labels, finalizers) = world.marks("credential");
    assert!(labels.contains(&label::CREDENTIAL.to_owned()), "{labels:?}");
    assert!(is_held(&world, "credential"));
    world.delete().await;
    world
        .ask_as("other", json!({ "secret": { "name": "other" } }))
        .await;
    world.pass(20).await;
    assert_eq!(held(&world, "credential"), (None, finalizers));
}
