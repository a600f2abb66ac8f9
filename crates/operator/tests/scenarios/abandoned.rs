//! Tokens that stay alive though their ApiToken is gone: they are told by a number that outlives all of their objects,
//! and by an event that stands where somebody can read it.

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::{Value, json};
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_core::LostAnswer;
use tokenwright_testbed::memory::Fault as ApiFault;

use crate::counted::value;
use crate::metrics::scraped;
use crate::world::{NAMESPACE, OPERATOR, World};

const HOUR: u64 = 3_600;
const ABANDONED: &str = "tokenwright_abandoned_tokens_total";

/// A current token and two superseded ones, none of which the issuer lets anybody revoke.
async fn unending(everywhere: bool) -> World {
    let mut world = World::new().await;
    world.issuer_refuses(Operation::Revoke, ErrorKind::Forbidden);
    match everywhere {
        true => world.start_everywhere(),
        false => world.start(),
    }
    world.ask(json!({ "deletion": { "timeout": "1h" } })).await;
    for trigger in ["one", "two"] {
        world.pass(5).await;
        let wish = json!({ "spec": { "rotation": { "trigger": trigger } } });
        world.change(wish).await;
    }
    world.pass(5).await;
    assert_eq!(world.issuer.live().len(), 3);
    assert_eq!(value(&world, ABANDONED).await, 0.0, "seen from the start");
    world
}

/// The one event that tells it, which names each token that lives.
#[track_caller]
fn event(world: &World) -> Value {
    let mut events = world.api.snapshots("events.events.k8s.io");
    events.retain(|event| event["reason"] == "DeletionTimedOut");
    assert_eq!(events.len(), 1, "{events:#?}");
    let note = events[0]["note"].as_str().unwrap();
    for minted in world.issuer.live() {
        assert!(note.contains(minted.token.id.as_str()), "{note}");
    }
    events.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_gives_up_counts_each_token_that_lives_on_once() {
    let world = unending(false).await;
    world.delete().await;
    world.pass(HOUR - 60).await;
    assert_eq!(value(&world, ABANDONED).await, 0.0, "it is still tried");
    // The API server does as it is told, and nobody hears of it; before that, it does not.
    let mut answers = [
        ApiFault::refuse(500, "InternalError", "not now"),
        ApiFault::LoseReply,
    ]
    .into_iter();
    world.api.on_request(move |seen| {
        let lets_go = seen.who == OPERATOR && seen.resource == "apitokens" && seen.is_write();
        let answer = lets_go.then(|| answers.next()).flatten();
        answer.unwrap_or(ApiFault::Pass)
    });
    world.pass(HOUR).await;
    assert!(world.object().is_none());
    assert_eq!(value(&world, ABANDONED).await, 3.0);
    assert_eq!(event(&world)["metadata"]["namespace"], NAMESPACE);
}

#[tokio::test(start_paused = true)]
async fn what_a_namespace_leaves_alive_that_is_deleted_is_counted_and_told_where_it_lasts() {
    let world = unending(true).await;
    let namespaces: Api<Namespace> = Api::all(world.user.clone());
    let once = DeleteParams::default();
    namespaces.delete(NAMESPACE, &once).await.unwrap();
    world.delete_each(&["credential", "issuer", "ci"]).await;
    world.pass(2 * HOUR).await;
    assert!(world.object().is_none());
    assert!(world.issuers().get_opt("issuer").await.unwrap().is_none());
    assert_eq!(world.issuer.live().len(), 3);
    assert_eq!(value(&world, ABANDONED).await, 3.0);
    let others = scraped(&world.health).await.into_keys();
    let others: Vec<_> = others.filter(|line| line.contains("team-a/")).collect();
    assert_eq!(others.len(), 1, "nothing else outlives it: {others:?}");
    let event = event(&world);
    assert_eq!(event["metadata"]["namespace"], "default");
    assert_eq!(event["regarding"]["kind"], "Namespace");
    assert_eq!(event["regarding"]["name"], NAMESPACE);
    let note = event["note"].as_str().unwrap();
    assert!(note.starts_with("ApiToken ci: "), "{note}");
}

#[tokio::test(start_paused = true)]
async fn what_an_issuer_that_is_gone_leaves_alive_is_counted() {
    let world = unending(false).await;
    assert!(world.api.erase("TokenIssuer", NAMESPACE, "issuer"));
    world.delete().await;
    world.pass(2 * HOUR).await;
    assert!(world.object().is_none());
    assert_eq!(value(&world, ABANDONED).await, 3.0);
    event(&world);
}

#[tokio::test(start_paused = true)]
async fn an_adopted_token_that_a_deletion_gives_up_on_is_counted() {
    let (mut world, id, _) = World::offering(MemorySettings {
        values_name_ids: true,
        ..MemorySettings::default()
    })
    .await;
    world.start();
    let named = json!({ "adopt": { "tokenID": id.to_string() }, "deletion": { "timeout": "1h" } });
    world.adopt(named).await;
    world.pass(30).await;
    world.issuer.outage(Some(ErrorKind::Unavailable));
    world.delete().await;
    world.pass(2 * HOUR).await;
    assert!(world.object().is_none());
    assert_eq!(value(&world, ABANDONED).await, 1.0);
    event(&world);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_that_nobody_can_find_is_counted_when_its_object_goes() {
    let mut settings = MemorySettings::default();
    settings.capabilities.lost_answer = LostAnswer::CannotAttribute;
    let mut world = World::with(settings).await;
    world.issuer.fault(Operation::Mint, Fault::LoseAnswer);
    world.start();
    world.ask(json!({})).await;
    world.pass(HOUR).await;
    assert_eq!(value(&world, "tokenwright_suspects").await, 1.0);
    world.delete().await;
    world.pass(HOUR).await;
    assert!(world.object().is_none());
    assert_eq!(world.issuer.live().len(), 1);
    assert_eq!(value(&world, ABANDONED).await, 1.0);
    let told = world.notes("LeftBehind").join(" ");
    assert!(told.contains("revision 1 before 2026-03-01T"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_on_purpose_or_revoked_is_not_counted() {
    for policy in ["Retain", "Revoke"] {
        let mut world = World::new().await;
        world.start();
        world.ask(json!({ "deletion": { "policy": policy } })).await;
        world.pass(5).await;
        world.delete().await;
        world.pass(HOUR).await;
        assert!(world.object().is_none());
        assert_eq!(value(&world, ABANDONED).await, 0.0, "{policy}");
    }
}
