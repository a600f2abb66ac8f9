//! What people do to the Secret that an adopted value is delivered to, and whose it is.

use serde_json::json;
use tokenwright_api::names::{annotation, label};
use tokenwright_client::{MemorySettings, Operation};

use crate::adopt::delivered;
use crate::world::{TOKENS, World};

const MINUTE: u64 = 60;

#[tokio::test(start_paused = true)]
async fn a_delivered_secret_that_is_deleted_or_edited_is_restored_from_the_source() {
    let (world, value) = delivered(json!({})).await;
    world
        .secrets()
        .delete("ci-token", &Default::default())
        .await
        .unwrap();
    world.pass(2).await;
    assert_eq!(world.data("token").as_ref(), Some(&value));
    assert_eq!(world.adopted().revision, Some(1), "it is the same value");

    world
        .edit_secret(json!({ "stringData": { "token": "edited" } }))
        .await;
    world.pass(2).await;
    assert_eq!(world.data("token").as_ref(), Some(&value));
    // Another writer is not fought with.
    let restored = |world: &World| {
        let writes = world.writes().into_iter();
        writes.filter(|write| write == "update secrets").count()
    };
    let writes = restored(&world);
    for n in 0..10 {
        world
            .edit_secret(json!({ "stringData": { "token": format!("edited {n}") } }))
            .await;
        world.pass(5).await;
    }
    assert!(restored(&world) <= writes + 5, "{:?}", world.writes());
    assert_eq!(world.condition("Ready"), "False: ValueModified");
    assert_eq!(world.condition("Reconciling"), "True: ValueModified");
    world.pass(6 * MINUTE).await;
    assert_eq!(world.data("token"), Some(value));
    assert_eq!(world.condition("Ready"), "True: Ready");
}

