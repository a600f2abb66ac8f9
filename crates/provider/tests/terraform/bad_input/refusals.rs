//! What an issuer refuses, in its own words, and one that mints nothing at all.

use serde_json::json;
use tokenwright_sandbox::SystemName;

use crate::support::{CI, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_is_said_with_what_helps_and_nothing_is_left() {
    // SeeMe.ai's answer has a status that could be about rights, too, and its words say what it is about.
    for (system, said) in [
        (
            SystemName::Seeme,
            "It says: \"the limit of API keys is reached\"",
        ),
        (
            SystemName::Scaleway,
            "does not help until there is room. Revoke what nobody needs",
        ),
    ] {
        let world = World::of(system, 86_400.0, CI).await;
        if let Some(application) = world.played.parameter("application_id") {
            world.configure(&format!(
                "  name = \"ci\"\n  lifetime = \"30d\"\n  parameters = {{ application_id = {application:?} }}"
            ));
        }
        world.fault(json!({ "operation": "mint" }), json!({ "quota": 0 }));
        let ran = world.try_apply().await.failed();
        ran.says(&["gave no new token", "Nothing was minted", said]);
        assert!(!ran.text.contains("tries again"), "{}", ran.text);
        assert!(world.state().await.is_null());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_with_its_status_in_the_issuers_own_words_at_the_attribute_that_it_names()
{
    let unknown = CI.replace("models:read", "models:fly");
    let world = World::new(86_400.0, &unknown).await;
    let mut settings = world.sandbox.settings();
    settings.seeme.unknown_scopes_refused = true;
    settings.seeme.days_max = Some(20);
    world.sandbox.set(settings).unwrap();
    let ran = world.try_apply().await.failed();
    ran.says(&[
        "gave no new token",
        "(400)",
        "It says: \"unknown scope models:fly\"",
        "[scopes   = [\"models:fly\"]]",
        "Nothing was minted. Trying again does not help",
    ]);
    assert!(!ran.text.contains("tries again"), "{}", ran.text);
    world.configure(CI);
    let ran = world.try_apply().await.failed();
    ran.says(&["It says: \"expires_in_days is too large\"", "does not help"]);
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_mints_only_in_its_web_page_says_what_a_person_must_do() {
    let world = World::new(86_400.0, CI).await;
    let profiles = concat!(env!("CARGO_MANIFEST_DIR"), "/../client/profiles");
    std::fs::copy(
        format!("{profiles}/seenode.yaml"),
        world.path("seenode.yaml"),
    )
    .unwrap();
    world.write(&format!(
        "provider \"tokenwright\" {{\n issuers = {{ vendor = {{ profile = file(\"seenode.yaml\"), credential = \"a\" }} }}\n}}\nresource \"tokenwright_api_token\" \"ci\" {{ {CI} }}\n"
    ));
    let ran = world.run(&["plan", "-json"]).await.failed();
    ran.says(&["cannot be minted through its API", "dashboard"]);
}
