//! An issuer that moves to another endpoint: what a person made at the former one is sent nowhere else.

use serde_json::{Value, json};
use tokenwright_api::names::annotation;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_core::TokenId;

use crate::world::World;

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;

/// Where the issuer moves to.
const MOVED: &str = "https://issuer.example.com/moved";

/// A world with a delivered value of a token that `changes` may name, and that says itself which it is.
async fn delivered(named: bool, mut changes: Value) -> (World, TokenId, String) {
    let (mut world, id, value) = World::offering(MemorySettings {
        values_name_ids: true,
        ..MemorySettings::default()
    })
    .await;
    world.start();
    if named {
        changes["adopt"]["tokenID"] = json!(id.to_string());
    }
    world.adopt(changes).await;
    world.pass(5).await;
    assert_eq!(world.data("token").as_ref(), Some(&value));
    assert_eq!(world.adopted().issuer.as_deref(), Some("memory://issuer"));
    (world, id, value)
}

async fn moves(world: &World, to: Option<&str>) {
    world
        .change_issuer("issuer", json!({ "endpoint": to }))
        .await;
    world.pass(5).await;
}

async fn lose_the_secret(world: &World) {
    let once = kube::api::DeleteParams::default();
    world.secrets().delete("ci-token", &once).await.unwrap();
    world.pass(5).await;
}

