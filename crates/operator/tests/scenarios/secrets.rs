//! What people do to the Secret that a minted value is delivered to, and whose it is.

use std::collections::BTreeSet;

use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;
use tokenwright_client::Operation;
use tokenwright_client::memory::MintedToken;
use tokenwright_testbed::memory::{Fault, Verb};

use crate::world::{NAMESPACE, OPERATOR, TOKENS, World};

#[tokio::test(start_paused = true)]
async fn a_secret_of_somebody_else_is_left_alone() {
    let mut world = World::new().await;
    world.other_secret(json!({})).await;
    world.start();
    world.ask(json!({})).await;
    world.pass(120).await;
    assert_eq!(world.issuer.count(Operation::Mint), 0);
    assert_eq!(world.condition("Stalled"), "True: DestinationForeign");
    assert_eq!(world.data("mine").as_deref(), Some("precious"));
    world.delete().await;
    world.pass(30).await;
    assert!(world.object().is_none());
    assert_eq!(world.data("mine").as_deref(), Some("precious"));
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_offered_is_taken_over() {
    let mut world = World::new().await;
    world
        .other_secret(json!({ "annotations": { "tokenwright.dev/allow-takeover-by": "ci" } }))
        .await;
    world.start();
    world.ask(json!({})).await;
    world.pass(5).await;
    world.the_only_token();
    assert_eq!(world.condition("Ready"), "True: Ready");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_deleted_is_delivered_again_with_a_new_token() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(5).await;
    let first = world.the_only_token();
    world
        .secrets()
        .delete("ci-token", &Default::default())
        .await
        .unwrap();
    world.pass(5).await;
    assert_eq!(world.revision(), Some(2));
    world.the_secret_works();
    assert_eq!(
        world.issuer.live().len(),
        2,
        "the lost token keeps the normal overlap"
    );
    world.pass(3_700).await;
    assert_ne!(world.the_only_token().token.id, first.token.id);
}

#[tokio::test(start_paused = true)]
async fn metadata_that_is_edited_is_restored_without_a_mint() {
    let mut world = World::new().await;
    world.start();
    world
        .ask(json!({ "secret": { "labels": { "team": "a" } } }))
        .await;
    world.pass(5).await;
    for metadata in [
        json!({ "annotations": { "tokenwright.dev/retiring": null, "tokenwright.dev/revision": "9" } }),
        json!({ "labels": { "team": "b" } }),
        json!({ "annotations": { "tokenwright.dev/manager-uid": null, "tokenwright.dev/current": null } }),
    ] {
        let before = world.secret().unwrap();
        world.edit_secret(json!({ "metadata": metadata })).await;
        world.pass(5).await;
        let after = world.secret().unwrap();
        assert_eq!(after.metadata.annotations, before.metadata.annotations);
        assert_eq!(after.metadata.labels, before.metadata.labels);
    }
    assert_eq!(world.issuer.count(Operation::Mint), 1);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_edited_is_minted_anew_but_never_in_a_loop() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(3_600).await;
    for _ in 0..60 {
        world
            .edit_secret(json!({ "stringData": null, "data": { "token": "Zm9yZ2Vk" } }))
            .await;
        world.pass(60).await;
    }
    let mints = world.issuer.count(Operation::Mint);
    assert!(
        (2..=14).contains(&mints),
        "{mints} mints in an hour of edits"
    );
    world.pass(600).await;
    world.the_secret_works();
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_edited_soon_after_a_rotation_is_repaired_at_once_and_told() {
    let edits = [
        (json!({ "token": "Zm9yZ2Vk" }), "is another one"),
        (
            json!({ "token": null }),
            "Nothing stands there under: token.",
        ),
    ];
    for (data, told) in edits {
        let mut world = World::new().await;
        world.start();
        world.ask(json!({})).await;
        world.pass(600).await;
        world
            .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
            .await;
        world.pass(30).await;
        assert_eq!(world.revision(), Some(2));
        world.edit_secret(json!({ "data": data })).await;
        world.pass(10).await;
        assert_eq!(world.revision(), Some(3));
        world.the_secret_works();
        let notes = world.notes("ValueModified");
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(
            notes[0].contains(told) && notes[0].contains("revision 2"),
            "{notes:?}"
        );
        // Edited again: that is another writer, who is told of with the time at which it goes on.
        world.edit_secret(json!({ "data": data })).await;
        world.pass(60).await;
        assert_eq!(world.condition("Ready"), "False: RepairWaits");
        let message = world.message("Ready");
        assert!(
            message.contains("is not the one that was published"),
            "{message}"
        );
        assert!(
            message.contains("waits until 2026-03-01T01:10:3"),
            "{message}"
        );
        world.pass(3_600).await;
        world.the_secret_works();
    }
}

#[tokio::test(start_paused = true)]
async fn two_secrets_whose_contents_were_exchanged_each_get_a_new_value_of_their_own() {
    let mut world = World::new().await;
    world.start();
    world
        .ask(json!({ "secret": { "keepPrevious": true } }))
        .await;
    let web = json!({ "token": { "name": "web" }, "secret": { "name": "web-token" } });
    world.ask_as("web", web).await;
    world.pass(600).await;
    world.crash().await;
    let both = ["ci-token", "web-token"];
    world.exchange_secrets(both).await;
    world.start();
    world.pass(60).await;
    assert!(world.data("previous.token").is_none(), "it is the other's");
    for (name, secret) in ["ci", "web"].into_iter().zip(both) {
        let kind = TOKENS;
        assert_eq!(world.condition_of(kind, name, "Ready"), "True: Ready");
        let object = world.tokens().get(name).await.unwrap();
        let current = object.status.unwrap().current.unwrap();
        let data = world.secret_called(secret).unwrap().data.unwrap();
        let value = String::from_utf8(data["token"].0.clone()).unwrap();
        assert!(world.issuer.accepts(&value), "{name}");
        let owner = world.issuer.owner_of(&value).unwrap().token.id;
        assert_eq!((current.revision, current.token_id), (2, owner.to_string()));
    }
    let notes = world.notes("ValueModified");
    let names = |other: &str| notes.iter().any(|note| note.contains(other));
    assert!(
        notes.len() == 2 && names("team-a/ci:") && names("team-a/web:"),
        "{notes:?}"
    );
    world.pass(3_700).await;
    assert_eq!(world.issuer.live().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_another_object_delivers_to_is_left_to_it() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(60).await;
    // Its owner gives it to the other one, and does not take the wish of the first away.
    let given = json!({ "metadata": { "annotations": { "tokenwright.dev/manager-uid": null, "tokenwright.dev/manager-name": null, "tokenwright.dev/allow-takeover-by": "web" } }, "data": { "token": "b3RoZXI=" } });
    world.edit_secret(given).await;
    world.pass(10).await;
    world.ask_as("web", json!({})).await;
    world.pass(120).await;
    assert_eq!(world.condition("Stalled"), "True: DestinationForeign");
    let kind = TOKENS;
    assert_eq!(world.condition_of(kind, "web", "Ready"), "True: Ready");
    world.pass(3_600).await;
    assert_eq!(world.issuer.count(Operation::Mint), 2, "one each");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_made_again_takes_over_the_secret_and_names_the_token_that_it_leaves() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(5).await;
    let trigger = json!({ "spec": { "rotation": { "trigger": "now" } } });
    world.change(trigger).await;
    world.pass(60).await;
    let ids = |world: &World| -> BTreeSet<String> {
        let live = world.issuer.live().into_iter();
        live.map(|minted| minted.token.id.to_string()).collect()
    };
    let former = ids(&world);
    assert_eq!(former.len(), 2, "in an overlap");
    // As after a restore: the object is gone without any of its finalizers' work, and comes again.
    world.crash().await;
    assert!(world.api.erase(TOKENS, NAMESPACE, "ci"));
    world.start();
    world.ask(json!({})).await;
    world.pass(5).await;
    world.the_secret_works();
    assert_eq!(ids(&world).len(), 3, "the old ones are not ours to revoke");
    let notes = world.notes("LeftBehind");
    let named = |id: &String| notes[0].contains(id.as_str());
    assert!(notes.len() == 1 && former.iter().all(named), "{notes:?}");
    world.delete().await;
    world.pass(60).await;
    assert_eq!(ids(&world), former);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_another_controller_would_act_upon_is_never_made() {
    let mut world = World::new().await;
    world.start();
    let cluster = json!({ "labels": { "argocd.argoproj.io/secret-type": "cluster" } });
    world
        .ask(json!({ "secret": { "labels": cluster["labels"] } }))
        .await;
    world.pass(120).await;
    assert_eq!(world.condition("Stalled"), "True: InvalidSpec");
    let message = world.message("Stalled");
    assert!(message.contains("spec.secret.labels"), "{message}");
    assert!(world.secret().is_none());
    assert_eq!(world.issuer.count(Operation::Mint), 0);
    // It is mended like any other fault of a specification.
    let none = json!({ "spec": { "secret": { "labels": null } } });
    world.change(none).await;
    world.pass(5).await;
    world.the_only_token();
}

#[tokio::test(start_paused = true)]
async fn the_token_of_a_service_account_is_neither_read_nor_held() {
    let mut world = World::new().await;
    let theirs = json!({
        "metadata": {
            "name": "account", "namespace": NAMESPACE,
            "annotations": { "kubernetes.io/service-account.name": "default" },
        },
        "type": "kubernetes.io/service-account-token", "data": { "token": "cmlnaHQ=" },
    });
    let theirs = serde_json::from_value(theirs).unwrap();
    world
        .secrets()
        .create(&PostParams::default(), &theirs)
        .await
        .unwrap();
    let named = json!({ "spec": { "credential": { "secretRef": { "name": "account" } } } });
    world
        .issuers()
        .patch("issuer", &PatchParams::default(), &Patch::Merge(named))
        .await
        .unwrap();
    world.start();
    world.ask(json!({})).await;
    world.pass(120).await;
    assert_eq!(world.issuer.count(Operation::Mint), 0);
    let message = world.message("Stalled");
    assert!(message.contains("service-account-token"), "{message}");
    let after = world.secrets().get("account").await.unwrap();
    assert_eq!(
        (after.metadata.labels, after.metadata.finalizers),
        (None, None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_of_the_secret_that_is_refused_is_told_and_tried_again() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(5).await;
    world.the_only_token();
    world.api.on_request(|seen| {
        let write = seen.who == OPERATOR && seen.resource == "secrets" && seen.is_write();
        match write {
            true => Fault::refuse(403, "Forbidden", "a quota is used up"),
            false => Fault::Pass,
        }
    });
    let labels = json!({ "spec": { "secret": { "labels": { "team": "a" } } } });
    world.change(labels).await;
    world.pass(6).await;
    assert_eq!(world.condition("Ready"), "False: SecretRefused");
    assert!(world.message("Ready").contains("a quota is used up"));
    let told = world.events();
    let told = told.iter().filter(|event| *event == "SecretRefused");
    assert_eq!(told.count(), 1);
    world.api.clear_faults();
    world.pass(120).await;
    let labels = world.secret().unwrap().metadata.labels.unwrap();
    assert_eq!(labels.get("team").map(String::as_str), Some("a"));
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.issuer.count(Operation::Mint), 1);
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_that_somebody_takes_away_stands_again_at_once() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(3_600).await;
    let none = json!({ "metadata": { "finalizers": null } });
    world.change(none).await;
    world.pass(2).await;
    let finalizers = world.object().unwrap().metadata.finalizers;
    assert_eq!(finalizers.unwrap(), ["tokenwright.dev/revoke"]);
    world.delete().await;
    world.pass(60).await;
    assert!(world.issuer.live().is_empty());
}

/// Two revisions, the first in its overlap of ten minutes; then the object is deleted.
async fn rotated_then_deleted(world: &World) -> MintedToken {
    world.ask(json!({ "rotation": { "overlap": "10m" } })).await;
    world.pass(10).await;
    let trigger = json!({ "spec": { "rotation": { "trigger": "now" } } });
    world.change(trigger).await;
    world.pass(10).await;
    assert_eq!(world.issuer.live().len(), 2);
    let current = world
        .data("token")
        .and_then(|value| world.issuer.owner_of(&value));
    world.delete().await;
    current.expect("the Secret holds the newer one")
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_may_not_be_deleted_keeps_what_it_names_and_nothing_else_alive() {
    let mut world = World::new().await;
    world.start();
    world.api.on_request(|seen| {
        let delete =
            seen.who == OPERATOR && seen.resource == "secrets" && seen.verb == Verb::Delete;
        match delete {
            true => Fault::refuse(403, "Forbidden", "the policy of acme forbids it"),
            false => Fault::Pass,
        }
    });
    let current = rotated_then_deleted(&world).await;
    world.pass(120).await;
    // What the Secret names keeps its overlap.
    assert_eq!(world.issuer.live().len(), 2);
    world.pass(600).await;
    world.the_secret_works();
    let live: Vec<_> = world
        .issuer
        .live()
        .into_iter()
        .map(|t| t.token.id)
        .collect();
    assert_eq!(live, [current.token.id]);
    assert_eq!(world.condition("Ready"), "False: Deleting");
    let message = world.message("Ready");
    assert!(
        message.contains("the policy of acme forbids it"),
        "{message}"
    );
    assert!(message.contains("Tried again at"), "{message}");
    world.pass(3_600).await;
    let told = world.events();
    let told = told.iter().filter(|event| *event == "SecretRefused");
    assert_eq!(told.count(), 1);
    let asked = world.writes();
    let asked = asked.iter().filter(|write| *write == "delete secrets");
    assert!(asked.count() < 30);
    // Nor does another process tell it again.
    world.crash().await;
    world.start();
    world.pass(600).await;
    let told = world.events();
    let told = told.iter().filter(|event| *event == "SecretRefused");
    assert_eq!(told.count(), 1);
    world.api.clear_faults();
    world.pass(400).await;
    assert_eq!((world.object(), world.secret()), (None, None));
    assert!(world.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_somebody_elses_finalizer_keeps_is_told_of_in_a_deletion() {
    let mut world = World::new().await;
    world.start();
    let kept = json!({ "metadata": { "finalizers": ["acme.example/keep"] } });
    world.ask(json!({})).await;
    world.pass(5).await;
    world.edit_secret(kept).await;
    world.delete().await;
    world.pass(120).await;
    let message = world.message("Ready");
    assert!(message.contains("acme.example/keep"), "{message}");
    assert_eq!(
        world.events().last().map(String::as_str),
        Some("SecretRefused")
    );
    world
        .edit_secret(json!({ "metadata": { "finalizers": null } }))
        .await;
    world.pass(400).await;
    assert_eq!((world.object(), world.secret()), (None, None));
    assert!(world.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_edited_again_soon_after_its_repair_tells_when_it_is_replaced_and_how_sooner()
 {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(10).await;
    for _ in 0..2 {
        let edit = json!({ "data": { "token": "bWluZQ==" } });
        world.edit_secret(edit).await;
        world.pass(30).await;
    }
    assert_eq!(world.condition("Ready"), "False: RepairWaits");
    let message = world.message("Ready");
    assert!(message.contains("waits until 2026-"), "{message}");
    let sooner = json!({ "metadata": { "annotations": { "tokenwright.dev/rotate": "1" } } });
    world.change(sooner).await;
    world.pass(30).await;
    world.the_secret_works();
    assert_eq!(world.condition("Ready"), "True: Ready");
}
