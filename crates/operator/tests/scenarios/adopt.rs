//! A token that a person made: taken up, delivered, followed, and never replaced by one that does not
//! work.

use serde_json::{Value, json};
use tokenwright_api::names::{annotation, label};
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_testbed::memory::Fault as Refusal;

use crate::world::{OPERATOR, World};

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 3_600;

/// A world with a value that a person made and that was delivered.
pub(crate) async fn delivered(changes: Value) -> (World, String) {
    let (mut world, _, value) = World::offering(MemorySettings::default()).await;
    world.start();
    world.adopt(changes).await;
    world.pass(5).await;
    assert_eq!(world.data("token").as_ref(), Some(&value));
    (world, value)
}

#[tokio::test(start_paused = true)]
async fn a_value_is_checked_and_delivered_like_a_minted_one_in_four_writes() {
    let data =
        json!({ ".npmrc": "//$(endpoint)/:_authToken=$(value.token) $(name) $(expires_at)" });
    let (world, value) = delivered(json!({ "secret": { "data": data } })).await;
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Reconciling"), "False: Idle");
    assert_eq!(world.condition("Stalled"), "False: Idle");
    assert_eq!(world.condition("Accepted"), "True: ValueAccepted");
    assert_eq!(world.condition("Proven"), "True: ValueProven");
    assert_eq!(world.condition("ExpiresSoon"), "absent");
    let wanted = [
        "patch apitokens",
        "patch secrets",
        "create secrets",
        "update apitokens/status",
    ];
    assert_eq!(world.writes(), wanted);
    assert_eq!(world.events(), ["Published"]);
    assert_eq!(world.issuer.count(Operation::Check), 1);
    assert_eq!(world.issuer.count(Operation::Mint), 1, "only the person's");

    let rendered = format!("//memory://issuer/:_authToken={value} ci unknown");
    assert_eq!(world.data(".npmrc"), Some(rendered));
    assert_eq!(world.annotation(annotation::REVISION).unwrap(), "1");
    assert_eq!(world.annotation(annotation::PARTS).unwrap(), "token");
    assert_eq!(world.annotation(annotation::EXPIRES_AT).unwrap(), "unknown");
    assert_eq!(world.annotation(annotation::TOKEN_ID), None);
    let labels = world.secret().unwrap().metadata.labels.unwrap();
    assert_eq!(labels[label::SECRET], label::SECRET_TOKEN);

    let adopted = world.adopted();
    let print = adopted.fingerprint.clone().unwrap();
    assert_eq!(print.len(), 16);
    assert_eq!(world.annotation(annotation::FINGERPRINT), Some(print));
    assert_eq!(
        (adopted.source.as_str(), adopted.revision),
        ("source", Some(1))
    );
    assert!(!world.everything_shown().contains(&value));
}

#[tokio::test(start_paused = true)]
async fn at_rest_and_after_a_restart_nothing_is_written_though_the_value_is_checked_again() {
    let (mut world, _) = delivered(json!({})).await;
    let (writes, checks) = (world.writes().len(), world.issuer.count(Operation::Check));
    world.pass(DAY).await;
    assert_eq!(world.writes().len(), writes, "{:?}", world.writes());
    let checked = world.issuer.count(Operation::Check) - checks;
    assert!((140..=145).contains(&checked), "{checked} checks in a day");
    world.crash().await;
    world.start();
    world.pass(20 * MINUTE).await;
    assert_eq!(world.writes().len(), writes, "{:?}", world.writes());
    assert!(world.issuer.count(Operation::Check) > checks + checked);
}

#[tokio::test(start_paused = true)]
async fn a_changed_value_is_followed_at_once_and_the_one_before_it_is_left_to_its_maker() {
    let (world, first) = delivered(json!({ "secret": { "keepPrevious": true } })).await;
    let (_, second) = world.by_hand().await;
    world.fill("source", &format!("{second}\n")).await;
    world.pass(2).await;
    assert_eq!(
        world.data("token"),
        Some(second.clone()),
        "with the line end cut off"
    );
    assert_eq!(world.data("previous.token"), Some(first.clone()));
    assert_eq!(world.adopted().revision, Some(2));
    assert_eq!(world.annotation(annotation::REVISION).unwrap(), "2");
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.events(), ["Published", "Published"]);
    assert!(world.issuer.accepts(&first), "not ours to revoke");
    world.pass(DAY).await;
    assert_eq!(world.data("previous.token"), Some(first));
    assert!(!world.everything_shown().contains(&second));
}

