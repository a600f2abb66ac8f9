//! `ignore_changes` on each attribute that a user may write.

use std::collections::BTreeMap;

use serde_json::json;
use tokenwright_sandbox::Played;
use tokenwright_sandbox::SystemName::Scaleway;

use super::{ADDRESS, Script, apply, consumed, has_all};
use crate::encrypted::RECIPIENT;
use crate::support::{World, reached};

/// What each is changed to.
const CHANGED: [(&str, &str); 10] = [
    ("issuer", "\"other\""),
    ("name", "\"other\""),
    ("scopes", "[\"models:read\", \"datasets:read\"]"),
    ("lifetime", "\"20d\""),
    ("rotation", "{ triggers = { a = \"2\" } }"),
    ("enabled", "false"),
    ("on_loss", "\"report\""),
    ("on_destroy", "\"retain\""),
    ("on_missing_value", "\"rotate\""),
    ("timeouts", "{ read = \"1m\" }"),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_attribute_that_is_ignored_changes_nothing_whatever_else_does() {
    let token = |changed: &str, to: &str, second: &str| {
        let mut attributes = vec![
            ("issuer", "\"vendor\""),
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
        let token = format!("{lines}  lifecycle {{\n    ignore_changes = [{changed}]\n  }}");
        let of = "  issuer = \"vendor\"\n  name             = \"consumer\"";
        consumed(&token).replace("  name             = \"consumer\"", of)
    };
    let mut world = Script::new(86_400.0, "").await;
    let other = World::new(86_400.0, "").await;
    let Played {
        endpoint,
        credential,
        ..
    } = &other.played;
    world.issuer = format!(
        "{}\n  }}\n  other = {{\n  profile = \"seeme\"\n endpoint = {endpoint:?}\n credential = {credential:?}",
        world.issuer
    );
    world.configure(&token("name", "\"ci\"", "{ create = \"2m\" }"));
    apply(&world).await;
    let mut before = world.state().await;
    for (at, (name, to)) in CHANGED.into_iter().enumerate() {
        // Another attribute changes with it.
        world.configure(&token(name, to, &format!("{{ create = \"{}m\" }}", at + 3)));
        let ran = apply(&world).await;
        let changes = match name {
            "timeouts" => BTreeMap::new(),
            _ => BTreeMap::from([(ADDRESS.to_owned(), "update".to_owned())]),
        };
        assert_eq!(ran.planned(), changes, "{name}");
        let after = has_all(&world).await;
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
    world.ends().await;
}

/// What cannot be changed beside the rest: a token has one end, recipients stand beside their output, and not
/// every system knows parameters.
const IN_PAIRS: [&str; 4] = ["expires_at", "secret_output", "recipients", "parameters"];

#[tokio::test(flavor = "multi_thread")]
async fn an_end_an_encryption_or_parameters_that_are_ignored_change_nothing() {
    let token = |more: &str, minutes: u32, ignored: &str| {
        format!(
            "  name = \"ci\"\n  timeouts = {{ create = \"{minutes}m\" }}\n  {more}\n  lifecycle {{\n    ignore_changes = [{ignored}]\n  }}"
        )
    };
    let encrypted = format!(
        "lifetime = \"30d\"\n  scopes = [\"models:read\"]\n  secret_output = \"encrypted\"\n  recipients = [{RECIPIENT:?}]"
    );
    let [early, late] = [2097, 2098].map(|year| {
        format!("scopes = [\"models:read\"]\n  expires_at = \"{year}-01-31T00:00:00Z\"")
    });
    let plain = "lifetime = \"30d\"\n  scopes = [\"models:read\"]".to_owned();
    let scaleway = Script::of(Scaleway, 86_400.0, "").await;
    let of = |application: &str| {
        format!("lifetime = \"30d\"\n  parameters = {{ application_id = {application:?} }}")
    };
    let [one, another] = [
        of(scaleway.played.parameter("application_id").unwrap()),
        of("00000000-0000-4000-8000-000000000001"),
    ];
    let mut scaleway = Some(scaleway);
    for (before, after, ignored) in [
        (&one, &another, "parameters"),
        (&early, &late, "expires_at"),
        (&early, &plain, "expires_at, lifetime"),
        (&plain, &encrypted, "secret_output, recipients"),
        (&encrypted, &plain, "secret_output, recipients"),
    ] {
        let world = match scaleway.take() {
            Some(world) => world,
            None => Script::new(86_400.0, "").await,
        };
        // What is encrypted no consumer here can read.
        let (world, clear) = match before == &encrypted {
            true => (world.without_consumer(), false),
            false => (world, true),
        };
        let written = |of: &str, minutes: u32| {
            let token = token(of, minutes, ignored);
            if clear { consumed(&token) } else { token }
        };
        world.configure(&written(before, 2));
        apply(&world).await;
        let first = world.state().await;
        // Another attribute changes with it.
        world.configure(&written(after, 3));
        let planned = apply(&world).await.planned();
        assert_eq!(
            planned,
            BTreeMap::from([(ADDRESS.to_owned(), "update".to_owned())])
        );
        let mut second = world.state().await;
        second["timeouts"] = first["timeouts"].clone();
        assert_eq!(second, first, "{ignored}");
        assert_eq!(world.summary().minted, 1, "{ignored}");
        world.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_which_all_is_ignored_rests_and_is_rotated_when_it_is_due() {
    // It lives 48 seconds and is due after 24.
    let token = |lifetime: &str, scopes: &str| {
        consumed(&format!(
            "  name = \"ci\"\n  lifetime = {lifetime:?}\n  scopes = [{scopes}]\n  rotation = {{ renew_before = \"50%\" }}\n  lifecycle {{\n    ignore_changes = all\n  }}"
        ))
    };
    let world = Script::new(1.6, &token("30d", "\"models:read\"")).await;
    apply(&world).await;
    let first = has_all(&world).await;
    world.configure(&token("20d", "\"models:read\", \"datasets:read\""));
    assert!(apply(&world).await.planned().is_empty());
    assert_eq!(has_all(&world).await["value"], first["value"]);

    reached(&first["renew_at"]).await;
    let ran = world.run(&["apply", "-auto-approve", "-json"]).await;
    assert_eq!(ran.succeeded().planned()[ADDRESS], "update");
    let second = has_all(&world).await;
    assert_eq!(second["revision"], 2);
    // What is ignored may not change by a plan: the next refresh shows the new end.
    assert_eq!(second["expires_at"], first["expires_at"]);
    assert!(apply(&world).await.planned().is_empty());
    assert_ne!(has_all(&world).await["expires_at"], first["expires_at"]);
    assert_eq!(world.summary().minted, 2);
    world.ends().await;
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
