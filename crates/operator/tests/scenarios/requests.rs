//! What the life of a token costs the API server, counted request by request.

use serde_json::json;
use tokenwright_testbed::memory::{Record, Verb};

use crate::world::{OPERATOR, World};

/// What the operator asked for since the first `skip` requests, watches apart.
fn asked(world: &World, skip: usize) -> Vec<Record> {
    let requests = world.api.requests().into_iter().skip(skip);
    let ours = |record: &Record| record.seen.who == OPERATOR && record.seen.verb != Verb::Watch;
    requests.filter(ours).collect()
}

/// The same, as far as it is about tokens and what is delivered, one line each.
fn about_tokens(world: &World, skip: usize) -> Vec<String> {
    let about = |record: &Record| {
        let seen = &record.seen;
        let issuer = ["credential", "issuer", "tokenwright-digest-key"];
        let of_issuer = seen
            .name
            .as_deref()
            .is_some_and(|name| issuer.contains(&name));
        let kinds = [
            "secrets",
            "apitokens.tokenwright.dev",
            "events.events.k8s.io",
        ];
        seen.namespace.is_some() && !of_issuer && kinds.contains(&seen.resource.as_str())
    };
    let line = |record: Record| {
        let seen = record.seen;
        let sub = seen.subresource.unwrap_or_default();
        let dry = if seen.dry_run { "dry run" } else { "" };
        format!(
            "{:?} {} {sub} {dry} {:?}",
            seen.verb, seen.resource, record.status
        )
    };
    asked(world, skip)
        .into_iter()
        .filter(about)
        .map(line)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_first_mint_takes_six_requests_a_rotation_seven_and_a_deletion_five() {
    let mut world = World::new().await;
    world.start();
    world.pass(60).await;
    let before = world.api.requests().len();
    world.ask(json!({})).await;
    world.pass(60).await;
    world.the_only_token();
    let minting = about_tokens(&world, before);
    assert_eq!(minting.len(), 6, "{minting:#?}");

    let before = world.api.requests().len();
    world
        .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
        .await;
    // The overlap is an hour.
    world.pass(4_000).await;
    world.the_only_token();
    assert_eq!(world.revision(), Some(2));
    let rotating = about_tokens(&world, before);
    assert_eq!(rotating.len(), 7, "{rotating:#?}");

    let before = world.api.requests().len();
    world.delete().await;
    world.pass(60).await;
    assert!(world.object().is_none());
    assert!(world.issuer.live().is_empty());
    let deleting = about_tokens(&world, before);
    assert_eq!(deleting.len(), 5, "{deleting:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_restart_asks_for_nothing_of_each_token_and_what_was_edited_meanwhile_is_still_found() {
    let mut world = World::new().await;
    world.ask(json!({})).await;
    world.start();
    world.pass(60).await;
    for number in 0..20 {
        let name = format!("more-{number}");
        let secret = json!({ "secret": { "name": name } });
        world.ask_as(&name, secret).await;
    }
    world.pass(600).await;
    assert_eq!(world.issuer.live().len(), 21);
    world.crash().await;
    let before = world.api.requests().len();
    world.start();
    world.pass(60).await;
    let restarting = about_tokens(&world, before);
    // Lists alone, which are of no token.
    let of_tokens: Vec<_> = restarting
        .iter()
        .filter(|line| !line.starts_with("List"))
        .collect();
    assert!(of_tokens.is_empty(), "{of_tokens:#?}");
    let all = asked(&world, before).len();
    assert!(all < 20, "{all} requests beside watches");
    let lines = asked(&world, before);
    let of_credential = lines
        .iter()
        .filter(|line| line.seen.name.as_deref() == Some("credential"));
    let of_credential: Vec<_> = of_credential.collect();
    assert_eq!(of_credential.len(), 1, "read once: {of_credential:#?}");

    world.crash().await;
    world
        .edit_secret(json!({ "data": { "token": "ZWRpdGVk" } }))
        .await;
    world.start();
    world.pass(60).await;
    assert_eq!(world.revision(), Some(2), "the edited value is replaced");
    world.the_secret_works();
}
