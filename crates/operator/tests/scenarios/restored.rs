//! What somebody edits of a delivered Secret beside the value: it says again what is recorded, and its value
//! is looked at all the same.

use std::collections::BTreeMap;

use kube::api::DeleteParams;
use serde_json::{Value, json};
use tokenwright_api::names::{annotation, label};
use tokenwright_client::memory::Fault as IssuerFault;
use tokenwright_client::{MemorySettings, Operation};
use tokenwright_core::{Look, LostAnswer};

use crate::world::{OPERATOR, World};

const MINUTE: u64 = 60;

/// A world in which one token was delivered long enough ago that nothing waits any more.
async fn delivered() -> World {
    let mut world = World::new().await;
    world.ask(json!({})).await;
    world.start();
    world.pass(15 * MINUTE).await;
    world.the_only_token();
    world
}

fn said(world: &World, key: &str) -> Value {
    serde_json::from_str(&world.annotation(key).unwrap()).unwrap()
}

/// Names of tokens that never were: each is a valid annotation.
fn lies(world: &World) -> Vec<Value> {
    let truth = said(world, annotation::CURRENT);
    let with = |pointer: &str, value: Value| {
        let mut lie = truth.clone();
        *lie.pointer_mut(pointer).unwrap() = value;
        lie
    };
    let marker = truth["token"]["marker"].as_str().unwrap();
    let (rest, _) = marker.rsplit_once('-').unwrap();
    let (named, _) = rest.rsplit_once('-').unwrap();
    vec![
        with("/token/id", json!("somebody-elses")),
        with("/token/endpoint", json!("https://elsewhere.example.com")),
        with("/token/marker", json!(format!("{rest}-aaaaaaaa"))),
        with("/token/marker", json!(format!("{named}-9999999-aaaaaaaa"))),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_a_secret_says_of_its_token_is_restored_from_the_record() {
    let world = delivered().await;
    let truth = said(&world, annotation::CURRENT);
    for lie in lies(&world) {
        let change =
            json!({ "metadata": { "annotations": { annotation::CURRENT: lie.to_string() } } });
        world.edit_secret(change).await;
        world.pass(10).await;
        let now = said(&world, annotation::CURRENT);
        assert_eq!(now["token"], truth["token"], "after {lie}");
    }
    assert!(world.events().contains(&"Restored".to_owned()));
    assert_eq!(world.issuer.count(Operation::Mint), 1);
    world.the_only_token();
}

#[tokio::test(start_paused = true)]
async fn a_value_is_looked_at_whatever_its_secret_says_of_its_token() {
    for lie in lies(&delivered().await) {
        let world = delivered().await;
        let first = world.the_only_token().token.id.to_string();
        world
            .edit_secret(json!({
                "metadata": { "annotations": { annotation::CURRENT: lie.to_string() } },
                "stringData": { "token": "edited" },
            }))
            .await;
        world.pass(MINUTE).await;
        assert_eq!(world.revision(), Some(2), "after {lie}");
        world.the_secret_works();
        // The edit of the value is what was seen: nothing of the lie was taken up.
        assert_eq!(world.condition("Ready"), "True: Ready");
        let retiring = world.object().unwrap().status.unwrap().retiring;
        let retiring: Vec<_> = retiring.into_iter().map(|old| old.token_id).collect();
        assert_eq!(retiring, [first], "after {lie}");
        world.pass(2 * 3_600).await;
        world.the_only_token();
    }
}

#[tokio::test(start_paused = true)]
async fn a_former_token_that_was_taken_out_of_what_a_secret_says_stands_there_again() {
    let world = delivered().await;
    world
        .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
        .await;
    world.pass(MINUTE).await;
    let truth = said(&world, annotation::RETIRING);
    assert_eq!(truth.as_array().unwrap().len(), 1);
    let change = json!({ "metadata": { "annotations": { annotation::RETIRING: "[]" } } });
    world.edit_secret(change).await;
    world.pass(10).await;
    assert_eq!(said(&world, annotation::RETIRING), truth);
    assert!(world.events().contains(&"Restored".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn names_of_the_parts_that_were_edited_are_no_edited_value() {
    let world = delivered().await;
    for names in [Value::Null, json!("other"), json!("token,other"), json!("")] {
        let change = json!({ "metadata": { "annotations": { annotation::PARTS: names } } });
        world.edit_secret(change).await;
        world.pass(10).await;
        assert_eq!(world.annotation(annotation::PARTS).unwrap(), "token");
    }
    assert_eq!(world.issuer.count(Operation::Mint), 1);
    world.the_only_token();
}

/// The keys of what is not ours.
fn of_users(all: Option<BTreeMap<String, String>>) -> Vec<String> {
    let keys = all.unwrap_or_default().into_keys();
    keys.filter(|key| !key.starts_with("tokenwright.dev/"))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_label_that_is_asked_for_no_more_goes_and_those_of_others_stay() {
    let shown = |world: &World| {
        let metadata = world.secret().unwrap().metadata;
        let (labels, annotations) = (metadata.labels, metadata.annotations);
        (of_users(labels), of_users(annotations))
    };
    let asked =
        json!({ "labels": { "team": "a", "tier": "b" }, "annotations": { "example.com/x": "y" } });
    let less = json!({ "labels": { "tier": null }, "annotations": { "example.com/x": null } });
    let minted = World::new().await;
    let adopted = World::new().await;
    let (_, value) = adopted.by_hand().await;
    adopted.fill("source", &value).await;
    minted.ask(json!({ "secret": asked })).await;
    adopted.adopt(json!({ "secret": asked })).await;
    for mut world in [minted, adopted] {
        world.start();
        world.pass(15 * MINUTE).await;
        let theirs = json!({ "labels": { "cost": "1" }, "annotations": { "example.com/z": "1" } });
        world.edit_secret(json!({ "metadata": theirs })).await;
        world.pass(MINUTE).await;
        let (labels, annotations) = shown(&world);
        assert_eq!(labels, ["cost", "team", "tier"]);
        assert_eq!(annotations, ["example.com/x", "example.com/z"]);

        // Whoever comes next knows it, too.
        world.crash().await;
        world.change(json!({ "spec": { "secret": less } })).await;
        world.start();
        world.pass(MINUTE).await;
        let (labels, annotations) = shown(&world);
        assert_eq!(labels, ["cost", "team"]);
        assert_eq!(annotations, ["example.com/z"]);
        world.the_secret_works();
        assert_eq!(world.condition("Ready"), "True: Ready");
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_of_ours_that_a_webhook_takes_off_is_told_and_the_loss_of_the_secret_noticed() {
    let mut world = World::new().await;
    // It leaves rehearsals alone.
    world.api.on_admission(|seen, object| {
        let marks = object["metadata"]["labels"].as_object_mut();
        let written = seen.who == OPERATOR && seen.resource == "secrets" && !seen.dry_run;
        if let Some(marks) = marks.filter(|_| written) {
            marks.remove(label::SECRET);
        }
    });
    world.start();
    world.ask(json!({})).await;
    for _ in 0..3 {
        world.pass(15 * MINUTE).await;
        assert_eq!(world.condition("Ready"), "False: SecretRefused");
        let told = world.message("Ready");
        assert!(told.contains(label::SECRET), "{told}");
        world.the_only_token();
    }
    let once = DeleteParams::default();
    world.secrets().delete("ci-token", &once).await.unwrap();
    world.pass(6 * MINUTE).await;
    world.the_secret_works();
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_put_right_and_rendered_anew_while_nobody_knows_what_a_lost_mint_left() {
    let mut settings = MemorySettings::default();
    settings.capabilities.lost_answer = LostAnswer::CannotList;
    settings.capabilities.look = Look::Nothing;
    let mut world = World::with(settings).await;
    world.start();
    world.ask(json!({ "rotation": { "overlap": "5d" } })).await;
    world.pass(30).await;
    let rotate = |n: &str| json!({ "spec": { "rotation": { "trigger": n } } });
    world.change(rotate("one")).await;
    world.pass(30).await;
    assert_eq!(world.revision(), Some(2));
    world.issuer.fault(Operation::Mint, IssuerFault::LoseAnswer);
    world.change(rotate("two")).await;
    world.pass(600).await;
    assert_eq!(world.condition("Ambiguous"), "True: Ambiguous");
    let former = world.issuer.live().len();
    let texts = json!({ "spec": { "secret": { "data": { "config": "$(name)" } } } });
    world.change(texts).await;
    world
        .edit_secret(json!({ "metadata": { "labels": { "tokenwright.dev/secret": null } } }))
        .await;
    world.pass(120).await;
    assert_eq!(world.data("config").as_deref(), Some("ci"));
    let (labels, _) = world.marks("ci-token");
    assert_eq!(labels, ["tokenwright.dev/secret"]);
    let leaked = json!({ "metadata": { "annotations": { annotation::REVOKE_PREVIOUS: "1" } } });
    world.change(leaked).await;
    world.pass(120).await;
    assert_eq!(world.issuer.live().len(), former - 1, "it leaked");
    world.the_secret_works();
}
