//! What the API server says: that it is busy is no word about a Secret, what a policy quotes of one is told to nobody,
//! and what it refused is forgotten with the wish for it.

use serde_json::json;
use tokenwright_client::Operation;
use tokenwright_testbed::memory::Fault;

use crate::world::{NAMESPACE, OPERATOR, World};

async fn delivered() -> World {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(60).await;
    world.the_only_token();
    world
}

async fn rotate(world: &World) {
    let wish = json!({ "spec": { "rotation": { "trigger": "now" } } });
    world.change(wish).await;
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_has_no_time_or_does_not_know_us_fails_no_rotation() {
    for (code, reason) in [
        (429, "TooManyRequests"),
        (401, "Unauthorized"),
        (503, "ServiceUnavailable"),
    ] {
        let world = delivered().await;
        world.api.on_request(move |seen| {
            match seen.who == OPERATOR && seen.resource == "secrets" && seen.verb.is_write() {
                true => Fault::refuse(code, reason, "please try again later"),
                false => Fault::Pass,
            }
        });
        rotate(&world).await;
        for _ in 0..30 {
            world.pass(10).await;
            let status = world.object().unwrap().status.unwrap();
            assert_eq!(status.failures, None, "{reason}");
            assert_eq!(world.issuer.count(Operation::Mint), 1, "{reason}");
        }
        assert_eq!(world.notes("RehearsalRefused"), [""; 0], "{reason}");
        assert_eq!(world.condition("Ready"), "True: Ready");
        world.api.clear_faults();
        world.pass(300).await;
        assert_eq!(world.revision(), Some(2), "{reason}");
        world.the_secret_works();
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_policy_quotes_of_a_secret_is_told_to_nobody() {
    let world = delivered().await;
    let value = world.data("token").unwrap();
    let secret = world
        .api
        .snapshot("secrets", NAMESPACE, "ci-token")
        .unwrap();
    let encoded = secret["data"]["token"].as_str().unwrap().to_owned();
    let says = format!(
        "a policy of yours: data.token is \"{encoded}\", which is {value}, and not encrypted"
    );
    for code in [403, 500] {
        let says = says.clone();
        world.api.on_request(move |seen| {
            match seen.who == OPERATOR && seen.resource == "secrets" && seen.verb.is_write() {
                true => Fault::refuse(code, "Forbidden", &says),
                false => Fault::Pass,
            }
        });
        let label = json!({ "labels": { "for": format!("code-{code}") } });
        world.change(json!({ "spec": { "secret": label } })).await;
        world.pass(300).await;
        rotate(&world).await;
        world.pass(300).await;
        let shown = world.everything_shown();
        assert!(shown.contains("a policy of yours") || code == 500);
        for quoted in [&value, &encoded, &encoded[..encoded.len() - 2].to_owned()] {
            assert!(!shown.contains(quoted.as_str()), "{shown}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wish_that_failed_and_is_taken_back_fails_no_more() {
    let world = delivered().await;
    let first = world.the_only_token().token.id;
    world.api.on_request(|seen| {
        match seen.who == OPERATOR && seen.resource == "secrets" && seen.dry_run {
            true => Fault::refuse(403, "Forbidden", "exceeded quota: compute-resources"),
            false => Fault::Pass,
        }
    });
    for (wish, back) in [
        (
            json!({ "token": { "scopes": ["admin"] } }),
            json!({ "token": { "scopes": null } }),
        ),
        (
            json!({ "rotation": { "trigger": "now" } }),
            json!({ "rotation": { "trigger": null } }),
        ),
    ] {
        world.change(json!({ "spec": wish })).await;
        world.pass(120).await;
        assert_eq!(world.condition("Rotating"), "False: RehearsalRefused");
        let failed = |world: &World| world.object().unwrap().status.unwrap().failures;
        assert!(failed(&world).is_some());
        world.change(json!({ "spec": back })).await;
        world.pass(120).await;
        assert_eq!(failed(&world), None);
        assert_eq!(world.condition("Rotating"), "absent");
        assert_eq!(world.condition("Ready"), "True: Ready");
    }
    assert_eq!(world.the_only_token().token.id, first);
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_says_nothing_for_long_is_told() {
    let world = delivered().await;
    world.api.on_request(|seen| {
        match seen.who == OPERATOR && seen.resource == "secrets" && seen.dry_run {
            true => Fault::Hang,
            false => Fault::Pass,
        }
    });
    rotate(&world).await;
    world.pass(1_800).await;
    assert_eq!(world.condition("Rotating"), "False: RehearsalRefused");
    let told = world.message("Rotating");
    assert!(
        told.contains("no clear answer from the API server"),
        "{told}"
    );
    assert_eq!(world.condition("Ready"), "True: Ready");
    world.api.clear_faults();
    world.pass(3_600).await;
    assert_eq!(world.revision(), Some(2));
    world.the_secret_works();
    assert_eq!(world.condition("Rotating"), "absent");
}
