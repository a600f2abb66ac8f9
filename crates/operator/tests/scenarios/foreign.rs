//! A stranger who mints in a manager's name, such as a cloned cluster: its tokens are named and never ended.

use serde_json::json;
use tokenwright_api::names::annotation;
use tokenwright_client::{Issuer as _, MintRequest};
use tokenwright_core::{Inputs, Lifetime, Marker, Nonce, TokenId};

use crate::world::World;

/// What another writer made in the name of `ci`: its id.
async fn stranger(world: &World) -> TokenId {
    let status = world.object().unwrap().status.unwrap();
    let marker: Marker = status.current.unwrap().marker.parse().unwrap();
    let marker = Marker {
        nonce: Nonce::from_bytes([7; 5]),
        ..marker
    };
    let request = MintRequest {
        remote_name: marker.remote_name("ci"),
        inputs: Inputs {
            name: "ci".to_owned(),
            scopes: [].into(),
            parameters: [].into(),
            lifetime: Lifetime::Never,
        },
        at: world.clock.now(),
        idempotency_key: "stranger".to_owned(),
        send_by: None,
    };
    world.issuer.mint(&request).await.unwrap().token.id
}

/// A world with a stranger's token, in which an overlap has ended since.
async fn with_a_stranger() -> (World, TokenId) {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    let id = stranger(&world).await;
    world
        .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
        .await;
    world.pass(2 * 3600).await;
    assert_eq!(world.revision(), Some(2));
    assert_eq!(world.issuer.live().len(), 3, "nothing is ended meanwhile");
    assert_eq!(world.condition("ForeignActivity"), "True: ForeignActivity");
    assert!(world.message("ForeignActivity").contains(&id.to_string()));
    let notes = world.notes("ForeignActivity");
    assert!(
        notes.len() == 1 && notes[0].contains(&id.to_string()),
        "{notes:?}"
    );
    (world, id)
}

#[tokio::test(start_paused = true)]
async fn a_strangers_token_is_named_and_holds_revokes_until_it_is_gone() {
    let (world, id) = with_a_stranger().await;
    world.issuer.revoke_by_hand(&id);
    world.pass(1200).await;
    world.the_only_token();
    assert_eq!(world.condition("ForeignActivity"), "absent");
}

#[tokio::test(start_paused = true)]
async fn a_strangers_token_that_a_person_acknowledges_stays_and_holds_nothing() {
    let (world, id) = with_a_stranger().await;
    let ids = format!("another, {id}");
    let noted = json!({ "metadata": { "annotations": { annotation::ACKNOWLEDGE_FOREIGN: ids } } });
    world.change(noted).await;
    world.pass(120).await;
    let live: Vec<_> = world
        .issuer
        .live()
        .into_iter()
        .map(|token| token.token.id)
        .collect();
    assert!(live.len() == 2 && live.contains(&id), "{live:?}");
    assert_eq!(world.condition("ForeignActivity"), "absent");
    world.the_secret_works();
}
