//! The Secrets of credentials: who holds them, who gives them back, and what goes with an issuer.

use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;
use tokenwright_api::names::{finalizer, label};
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, Operation};
use tokenwright_testbed::memory::Verb;

use crate::adopt_ends;
use crate::world::{NAMESPACE, World};

/// Whether an issuer holds a Secret.
fn held(world: &World, secret: &str) -> bool {
    let (labels, finalizers) = world.marks(secret);
    let label = labels.iter().any(|name| name == label::CREDENTIAL);
    let finalizer = finalizers.iter().any(|name| name == finalizer::IN_USE);
    assert_eq!(label, finalizer, "{labels:?} {finalizers:?}");
    label
}

async fn another_credential(world: &World, name: &str) {
    let object = json!({ "metadata": { "name": name, "namespace": NAMESPACE }, "stringData": { "token": "corrected" } });
    world.make("v1", "Secret", object).await;
}

#[tokio::test(start_paused = true)]
async fn the_former_secret_of_a_credential_is_given_back() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(10).await;
    assert!(held(&world, "credential"));
    another_credential(&world, "next").await;
    let change = json!({ "spec": { "credential": { "secretRef": { "name": "next" } } } });
    world
        .issuers()
        .patch("issuer", &PatchParams::default(), &Patch::Merge(change))
        .await
        .unwrap();
    world.pass(10).await;
    assert!(held(&world, "next"));
    assert!(!held(&world, "credential"));
    assert_eq!(world.issuer.minted().len(), 1, "nothing was minted for it");
}

