//! How an adopted token ends: at the date that a person gave, with its `ApiToken`, with its issuer, with
//! its namespace.

use kube::api::DeleteParams;
use serde_json::{Value, json};
use tokenwright_api::names::{annotation, condition};
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_core::TokenId;
use tokenwright_testbed::memory::{Fault as Refusal, Verb};
use tokio::time::Instant;

use crate::counted::value as measured;
use crate::world::World;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 3_600;

/// A system whose tokens people make, and whose values say which token they are.
fn settings() -> MemorySettings {
    MemorySettings {
        values_name_ids: true,
        manual: Some("make and delete keys in the dashboard".to_owned()),
        ..MemorySettings::default()
    }
}

/// A world with a delivered value of a token, which is named if `named`.
pub(crate) async fn delivered(named: bool, changes: Value) -> (World, TokenId, String) {
    let (mut world, id, value) = World::offering(settings()).await;
    world.start();
    let mut changes = changes;
    if named {
        changes["adopt"]["tokenID"] = json!(id.to_string());
    }
    world.adopt(changes).await;
    world.pass(5).await;
    assert_eq!(world.data("token").as_ref(), Some(&value));
    (world, id, value)
}

fn released(world: &World) {
    let source = world.secret_called("source").unwrap().metadata;
    assert_eq!((source.labels, source.finalizers), (None, None));
}

#[tokio::test(start_paused = true)]
async fn the_end_that_a_person_gave_is_announced_once_and_then_reported_once() {
    // World time begins on March 1st.
    let adopt = json!({ "expiresAt": "2026-03-03T00:00:00Z", "warnBefore": "36h" });
    let (world, _, value) = delivered(false, json!({ "adopt": adopt })).await;
    let writes = world.writes().len();
    assert_eq!(
        world.annotation(annotation::EXPIRES_AT).unwrap(),
        "2026-03-03T00:00:00Z"
    );
    let at = |at: Option<jiff::Timestamp>| at.unwrap().to_string();
    assert_eq!(at(world.adopted().warn_at), "2026-03-01T12:00:00Z");
    assert_eq!(at(world.adopted().expires_at), "2026-03-03T00:00:00Z");
    world.pass(DAY / 2 - 60).await;
    assert_eq!(world.condition(condition::EXPIRES_SOON), "absent");
    let expiring = "tokenwright_expiring_tokens";
    assert_eq!(measured(&world, expiring).await, 0.0);
    assert_eq!(world.writes().len(), writes);
    world.pass(2 * MINUTE).await;
    assert_eq!(measured(&world, expiring).await, 1.0);
    assert_eq!(
        world.condition(condition::EXPIRES_SOON),
        "True: ExpiresSoon"
    );
    assert_eq!(world.condition("Ready"), "True: Ready");
    // Another write of the status is no other announcement.
    world.change(json!({ "spec": { "suspend": true } })).await;
    world.pass(DAY / 2).await;
    world.change(json!({ "spec": { "suspend": false } })).await;
    let notes = world.notes("ExpiresSoon");
    assert_eq!(notes.len(), 1);
    for said in [
        "2026-03-03T00:00:00Z",
        "make and delete keys in the dashboard",
        "Secret source",
        "spec.adopt.expiresAt",
    ] {
        assert!(notes[0].contains(said), "{}", notes[0]);
    }
    world.pass(DAY + DAY / 2).await;
    assert_eq!(world.condition("Ready"), "False: TokenExpired");
    assert_eq!(world.condition("Stalled"), "True: TokenExpired");
    assert_eq!(world.condition(condition::EXPIRES_SOON), "absent");
    assert_eq!(world.data("token"), Some(value), "what is delivered stays");
    assert_eq!(world.events(), ["Published", "ExpiresSoon", "TokenExpired"]);

    // The next one: a person puts it into the Secret and moves the date.
    let (_, next) = world.by_hand().await;
    world.fill("source", &next).await;
    let later = json!({ "expiresAt": "2027-03-11T00:00:00Z" });
    world.change(json!({ "spec": { "adopt": later } })).await;
    world.pass(5).await;
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.data("token"), Some(next));
    assert_eq!(
        world.annotation(annotation::EXPIRES_AT).unwrap(),
        "2027-03-11T00:00:00Z"
    );
}

