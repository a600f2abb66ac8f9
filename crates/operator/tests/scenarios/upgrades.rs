//! Two versions side by side, or one after the other: what one wrote and the other does not know, and what one
//! never wrote and the other looks for. Neither is a reason to mint or to end anything.

use kube::api::PostParams;
use serde_json::{Value, json};
use tokenwright_api::status::ApiTokenStatus;
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_core::LostAnswer;
use tokenwright_testbed::chart;

use crate::world::{NAMESPACE, OPERATOR, TOKENS, World};

const MINUTE: u64 = 60;

/// A world with a token and its retiring predecessor, whose operator has stopped.
async fn stopped() -> World {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(MINUTE).await;
    let wish = json!({ "spec": { "token": { "scopes": ["read"] } } });
    world.change(wish).await;
    world.pass(15 * MINUTE).await;
    assert_eq!(world.revision(), Some(2));
    world.crash().await;
    world
}

fn status(world: &World) -> Value {
    let object = world.api.snapshot(TOKENS, NAMESPACE, "ci");
    object.unwrap()["status"].clone()
}

/// The way to each field, as a JSON pointer.
fn fields(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, v)| (key.clone(), v)).collect(),
        Value::Array(all) => all
            .iter()
            .enumerate()
            .map(|(n, v)| (n.to_string(), v))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (key, child) in children {
        let path = format!("{at}/{key}");
        if value.is_object() {
            found.push(path.clone());
        }
        fields(child, &path, found);
    }
}

fn without(mut value: Value, path: &str) -> Value {
    let (parent, key) = path.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap();
    parent.as_object_mut().unwrap().remove(key);
    value
}

/// Somebody else's version wrote this status; ours starts, and looks at it for a while.
async fn nothing_is_done_about(world: &mut World, status: Value, what: &str) {
    let tokens = chart::api(&world.user, "ApiToken", NAMESPACE);
    let mut object = tokens.get("ci").await.unwrap();
    object.data["status"] = status;
    let post = PostParams::default();
    tokens.replace_status("ci", &post, &object).await.unwrap();
    let (mints, revokes) = (
        world.issuer.count(Operation::Mint),
        world.issuer.count(Operation::Revoke),
    );
    world.start();
    world.pass(15 * MINUTE).await;
    world.the_secret_works();
    assert_eq!(world.revision(), Some(2), "{what}");
    assert_eq!(world.issuer.count(Operation::Mint), mints, "{what}");
    assert_eq!(world.issuer.count(Operation::Revoke), revokes, "{what}");
    assert_eq!(world.condition("Ready"), "True: Ready", "{what}");
}

