//! A Secret that somebody else made and offers, or that an object of before delivered to: it is taken over with a
//! value of ours, and what was not taken over yet is left as it is when the object goes.

use serde_json::{Value, json};
use tokenwright_api::names::annotation;
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, Operation};

use crate::taken::minted;
use crate::world::World;

fn offer() -> Value {
    json!({ annotation::ALLOW_TAKEOVER_BY: "ci" })
}

/// The object of before, by the same name.
fn predecessor() -> Value {
    json!({
        annotation::MANAGER_KIND: "ApiToken", annotation::MANAGER_NAMESPACE: "team-a",
        annotation::MANAGER_NAME: "ci", annotation::MANAGER_UID: "another-uid",
        annotation::TOKEN_ID: "the only word of it",
    })
}

/// Nothing of ours, and another value.
fn replaced(annotations: Value) -> Value {
    let nothing = json!({
        annotation::MANAGER_KIND: null, annotation::MANAGER_NAMESPACE: null, annotation::MANAGER_NAME: null,
        annotation::MANAGER_UID: null, annotation::CURRENT: null, annotation::RETIRING: null,
        annotation::PARTS: null, annotation::FINGERPRINT: null,
    });
    let (Value::Object(mut all), Value::Object(more)) = (nothing, annotations) else {
        unreachable!()
    };
    all.extend(more);
    json!({ "metadata": { "annotations": all }, "data": { "token": "dGhlaXJz" } })
}

fn refuse_mints(world: &World) {
    world.issuer.hook(|request, _| {
        let mints = request.operation == Operation::Mint;
        mints.then_some(Fault::Refuse(ErrorKind::Forbidden))
    });
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_not_taken_over_yet_stays_as_it_is_when_the_object_goes() {
    for policy in ["Revoke", "Retain"] {
        for (annotations, labels) in [
            (offer(), json!({})),
            (predecessor(), json!({})),
            (offer(), json!({ "tokenwright.dev/credential": "issuer" })),
        ] {
            let mut world = World::new().await;
            let metadata = json!({ "annotations": annotations, "labels": labels });
            world.other_secret(metadata).await;
            let before = world.secret().unwrap();
            refuse_mints(&world);
            world.start();
            world.ask(json!({ "deletion": { "policy": policy } })).await;
            world.pass(60).await;
            assert_eq!(world.condition("Ready"), "False: MintRefused");
            world.delete().await;
            world.pass(60).await;
            let told = format!("{policy} {annotations}: {}", world.message("Ready"));
            assert!(world.object().is_none(), "{told}");
            let after = world.secret().expect(&told);
            assert_eq!(after.data, before.data);
            let mark = after.metadata.annotations;
            assert_eq!(mark, before.metadata.annotations, "{policy}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_retained_is_released_once_also_where_its_owner_offers_it() {
    let mut world = World::new().await;
    world.start();
    world
        .ask(json!({ "deletion": { "policy": "Retain" } }))
        .await;
    world.pass(60).await;
    world.crash().await;
    world
        .edit_secret(json!({ "metadata": { "annotations": offer() } }))
        .await;
    world.delete().await;
    world.start();
    world.pass(60).await;
    assert!(world.object().is_none(), "{}", world.message("Ready"));
    world.the_only_token();
    assert_eq!(world.annotation(annotation::MANAGER_UID), None);
}

#[tokio::test(start_paused = true)]
async fn a_value_of_ours_in_a_secret_that_is_only_offered_goes_with_its_object() {
    let mut world = minted().await;
    world.crash().await;
    let value = world.secret().unwrap().data;
    let mut change = replaced(offer());
    change["data"] = json!(value);
    world.edit_secret(change).await;
    world.delete().await;
    world.start();
    world.pass(60).await;
    assert!(world.object().is_none(), "{}", world.message("Ready"));
    assert!(world.secret().is_none());
    assert!(world.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_replaced_and_is_offered_gets_a_new_value_of_ours_at_once() {
    let world = minted().await;
    world.edit_secret(replaced(json!({}))).await;
    world.pass(120).await;
    assert_eq!(world.condition("Stalled"), "True: DestinationForeign");
    assert_eq!(world.data("token").as_deref(), Some("theirs"));
    // As its message says.
    world
        .edit_secret(json!({ "metadata": { "annotations": offer() } }))
        .await;
    world.pass(120).await;
    world.the_secret_works();
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.revision(), Some(2));
    assert_eq!(world.annotation(annotation::ALLOW_TAKEOVER_BY), None);
    world.pass(4_000).await;
    world.the_only_token();
}

#[tokio::test(start_paused = true)]
async fn ready_says_no_while_the_secret_that_is_to_be_taken_over_holds_another_value() {
    for annotations in [offer(), predecessor()] {
        let world = minted().await;
        refuse_mints(&world);
        world.edit_secret(replaced(annotations)).await;
        world.pass(120).await;
        assert_eq!(world.condition("Ready"), "False: MintRefused");
        world.issuer.calm();
        world.pass(1_200).await;
        world.the_secret_works();
        assert_eq!(world.condition("Ready"), "True: Ready");
        assert_eq!(world.revision().filter(|now| *now < 2), None);
    }
}

#[tokio::test(start_paused = true)]
async fn an_offered_secret_that_holds_our_value_is_taken_back_without_a_mint() {
    let world = minted().await;
    let value = world.secret().unwrap().data;
    let mut change = replaced(offer());
    change["data"] = json!(value);
    world.edit_secret(change).await;
    world.pass(120).await;
    world.the_only_token();
    assert_eq!(world.issuer.count(Operation::Mint), 1);
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.annotation(annotation::ALLOW_TAKEOVER_BY), None);
}
