//! What an `ApiToken` that adopts says of itself where its wish cannot be carried out, or has no effect.

use serde_json::json;
use tokenwright_api::names::{annotation, finalizer, label};
use tokenwright_client::MemorySettings;
use tokenwright_testbed::memory::{Fault as Refusal, Verb};

use crate::adopt::delivered;
use crate::world::{OPERATOR, World};

const MINUTE: u64 = 60;

/// Which generation `Ready` was said of.
fn ready_of(world: &World) -> Option<i64> {
    let status = world.object()?.status?;
    let mut conditions = status.conditions.into_iter();
    conditions
        .find(|known| known.type_ == "Ready")?
        .observed_generation
}

#[tokio::test(start_paused = true)]
async fn what_nobody_can_bring_into_its_new_form_is_not_said_to_be_ready_in_it() {
    let (world, value) = delivered(json!({})).await;
    world.set_credential("wrong").await;
    world.pass(2 * MINUTE).await;
    let wish = json!({ "spec": { "secret": { "data": { "header": "Bearer $(value.token)" } } } });
    world.change(wish).await;
    world.pass(2 * MINUTE).await;
    assert_eq!(world.data("header"), None);
    assert_eq!(world.condition("Stalled"), "True: CredentialNotFound");
    assert_eq!(
        world.condition("Ready"),
        "True: Ready",
        "it works as it was"
    );
    assert_eq!(ready_of(&world), Some(1));
    world.set_credential("right").await;
    world.pass(2 * MINUTE).await;
    assert_eq!(world.data("header"), Some(format!("Bearer {value}")));
    assert_eq!(world.condition("Stalled"), "False: Idle");
    assert_eq!(ready_of(&world), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_form_of_the_secret_that_the_api_server_refuses_is_told_and_tried_again() {
    let (world, value) = delivered(json!({})).await;
    world.api.on_request(|seen| {
        let write = seen.who == OPERATOR && seen.verb == Verb::Update && seen.resource == "secrets";
        match write {
            true => Refusal::refuse(403, "Forbidden", "a policy forbids it"),
            false => Refusal::Pass,
        }
    });
    let wish = json!({ "spec": { "secret": { "data": { "header": "Bearer $(value.token)" } } } });
    world.change(wish).await;
    world.pass(30 * MINUTE).await;
    assert_eq!(world.condition("Ready"), "False: SecretRefused");
    let told = world.message("Ready");
    for said in ["a policy forbids it", "The value in the Secret still works"] {
        assert!(told.contains(said), "{told}");
    }
    assert_eq!(world.notes("SecretRefused").len(), 1);
    assert_eq!(world.data("token").as_ref(), Some(&value));
    let tries = world.writes();
    let tries = tries.iter().filter(|write| *write == "update secrets");
    assert!((5..=20).contains(&tries.count()), "{:?}", world.writes());
    world.api.clear_faults();
    world.pass(6 * MINUTE).await;
    assert_eq!(world.data("header"), Some(format!("Bearer {value}")));
    assert_eq!(world.condition("Ready"), "True: Ready");
}

#[tokio::test(start_paused = true)]
async fn a_label_of_ours_that_a_webhook_takes_off_an_adopted_secret_is_told() {
    let mut world = World::new().await;
    world.take_off_secrets("labels", label::SECRET);
    let (_, value) = world.by_hand().await;
    world.fill("source", &value).await;
    world.start();
    world.adopt(json!({})).await;
    for _ in 0..3 {
        world.pass(15 * MINUTE).await;
        assert_eq!(world.condition("Ready"), "False: SecretRefused");
        let told = world.message("Ready");
        assert!(told.contains(label::SECRET), "{told}");
        assert_eq!(world.data("token").as_ref(), Some(&value));
    }
    assert_eq!(world.notes("SecretRefused").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_annotation_that_asks_for_what_only_a_person_can_do_is_told_once_and_does_nothing() {
    let settings = MemorySettings {
        manual: Some("make keys in the dashboard".to_owned()),
        ..MemorySettings::default()
    };
    let (mut world, _, value) = World::offering(settings).await;
    world.start();
    world.adopt(json!({})).await;
    world.pass(5).await;
    for (key, text, type_) in [
        (annotation::ROTATE, "now", "Rotating: False"),
        (annotation::REVOKE_PREVIOUS, "1", "RevokeFailed: True"),
    ] {
        let annotate = |text| json!({ "metadata": { "annotations": { key: text } } });
        let (type_, is) = type_.split_once(": ").unwrap();
        assert_eq!(world.condition(type_), "absent");
        world.change(annotate(Some(text))).await;
        world.pass(30 * MINUTE).await;
        assert_eq!(world.condition(type_), format!("{is}: InvalidSpec"));
        let told = world.message(type_);
        for said in [key, "make keys in the dashboard"] {
            assert!(told.contains(said), "{told}");
        }
        let notes = world.notes("InvalidSpec");
        assert_eq!(
            notes.iter().filter(|note| **note == told).count(),
            1,
            "{notes:?}"
        );
        assert_eq!(world.condition("Ready"), "True: Ready");
        assert_eq!(world.condition("Stalled"), "False: Idle");
        world.change(annotate(None)).await;
        world.pass(5).await;
        assert_eq!(world.condition(type_), "absent");
    }
    assert!(world.issuer.accepts(&value));
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_that_somebody_takes_away_is_set_again_though_nothing_else_is_to_be_done() {
    let mut settings = MemorySettings::default();
    settings.capabilities.check = false;
    let mut world = World::with(settings).await;
    world.fill("source", "anything").await;
    world.start();
    world.adopt(json!({})).await;
    world.pass(5).await;
    let nobody = json!({ "metadata": { "finalizers": null } });
    world.change(nobody).await;
    world.pass(MINUTE).await;
    let held = world.object().unwrap().metadata.finalizers;
    assert_eq!(held.unwrap_or_default(), [finalizer::API_TOKEN]);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_waits_for_an_issuer_says_why_nobody_can_ask_it() {
    let (mut world, id, _) = World::offering(MemorySettings::default()).await;
    world.start();
    let named = json!({ "adopt": { "tokenID": id.to_string() } });
    world.adopt(named).await;
    world.pass(5).await;
    world.crash().await;
    world.set_credential("wrong").await;
    world.start();
    world.delete().await;
    world.pass(2 * MINUTE).await;
    assert!(world.object().is_some() && world.secret().is_some());
    assert_eq!(world.condition("Ready"), "False: Deleting");
    assert_eq!(world.condition("Stalled"), "True: CredentialNotFound");
    let told = world.message("Ready");
    assert!(told.contains("the token is wrong"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn an_end_of_the_secret_that_the_api_server_refuses_is_told_once_and_tried_again() {
    for (policy, verb) in [("Revoke", Verb::Delete), ("Retain", Verb::Patch)] {
        let (world, _) = delivered(json!({ "deletion": { "policy": policy } })).await;
        world.api.on_request(move |seen| {
            let ends = seen.who == OPERATOR && seen.verb == verb && seen.resource == "secrets";
            match ends && seen.name.as_deref() == Some("ci-token") {
                true => Refusal::refuse(403, "Forbidden", "a policy forbids it"),
                false => Refusal::Pass,
            }
        });
        let before = world.writes().len();
        world.delete().await;
        world.pass(30 * MINUTE).await;
        assert_eq!(world.condition("Ready"), "False: Deleting", "{policy}");
        assert_eq!(world.condition("Reconciling"), "True: SecretRefused");
        for type_ in ["Ready", "Reconciling"] {
            let told = world.message(type_);
            assert!(told.contains("a policy forbids it"), "{policy}: {told}");
        }
        assert_eq!(world.notes("SecretRefused").len(), 1, "{policy}");
        let tries = world.writes().len() - before;
        assert!((5..=20).contains(&tries), "{policy}: {tries} writes");
        world.api.clear_faults();
        world.pass(6 * MINUTE).await;
        assert!(world.object().is_none(), "{policy}");
    }
}
