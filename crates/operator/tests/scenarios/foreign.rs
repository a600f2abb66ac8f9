//! Two writers in one manager's name: two operators of one cluster, which lose nothing, and a stranger such
//! as a cloned cluster, whose tokens are named and never ended.

use serde_json::json;
use tokenwright_api::ApiToken;
use tokenwright_api::names::annotation;
use tokenwright_client::{Issuer as _, MintRequest};
use tokenwright_core::{Inputs, Lifetime, Marker, Nonce, TokenId};

use crate::counted::value;
use crate::world::{NAMESPACE, TOKENS, World};

#[tokio::test(start_paused = true)]
async fn two_operators_of_one_cluster_lose_no_token_of_many_rotations() {
    let mut world = World::new().await;
    world.start();
    world.start_second();
    let count = 4;
    let name = |n: usize| format!("ci-{n}");
    for n in 0..count {
        let changes = json!({
            "token": { "lifetime": "1h" },
            "rotation": { "overlap": "1m", "every": "5m", "renewBefore": "20m" },
            "secret": { "name": name(n) },
        });
        world.ask_as(&name(n), changes).await;
    }
    // Six rotations, and the listings that explain what was lost on the way.
    world.pass(30 * 60).await;
    world.end_second();
    world.pass(900).await;
    let mut known = Vec::new();
    for n in 0..count {
        let kind = TOKENS;
        let foreign = world.condition_of(kind, &name(n), "ForeignActivity");
        assert_eq!(foreign, "absent", "{}", name(n));
        let object = world.api.snapshot(kind, NAMESPACE, &name(n)).unwrap();
        let object: ApiToken = serde_json::from_value(object).unwrap();
        let status = object.status.unwrap();
        let current = status.current.unwrap();
        assert!(current.revision > 6, "{} rotates", name(n));
        known.push(current.token_id);
        known.extend(status.retiring.into_iter().map(|old| old.token_id));
    }
    let live = world.issuer.live();
    let lost = live
        .iter()
        .filter(|token| !known.contains(&token.token.id.to_string()));
    assert_eq!(lost.count(), 0, "{live:#?}");
    // Two operators do not correct each other for ever: about twice what one needs.
    let writes = world.writes().len();
    let bound = count * 9 * 10;
    assert!(writes <= bound, "{writes} writes, {bound} at most");
}

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
    let metric = "tokenwright_foreign_activity";
    assert_eq!(value(&world, metric).await, 1.0);
    world.issuer.revoke_by_hand(&id);
    world.pass(1200).await;
    world.the_only_token();
    assert_eq!(value(&world, metric).await, 0.0);
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
