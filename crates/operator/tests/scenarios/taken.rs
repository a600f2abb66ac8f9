//! Another controller makes the Secret of an `ApiToken` its own and writes its own value into it: it is left
//! to that one, nothing is minted or ended for it, and whoever looks is told.

use serde_json::{Value, json};
use tokenwright_api::names::annotation;
use tokenwright_client::Operation;
use tokenwright_testbed::memory::Fault;

use crate::adopt::delivered;
use crate::world::{OPERATOR, TOKENS, World};

const HOUR: u64 = 3_600;

/// A world with a token whose value is in its Secret.
pub(crate) async fn minted() -> World {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(600).await;
    world.the_only_token();
    world
}

fn written(world: &World) -> usize {
    let writes = world.writes().into_iter();
    writes.filter(|write| write == "update secrets").count()
}

/// As External Secrets takes over a Secret that it finds where it is to make one.
fn taken() -> Value {
    json!({
        "metadata": { "ownerReferences": [{
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "theirs", "uid": "u",
            "controller": true, "blockOwnerDeletion": true,
        }] },
        "data": { "token": "dGhlaXJz" },
    })
}

/// It is all theirs: nothing in it says whose it was.
fn says_nothing_of_us(world: &World) {
    assert_eq!(world.data("token").as_deref(), Some("theirs"));
    let metadata = world.secret().unwrap().metadata;
    let of_us = |key: &&String| key.starts_with("tokenwright.dev/");
    let (annotations, labels) = (metadata.annotations, metadata.labels);
    let marks = annotations.iter().chain(&labels).flat_map(|all| all.keys());
    assert_eq!(
        marks.filter(of_us).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    let owners = metadata.owner_references.unwrap_or_default();
    assert_eq!(owners[0].name, "theirs");
}

/// They write it all the time, and nobody answers.
async fn is_left_to_them(world: &World, before: usize) {
    for _ in 0..120 {
        world.edit_secret(taken()).await;
        world.pass(60).await;
    }
    assert_eq!(written(world), before);
    assert_eq!(world.data("token").as_deref(), Some("theirs"));
    assert_eq!(world.condition("Ready"), "False: DestinationForeign");
    assert_eq!(world.condition("Stalled"), "True: DestinationForeign");
    assert_eq!(world.condition("Reconciling"), "False: Idle");
    let (told, whose) = (world.message("Ready"), "the ExternalSecret theirs has made");
    assert!(
        told.contains(whose) && told.contains("owner reference"),
        "{told}"
    );
    let notes = world.notes("DestinationForeign");
    assert!(notes.len() == 1 && notes[0].contains(whose), "{notes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_another_controller_takes_is_left_to_it_and_the_token_lives_on() {
    let world = minted().await;
    let writes = written(&world);
    is_left_to_them(&world, writes).await;
    assert_eq!(world.issuer.count(Operation::Mint), 1);
    assert_eq!(world.issuer.count(Operation::Revoke), 0);
    let told = world.message("Ready");
    assert!(told.contains("lives on until 2026-"), "{told}");

    // They let it go, with the value that they left there.
    let free = json!({ "metadata": { "ownerReferences": null } });
    world.edit_secret(free).await;
    world.pass(60).await;
    world.the_secret_works();
    assert_eq!(world.issuer.count(Operation::Mint), 2);
    assert_eq!(world.condition("Ready"), "True: Ready");
}

#[tokio::test(start_paused = true)]
async fn who_may_take_its_secret_back_does_so_once() {
    let world = minted().await;
    world.edit_secret(taken()).await;
    world.pass(60).await;
    let allow = json!({ "metadata": { "annotations": { annotation::ALLOW_TAKEOVER_BY: "ci" } } });
    world.edit_secret(allow).await;
    world.pass(60).await;
    world.the_secret_works();
    assert_eq!(world.condition("Ready"), "True: Ready");
    world.pass(2 * HOUR).await;
    world.edit_secret(taken()).await;
    world.pass(2 * HOUR).await;
    assert_eq!(world.condition("Ready"), "False: DestinationForeign");
    assert_eq!(world.issuer.count(Operation::Mint), 2);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_a_controller_only_owns_is_served_on_and_one_that_it_took_outlives_its_token()
{
    let world = minted().await;
    let owned = json!({ "metadata": taken()["metadata"] });
    world.edit_secret(owned).await;
    world
        .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
        .await;
    world.pass(600).await;
    assert_eq!(world.revision(), Some(2));
    world.the_secret_works();
    world.edit_secret(taken()).await;
    world.pass(60).await;
    world.delete().await;
    world.pass(600).await;
    assert_eq!(world.object(), None);
    assert!(world.issuer.live().is_empty());
    says_nothing_of_us(&world);

    // A new object of that name does not fight about it either.
    world.ask(json!({})).await;
    world.pass(600).await;
    assert_eq!(world.condition("Stalled"), "True: DestinationForeign");
    assert_eq!(world.data("token").as_deref(), Some("theirs"));
    assert!(world.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_adopted_value_is_not_written_over_that_of_a_controller_either() {
    let (world, value) = delivered(json!({})).await;
    let writes = written(&world);
    is_left_to_them(&world, writes).await;
    let free = json!({ "metadata": { "ownerReferences": null } });
    world.edit_secret(free).await;
    world.pass(60).await;
    assert_eq!(world.data("token"), Some(value));
    assert_eq!(world.condition("Ready"), "True: Ready");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_taken_says_nothing_of_an_adopted_token_that_is_gone() {
    let (world, _) = delivered(json!({})).await;
    world.edit_secret(taken()).await;
    world.pass(60).await;
    world.delete().await;
    world.pass(600).await;
    assert_eq!(world.object(), None);
    says_nothing_of_us(&world);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_nobody_may_change_keeps_no_object_whose_secret_was_taken() {
    let world = minted().await;
    world.edit_secret(taken()).await;
    world.pass(60).await;
    world.api.on_request(|seen| {
        let write = seen.who == OPERATOR && seen.resource == "secrets" && seen.is_write();
        match write {
            true => Fault::refuse(403, "Forbidden", "a policy says no"),
            false => Fault::Pass,
        }
    });
    world.delete().await;
    world.pass(600).await;
    assert_eq!(world.object(), None);
    assert!(world.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_its_owner_gives_to_another_apitoken_goes_to_that_while_the_former_is_there()
{
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(60).await;
    world.ask_as("web", json!({})).await;
    world.pass(60).await;
    assert_eq!(
        world.condition_of(TOKENS, "web", "Stalled"),
        "True: DestinationForeign"
    );
    let given = json!({ "metadata": { "annotations": { annotation::ALLOW_TAKEOVER_BY: "web" } } });
    world.edit_secret(given).await;
    world.pass(180).await;
    world.the_secret_works();
    assert_eq!(world.condition_of(TOKENS, "web", "Ready"), "True: Ready");
    assert_eq!(world.condition("Stalled"), "True: DestinationForeign");
    assert_eq!(world.annotation(annotation::ALLOW_TAKEOVER_BY), None);
    world.delete().await;
    world.pass(900).await;
    world.the_only_token();
    assert_eq!(world.issuer.count(Operation::Mint), 2, "one each");
}