#[tokio::test(start_paused = true)]
async fn a_value_that_does_not_authenticate_replaces_none_that_does() {
    let (world, good) = delivered(json!({})).await;
    world.fill("source", "a slip of the clipboard").await;
    world.pass(2).await;
    assert_eq!(world.data("token").as_ref(), Some(&good));
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Accepted"), "False: ValueRefused");
    assert_eq!(world.condition("Stalled"), "False: Idle");
    assert_eq!(world.condition("Reconciling"), "False: Idle");
    let offered = world.adopted().offered.unwrap();
    assert_eq!(offered.liveness, "Dead");
    let said = world.message("Accepted");
    assert!(said.contains(&offered.fingerprint), "{said}");
    assert!(said.contains("Secret source"), "{said}");
    world.pass(DAY).await;
    assert_eq!(world.notes("ValueRefused"), [said]);
    assert!(!world.everything_shown().contains("clipboard"));

    let (_, next) = world.by_hand().await;
    world.fill("source", &next).await;
    world.pass(2).await;
    assert_eq!(world.data("token"), Some(next));
    assert_eq!(world.condition("Accepted"), "True: ValueAccepted");
    assert_eq!(world.adopted().offered, None);
    assert_eq!(world.adopted().revision, Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_refused_value_that_works_after_a_while_is_taken_up_then() {
    let (world, _) = delivered(json!({})).await;
    let (id, next) = world.by_hand().await;
    world.issuer.enable_by_hand(&id, false);
    world.fill("source", &next).await;
    world.pass(2).await;
    assert_eq!(world.condition("Accepted"), "False: ValueRefused");
    world.issuer.enable_by_hand(&id, true);
    world.pass(11 * MINUTE).await;
    assert_eq!(world.data("token"), Some(next));
    assert_eq!(world.condition("Accepted"), "True: ValueAccepted");
}

#[tokio::test(start_paused = true)]
async fn a_first_value_that_does_not_authenticate_is_not_delivered_and_waits_for_a_person() {
    let mut world = World::new().await;
    world.fill("source", "no value at all").await;
    world.start();
    world.adopt(json!({})).await;
    world.pass(5).await;
    assert!(world.secret().is_none());
    assert_eq!(world.condition("Ready"), "False: ValueRefused");
    assert_eq!(world.condition("Stalled"), "True: ValueRefused");
    assert_eq!(world.condition("Accepted"), "False: ValueRefused");
    assert_eq!(world.condition("Proven"), "absent");
    assert_eq!(world.events(), ["ValueRefused"]);
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_does_not_answer_replaces_nothing_and_delays_a_first_value_never() {
    let (world, good) = delivered(json!({})).await;
    let (_, next) = world.by_hand().await;
    world.issuer.outage(Some(ErrorKind::Unavailable));
    world.fill("source", &next).await;
    world.pass(30).await;
    assert_eq!(world.data("token"), Some(good));
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Accepted"), "False: ValueNotChecked");
    assert_eq!(world.condition("Reconciling"), "True: ValueNotChecked");
    assert_eq!(world.condition("Proven"), "True: ValueProven");
    world.issuer.calm();
    world.issuer.outage(None);
    world.pass(11 * MINUTE).await;
    assert_eq!(world.data("token"), Some(next));

    let (mut world, _, value) = World::offering(MemorySettings::default()).await;
    world.start();
    world.pass(2).await;
    world.issuer.outage(Some(ErrorKind::Unavailable));
    world.adopt(json!({})).await;
    world.pass(5).await;
    assert_eq!(world.data("token"), Some(value));
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Proven"), "False: ValueNotProven");
    world.issuer.outage(None);
    world.pass(11 * MINUTE).await;
    assert_eq!(world.condition("Proven"), "True: ValueProven");
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_an_answer_survives_a_restart() {
    let (mut world, _) = delivered(json!({})).await;
    world.fill("source", "a slip of the clipboard").await;
    world.pass(MINUTE).await;
    let failures = world.adopted().offered.unwrap().failures;
    assert!(failures >= 2, "{failures}");
    world.crash().await;
    let checks = world.issuer.count(Operation::Check);
    world.start();
    world.pass(5).await;
    assert!(
        world.issuer.count(Operation::Check) <= checks + 1,
        "the back-off is forgotten"
    );
    assert!(world.adopted().offered.unwrap().failures >= failures);
    assert_eq!(world.notes("ValueRefused").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_delivered_value_that_dies_at_the_issuer_is_told_once_and_may_come_back() {
    let settings = MemorySettings {
        manual: Some("make keys in the dashboard".to_owned()),
        ..MemorySettings::default()
    };
    let (mut world, id, value) = World::offering(settings).await;
    world.start();
    world.adopt(json!({})).await;
    world.pass(5).await;
    world.issuer.enable_by_hand(&id, false);
    world.pass(11 * MINUTE).await;
    assert_eq!(world.data("token"), Some(value));
    assert_eq!(world.condition("Ready"), "False: TokenDead");
    assert_eq!(world.condition("Stalled"), "True: TokenDead");
    assert_eq!(world.condition("Proven"), "False: TokenDead");
    let said = world.message("Ready");
    assert!(said.contains("make keys in the dashboard"), "{said}");
    world.pass(DAY).await;
    assert_eq!(world.events(), ["Published", "TokenDead"]);
    world.issuer.enable_by_hand(&id, true);
    world.pass(11 * MINUTE).await;
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Stalled"), "False: Idle");
}

#[tokio::test(start_paused = true)]
async fn a_system_that_cannot_be_asked_is_said_to_be_so() {
    let mut settings = MemorySettings::default();
    settings.capabilities.check = false;
    let mut world = World::with(settings).await;
    world.fill("source", "anything").await;
    world.start();
    world.adopt(json!({})).await;
    world.pass(5).await;
    assert_eq!(world.data("token").as_deref(), Some("anything"));
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Proven"), "Unknown: CannotBeChecked");
    let writes = world.writes().len();
    assert_eq!(writes, 4);
    world.pass(DAY).await;
    assert_eq!(world.writes().len(), writes);
    assert_eq!(world.issuer.count(Operation::Check), 0);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_refused_is_said_and_tried_again() {
    let (mut world, _, value) = World::offering(MemorySettings::default()).await;
    world.api.on_request(|seen| {
        let create = seen.who == OPERATOR && seen.is_write() && seen.resource == "secrets";
        let create = create && seen.namespace.as_deref() == Some("team-a") && seen.name.is_none();
        match create {
            true => Refusal::refuse(403, "Forbidden", "exceeded quota: secrets"),
            false => Refusal::Pass,
        }
    });
    world.start();
    world.adopt(json!({})).await;
    world.pass(60).await;
    assert_eq!(world.condition("Ready"), "False: WriteRefused");
    assert_eq!(world.condition("Reconciling"), "True: WriteRefused");
    assert_eq!(world.condition("Stalled"), "False: Idle");
    assert!(
        world.message("Ready").contains("exceeded quota"),
        "{}",
        world.message("Ready")
    );
    let tries = world
        .writes()
        .iter()
        .filter(|write| *write == "create secrets")
        .count();
    assert!((3..=8).contains(&tries), "{tries} tries in a minute");
    assert_eq!(world.issuer.count(Operation::Check), 1, "once is enough");
    world.api.clear_faults();
    world.pass(6 * MINUTE).await;
    assert_eq!(world.data("token"), Some(value));
    assert_eq!(world.condition("Ready"), "True: Ready");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_cannot_be_held_is_used_all_the_same_and_that_is_said() {
    let (mut world, _, value) = World::offering(MemorySettings::default()).await;
    world.api.on_request(|seen| {
        let hold = seen.who == OPERATOR && seen.is_write();
        match hold && seen.name.as_deref() == Some("source") {
            true => Refusal::refuse(403, "Forbidden", "a policy forbids it"),
            false => Refusal::Pass,
        }
    });
    world.start();
    world.adopt(json!({})).await;
    world.pass(60).await;
    assert_eq!(world.data("token"), Some(value));
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Reconciling"), "True: WriteRefused");
    let said = world.message("Reconciling");
    assert!(said.contains("a policy forbids it"), "{said}");
    let tries = world
        .writes()
        .iter()
        .filter(|write| *write == "patch secrets")
        .count();
    assert!((3..=8).contains(&tries), "{tries} tries in a minute");
    world.api.clear_faults();
    world.pass(6 * MINUTE).await;
    assert_eq!(world.condition("Reconciling"), "False: Idle");
}

#[tokio::test(start_paused = true)]
async fn while_suspended_no_other_value_is_taken_up_and_what_is_delivered_is_tended() {
    let (world, value) = delivered(json!({})).await;
    world.change(json!({ "spec": { "suspend": true } })).await;
    let (_, next) = world.by_hand().await;
    world.fill("source", &next).await;
    world.pass(20 * MINUTE).await;
    assert_eq!(world.data("token"), Some(value));
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Accepted"), "False: Suspended");
    world.change(json!({ "spec": { "suspend": false } })).await;
    world.pass(2).await;
    assert_eq!(world.data("token"), Some(next));
}

#[tokio::test(start_paused = true)]
async fn parameters_that_the_system_does_not_know_are_refused_and_nothing_is_asked() {
    let mut settings = MemorySettings::default();
    settings.limits.parameters = Some([].into());
    let (mut world, _, _) = World::offering(settings).await;
    world.start();
    world
        .adopt(json!({ "adopt": { "parameters": { "project_id": "1" } } }))
        .await;
    world.pass(5).await;
    assert_eq!(world.condition("Ready"), "False: InvalidSpec");
    assert!(world.message("Ready").contains("spec.adopt.parameters"));
    assert!(world.secret().is_none());
    assert_eq!(world.issuer.count(Operation::Check), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_late_changes_nothing_that_was_not_asked() {
    let (world, first) = delivered(json!({})).await;
    let (_, second) = world.by_hand().await;
    let (_, third) = world.by_hand().await;
    let delay = std::time::Duration::from_secs(10);
    world.issuer.fault(Operation::Check, Fault::Delay(delay));
    world.fill("source", &second).await;
    world.pass(2).await;
    world.fill("source", &third).await;
    world.pass(2).await;
    assert_eq!(world.data("token"), Some(first));
    world.pass(20).await;
    assert_eq!(world.data("token"), Some(third));
    assert_eq!(world.condition("Ready"), "True: Ready");
}
