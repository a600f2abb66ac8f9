//! Texts of `spec.secret.data` that cannot be rendered as long as a value lacks a part.

use serde_json::{Value, json};
use tokenwright_client::Operation;

use crate::world::World;

fn with_password() -> Value {
    json!({ "data": { "login": "user:$(value.password)" } })
}

#[tokio::test(start_paused = true)]
async fn a_text_that_a_corrected_profile_makes_possible_is_delivered_without_an_edit() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({ "secret": with_password() })).await;
    world.pass(120).await;
    assert_eq!(world.condition("Stalled"), "True: InvalidSpec");
    assert_eq!(world.issuer.count(Operation::Mint), 0);
    world.set_credential("of two parts").await;
    world.pass(120).await;
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert!(world.data("login").unwrap().starts_with("user:"));
}

#[tokio::test(start_paused = true)]
async fn a_text_that_only_the_next_value_can_have_comes_with_it_and_holds_up_no_rotation() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(60).await;
    let wanted = json!({ "spec": { "secret": with_password() } });
    world.change(wanted).await;
    world.pass(60).await;
    assert_eq!(world.condition("Stalled"), "True: InvalidSpec");
    world.set_credential("of two parts").await;
    world.pass(3_600).await;
    assert_eq!(world.condition("Stalled"), "False: Idle");
    assert_eq!(world.condition("Ready"), "False: InvalidSpec");
    let told = world.message("Ready");
    assert!(told.contains("spec.rotation.trigger"), "{told}");
    assert_eq!(world.data("login"), None);
    world.the_only_token();
    let trigger = json!({ "spec": { "rotation": { "trigger": "now" } } });
    world.change(trigger).await;
    world.pass(120).await;
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert!(world.data("login").unwrap().starts_with("user:"));
    assert_eq!(world.revision(), Some(2));
}
