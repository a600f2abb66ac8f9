//! A resource that gets another address, or is forgotten and found: its token does not notice, nor do those who
//! hold its value.

use serde_json::json;
use tokenwright_sandbox::ledger::What;

use super::{ADDRESS, Script, apply, consumed, held, rests, trigger};
use crate::support::CI;

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_resource_keeps_its_token_by_command_and_by_block() {
    let world = Script::new(86_400.0, &consumed(CI)).await;
    apply(&world).await;
    let before = world.state().await;
    // A consumer that was made anew would fail.
    std::fs::write(world.path("broken"), "").unwrap();
    let text = std::fs::read_to_string(world.path("main.tf")).unwrap();
    // Its consumers follow it.
    let write = |to: &str, reference: &str, more: &str| {
        let text = text.replace("\"ci\" {", to);
        let text = text.replace(
            "tokenwright_api_token.ci.",
            &format!("tokenwright_api_token.{reference}."),
        );
        std::fs::write(world.path("main.tf"), format!("{text}{more}")).unwrap();
    };

    let moved = ["state", "mv", ADDRESS, "tokenwright_api_token.release"];
    world.run(&moved).await.succeeded();
    write("\"release\" {", "release", "");
    world.plans_nothing().await;

    let block = |from: &str, to: &str| {
        format!(
            "moved {{\n  from = tokenwright_api_token.{from}\n  to = tokenwright_api_token.{to}\n}}\n"
        )
    };
    let counted = block("release", "many[0]");
    write("\"many\" {\n  count = 1", "many[0]", &counted);
    apply(&world).await;
    world.plans_nothing().await;
    let keyed = block("many[0]", "many[\"a\"]");
    write(
        "\"many\" {\n  for_each = toset([\"a\"])",
        "many[\"a\"]",
        &format!("{counted}{keyed}"),
    );
    apply(&world).await;
    world.plans_nothing().await;

    let after = world.state().await;
    assert_eq!(after, before);
    assert_eq!(held(&world), after["value"]);
    assert!(world.works(&held(&world)).await);
    assert_eq!(world.summary().minted, 1);
    assert_eq!(world.summary().live, 1);
    world.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_state_forgot_is_imported_and_its_consumers_keep_what_they_hold() {
    let world = Script::new(86_400.0, &consumed(CI)).await;
    apply(&world).await;
    let before = rests(&world).await;
    let version = &before["value_version"];
    world.run(&["state", "rm", ADDRESS]).await.succeeded();
    let id = json!({ "token_id": before["token_id"], "value_version": version });
    let import = ["import", "-no-color", ADDRESS, &id.to_string()];
    let ran = world.run(&import).await.succeeded();
    assert!(!ran.text.contains("would be told"), "{}", ran.text);
    world.plans_nothing().await;
    apply(&world).await;
    assert_eq!(held(&world), before["value"]);
    assert!(world.works(&held(&world)).await);
    assert_eq!(world.state().await["value_version"], *version);

    // The next rotation tells them.
    world.configure(&consumed(&trigger(1, "")));
    apply(&world).await;
    let after = rests(&world).await;
    assert_eq!(after["revision"], 2);
    assert!(after["value_version"].as_i64() > version.as_i64());
    assert!(world.works(&before["value"]).await, "the overlap runs");
    assert_eq!(world.count(What::Mint), 2);
    world.ends().await;
}
