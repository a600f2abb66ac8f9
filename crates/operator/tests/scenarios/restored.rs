//! What somebody edits of a delivered Secret beside the value: it says again what is recorded, and its value
//! is looked at all the same.

use serde_json::{Value, json};
use tokenwright_api::names::annotation;
use tokenwright_client::Operation;

use crate::world::World;

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