#[tokio::test(start_paused = true)]
async fn a_restart_announces_nothing_twice() {
    let adopt = json!({ "expiresAt": "2026-03-11T00:00:00Z" });
    let (mut world, _, _) = delivered(false, json!({ "adopt": adopt })).await;
    assert_eq!(
        world.condition(condition::EXPIRES_SOON),
        "True: ExpiresSoon"
    );
    let writes = world.writes().len();
    assert!(writes <= 4, "{:?}", world.writes());
    world.crash().await;
    world.start();
    world.pass(DAY).await;
    assert_eq!(world.writes().len(), writes);
    assert_eq!(world.notes("ExpiresSoon").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_nobody_named_stays_alive_and_an_event_says_so() {
    let (world, id, value) = delivered(false, json!({})).await;
    let print = world.adopted().fingerprint.unwrap();
    world.delete().await;
    world.pass(5).await;
    assert!(world.object().is_none());
    assert!(world.secret().is_none(), "the Secret goes under Revoke");
    assert!(world.issuer.accepts(&value));
    assert_eq!(
        world.issuer.count(Operation::Revoke),
        0,
        "{id} was not named"
    );
    let notes = world.notes("LeftBehind");
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(
        notes[0].contains(&print) && notes[0].contains("make and delete keys"),
        "{}",
        notes[0]
    );
    assert_eq!(world.events(), ["Published", "LeftBehind"]);
    released(&world);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_named_and_whose_value_says_so_is_revoked() {
    let (world, _, value) = delivered(true, json!({})).await;
    assert_eq!(
        world.annotation(annotation::TOKEN_ID),
        world.adopted().token_id
    );
    world.delete().await;
    world.pass(5).await;
    assert!(world.object().is_none());
    assert!(world.secret().is_none());
    assert!(!world.issuer.accepts(&value));
    assert_eq!(world.events(), ["Published", "Revoked"]);
    released(&world);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_revoked_also_if_only_the_delivered_secret_holds_its_value() {
    let (world, _, value) = delivered(true, json!({})).await;
    world.fill("source", "a slip of the clipboard").await;
    world.pass(5).await;
    world.delete().await;
    world.pass(5).await;
    assert!(world.object().is_none());
    assert!(!world.issuer.accepts(&value));
    assert_eq!(world.events(), ["Published", "ValueRefused", "Revoked"]);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_only_the_delivered_secret_holds_is_kept_until_the_issuer_takes_the_revoke() {
    for replaced_before in [true, false] {
        let (mut world, _, value) = delivered(true, json!({})).await;
        if replaced_before {
            world.fill("source", "a slip of the clipboard").await;
            world.pass(5).await;
        }
        world.issuer.hook(|request, _| {
            let fails = request.operation == Operation::Revoke;
            fails.then_some(Fault::Refuse(ErrorKind::Unavailable))
        });
        world.delete().await;
        world.pass(MINUTE).await;
        assert!(world.object().is_some(), "it gave up");
        assert_eq!(world.secret().is_some(), replaced_before, "the only copy");
        match replaced_before {
            true => {
                world.crash().await;
                world.start();
            }
            // This process had the value, and nobody has it any more.
            false => world.fill("source", "a slip of the clipboard").await,
        }
        world.pass(MINUTE).await;
        world.issuer.hook(|_, _| None);
        world.pass(10 * MINUTE).await;
        assert!(world.object().is_none() && world.secret().is_none());
        assert!(!world.issuer.accepts(&value), "a token that nobody ends");
        assert_eq!(world.notes("Revoked").len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn another_token_than_the_named_one_is_never_revoked() {
    let (world, id, value) = delivered(true, json!({})).await;
    let (_, next) = world.by_hand().await;
    world.fill("source", &next).await;
    world.pass(5).await;
    world.delete().await;
    world.pass(5).await;
    assert!(world.object().is_none());
    assert!(world.issuer.accepts(&value) && world.issuer.accepts(&next));
    assert_eq!(world.issuer.count(Operation::Revoke), 0);
    let notes = world.notes("LeftBehind");
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains(&id.to_string()), "{}", notes[0]);
}

#[tokio::test(start_paused = true)]
async fn under_retain_the_secret_is_released_and_the_token_left_alive() {
    let retain = json!({ "deletion": { "policy": "Retain" } });
    let (world, id, value) = delivered(true, retain).await;
    world.delete().await;
    world.pass(5).await;
    assert!(world.object().is_none());
    assert_eq!(world.data("token").as_ref(), Some(&value));
    assert_eq!(world.annotation(annotation::MANAGER_UID), None);
    assert!(world.issuer.accepts(&value));
    let notes = world.notes("LeftBehind");
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].contains(&id.to_string()) && notes[0].contains("Retain"),
        "{}",
        notes[0]
    );
    released(&world);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_waits_for_an_issuer_that_does_not_answer_and_gives_up_loudly() {
    let (world, id, value) = delivered(true, json!({ "deletion": { "timeout": "2h" } })).await;
    world.issuer.outage(Some(ErrorKind::Unavailable));
    world.delete().await;
    world.pass(60 * MINUTE).await;
    assert!(world.object().is_some());
    assert_eq!(world.condition("Ready"), "False: Deleting");
    assert!(
        world
            .secret_called("source")
            .unwrap()
            .metadata
            .finalizers
            .is_some()
    );
    world.pass(62 * MINUTE).await;
    assert!(world.object().is_none());
    assert!(world.issuer.accepts(&value));
    let notes = world.notes("DeletionTimedOut");
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains(&id.to_string()), "{}", notes[0]);
    assert_eq!(world.notes("LeftBehind").len(), 0);
    released(&world);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_changes_while_its_deletion_gives_up_does_not_stay_for_that() {
    let (world, ..) = delivered(true, json!({ "deletion": { "timeout": "2h" } })).await;
    let (begun, mut conflicts) = (Instant::now(), 0..1);
    world.api.on_request(move |seen| {
        if seen.verb != Verb::Delete || seen.resource != "secrets" {
            return Refusal::Pass;
        }
        match begun.elapsed().as_secs() < 120 * MINUTE {
            true => Refusal::refuse(403, "Forbidden", "not now"),
            false => conflicts.next().map_or(Refusal::Pass, |_| {
                Refusal::refuse(409, "Conflict", "the object has been modified")
            }),
        }
    });
    world.delete().await;
    world.pass(130 * MINUTE).await;
    assert!(world.object().is_none());
    assert!(world.secret().is_none(), "it stays");
    assert_eq!(world.notes("DeletionTimedOut").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_goes_on_when_the_issuer_answers_again_after_the_secret_is_gone() {
    let (mut world, _, value) = delivered(true, json!({})).await;
    world.issuer.outage(Some(ErrorKind::Unavailable));
    world.delete().await;
    world.pass(5 * MINUTE).await;
    assert!(world.secret().is_none());
    world.crash().await;
    world.start();
    world.issuer.outage(None);
    world.pass(2 * MINUTE).await;
    assert!(world.object().is_none());
    assert!(
        !world.issuer.accepts(&value),
        "the source holds the value until then"
    );
    released(&world);
}

#[tokio::test(start_paused = true)]
async fn a_delivered_secret_that_somebody_else_holds_keeps_no_deletion_waiting() {
    let (world, _, value) = delivered(true, json!({})).await;
    let theirs = json!({ "metadata": { "finalizers": ["example.com/backup"] } });
    world.edit_secret(theirs).await;
    world.delete().await;
    world.pass(5).await;
    assert!(world.object().is_none());
    assert!(!world.issuer.accepts(&value));
    let secret = world.secret().expect("it is theirs to let go");
    assert!(secret.metadata.deletion_timestamp.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_never_began_goes_at_once() {
    let mut world = World::with(settings()).await;
    world.start();
    world.adopt(json!({})).await;
    world
        .adopt_as(
            "nobody",
            json!({ "issuerRef": { "name": "nobody" }, "secret": { "name": "other" } }),
        )
        .await;
    world.pass(5).await;
    let said = world.tokens().get("nobody").await.unwrap().status.unwrap();
    let ready = said.conditions.iter().find(|c| c.type_ == "Ready").unwrap();
    assert_eq!(
        (ready.status.as_str(), ready.reason.as_str()),
        ("False", "IssuerNotFound")
    );
    for name in ["ci", "nobody"] {
        world
            .tokens()
            .delete(name, &DeleteParams::default())
            .await
            .unwrap();
    }
    world.pass(5).await;
    assert!(
        world
            .tokens()
            .list(&Default::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(world.events().is_empty(), "{:?}", world.events());
}

#[tokio::test(start_paused = true)]
async fn an_issuer_is_held_while_an_adopted_token_needs_it() {
    let (world, _, _) = delivered(true, json!({})).await;
    world
        .issuers()
        .delete("issuer", &DeleteParams::default())
        .await
        .unwrap();
    world.pass(10 * MINUTE).await;
    assert!(world.issuers().get_opt("issuer").await.unwrap().is_some());
    let kind = "tokenissuers.tokenwright.dev";
    let told = |type_: &str| world.condition_of(kind, "issuer", type_);
    assert_eq!(told("Ready"), "True: Ready");
    assert_eq!(
        told("Reconciling"),
        "True: Deleting",
        "it says what it waits for"
    );
    world.delete().await;
    world.pass(10).await;
    assert!(world.object().is_none());
    world.pass(MINUTE).await;
    assert!(
        world.issuers().get_opt("issuer").await.unwrap().is_none(),
        "held for ever"
    );
    assert_eq!(world.events(), ["Published", "Revoked"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_usable_issuer_what_is_delivered_stays_ready_until_its_date() {
    let adopt = json!({ "expiresAt": "2026-03-02T00:00:00Z" });
    let (world, _, value) = delivered(false, json!({ "adopt": adopt })).await;
    world.set_credential("wrong").await;
    world.pass(2 * MINUTE).await;
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Stalled"), "True: CredentialNotFound");
    world.pass(DAY).await;
    assert_eq!(world.condition("Ready"), "False: TokenExpired");
    // Nothing that only the issuer could end: it goes without.
    world.delete().await;
    world.pass(10).await;
    assert!(world.object().is_none());
    assert!(world.secret().is_none());
    assert!(world.issuer.accepts(&value));
    assert_eq!(world.notes("LeftBehind").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_deleted_in_any_order_neither_wedges_nor_leaks() {
    for rotation in 0..5 {
        let (world, _, value) = delivered(true, json!({})).await;
        let mut all = ["source", "ci-token", "credential", "ci", "issuer"];
        all.rotate_left(rotation);
        world.delete_each(&all).await;
        world.pass(3 * MINUTE).await;
        let left = world
            .secrets()
            .list(&Default::default())
            .await
            .unwrap()
            .items;
        let left: Vec<_> = left
            .into_iter()
            .map(|secret| secret.metadata.name)
            .collect();
        assert!(left.is_empty(), "from {}: {left:?}", all[0]);
        assert!(world.object().is_none(), "from {}", all[0]);
        assert!(
            world.issuers().get_opt("issuer").await.unwrap().is_none(),
            "from {}",
            all[0]
        );
        assert!(
            !world.issuer.accepts(&value),
            "from {}: not revoked",
            all[0]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_a_gone_object_of_the_same_name_is_taken_over_with_its_value() {
    let (mut world, _, value) = delivered(false, json!({})).await;
    world.crash().await;
    world
        .change(json!({ "metadata": { "finalizers": null } }))
        .await;
    world.delete().await;
    world.adopt(json!({})).await;
    world.start();
    world.pass(5).await;
    assert_eq!(world.data("token"), Some(value));
    assert_eq!(world.condition("Ready"), "True: Ready");
    let uid = world.object().unwrap().metadata.uid;
    assert_eq!(world.annotation(annotation::MANAGER_UID), uid);
    assert_eq!(world.adopted().revision, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_minted_token_s_secret_that_is_taken_over_names_what_it_leaves_behind() {
    let mut world = World::with(settings()).await;
    world.start();
    world.ask(json!({})).await;
    world.pass(10).await;
    let minted = world.the_only_token().token.id;
    world.crash().await;
    world
        .change(json!({ "metadata": { "finalizers": null } }))
        .await;
    world.delete().await;
    let (_, value) = world.by_hand().await;
    world.fill("source", &value).await;
    world.adopt(json!({})).await;
    world.start();
    world.pass(5).await;
    assert_eq!(world.data("token"), Some(value));
    assert_eq!(world.adopted().revision, Some(2));
    assert_eq!(world.annotation(annotation::CURRENT), None);
    let notes = world.notes("LeftBehind");
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains(&minted.to_string()), "{}", notes[0]);
}