#[tokio::test(start_paused = true)]
async fn a_credential_of_two_issuers_stays_until_the_last_of_them_is_done() {
    let mut world = World::new().await;
    world.issuer_as("second", json!({})).await;
    world.start();
    world.ask(json!({})).await;
    let of_second = json!({ "issuerRef": { "name": "second" }, "secret": { "name": "second" } });
    world.ask_as("second", of_second).await;
    world.pass(30).await;
    assert_eq!(world.issuer.live().len(), 2);
    // The vendor is slow in ending what the second one made; everything is deleted at once.
    world.issuer.hook(|request, nth| {
        let slow = request.operation == Operation::Revoke && (2..6).contains(&nth);
        slow.then_some(Fault::Refuse(ErrorKind::Unavailable))
    });
    let all = DeleteParams::default();
    for name in ["ci", "second"] {
        world.tokens().delete(name, &all).await.unwrap();
    }
    for name in ["issuer", "second"] {
        world.issuers().delete(name, &all).await.unwrap();
    }
    world.secrets().delete("credential", &all).await.unwrap();
    world.pass(600).await;
    assert_eq!(world.issuer.live().len(), 0);
    assert!(world.secret_called("credential").is_none());
    assert!(world.issuers().get_opt("issuer").await.unwrap().is_none());
    assert!(world.issuers().get_opt("second").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_minted_with_the_credential_of_an_issuer_that_is_gone() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(10).await;
    world.delete().await;
    world.pass(60).await;
    let all = DeleteParams::default();
    world.issuers().delete("issuer", &all).await.unwrap();
    world.pass(10).await;
    world.secrets().delete("credential", &all).await.unwrap();
    world.ask_as("later", json!({})).await;
    world.pass(120).await;
    assert_eq!(world.issuer.minted().len(), 1);
    // Another tenant's issuer of the same name, before its credential is there.
    world.issuer_as("issuer", json!({})).await;
    world.pass(120).await;
    assert_eq!(world.issuer.minted().len(), 1);
    assert!(
        world
            .issuer_ready("issuer")
            .starts_with("False: CredentialNotFound")
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_minted_is_ended_although_the_credential_of_its_issuer_became_unusable() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(10).await;
    world.set_credential("wrong").await;
    world.pass(10).await;
    assert!(
        world
            .issuer_ready("issuer")
            .starts_with("False: CredentialNotFound")
    );
    world.delete().await;
    world.pass(60).await;
    assert_eq!(world.issuer.live().len(), 0);
    assert!(world.object().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_there_again_is_not_told_as_gone_though_no_issuer_can_be_asked() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(10).await;
    let mut copy = world.secret().unwrap();
    world.set_credential("wrong").await;
    world.pass(10).await;
    let once = DeleteParams::default();
    world.secrets().delete("ci-token", &once).await.unwrap();
    world.pass(120).await;
    let told = world.message("Ready");
    assert!(told.contains("ci-token is gone"), "{told}");
    copy.metadata.resource_version = None;
    copy.metadata.uid = None;
    let create = PostParams::default();
    world.secrets().create(&create, &copy).await.unwrap();
    world.pass(120).await;
    let told = world.message("Ready");
    assert!(!told.contains("gone"), "{told}");
    world.set_credential("right").await;
    world.pass(120).await;
    assert_eq!(world.condition("Ready"), "True: Ready");
    world.the_only_token();
}

#[tokio::test(start_paused = true)]
async fn a_crowd_of_large_secrets_that_somebody_marks_as_credentials_is_neither_read_nor_kept() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(10).await;
    assert!(held(&world, "credential"));
    world.crash().await;
    let large = "x".repeat(700_000);
    for n in 0..30 {
        let object = json!({
            "metadata": {
                "name": format!("marked-{n}"), "namespace": NAMESPACE,
                "labels": { label::CREDENTIAL: label::CREDENTIAL_OF_ISSUER },
            },
            "stringData": { "token": large },
        });
        world.make("v1", "Secret", object).await;
    }
    let lists = |world: &World| {
        let requests = world.api.requests();
        let seen = requests.iter().map(|request| &request.seen);
        seen.filter(|seen| (seen.verb, seen.resource.as_str()) == (Verb::List, "secrets"))
            .count()
    };
    let before = lists(&world);
    world.start();
    world.pass(10).await;
    assert_eq!(lists(&world), before + 1, "more than a page was read");
    let wish = json!({ "spec": { "rotation": { "trigger": "now" } } });
    world.change(wish).await;
    world.pass(10).await;
    assert_eq!(world.revision(), Some(2));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_long_for_a_credential_is_none_and_may_stand_beside_one() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    let long = "x".repeat(100_000);
    let beside = json!({ "stringData": { "beside": long } });
    let change = Patch::Merge(beside);
    let params = PatchParams::default();
    let secrets = world.secrets();
    secrets.patch("credential", &params, &change).await.unwrap();
    world.pass(10).await;
    assert_eq!(world.condition("Ready"), "True: Ready");
    let alone = json!({ "stringData": { "token": long }, "data": { "beside": null } });
    let change = Patch::Merge(alone);
    secrets.patch("credential", &params, &change).await.unwrap();
    world.pass(10).await;
    let told = world.issuer_ready("issuer");
    assert!(told.contains("no usable key \"token\""), "{told}");
    assert!(told.contains("longer than 65536 bytes"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn what_only_a_secret_holds_that_an_issuer_authenticates_with_is_neither_removed_nor_revoked()
{
    for goes in [false, true] {
        let (world, _, value) = adopt_ends::delivered(true, json!({})).await;
        world.fill("source", "a slip of the clipboard").await;
        let keys = json!({ "token": "token" });
        let secret = json!({ "name": "ci-token", "keys": keys });
        let other = json!({ "credential": { "secretRef": secret } });
        world.issuer_as("other", other).await;
        let uses = json!({ "issuerRef": { "name": "other" }, "secret": { "name": "other" } });
        world.ask_as("other", uses).await;
        world.pass(60).await;
        if goes {
            let once = DeleteParams::default();
            world.secrets().delete("ci-token", &once).await.unwrap();
        }
        world.delete().await;
        world.pass(600).await;
        assert!(world.issuer.accepts(&value), "goes: {goes}");
        assert!(world.secret().is_some() && world.object().is_some());
        let told = world.message("Ready");
        assert!(told.contains("the credential of an issuer"), "{told}");
        let once = DeleteParams::default();
        world.tokens().delete("other", &once).await.unwrap();
        world.issuers().delete("other", &once).await.unwrap();
        world.pass(600).await;
        assert!(world.object().is_none() && world.secret().is_none());
        assert!(!world.issuer.accepts(&value));
    }
}
