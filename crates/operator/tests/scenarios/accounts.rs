//! A credential that is exchanged where the issuer does not say whose it is: for another one of the
//! account, or for one of another account, which must neither get tokens nor end what it does not show.

use serde_json::{Value, json};
use tokenwright_api::names::annotation;

use crate::world::World;

/// An operator at work, whose issuer does not say whose a credential is, with a token and one that retires.
async fn rotated() -> World {
    let mut world = World::without_identity().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    rotate(&world, "first").await;
    world.pass(30).await;
    assert_eq!(world.issuer.live().len(), 2);
    world
}

async fn rotate(world: &World, trigger: &str) {
    let change = json!({ "spec": { "rotation": { "trigger": trigger } } });
    world.change(change).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_minted_in_another_account_and_nothing_is_concluded_from_what_it_does_not_show()
{
    let world = rotated().await;
    world.set_credential("elsewhere").await;
    rotate(&world, "second").await;
    // The overlap of the first one ends meanwhile.
    world.pass(2 * 3600).await;
    assert_eq!(world.elsewhere.minted().len(), 0);
    assert_eq!(world.issuer.live().len(), 2);
    let status = world.object().unwrap().status.unwrap();
    assert_eq!(
        (status.current.unwrap().revision, status.retiring.len()),
        (2, 1)
    );
    assert!(status.past.is_empty(), "{:?}", status.past);
    assert_eq!(world.condition("Stalled"), "True: AccountUnknown");
    assert_eq!(world.condition("Ready"), "True: Ready");
    // Another credential of the right account is recognised by what it shows.
    world.set_credential("corrected").await;
    world.pass(60).await;
    assert_eq!(world.revision(), Some(3));
    assert_eq!(world.condition("Stalled"), "False: Idle");
    world.pass(2 * 3600).await;
    world.the_only_token();
}

#[tokio::test(start_paused = true)]
async fn a_deletion_ends_with_another_credential_of_the_account_than_the_tokens_were_minted_with() {
    let world = rotated().await;
    world.set_credential("corrected").await;
    world.pass(30).await;
    world.delete().await;
    world.pass(120).await;
    assert!(world.object().is_none(), "{}", world.message("Ready"));
    assert!(world.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_record_from_before_there_were_digests_of_credentials_mints_nothing_and_goes_on() {
    let mut world = rotated().await;
    world.crash().await;
    let without = |text: &str| -> String {
        let mut said: Value = serde_json::from_str(text).unwrap();
        let all = match &mut said {
            Value::Array(all) => all.iter_mut().collect(),
            one => vec![one],
        };
        for one in all {
            one["token"].as_object_mut().unwrap().remove("identity");
        }
        said.to_string()
    };
    let says = |key| without(&world.annotation(key).unwrap());
    let annotations = json!({
        annotation::CURRENT: says(annotation::CURRENT),
        annotation::RETIRING: says(annotation::RETIRING),
    });
    let status = world.object().unwrap().status.unwrap();
    let mut retiring = serde_json::to_value(&status.retiring).unwrap();
    retiring[0].as_object_mut().unwrap().remove("identity");
    world
        .edit_secret(json!({ "metadata": { "annotations": annotations } }))
        .await;
    let change = json!({ "status": { "current": { "identity": null }, "retiring": retiring } });
    world.forge_status(change).await;
    world.start();
    world.pass(600).await;
    assert_eq!(world.issuer.minted().len(), 2);
    assert_eq!(world.condition("Stalled"), "False: Idle");
    world.pass(2 * 3600).await;
    world.the_only_token();
}
