//! `ignore_changes` on each attribute that a user may write.

use serde_json::json;

use super::{apply, consumed, rests};
use crate::support::World;

/// What each is changed to.
const CHANGED: [(&str, &str); 11] = [
    ("issuer", "\"vendor\""),
    ("name", "\"other\""),
    ("scopes", "[\"models:read\", \"datasets:read\"]"),
    ("lifetime", "\"20d\""),
    ("rotation", "{ triggers = { a = \"2\" } }"),
    ("enabled", "false"),
    ("on_loss", "\"report\""),
    ("on_destroy", "\"retain\""),
    ("on_missing_value", "\"rotate\""),
    ("parameters", "{}"),
    ("timeouts", "{ read = \"1m\" }"),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_attribute_that_is_ignored_changes_nothing_whatever_else_does() {
    let token = |changed: &str, to: &str, second: &str| {
        let mut attributes = vec![
            ("name", "\"ci\""),
            ("scopes", "[\"models:read\"]"),
            ("lifetime", "\"30d\""),
            ("rotation", "{ triggers = { a = \"1\" } }"),
            ("timeouts", "{ create = \"2m\" }"),
        ];
        attributes.retain(|(name, _)| *name != changed && *name != "timeouts");
        attributes.push((changed, to));
        if changed != "timeouts" {
            attributes.push(("timeouts", second));
        }
        let lines = attributes
            .iter()
            .map(|(name, text)| format!("  {name} = {text}\n"));
        let lines: String = lines.collect();
        consumed(&format!(
            "{lines}  lifecycle {{\n    ignore_changes = [{changed}]\n  }}"
        ))
    };
    let world = World::new(86_400.0, &token("name", "\"ci\"", "{ create = \"2m\" }")).await;
    apply(&world).await;
    let mut before = world.state().await;
    for (at, (name, to)) in CHANGED.into_iter().enumerate() {
        // Another attribute changes with it.
        world.configure(&token(name, to, &format!("{{ create = \"{}m\" }}", at + 3)));
        apply(&world).await;
        let after = rests(&world).await;
        assert_eq!(after[name], before[name], "{name}");
        assert_eq!(after["value"], before["value"], "{name}");
        assert_eq!(after["status"], json!("active"), "{name}");
        assert_eq!(world.summary().minted, 1, "{name}");
        assert_eq!(
            world.lives()[0].name,
            before["remote_name"].as_str().unwrap()
        );
        before = after;
    }
    world.destroy().await;
    world.nothing_lives();
}

/// What cannot be changed beside the rest: a token has one end, and recipients stand beside their output.
const IN_PAIRS: [&str; 3] = ["expires_at", "secret_output", "recipients"];

/// A key pair of nobody's.
const RECIPIENT: &str = "age1hw8f0r2r5j3pv83sjys0pgkerjd73t33lvnxj7ef3lyu05plsqjqntjfdc";

#[tokio::test(flavor = "multi_thread")]
async fn an_end_or_an_encryption_that_is_ignored_changes_nothing() {
    let token = |more: &str, ignored: &str| {
        format!(
            "  name = \"ci\"\n  scopes = [\"models:read\"]\n  {more}\n  lifecycle {{\n    ignore_changes = [{ignored}]\n  }}"
        )
    };
    let encrypted = format!(
        "lifetime = \"30d\"\n  secret_output = \"encrypted\"\n  recipients = [{RECIPIENT:?}]"
    );
    let [early, late] = [2097, 2098].map(|year| format!("expires_at = \"{year}-01-31T00:00:00Z\""));
    let plain = "lifetime = \"30d\"".to_owned();
    for (before, after, ignored) in [
        (&early, &late, "expires_at"),
        (&early, &plain, "expires_at, lifetime"),
        (&plain, &encrypted, "secret_output, recipients"),
        (&encrypted, &plain, "secret_output, recipients"),
    ] {
        let world = World::new(86_400.0, &token(before, ignored)).await;
        apply(&world).await;
        let first = world.state().await;
        world.configure(&token(after, ignored));
        apply(&world).await;
        assert_eq!(world.state().await, first, "{ignored}");
        assert_eq!(world.summary().minted, 1, "{ignored}");
        world.destroy().await;
        world.nothing_lives();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scripts_of_what_is_ignored_know_each_attribute_that_a_user_may_write() {
    let world = World::new(86_400.0, "").await;
    let ran = world.run(&["providers", "schema", "-json"]).await;
    let schemas: serde_json::Value = serde_json::from_str(&ran.succeeded().text).unwrap();
    let mut provider = schemas["provider_schemas"].as_object().unwrap().values();
    let token = &provider.next().unwrap()["resource_schemas"]["tokenwright_api_token"];
    let attributes = token["block"]["attributes"].as_object().unwrap();
    let written = attributes
        .iter()
        .filter(|(_, of)| of["optional"] == true || of["required"] == true);
    let mut written: Vec<_> = written.map(|(name, _)| name.as_str()).collect();
    let mut known: Vec<_> = CHANGED.iter().map(|(name, _)| *name).collect();
    known.extend(IN_PAIRS);
    written.sort_unstable();
    known.sort_unstable();
    assert_eq!(known, written);
}
