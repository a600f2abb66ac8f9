//! A mint whose answer was lost, at a system that answers the same request again: it gets its token in the end.

use serde_json::json;
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_core::LostAnswer;

use crate::bypasses::{of_shared, shared_by};
use crate::world::{NAMESPACE, World};

fn replays() -> MemorySettings {
    let mut settings = MemorySettings::default();
    settings.capabilities.lost_answer = LostAnswer::Replay;
    settings
}

/// The first answer to a mint is lost, and those after it are this.
fn lose_the_first(world: &World, then: Option<ErrorKind>) {
    let first = world.issuer.count(Operation::Mint) + 1;
    world.issuer.hook(move |request, count| {
        let mints = request.operation == Operation::Mint && count >= first;
        match count == first {
            true => mints.then_some(Fault::LoseAnswer),
            false => then.filter(|_| mints).map(Fault::Refuse),
        }
    });
}

#[tokio::test(start_paused = true)]
async fn a_replay_that_is_refused_for_who_asks_or_how_often_is_tried_again() {
    for kind in [
        ErrorKind::RateLimited { retry_after: None },
        ErrorKind::Unauthenticated,
        ErrorKind::Forbidden,
    ] {
        let mut world = World::with(replays()).await;
        lose_the_first(&world, Some(kind));
        world.start();
        world.ask(json!({})).await;
        while world.issuer.count(Operation::Mint) < 2 {
            world.pass(1).await;
        }
        world.pass(1).await;
        world.issuer.calm();
        world.pass(600).await;
        let status = world.object().unwrap().status.unwrap();
        assert_eq!(status.suspects, 0, "{kind:?}");
        assert!(status.attempts.is_empty(), "{kind:?}");
        world.the_only_token();
        world.the_secret_works();
    }
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_for_what_nobody_wants_any_more_is_not_waited_for() {
    let mut world = World::with(replays()).await;
    world.issuer.hook(|request, count| {
        let asked = request.operation == Operation::Mint;
        let first = asked.then_some(Fault::LoseRequest);
        let refused = asked.then_some(Fault::Refuse(ErrorKind::Forbidden));
        if count == 1 { first } else { refused }
    });
    world.start();
    world.ask(json!({ "token": { "scopes": ["admin"] } })).await;
    while world.issuer.count(Operation::Mint) < 3 {
        world.pass(1).await;
    }
    let wish = json!({ "spec": { "token": { "scopes": ["read"] } } });
    world.change(wish).await;
    let before = world.issuer.count(Operation::Mint);
    while world.issuer.count(Operation::Mint) == before {
        world.pass(1).await;
    }
    world.pass(1).await;
    world.issuer.calm();
    world.pass(600).await;
    let scopes = world.the_only_token().token.details.scopes.clone();
    assert_eq!(scopes, ["read".to_owned()].into());
    world.the_secret_works();
}

#[tokio::test(start_paused = true)]
async fn a_replay_under_few_places_gets_its_token_whatever_is_asked_for_by_then() {
    let entry = |scope: &str, most: u32| {
        let namespaces = json!({ "names": [NAMESPACE] });
        json!({ "namespaces": namespaces, "scopes": [scope], "maxTokens": most })
    };
    let allow = json!([entry("admin", 1), entry("read", 5)]);
    let world = shared_by(World::with(replays()).await, allow).await;
    lose_the_first(&world, Some(ErrorKind::Unavailable));
    let wish = json!({ "token": { "scopes": ["admin"] } });
    world.ask(of_shared(wish)).await;
    while world.issuer.count(Operation::Mint) < 1 {
        world.pass(1).await;
    }
    let wish = json!({ "spec": { "token": { "scopes": ["read"] } } });
    world.change(wish).await;
    world.pass(5).await;
    world.issuer.calm();
    world.pass(3 * 24 * 3_600).await;
    let status = world.object().unwrap().status.unwrap();
    assert_eq!(status.suspects, 0);
    let scopes = world.the_only_token().token.details.scopes.clone();
    assert_eq!(scopes, ["read".to_owned()].into());
    world.the_secret_works();
}
