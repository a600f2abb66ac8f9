//! Namespaces that the operator lost its rights in, as where one of those that it serves is deleted: what it serves
//! elsewhere goes on.

use kube::Api;
use kube::api::DeleteParams;
use serde_json::json;
use tokenwright_api::ApiToken;
use tokenwright_client::Operation;
use tokenwright_operator::Options;
use tokenwright_testbed::memory::{Fault, Verb};
use tokio::task::JoinHandle;

use crate::world::{NAMESPACE, OPERATOR, TOKENS, World};

const HOUR: u64 = 3_600;
const WITHDRAWN: &str = "team-b";

/// A world in which a token is superseded and ends within a minute, and the newest ApiToken stands in another
/// namespace; the version of before that one, and the operator.
async fn beside_a_newer() -> (World, u64, JoinHandle<()>) {
    let world = World::new().await;
    let namespace = json!({ "metadata": { "name": WITHDRAWN } });
    world.make("v1", "Namespace", namespace).await;
    let operator = world.spawn_with(Options {
        watch_namespaces: vec![NAMESPACE.to_owned(), WITHDRAWN.to_owned()],
        ..Options::default()
    });
    world.ask(json!({})).await;
    world.pass(21).await;
    let wish = json!({ "spec": { "token": { "scopes": ["read"] } } });
    world.change(wish).await;
    world.pass(HOUR - 60).await;
    let before = world.api.version();
    let newest = json!({
        "metadata": { "namespace": WITHDRAWN },
        "spec": { "issuerRef": { "name": "none" } },
    });
    world.make_token("newest", newest).await;
    world.pass(21).await;
    assert_eq!(world.issuer.live().len(), 2);
    (world, before, operator)
}

/// From now on it has no rights there.
fn withdraw(world: &World) {
    world.api.on_request(|seen| {
        let there = seen.namespace.as_deref() == Some(WITHDRAWN);
        match there && seen.who == OPERATOR {
            true => Fault::refuse(403, "Forbidden", "there is no RoleBinding"),
            false => Fault::Pass,
        }
    });
}

#[tokio::test(start_paused = true)]
async fn a_token_ends_though_the_newest_apitoken_is_where_nobody_may_look_any_more() {
    for goes in [false, true] {
        let (world, _, operator) = beside_a_newer().await;
        if goes {
            let tokens: Api<ApiToken> = Api::namespaced(world.user.clone(), WITHDRAWN);
            let once = DeleteParams::default();
            tokens.delete("newest", &once).await.unwrap();
            world.pass(3).await;
        }
        withdraw(&world);
        world.pass(60).await;
        let ended = world.issuer.count(Operation::Revoke);
        assert_eq!(ended, 1, "it goes: {goes}");
        operator.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_was_set_back_is_seen_by_how_far_it_has_come_where_the_newest_is_out_of_sight()
{
    let (world, before, operator) = beside_a_newer().await;
    withdraw(&world);
    world.api.rewind(before).unwrap();
    world.pass(60).await;
    assert_eq!(world.issuer.count(Operation::Revoke), 0);
    assert!(operator.is_finished(), "it goes on with what it knew");
}

#[tokio::test(start_paused = true)]
async fn a_namespace_without_rights_keeps_no_operator_from_being_ready_and_is_told() {
    let world = World::new().await;
    let namespace = json!({ "metadata": { "name": WITHDRAWN } });
    world.make("v1", "Namespace", namespace).await;
    withdraw(&world);
    let operator = world.spawn_with(Options {
        watch_namespaces: vec![NAMESPACE.to_owned(), WITHDRAWN.to_owned()],
        ..Options::default()
    });
    world.ask(json!({})).await;
    world.pass(60).await;
    world.the_only_token();
    let told = world.readyz().await;
    assert!(told.starts_with("ready\n"), "{told}");
    let missing = "the watch of ApiTokens in the namespace team-b fails: the operator may not list";
    assert!(told.contains(missing), "{told}");
    // Once it has them, what is wanted there is looked at.
    world.api.on_request(|_| Fault::Pass);
    let wish = json!({
        "metadata": { "namespace": WITHDRAWN },
        "spec": { "issuerRef": { "name": "none" } },
    });
    world.make_token("late", wish).await;
    world.pass(300).await;
    let ready = world.shown_of("apitokens", WITHDRAWN, "late", "Ready");
    assert!(ready.starts_with("False"), "{ready}");
    assert_eq!(world.readyz().await, "ready\n");
    operator.abort();
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_sees_no_namespace_is_not_ready() {
    let world = World::new().await;
    world.api.on_request(|seen| {
        let watches = seen.verb == Verb::Watch && seen.who == OPERATOR;
        match watches && seen.resource == TOKENS {
            true => Fault::refuse(403, "Forbidden", "there is no RoleBinding"),
            false => Fault::Pass,
        }
    });
    let operator = world.spawn_with(Options {
        watch_namespaces: vec![NAMESPACE.to_owned()],
        ..Options::default()
    });
    world.pass(120).await;
    let told = world.readyz().await;
    assert!(told.starts_with("waiting"), "{told}");
    operator.abort();
}
