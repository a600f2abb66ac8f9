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
