//! `rotate`, against an API server in memory that the test is the operator of.

use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokenwright_api::ApiToken;

use crate::clusters::{NAMESPACE, World, condition, token, world};
use crate::support::{Ran, ended, until};

const DUE: &str = "2999-01-30T00:00:00Z";

fn asked(world: &World, name: &str) -> Value {
    let object = world.memory.snapshot("ApiToken", NAMESPACE, name).unwrap();
    object["metadata"]["annotations"]["tokenwright.dev/rotate"].clone()
}

/// An ApiToken that says of itself that it is stalled.
async fn stalled(world: &World, name: &str, reason: &str, message: &str) {
    let says = [condition("Stalled", "True", reason, message)];
    world.ours("ApiToken", token(name, DUE, &says)).await;
}

async fn waited(world: &World, name: &str, more: &[&str]) -> Ran {
    let rotate = ["rotate", "-n", NAMESPACE, name, "--wait"];
    world.ran(&[&rotate, more].concat()).await
}

fn failed(ran: &Ran, why: &str) {
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(why), "{}", ran.err);
}

#[tokio::test]
async fn a_rotation_is_asked_for_and_waited_for() {
    let world = world().await;
    let well = [condition("Ready", "True", "Ready", "")];
    world.ours("ApiToken", token("ci", DUE, &well)).await;
    let ran = waited(&world, "ci", &["--timeout", "1s"]).await;
    let why = "has no next revision yet: it is still asked for; see `tokenwright why -n team-a ci`";
    failed(&ran, why);

    let rotate = ["rotate", "-n", NAMESPACE, "ci", "--wait", "-o", "json"];
    let child = world.command(&rotate).spawn().unwrap();
    let before = asked(&world, "ci");
    until(|| asked(&world, "ci") != before).await;
    let api: Api<ApiToken> = Api::namespaced(world.client.clone(), NAMESPACE);
    let delivered = Patch::Merge(json!({ "status": { "current": { "revision": 3 } } }));
    api.patch_status("ci", &PatchParams::default(), &delivered)
        .await
        .unwrap();
    let ran = ended(child).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let rotated: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(rotated["revision"], 3, "{rotated}");
    assert_eq!(rotated["delivered"], true, "{rotated}");
}

#[tokio::test]
async fn who_waits_is_told_soon_what_only_a_person_can_change() {
    let world = world().await;
    stalled(&world, "beyond", "NotAllowed", "not here").await;
    // What was said of another specification, and what asking for a rotation ends, is waited out.
    stalled(&world, "mended", "InvalidSpec", "no such scope").await;
    stalled(&world, "lost", "TokenLost", "it is gone").await;
    let api: Api<ApiToken> = Api::namespaced(world.client.clone(), NAMESPACE);
    let mends = Patch::Merge(json!({ "spec": { "token": { "lifetime": "30d" } } }));
    api.patch("mended", &PatchParams::default(), &mends)
        .await
        .unwrap();
    let (beyond, mended, lost) = tokio::join!(
        waited(&world, "beyond", &[]),
        waited(&world, "mended", &["--timeout", "5s"]),
        waited(&world, "lost", &["--timeout", "5s"]),
    );
    failed(&beyond, "has no next revision, NotAllowed: not here: it is");
    failed(&mended, "has no next revision yet, InvalidSpec: no such");
    failed(&lost, "has no next revision yet, TokenLost: it is gone");
}

#[tokio::test]
async fn what_mints_nothing_is_refused_and_who_waits_while_it_comes_to_that_is_told() {
    let world = world().await;
    let well = [condition("Ready", "True", "Ready", "")];
    let mut paused = token("paused", DUE, &well);
    paused["spec"]["suspend"] = json!(true);
    world.ours("ApiToken", paused).await;
    let mut going = token("going", DUE, &well);
    going["metadata"]["finalizers"] = json!(["tokenwright.dev/revoke"]);
    world.ours("ApiToken", going).await;
    world.ours("ApiToken", token("late", DUE, &well)).await;
    let api: Api<ApiToken> = Api::namespaced(world.client.clone(), NAMESPACE);
    api.delete("going", &DeleteParams::default()).await.unwrap();
    for (name, why) in [("paused", "is suspended"), ("going", "is deleted")] {
        let ran = waited(&world, name, &[]).await;
        assert_eq!(ran.code, Some(2), "{}{}", ran.out, ran.err);
        assert!(ran.err.contains(why), "{}", ran.err);
        assert_eq!(asked(&world, name), Value::Null);
    }
    let rotate = ["rotate", "-n", NAMESPACE, "late", "--wait"];
    let child = world.command(&rotate).spawn().unwrap();
    until(|| asked(&world, "late") != Value::Null).await;
    let suspends = Patch::Merge(json!({ "spec": { "suspend": true } }));
    api.patch("late", &PatchParams::default(), &suspends)
        .await
        .unwrap();
    failed(
        &ended(child).await,
        "no next revision, since it is suspended",
    );
}