#[tokio::test(start_paused = true)]
async fn metadata_and_rendered_keys_are_restored_without_asking_the_issuer() {
    let (world, value) = delivered(json!({})).await;
    let checks = world.issuer.count(Operation::Check);
    let nothing = json!({ annotation::MANAGER_UID: null, annotation::REVISION: null });
    world
        .edit_secret(
            json!({ "metadata": { "labels": { label::SECRET: null }, "annotations": nothing } }),
        )
        .await;
    world.pass(2).await;
    assert_eq!(world.annotation(annotation::REVISION).unwrap(), "1");
    let labels = world.secret().unwrap().metadata.labels.unwrap();
    assert_eq!(labels[label::SECRET], label::SECRET_TOKEN);

    let template = json!({ "spec": { "secret": { "data": { "header": "Bearer $(value.token)" }, "labels": { "team": "a" } } } });
    world.change(template).await;
    world.pass(2).await;
    assert_eq!(world.data("header"), Some(format!("Bearer {value}")));
    assert_eq!(world.issuer.count(Operation::Check), checks);

    world
        .change(json!({ "spec": { "secret": { "data": { "header": "$(id)" } } } }))
        .await;
    world.pass(2).await;
    assert_eq!(world.condition("Ready"), "False: InvalidSpec");
    assert_eq!(world.condition("Stalled"), "True: InvalidSpec");
    assert!(
        world
            .message("Ready")
            .contains("uses id, which is not known here"),
        "{}",
        world.message("Ready")
    );
    assert_eq!(world.data("header"), Some(format!("Bearer {value}")));
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_somebody_else_is_left_alone_until_they_offer_it() {
    let (mut world, _, value) = World::offering(MemorySettings::default()).await;
    world.other_secret(json!({})).await;
    world.start();
    world.adopt(json!({})).await;
    world.pass(5).await;
    assert_eq!(world.data("mine").as_deref(), Some("precious"));
    assert_eq!(world.condition("Ready"), "False: DestinationForeign");
    assert_eq!(world.condition("Stalled"), "True: DestinationForeign");
    world
        .edit_secret(
            json!({ "metadata": { "annotations": { annotation::ALLOW_TAKEOVER_BY: "ci" } } }),
        )
        .await;
    world.pass(2 * MINUTE).await;
    assert_eq!(world.data("token"), Some(value));
    assert_eq!(world.condition("Ready"), "True: Ready");
}

#[tokio::test(start_paused = true)]
async fn two_that_want_one_secret_do_not_fight_for_it() {
    let (world, value) = delivered(json!({})).await;
    world.adopt_as("other", json!({})).await;
    world.pass(MINUTE).await;
    let secrets = world.secrets();
    secrets
        .delete("ci-token", &Default::default())
        .await
        .unwrap();
    world.pass(5).await;
    let writes = world.writes().len();
    world.pass(20 * MINUTE).await;
    assert_eq!(world.writes().len(), writes, "{:?}", world.writes());
    assert_eq!(world.data("token"), Some(value));
    let ready = world.tokens().list(&Default::default()).await.unwrap();
    let ready = ready.items.into_iter().filter_map(|token| token.status);
    let ready = ready.filter(|status| {
        let mut conditions = status.conditions.iter();
        conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
    });
    assert_eq!(ready.count(), 1, "one Secret has one manager");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_names_another_manager_is_theirs_whatever_it_holds() {
    let (world, _) = delivered(json!({})).await;
    let theirs = json!({ annotation::MANAGER_NAME: "other", annotation::MANAGER_UID: "another" });
    world
        .edit_secret(json!({ "metadata": { "annotations": theirs } }))
        .await;
    world.change(json!({ "spec": { "suspend": true } })).await;
    world.pass(5 * MINUTE).await;
    assert_eq!(
        world.annotation(annotation::MANAGER_UID).unwrap(),
        "another"
    );
    assert_eq!(world.condition("Ready"), "False: DestinationForeign");
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_takes_our_label_off_the_secret_is_told_and_its_loss_is_noticed_all_the_same()
 {
    let (world, value) = delivered(json!({})).await;
    world.take_off_secrets("labels", label::SECRET);
    let template = json!({ "spec": { "secret": { "labels": { "team": "a" } } } });
    world.change(template).await;
    world.pass(MINUTE).await;
    assert_eq!(world.condition("Ready"), "False: SecretRefused");
    assert_eq!(world.condition("Reconciling"), "True: SecretRefused");
    let told = world.message("Ready");
    let words = ["webhook", label::SECRET, "still works"];
    assert!(words.iter().all(|word| told.contains(word)), "{told}");
    world
        .secrets()
        .delete("ci-token", &Default::default())
        .await
        .unwrap();
    world.pass(6 * MINUTE).await;
    assert_eq!(world.data("token"), Some(value));
    assert_eq!(world.notes("Published").len(), 2, "it was delivered twice");
    world.api.clear_faults();
    world.pass(6 * MINUTE).await;
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Reconciling"), "False: Idle");
}

#[tokio::test(start_paused = true)]
async fn two_adopted_secrets_whose_contents_were_exchanged_get_their_own_values_again() {
    let (mut world, first) = delivered(json!({ "secret": { "keepPrevious": true } })).await;
    let (_, second) = world.by_hand().await;
    world.fill("elsewhere", &second).await;
    let source = json!({ "valueFrom": { "secretRef": { "name": "elsewhere" } } });
    let web = json!({ "adopt": source, "secret": { "name": "web-token" } });
    world.adopt_as("web", web).await;
    world.pass(5).await;
    world.crash().await;
    let both = ["ci-token", "web-token"];
    world.exchange_secrets(both).await;
    world.start();
    world.pass(60).await;
    for (secret, value) in both.into_iter().zip([first, second]) {
        let data = world.secret_called(secret).unwrap().data.unwrap();
        assert_eq!(data["token"].0, value.as_bytes(), "{secret}");
    }
    assert_eq!(world.data("previous.token"), None, "it is the other's");
    for name in ["ci", "web"] {
        assert_eq!(world.condition_of(TOKENS, name, "Ready"), "True: Ready");
    }
    let notes = world.notes("ValueModified");
    let names = |other: &str| notes.iter().any(|note| note.contains(other));
    assert!(
        notes.len() == 2 && names("team-a/ci:") && names("team-a/web:"),
        "{notes:?}"
    );
}
