//! What a watch may bring: objects that cannot be read, and gaps in the history.

use std::time::Duration;

use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use tokenwright_testbed::memory::{Fault, Verb};

use tokenwright_client::MemorySettings;

use crate::world::{NAMESPACE, OPERATOR, TOKENS, World};

const ISSUERS: &str = "tokenissuers.tokenwright.dev";

/// A value that no version before the one that wrote it knows.
fn newer() -> Value {
    json!({ "spec": { "state": "Paused", "secret": { "name": "newer" } } })
}

/// Changes an object whether or not this version understands it.
async fn patch(world: &World, kind: &str, name: &str, change: Value) {
    let kind = GroupVersionKind::gvk("tokenwright.dev", "v1alpha1", kind);
    let resource = ApiResource::from_gvk(&kind);
    let api: Api<DynamicObject> = Api::namespaced_with(world.user.clone(), NAMESPACE, &resource);
    api.patch(name, &PatchParams::default(), &Patch::Merge(change))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_read_is_told_and_stops_nobody_else() {
    let mut world = World::new().await;
    for malformed in [
        newer(),
        json!({ "spec": { "token": "not-an-object" } }),
        json!({ "spec": { "secret": { "labels": ["a"] } } }),
        json!({ "spec": { "rotation": { "every": ["1d"] } } }),
    ] {
        let count = world.api.snapshots(TOKENS).len();
        world.make_token(&format!("bad-{count}"), malformed).await;
    }
    world.ask(json!({})).await;
    world.start();
    world.pass(60).await;
    world.the_only_token();
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert!(world.health.is_ready());
    for bad in ["bad-0", "bad-1", "bad-2", "bad-3"] {
        let said = |type_| world.condition_of(TOKENS, bad, type_);
        assert_eq!(said("Ready"), "False: Unreadable", "{bad}");
        assert_eq!(said("Stalled"), "True: Unreadable", "{bad}");
    }
    // It is told once, however often it is listed.
    let tokens_written = || {
        let writes = world.api.writes(OPERATOR).into_iter();
        writes.filter(|write| write.seen.resource == TOKENS).count()
    };
    let writes = tokens_written();
    world.api.compact();
    world.api.cut_watches(OPERATOR);
    world.pass(300).await;
    assert_eq!(tokens_written(), writes);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_can_be_read_again_is_served() {
    let mut world = World::new().await;
    world.make_token("ci", newer()).await;
    world.start();
    world.pass(60).await;
    assert!(world.issuer.live().is_empty());
    let change = json!({ "spec": { "state": "Enabled", "secret": { "name": "ci-token" } } });
    patch(&world, "ApiToken", "ci", change).await;
    world.pass(60).await;
    world.the_only_token();
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Stalled"), "False: Idle");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_read_any_more_keeps_its_token_and_its_issuer() {
    let mut world = World::new().await;
    world.ask(json!({})).await;
    world.start();
    world.pass(60).await;
    world.the_only_token();
    patch(
        &world,
        "ApiToken",
        "ci",
        json!({ "spec": { "state": "Paused" } }),
    )
    .await;
    world.pass(60).await;
    assert_eq!(
        world.condition_of(TOKENS, "ci", "Ready"),
        "False: Unreadable"
    );
    // Nobody can tell what it needs, after a restart neither.
    world.crash().await;
    world.start();
    let issuers = world.issuers();
    issuers
        .delete("issuer", &kube::api::DeleteParams::default())
        .await
        .unwrap();
    world.pass(600).await;
    let issuer = world.issuers().get("issuer").await.unwrap();
    assert!(!issuer.finalizers().is_empty());
    world.the_only_token();
    patch(
        &world,
        "ApiToken",
        "ci",
        json!({ "spec": { "state": "Enabled" } }),
    )
    .await;
    world.delete().await;
    world.pass(600).await;
    assert!(world.object().is_none());
    assert!(world.issuers().get_opt("issuer").await.unwrap().is_none());
    assert!(world.issuer.live().is_empty());
}

/// Another tenant with a value that a person made, and whose Secrets are read at each look.
async fn neighbour(world: &World) {
    let neighbour = json!({ "metadata": { "name": NEIGHBOUR } });
    world.make("v1", "Namespace", neighbour).await;
    let (_, value) = world.by_hand().await;
    for (name, key, text) in [
        ("credential", "token", "right"),
        ("source", "PASTED", value.as_str()),
    ] {
        let metadata = json!({ "name": name, "namespace": NEIGHBOUR });
        let secret = json!({ "metadata": metadata, "stringData": { key: text } });
        world.make("v1", "Secret", secret).await;
    }
    let metadata = json!({ "name": "ci", "namespace": NEIGHBOUR });
    let credential = json!({ "secretRef": { "name": "credential" } });
    let spec = json!({ "profile": "memory", "credential": credential });
    let issuer = json!({ "metadata": metadata, "spec": spec });
    let version = "tokenwright.dev/v1alpha1";
    world.make(version, "TokenIssuer", issuer).await;
    let adopt = json!({ "valueFrom": { "secretRef": { "name": "source" } } });
    let secret = json!({ "name": "ci-token" });
    let spec = json!({ "issuerRef": { "name": "ci" }, "adopt": adopt, "secret": secret });
    let token = json!({ "metadata": metadata, "spec": spec });
    world.make(version, "ApiToken", token).await;
}

const NEIGHBOUR: &str = "team-b";

#[tokio::test(start_paused = true)]
async fn an_object_that_can_be_read_again_and_again_has_nobody_elsewhere_looked_at() {
    let mut world = World::new().await;
    neighbour(&world).await;
    world.ask(json!({})).await;
    world
        .make_token(
            "mended",
            json!({ "spec": { "secret": { "name": "mended" } } }),
        )
        .await;
    let spec =
        json!({ "profile": "memory", "credential": { "secretRef": { "name": "credential" } } });
    world.issuer_as("mended", spec).await;
    world.start_everywhere();
    world.pass(60).await;
    let ready = world.shown_of("apitokens", NEIGHBOUR, "ci", "Ready");
    assert!(ready.starts_with("True: "), "{ready}");
    let before = world.api.requests().len();
    for _ in 0..20 {
        for (state, timeout) in [(json!("Paused"), json!(30)), (json!(null), json!(null))] {
            let change = json!({ "spec": { "state": state } });
            patch(&world, "ApiToken", "mended", change).await;
            let change = json!({ "spec": { "requestTimeout": timeout } });
            patch(&world, "TokenIssuer", "mended", change).await;
            world.pass(2).await;
        }
    }
    let asked = world.api.requests().into_iter().skip(before);
    let elsewhere = asked.filter(|record| {
        let seen = &record.seen;
        let neighbours = seen.namespace.as_deref() == Some(NEIGHBOUR);
        seen.who == OPERATOR && seen.resource == "secrets" && neighbours
    });
    assert_eq!(elsewhere.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_for_an_object_that_cannot_be_read_goes_with_it() {
    let mut world = World::new().await;
    world.make_token("ci", newer()).await;
    let spec = json!({ "requestTimeout": 30 });
    let (_, value) = world.by_hand().await;
    world.fill("source", &value).await;
    let source = json!({ "adopt": { "valueFrom": { "secretRef": { "name": "source" } } }, "secret": { "name": "adopted" } });
    world.adopt_as("adopted", source).await;
    world.issuer_as("newer", spec).await;
    let named = json!({ "issuerRef": { "name": "newer" }, "secret": { "name": "other" } });
    world.ask_as("named", named).await;
    world.start();
    world.pass(60).await;
    let once = kube::api::DeleteParams::default();
    world.tokens().delete("adopted", &once).await.unwrap();
    world.issuers().delete("issuer", &once).await.unwrap();
    world.pass(60).await;
    let held = |name: &str| {
        let secret = world.secret_called(name).unwrap();
        !secret.finalizers().is_empty()
    };
    assert!(held("source") && held("credential"));
    assert!(world.issuers().get_opt("issuer").await.unwrap().is_some());
    assert!(world.api.erase(TOKENS, NAMESPACE, "ci"));
    world.pass(5).await;
    assert!(!held("source"));
    assert!(world.issuers().get_opt("issuer").await.unwrap().is_none());
    assert!(held("credential"), "the other issuer may need it");
    assert!(world.api.erase(ISSUERS, NAMESPACE, "newer"));
    world.pass(5).await;
    assert!(!held("credential"));
    let told = world.shown_of("apitokens", NAMESPACE, "named", "Ready");
    assert!(told.contains("There is no"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_status_that_cannot_be_read_is_told_and_nothing_is_done_by_it() {
    let mut world = World::new().await;
    world.ask(json!({})).await;
    world.start();
    world.pass(60).await;
    world
        .forge_status(json!({ "status": { "current": { "marker": "no marker" } } }))
        .await;
    world.pass(60).await;
    assert_eq!(world.condition("Ready"), "False: Unreadable");
    assert_eq!(world.condition("Stalled"), "True: Unreadable");
    assert!(
        world
            .message("Ready")
            .contains("status.current.marker cannot be read")
    );
    world.the_only_token();
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_cannot_be_read_is_told_to_those_who_name_it_and_others_go_on() {
    let mut world = World::new().await;
    let spec = json!({ "profile": "memory", "requestTimeout": 30 });
    let newer = json!({ "metadata": { "name": "newer", "namespace": NAMESPACE }, "spec": spec });
    world
        .make("tokenwright.dev/v1alpha1", "TokenIssuer", newer)
        .await;
    let changes = json!({ "issuerRef": { "name": "newer" }, "secret": { "name": "other" } });
    world.ask_as("unlucky", changes).await;
    world.ask(json!({})).await;
    world.start();
    world.pass(60).await;
    world.the_only_token();
    let said = |type_| world.condition_of(ISSUERS, "newer", type_);
    assert_eq!(said("Stalled"), "True: Unreadable");
    let said = |type_| world.condition_of(TOKENS, "unlucky", type_);
    assert_eq!(said("Ready"), "False: IssuerNotReady");
    assert_eq!(said("Stalled"), "True: IssuerNotReady");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_deleted_while_nobody_watches_is_restored() {
    let mut world = World::new().await;
    world.ask(json!({})).await;
    world.start();
    world.pass(60).await;
    world.the_only_token();
    // Deleted while the watch of Secrets alone is behind the history.
    world.api.on_request(|seen| match seen.verb {
        Verb::Watch if seen.resource == "secrets" => {
            Fault::refuse(410, "Expired", "too old resource version")
        }
        _ => Fault::Pass,
    });
    world.api.cut_watches(OPERATOR);
    world
        .secrets()
        .delete("ci-token", &kube::api::DeleteParams::default())
        .await
        .unwrap();
    world.pass(10).await;
    world.api.clear_faults();
    world.pass(120).await;
    world.the_secret_works();
    assert_eq!(world.revision(), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_source_whose_adopter_goes_while_nobody_watches_is_given_back() {
    let (mut world, _, _) = World::offering(MemorySettings::default()).await;
    world.adopt(json!({})).await;
    world.start();
    world.pass(60).await;
    let held = |world: &World| {
        !world
            .secret_called("source")
            .unwrap()
            .finalizers()
            .is_empty()
    };
    assert!(held(&world));
    world.api.cut_watches(OPERATOR);
    assert!(world.api.erase(TOKENS, NAMESPACE, "ci"));
    world.api.compact();
    world.pass(60).await;
    assert!(!held(&world));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_edited_while_nobody_can_watch_is_rotated_all_the_same() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(60).await;
    world.the_only_token();
    world.api.on_request(|seen| match seen.verb {
        Verb::Watch if seen.resource == TOKENS => {
            Fault::refuse(500, "InternalError", "no watch can be begun")
        }
        _ => Fault::Pass,
    });
    world.api.cut_watches(OPERATOR);
    world.pass(60).await;
    let edited = json!({ "metadata": { "labels": { "team": "a" } } });
    world.change(edited).await;
    for _ in 0..40 {
        world.pass(86_400).await;
        world.the_secret_works();
    }
    assert_eq!(world.revision(), Some(3));
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_is_told_to_end_before_its_first_lists_are_in_ends_at_once() {
    for missing in ["", ISSUERS, "tokenprofiles.tokenwright.dev"] {
        let mut world = World::new().await;
        world.api.on_request(move |seen| {
            let lists = seen.who == OPERATOR && matches!(seen.verb, Verb::List | Verb::Watch);
            match lists && seen.resource.contains(missing) {
                true => Fault::refuse(503, "ServiceUnavailable", "not yet"),
                false => Fault::Pass,
            }
        });
        world.start_everywhere();
        world.pass(60).await;
        let ended = world.shut_down();
        tokio::time::timeout(Duration::from_secs(2), ended)
            .await
            .unwrap_or_else(|_| panic!("it waits for {missing:?}"))
            .unwrap();
    }
}
