//! What an issuer shows, read by data sources.

use serde_json::Value;

use crate::support::{CI, World};

/// A token, and these data sources, which are read once it is there.
fn configure(world: &World, sources: &str) {
    configure_with(world, "", sources);
}

fn configure_with(world: &World, more: &str, sources: &str) {
    let sources = sources.replace("AFTER", "depends_on = [tokenwright_api_token.ci]");
    world.configure(&format!("{CI}{more}\n}}\n{sources}\nlocals {{\n"));
}

async fn read(world: &World, name: &str) -> Value {
    let shown = world.run(&["show", "-json"]).await.succeeded();
    let shown: Value = serde_json::from_str(&shown.text).unwrap();
    let mut all = shown["values"]["root_module"]["resources"]
        .as_array()
        .unwrap()
        .iter();
    let found = all.find(|one| one["mode"] == "data" && one["name"] == name);
    found.unwrap_or_else(|| panic!("no data {name}: {shown}"))["values"].clone()
}

const SOURCES: &str = r#"
data "tokenwright_api_tokens" "all" {
  AFTER
}
data "tokenwright_api_tokens" "ours" {
  ours = true
  name_prefix = "c"
  AFTER
}
data "tokenwright_api_tokens" "forgotten" {
  managed = true
  unused_for = "90d"
  AFTER
}
data "tokenwright_api_token" "by_id" {
  token_id = tokenwright_api_token.ci.token_id
}
data "tokenwright_api_token" "by_name" {
  name = "ci"
  AFTER
}
data "tokenwright_identity" "us" {}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_inventory_a_token_and_the_identity_are_read_and_change_nothing() {
    let world = World::new(86_400.0, CI).await;
    configure(&world, SOURCES);
    world.apply().await;
    let token = world.state().await;
    let id = &token["token_id"];

    let all = read(&world, "all").await;
    let ids = all["token_ids"].as_array().unwrap();
    // The credential is one, too, and nobody's.
    assert!(ids.contains(id) && ids.len() == 2, "{all}");
    let rows = all["tokens"].as_array().unwrap();
    assert!(
        rows.iter()
            .any(|row| row["managed"] == false && row["manager"].is_null())
    );
    let ours = read(&world, "ours").await;
    assert_eq!(ours["token_ids"], serde_json::json!([id]));
    assert_eq!(ours["tokens"][0]["name"], "ci");
    assert_eq!(ours["tokens"][0]["revision"], 1);
    assert_eq!(ours["tokens"][0]["expires_at"], token["expires_at"]);
    assert_eq!(
        read(&world, "forgotten").await["token_ids"],
        serde_json::json!([])
    );

    for name in ["by_id", "by_name"] {
        let one = read(&world, name).await;
        assert_eq!(&one["token_id"], id, "{name}");
        assert_eq!(one["remote_name"], token["remote_name"], "{name}");
        assert_eq!(one["ours"], true, "{name}");
    }
    let us = read(&world, "us").await;
    assert_eq!(us["profile"], "seeme");
    assert_eq!(us["endpoint"], world.played.endpoint.as_str());
    assert!(us["identity"].is_null(), "SeeMe cannot tell");
    assert_eq!([&us["can_list"], &us["can_revoke"]], [true, true]);
    world.plans_nothing().await;

    // The former token still works, and the name is that of its successor.
    let rotated = "rotation = { triggers = { a = \"1\" } }";
    configure_with(&world, rotated, SOURCES);
    world.apply().await;
    assert_eq!(world.state().await["retiring"][0]["token_id"], *id);
    let named = read(&world, "by_name").await;
    assert_eq!(named["token_id"], world.state().await["token_id"]);
    assert_eq!(named["revision"], 2);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_said_at_its_place() {
    let world = World::new(86_400.0, CI).await;
    for (source, words) in [
        (
            "data \"tokenwright_api_token\" \"x\" {}",
            ["Neither token_id nor name is set", "token_id or name"],
        ),
        (
            "data \"tokenwright_api_token\" \"x\" {\n token_id = \"a\"\n name = \"b\"\n}",
            ["token_id and name are both set", "[token_id = \"a\"]"],
        ),
        (
            "data \"tokenwright_api_token\" \"x\" {\n token_id = \"a\"\n}",
            ["There is no such token", "[token_id = \"a\"]"],
        ),
        (
            "data \"tokenwright_api_tokens\" \"x\" {\n unused_for = \"soon\"\n}",
            ["unused_for is no duration", "[unused_for = \"soon\"]"],
        ),
        (
            "data \"tokenwright_api_tokens\" \"x\" {\n parameters = { a = \"b\" }\n}",
            ["parameters", "a is not known to this system"],
        ),
        (
            "resource \"tokenwright_retirement\" \"x\" {\n token_id = \"a\"\n parameters = { a = \"b\" }\n}",
            ["parameters", "a is not known to this system"],
        ),
        (
            "data \"tokenwright_identity\" \"x\" {\n issuer = \"other\"\n}",
            ["The issuer is not known", "[issuer = \"other\"]"],
        ),
    ] {
        configure(&world, source);
        world.run(&["plan", "-json"]).await.failed().says(&words);
    }
    configure(&world, "data \"tokenwright_api_tokens\" \"x\" {}");
    world.fault(
        serde_json::json!({ "operation": "list" }),
        serde_json::json!({ "status": 403 }),
    );
    let ran = world.run(&["plan", "-json"]).await.failed();
    ran.says(&["did not show its tokens", "(403)", "Nothing was read"]);
}