/// Nothing was asked at the other endpoint that tells a value.
fn nothing_was_sent(world: &World) {
    for operation in [Operation::Check, Operation::Revoke] {
        assert_eq!(world.moved.count(operation), 0, "{operation:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_is_not_sent_to_the_endpoint_that_its_issuer_moves_to_and_that_is_told_once() {
    let data = json!({ "host": "$(endpoint)" });
    let (mut world, _, value) = delivered(false, json!({ "secret": { "data": data } })).await;
    moves(&world, Some(MOVED)).await;
    for restarts in [false, true] {
        if restarts {
            world.crash().await;
            world.start();
        }
        world.pass(HOUR).await;
        nothing_was_sent(&world);
        assert_eq!(world.condition("Ready"), "True: Ready");
        assert_eq!(world.condition("Stalled"), "True: IssuerIdentityChanged");
        let told = world.message("Stalled");
        assert!(told.contains("memory://issuer"), "{told}");
        assert_eq!(world.notes("IssuerIdentityChanged"), [told]);
        assert_eq!(world.data("token").as_ref(), Some(&value));
        assert_eq!(world.data("host").as_deref(), Some("memory://issuer"));
    }
    // What is lost is delivered again with the endpoint that is its own.
    lose_the_secret(&world).await;
    assert_eq!(world.data("token").as_ref(), Some(&value));
    assert_eq!(world.data("host").as_deref(), Some("memory://issuer"));
    assert_eq!(world.condition("Ready"), "True: Ready");

    let checks = world.issuer.count(Operation::Check);
    moves(&world, None).await;
    world.pass(11 * MINUTE).await;
    assert!(world.issuer.count(Operation::Check) > checks);
    assert_eq!(world.data("token").as_ref(), Some(&value));
    assert_eq!(world.data("host").as_deref(), Some("memory://issuer"));
    assert_eq!(world.condition("Stalled"), "False: Idle");
    assert_eq!(world.condition("Ready"), "True: Ready");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_somebody_writes_into_the_status_is_told_to_no_consumer() {
    let data = json!({ "host": "$(endpoint)" });
    let (mut world, _, value) = delivered(false, json!({ "secret": { "data": data } })).await;
    world.crash().await;
    let lie = json!({ "status": { "adopted": { "issuer": "https://evil.example.com" } } });
    world.forge_status(lie).await;
    world.start();
    world.pass(HOUR).await;
    assert_eq!(world.data("host").as_deref(), Some("memory://issuer"));
    lose_the_secret(&world).await;
    world.pass(HOUR).await;
    let host = world.data("host");
    assert!(host.is_none_or(|host| host == "memory://issuer"));
    assert_eq!(world.data("token").filter(|token| *token != value), None);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_a_person_made_at_the_other_endpoint_is_taken_up_there() {
    let (world, _, first) = delivered(false, json!({})).await;
    moves(&world, Some(MOVED)).await;
    world.by_hand_at(&world.moved).await;
    let (_, next) = world.by_hand_at(&world.moved).await;
    assert_ne!(first, next);
    world.fill("source", &next).await;
    world.pass(5).await;
    assert_eq!(world.data("token"), Some(next));
    assert_eq!(world.adopted().issuer.as_deref(), Some("memory://moved"));
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Stalled"), "False: Idle");
    let checks = world.moved.count(Operation::Check);
    world.pass(HOUR).await;
    assert!(world.moved.count(Operation::Check) > checks);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_authenticated_nowhere_yet_is_proven_once_the_endpoint_is_corrected() {
    let mut world = World::new().await;
    world.by_hand_at(&world.moved).await;
    let (_, value) = world.by_hand_at(&world.moved).await;
    world.fill("source", &value).await;
    world.start();
    world.pass(2).await;
    world.issuer.outage(Some(ErrorKind::Unavailable));
    world.adopt(json!({})).await;
    world.pass(MINUTE).await;
    assert_eq!(world.data("token").as_ref(), Some(&value));
    assert_eq!(world.condition("Proven"), "False: ValueNotProven");
    assert_eq!(world.adopted().issuer, None);
    moves(&world, Some(MOVED)).await;
    world.pass(11 * MINUTE).await;
    assert_eq!(world.condition("Proven"), "True: ValueProven");
    assert_eq!(world.condition("Stalled"), "False: Idle");
    assert_eq!(world.adopted().issuer.as_deref(), Some("memory://moved"));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_ends_nothing_at_another_endpoint_and_says_what_it_leaves_alive() {
    let timeout = json!({ "deletion": { "timeout": "2h" } });
    let (world, id, value) = delivered(true, timeout).await;
    moves(&world, Some(MOVED)).await;
    world.delete().await;
    world.pass(HOUR).await;
    assert!(world.object().is_some(), "{:?}", world.events());
    assert_eq!(world.condition("Ready"), "False: Deleting");
    assert!(world.message("Ready").contains("another endpoint"));
    assert!(world.secret().is_some(), "it may hold the only copy");
    world.pass(62 * MINUTE).await;
    assert!(world.object().is_none() && world.secret().is_none());
    nothing_was_sent(&world);
    assert!(world.issuer.accepts(&value));
    let notes = world.notes("DeletionTimedOut");
    let left = format!("Left alive: token {id} at memory://issuer.");
    assert!(notes.len() == 1 && notes[0].contains(&left), "{notes:?}");
    assert!(world.notes("Revoked").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_deletion_ends_the_token_once_its_issuer_has_the_former_endpoint_again() {
    let (world, _, value) = delivered(true, json!({})).await;
    moves(&world, Some(MOVED)).await;
    world.delete().await;
    world.pass(HOUR).await;
    moves(&world, None).await;
    world.pass(2 * MINUTE).await;
    assert!(world.object().is_none(), "{}", world.message("Ready"));
    assert!(!world.issuer.accepts(&value));
    nothing_was_sent(&world);
}

#[tokio::test(start_paused = true)]
async fn a_record_of_a_version_that_wrote_no_endpoint_has_one_after_the_next_check() {
    let (mut world, ..) = delivered(false, json!({})).await;
    world.crash().await;
    let older = json!({ "status": { "adopted": { "issuer": null } } });
    world.forge_status(older).await;
    world.start();
    world.pass(11 * MINUTE).await;
    assert_eq!(world.adopted().issuer.as_deref(), Some("memory://issuer"));
    moves(&world, Some(MOVED)).await;
    world.pass(HOUR).await;
    nothing_was_sent(&world);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_somebody_writes_into_the_status_sends_a_value_nowhere() {
    let forged = |to: Value| json!({ "status": { "adopted": { "issuer": to } } });
    let (mut world, ..) = delivered(true, json!({})).await;
    moves(&world, Some(MOVED)).await;
    for to in [json!("memory://moved"), Value::Null] {
        world.forge_status(forged(to)).await;
        world.pass(HOUR).await;
        nothing_was_sent(&world);
        assert_eq!(world.adopted().issuer.as_deref(), Some("memory://issuer"));
    }
    moves(&world, None).await;
    // Who comes next sees by the Secret where the value belongs; without it nobody is asked.
    for lost in [false, true] {
        world.crash().await;
        world
            .forge_status(forged(json!("https://evil.example")))
            .await;
        let once = kube::api::DeleteParams::default();
        if lost {
            world.secrets().delete("ci-token", &once).await.unwrap();
        }
        let checks = world.issuer.count(Operation::Check);
        world.start();
        world.pass(HOUR).await;
        let stalled = match lost {
            true => "True: IssuerIdentityChanged",
            false => "False: Idle",
        };
        assert_eq!(world.condition("Stalled"), stalled);
        assert_eq!(world.issuer.count(Operation::Check) == checks, lost);
        nothing_was_sent(&world);
    }
}

/// A writer of the status and an editor of the issuer are at work together.
#[tokio::test(start_paused = true)]
async fn what_a_status_says_no_more_sends_no_delivered_value_to_another_endpoint() {
    for forged in [
        json!({ "adopted": { "issuer": "memory://moved" } }),
        json!({ "seals": null, "adopted": { "issuer": null } }),
        json!({ "seals": null, "adopted": { "fingerprint": "0123456789abcdef" } }),
        json!({ "seals": null, "adopted": null }),
    ] {
        for restarts in [true, false] {
            let (mut world, _, value) = delivered(false, json!({})).await;
            if restarts {
                world.crash().await;
            }
            world.forge_status(json!({ "status": forged })).await;
            moves(&world, Some(MOVED)).await;
            if restarts {
                world.start();
            }
            world.pass(HOUR).await;
            nothing_was_sent(&world);
            assert_eq!(world.data("token").as_ref(), Some(&value));
            let stalled = world.condition("Stalled");
            assert_eq!(stalled, "True: IssuerIdentityChanged", "{forged}");
            moves(&world, None).await;
            world.pass(11 * MINUTE).await;
            assert_eq!(world.condition("Stalled"), "False: Idle", "{forged}");
            assert_eq!(world.adopted().issuer.as_deref(), Some("memory://issuer"));
            assert_eq!(world.condition("Proven"), "True: ValueProven");
            assert_eq!(world.adopted().revision, Some(1));
        }
    }
}

/// The same at a system that cannot be asked about values, with the endpoint in the Secret.
async fn delivered_unchecked() -> (World, String) {
    let mut settings = MemorySettings::default();
    settings.capabilities.check = false;
    let (mut world, _, value) = World::offering(settings).await;
    world.start();
    let data = json!({ "host": "$(endpoint)" });
    world.adopt(json!({ "secret": { "data": data } })).await;
    world.pass(5).await;
    assert_eq!(world.adopted().issuer.as_deref(), Some("memory://issuer"));
    (world, value)
}

/// Whoever owns the object says of the value that is accepted where it belongs.
async fn belongs_to(world: &World, endpoint: &str) {
    let value = world.adopted().fingerprint.unwrap();
    say(world, &format!("{value}@{endpoint}")).await;
}

async fn say(world: &World, where_it_belongs: &str) {
    let said = json!({ annotation::VALUE_BELONGS_TO: where_it_belongs });
    let change = json!({ "metadata": { "annotations": said } });
    world.change(change).await;
    world.pass(5).await;
}

/// What whoever owns the object is told to say.
fn told_to_say(world: &World) -> String {
    let told = world.message("Stalled");
    let says = format!("{}: ", annotation::VALUE_BELONGS_TO);
    let (_, said) = told.rsplit_once(&says).expect(&told);
    said.to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_mistyped_endpoint_is_corrected_by_the_word_of_whoever_owns_the_api_token() {
    let (mut world, value) = delivered_unchecked().await;
    moves(&world, Some(MOVED)).await;
    for said in ["memory://other", "memory://issuer"] {
        belongs_to(&world, said).await;
        assert_eq!(world.condition("Stalled"), "True: IssuerIdentityChanged");
        assert!(told_to_say(&world).ends_with("memory://moved"));
        assert_eq!(world.data("host").as_deref(), Some("memory://issuer"));
    }
    belongs_to(&world, "memory://moved/").await;
    assert_eq!(world.data("host").as_deref(), Some("memory://moved"));
    assert_eq!(world.data("token").as_ref(), Some(&value));
    assert_eq!(world.condition("Stalled"), "False: Idle");
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.adopted().issuer.as_deref(), Some("memory://moved"));
    // What was said of one endpoint is said of no other.
    moves(&world, None).await;
    for restarts in [false, true] {
        if restarts {
            world.crash().await;
            world.start();
        }
        world.pass(HOUR).await;
        lose_the_secret(&world).await;
        assert_eq!(world.condition("Stalled"), "True: IssuerIdentityChanged");
        assert_eq!(world.data("host").as_deref(), Some("memory://moved"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_is_asked_about_where_whoever_owns_the_api_token_says_that_it_belongs() {
    let (world, ..) = delivered(false, json!({})).await;
    world.by_hand_at(&world.moved).await;
    moves(&world, Some(MOVED)).await;
    world.pass(HOUR).await;
    nothing_was_sent(&world);
    belongs_to(&world, "memory://moved").await;
    world.pass(11 * MINUTE).await;
    assert!(world.moved.count(Operation::Check) > 0);
    assert_eq!(world.condition("Proven"), "True: ValueProven");
    assert_eq!(world.condition("Stalled"), "False: Idle");
}

#[tokio::test(start_paused = true)]
async fn what_was_said_of_one_value_sends_no_later_one_to_the_endpoint_that_it_names() {
    let (world, ..) = delivered(false, json!({})).await;
    world.by_hand_at(&world.moved).await;
    moves(&world, Some(MOVED)).await;
    say(&world, &told_to_say(&world)).await;
    world.pass(11 * MINUTE).await;
    assert_eq!(world.adopted().issuer.as_deref(), Some("memory://moved"));
    // It moves back, and a person makes the next one there; what was said stays on the object.
    moves(&world, None).await;
    let (_, next) = world.by_hand().await;
    world.fill("source", &next).await;
    world.pass(MINUTE).await;
    assert_eq!(world.data("token").as_ref(), Some(&next));
    assert_eq!(world.adopted().issuer.as_deref(), Some("memory://issuer"));
    let before = world.moved.count(Operation::Check);
    moves(&world, Some(MOVED)).await;
    world.pass(HOUR).await;
    assert_eq!(world.moved.count(Operation::Check), before);
    assert_eq!(world.condition("Stalled"), "True: IssuerIdentityChanged");
    assert_eq!(world.adopted().issuer.as_deref(), Some("memory://issuer"));
}

#[tokio::test(start_paused = true)]
async fn a_record_of_a_version_that_wrote_no_endpoint_has_one_where_nothing_can_be_asked() {
    let (mut world, value) = delivered_unchecked().await;
    world.crash().await;
    let older = json!({ "status": { "seals": null, "adopted": { "issuer": null } } });
    world.forge_status(older).await;
    world.start();
    world.pass(MINUTE).await;
    assert_eq!(world.adopted().issuer.as_deref(), Some("memory://issuer"));
    moves(&world, Some(MOVED)).await;
    lose_the_secret(&world).await;
    assert_eq!(world.data("host").as_deref(), Some("memory://issuer"));
    assert_eq!(world.data("token").as_ref(), Some(&value));
}

#[tokio::test(start_paused = true)]
async fn a_seal_is_of_one_value_at_one_endpoint_in_one_api_token() {
    let (mut world, _) = delivered_unchecked().await;
    let seals = world.object().unwrap().status.unwrap().seals;
    assert_eq!(seals.len(), 1);
    moves(&world, Some(MOVED)).await;
    world.crash().await;
    let lie = json!({ "status": { "adopted": { "issuer": "https://evil.example.com" } } });
    world.forge_status(lie).await;
    world.start();
    world.pass(MINUTE).await;
    lose_the_secret(&world).await;
    assert_eq!(world.object().unwrap().status.unwrap().seals, seals);
    assert_eq!(world.data("host"), None);
    let truth = json!({ "status": { "adopted": { "issuer": "memory://issuer" } } });
    world.crash().await;
    world.forge_status(truth).await;
    world.start();
    world.pass(MINUTE).await;
    assert_eq!(world.data("host").as_deref(), Some("memory://issuer"));
}
