//! An operator that only looks: for a cluster that is a copy of another, or that was restored.

use kube::api::{DeleteParams, PostParams};
use serde_json::json;
use tokenwright_client::{MemorySettings, Operation};

use crate::world::{NAMESPACE, OPERATOR, World};

const HOUR: u64 = 3_600;

/// What the operator wrote that is no condition: nothing, while it only looks.
fn deeds(world: &World) -> Vec<String> {
    let writes = world.api.writes(OPERATOR).into_iter();
    let deeds = writes.filter(|record| record.seen.subresource.as_deref() != Some("status"));
    deeds
        .map(|record| format!("{:?} {}", record.seen.verb, record.seen.resource))
        .collect()
}

fn changes(world: &World) -> u32 {
    [Operation::Mint, Operation::Revoke, Operation::Update]
        .into_iter()
        .map(|operation| world.issuer.count(operation))
        .sum()
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_only_observes_says_what_it_would_do_and_does_it_once_it_may() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({ "token": { "lifetime": "3h" } })).await;
    world.pass(5).await;
    world.crash().await;
    let (before, changed) = (deeds(&world), changes(&world));

    world.start_observing();
    world.pass(HOUR * 5 / 2).await;
    assert_eq!(world.condition("Reconciling"), "True: ObserveOnly");
    let message = world.message("Reconciling");
    assert!(message.contains("It would mint revision 2."), "{message}");
    let issuer = world.shown_of("tokenissuers", NAMESPACE, "issuer", "ObserveOnly");
    assert!(issuer.starts_with("True: ObserveOnly"), "{issuer}");
    world
        .secrets()
        .delete("ci-token", &DeleteParams::default())
        .await
        .unwrap();
    world.pass(HOUR).await;
    world.delete().await;
    world.pass(25 * HOUR).await;
    assert!(world.object().is_some(), "the object was let go");
    assert_eq!(deeds(&world), before, "it wrote");
    assert_eq!(
        changes(&world),
        changed,
        "it changed something at the issuer"
    );

    world.crash().await;
    world.start();
    world.pass(60).await;
    assert!(world.object().is_none());
    let issuer = world.shown_of("tokenissuers", NAMESPACE, "issuer", "ObserveOnly");
    assert_eq!(issuer, "absent");
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_only_observes_begins_without_a_key_and_adopts_and_holds_nothing() {
    let (mut world, _, _) = World::offering(MemorySettings::default()).await;
    world.adopt(json!({})).await;
    world
        .ask_as("minted", json!({ "secret": { "name": "other" } }))
        .await;
    let changed = changes(&world);
    world.start_observing();
    world.pass(HOUR).await;
    assert_eq!(deeds(&world), Vec::<String>::new());
    assert_eq!(changes(&world), changed);
    assert_eq!(world.condition("Reconciling"), "True: ObserveOnly");
    let minted = world.shown_of("apitokens", NAMESPACE, "minted", "Reconciling");
    assert!(minted.contains("It would mint revision 1."), "{minted}");
    let (labels, finalizers) = world.marks("source");
    assert!(
        labels.is_empty() && finalizers.is_empty(),
        "{labels:?} {finalizers:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_only_observes_says_whose_secret_an_object_would_take_over() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    let former = world.the_only_token().token.id.to_string();
    let uid = world.object().unwrap().metadata.uid.unwrap();
    world.crash().await;
    world
        .change(json!({ "metadata": { "finalizers": null } }))
        .await;
    world.delete().await;
    world.ask(json!({})).await;
    world.start_observing();
    let mut writes = Vec::new();
    for _ in 0..3 {
        world.pass(HOUR).await;
        let message = world.message("Reconciling");
        for said in [
            "It would mint revision 1.",
            "the Secret ci-token",
            uid.as_str(),
            former.as_str(),
        ] {
            assert!(message.contains(said), "{said}: {message}");
        }
        assert!(!message.contains("no token"), "{message}");
        writes.push(world.writes().len());
    }
    assert_eq!(writes[0], writes[2], "it says the same at each look");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_restored_after_its_object_is_told_as_one_to_take_over() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    let mut secret = world.secret().unwrap();
    let uid = world.object().unwrap().metadata.uid.unwrap();
    world.crash().await;
    world
        .change(json!({ "metadata": { "finalizers": null } }))
        .await;
    world.delete().await;
    let gone = DeleteParams::default();
    world.secrets().delete("ci-token", &gone).await.unwrap();

    world.start_observing();
    world.ask(json!({})).await;
    world.pass(60).await;
    let message = world.message("Reconciling");
    assert!(message.ends_with("There is no token yet."), "{message}");
    secret.metadata.uid = None;
    secret.metadata.resource_version = None;
    let post = PostParams::default();
    world.secrets().create(&post, &secret).await.unwrap();
    world.pass(60).await;
    let message = world.message("Reconciling");
    let takes = format!("It would take the Secret ci-token over from the gone object {uid}");
    assert!(message.contains(&takes), "{message}");
    assert!(!message.contains("no token"), "{message}");
}