#[tokio::test(start_paused = true)]
async fn a_field_that_an_older_version_never_wrote_is_a_reason_for_nothing() {
    let mut all = Vec::new();
    fields(&status(&stopped().await), "", &mut all);
    // Inside an open list or map nothing is ours; every version says whether there is a token at all, and
    // inputs without scopes are inputs, too.
    let ours = |path: &&String| {
        let open = ["/conditions/", "/parameters/", "/inputs/"];
        *path != "/current" && !open.iter().any(|part| path.contains(part))
    };
    let mut tried = 0;
    for path in all.iter().filter(ours) {
        let mut world = stopped().await;
        let older = without(status(&world), path);
        // What every version writes is not optional.
        if serde_json::from_value::<ApiTokenStatus>(older.clone()).is_err() {
            continue;
        }
        nothing_is_done_about(&mut world, older, path).await;
        tried += 1;
    }
    assert!(tried >= 10, "of {all:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_field_that_a_newer_version_wrote_is_a_reason_for_nothing() {
    let mut world = stopped().await;
    let mut newer = status(&world);
    let later = json!({ "since": "2031-01-01T00:00:00Z", "kinds": ["a", "b"] });
    newer["later"] = later.clone();
    newer["current"]["later"] = later.clone();
    newer["current"]["inputs"]["later"] = later.clone();
    newer["retiring"][0]["later"] = later;
    nothing_is_done_about(&mut world, newer, "a newer version").await;
}

/// Where the kinds are of the version before, the API server keeps nothing of what came later.
fn with_kinds_of_before(world: &World) {
    let forget = |of: Option<&mut Value>, fields: &[&str]| {
        let of = of.and_then(Value::as_object_mut);
        if let Some(of) = of {
            of.retain(|field, _| !fields.contains(&field.as_str()));
        }
    };
    world.api.on_admission(move |seen, object| {
        if seen.who != OPERATOR || seen.resource != TOKENS {
            return;
        }
        for (part, fields) in [
            (
                "/status",
                &["account", "revokes", "seals", "secretVersion"][..],
            ),
            ("/status/current", &["wishedEnd"]),
            ("/status/adopted", &["issuer"]),
            ("/status/failures", &["reason", "message"]),
        ] {
            forget(object.pointer_mut(part), fields);
        }
        for (list, fields) in [
            ("/status/attempts", &["beganAt", "identity", "repairs"][..]),
            ("/status/past", &["endedAt", "undelivered"]),
            ("/status/pauses", &["unsure"]),
        ] {
            let entries = object.pointer_mut(list).and_then(Value::as_array_mut);
            for entry in entries.into_iter().flatten() {
                forget(Some(entry), fields);
            }
        }
    });
}

#[tokio::test(start_paused = true)]
async fn under_the_kinds_of_the_version_before_a_life_takes_no_more_requests() {
    a_life_takes_no_more_requests(LostAnswer::FindByMarker, 2).await;
    // The seals are not kept, either.
    a_life_takes_no_more_requests(LostAnswer::CannotAttribute, 3).await;
}

async fn a_life_takes_no_more_requests(lost_answer: LostAnswer, but: usize) {
    let mut lives = Vec::new();
    for is_before in [false, true] {
        let mut settings = MemorySettings::default();
        settings.capabilities.lost_answer = lost_answer;
        let mut world = World::with(settings).await;
        if is_before {
            with_kinds_of_before(&world);
        }
        world.start();
        world.ask(json!({})).await;
        world.pass(MINUTE).await;
        world.issuer.hook(|request, _| {
            let revokes = request.operation == Operation::Revoke;
            revokes.then_some(Fault::Refuse(ErrorKind::Forbidden))
        });
        let change = json!({ "spec": { "rotation": { "trigger": "now", "overlap": "1m" } } });
        world.change(change).await;
        world.pass(120 * MINUTE).await;
        world.the_secret_works();
        assert_eq!(world.condition("RevokeFailed"), "True: RevokeFailed");
        let refused = world.issuer.count(Operation::Revoke);
        world.issuer.calm();
        world.pass(240 * MINUTE).await;
        world.the_only_token();
        world.delete().await;
        world.pass(15 * MINUTE).await;
        assert!(world.issuer.live().is_empty());
        let writes = world.writes().len();
        lives.push((refused, world.issuer.count(Operation::Mint), writes));
    }
    let [(refused, mints, writes), (same, also, more)] = lives[..] else {
        panic!("{lives:?}")
    };
    assert!(refused > 1 && same == refused && also == mints, "{lives:?}");
    assert!(more <= writes + but, "{lives:?}");
}

#[tokio::test(start_paused = true)]
async fn under_the_kinds_of_the_version_before_an_adopted_token_at_rest_writes_nothing() {
    let mut world = World::new().await;
    with_kinds_of_before(&world);
    let (_, value) = world.by_hand().await;
    world.fill("source", &value).await;
    world.start();
    world.adopt(json!({})).await;
    world.pass(MINUTE).await;
    let writes = world.writes().len();
    world.pass(24 * 60 * MINUTE).await;
    assert_eq!(world.writes().len(), writes, "{:?}", world.writes());
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.adopted().issuer, None);
    // What this process knows counts all the same.
    let moved = json!({ "endpoint": "https://issuer.example.com/moved" });
    world.change_issuer("issuer", moved).await;
    world.pass(60 * MINUTE).await;
    assert_eq!(world.moved.count(Operation::Check), 0);
    assert_eq!(world.condition("Stalled"), "True: IssuerIdentityChanged");
}
