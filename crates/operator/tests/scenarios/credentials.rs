//! The Secrets of credentials: who holds them, who gives them back, and what goes with an issuer.

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;
use tokenwright_api::names::{finalizer, label};
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, Operation};

use crate::world::World;

/// Whether an issuer holds a Secret.
fn held(world: &World, secret: &str) -> bool {
    let (labels, finalizers) = world.marks(secret);
    let label = labels.iter().any(|name| name == label::CREDENTIAL);
    let finalizer = finalizers.iter().any(|name| name == finalizer::IN_USE);
    assert_eq!(label, finalizer, "{labels:?} {finalizers:?}");
    label
}

async fn another_credential(world: &World, name: &str) {
    let object = json!({ "metadata": { "name": name, "namespace": crate::world::NAMESPACE }, "stringData": { "token": "corrected" } });
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
