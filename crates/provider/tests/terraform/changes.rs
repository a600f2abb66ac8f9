//! Changed configurations: in place where the vendor can, else by a new token; and the switch.

use tokenwright_sandbox::SystemName;
use tokenwright_sandbox::ledger::What;

use crate::support::{CI, World};

#[tokio::test(flavor = "multi_thread")]
async fn changed_scopes_rotate_in_place_where_the_vendor_cannot_change_them() {
    let world = World::new(86_400.0, CI).await;
    world.apply().await;
    let first = world.state().await;
    world.configure(&CI.replace("models:read\"", "models:read\", \"datasets:read\""));
    let (actions, _) = world.plan().await;
    assert_eq!(actions, "update");
    world.apply().await;
    let second = world.state().await;
    assert_ne!(first["token_id"], second["token_id"]);
    assert_eq!(second["scopes"].as_array().unwrap().len(), 2);
    assert!(world.works(&first["value"]).await && world.works(&second["value"]).await);
    world.plans_nothing().await;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ignored_has_no_effect_whatever_else_changes() {
    let ignoring = |scopes: &str, lifetime: &str| {
        format!(
            "name = \"ci\"\n scopes = [{scopes}]\n lifetime = {lifetime:?}\n\
             lifecycle {{\n ignore_changes = [scopes]\n }}"
        )
    };
    let world = World::new(86_400.0, &ignoring("\"models:read\"", "30d")).await;
    world.apply().await;
    let wider = "\"models:read\", \"datasets:read\"";
    world.configure(&ignoring(wider, "20d"));
    let (actions, _) = world.plan().await;
    assert_eq!(actions, "update");
    let after = world.planned().await["after"].clone();
    assert_eq!(after["rotation_reason"], "lifetime changed");
    for _ in 0..2 {
        world.apply().await;
        world.plans_nothing().await;
        let state = world.state().await;
        assert_eq!(state["scopes"], serde_json::json!(["models:read"]));
        assert_eq!(state["granted_scopes"], state["scopes"]);
        assert_eq!(world.summary().minted, 2, "{:#?}", world.lives());
    }
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_rotates_says_why_and_shows_nothing_of_the_programs_own() {
    let triggered =
        |trigger: &str| format!("{CI}\n  rotation = {{ triggers = {{ leak = {trigger:?} }} }}");
    let world = World::new(86_400.0, &triggered("a")).await;
    world.apply().await;
    world.configure(&triggered("b"));
    let plan = world.run(&["plan", "-no-color"]).await.succeeded().text;
    assert!(plan.contains("\"trigger `leak` changed\""), "{plan}");
    for own in ["instance", "nonce", "past", "fingerprint"] {
        assert!(!plan.contains(own), "{own}: {plan}");
    }
    let changed = plan.lines().filter(|line| line.starts_with("      ~ "));
    assert!(changed.count() <= 14, "{plan}");
    world.apply().await;
    assert_eq!(
        world.state().await["rotation_reason"],
        "trigger `leak` changed"
    );
    world.plans_nothing().await;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_means_the_same_is_no_change() {
    let world = World::new(86_400.0, &CI.replace("30d", "48h")).await;
    world.apply().await;
    world.configure(&CI.replace("30d", "2d"));
    world.plans_nothing().await;
    world.configure(&format!(
        "{}\n  issuer = \"vendor\"",
        CI.replace("30d", "48h")
    ));
    let (actions, _) = world.plan().await;
    assert_eq!(
        actions, "update",
        "the only issuer named is no other issuer"
    );
    assert_eq!(
        world.planned().await["after_unknown"]["value"],
        serde_json::Value::Null
    );
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_changed_without_touching_the_token() {
    let world = World::new(86_400.0, CI).await;
    world.apply().await;
    let first = world.state().await;
    assert!(first["renew_at"].is_null());
    world.configure(&format!("{CI}\n  rotation = {{ renew_before = \"25%\" }}"));
    let (actions, _) = world.plan().await;
    assert_eq!(actions, "update");
    let planned = world.planned().await["after"]["renew_at"].clone();
    world.apply().await;
    let second = world.state().await;
    assert_eq!(
        second["renew_at"], planned,
        "the new schedule is known in the plan"
    );
    assert_eq!(first["value"], second["value"]);
    assert_eq!(world.summary().minted, 1);
    world.destroy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_disabled_and_enabled_and_what_a_person_disabled_stays_so_unless_told() {
    let world = World::new(86_400.0, &format!("{CI}\n  enabled = false")).await;
    world.apply().await;
    let state = world.state().await;
    assert_eq!(state["status"], "disabled");
    assert!(!world.works(&state["value"]).await);
    world.plans_nothing().await;

    // Without a word it stays as it is.
    world.configure(CI);
    world.apply().await;
    assert!(!world.works(&state["value"]).await);

    world.configure(&format!("{CI}\n  enabled = true"));
    world.apply().await;
    assert!(world.works(&state["value"]).await);
    assert_eq!(world.state().await["status"], "active");
    assert_eq!(world.count(What::Disable), 1);
    assert_eq!(world.count(What::Enable), 1);

    world.configure(CI);
    world.apply().await;
    world
        .by_hand(reqwest::Method::PUT, &state["token_id"])
        .await;
    world.plans_nothing().await;
    assert!(!world.works(&state["value"]).await);
    world.configure(&format!("{CI}\n  enabled = true"));
    let (actions, _) = world.plan().await;
    assert_eq!(actions, "update");
    world.apply().await;
    assert!(world.works(&state["value"]).await);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disable_that_fails_after_a_mint_is_a_warning_and_planned_again() {
    let world = World::new(86_400.0, &format!("{CI}\n  enabled = false")).await;
    let fault = world.fault(
        serde_json::json!({ "operation": "toggle" }),
        serde_json::json!({ "status": 500 }),
    );
    let ran = world.apply().await;
    ran.warns(&["was disabled is not known"]);
    world.sandbox.faults().remove(fault);
    let (actions, _) = world.plan().await;
    assert_eq!(actions, "update");
    world.apply().await;
    assert_eq!(world.state().await["status"], "disabled");
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn scaleway_renames_in_place_and_delivers_both_parts() {
    let application = |world: &World| world.played.parameter("application_id").unwrap().to_owned();
    let world = World::of(SystemName::Scaleway, 86_400.0, "").await;
    let resource = |name: &str, lifetime: &str| {
        format!(
            "  name = {name:?}\n  lifetime = {lifetime:?}\n  parameters = {{ application_id = {:?} }}",
            application(&world)
        )
    };
    world.configure(&resource("ci", "never"));
    world.apply().await;
    let first = world.state().await;
    assert_eq!(first["public_parts"]["access_key"], first["token_id"]);
    assert!(world.works(&first["value"]).await);

    world.configure(&resource("release", "never"));
    world.apply().await;
    let second = world.state().await;
    assert_eq!(first["value"], second["value"]);
    assert!(
        second["remote_name"]
            .as_str()
            .unwrap()
            .starts_with("release tw1-")
    );
    assert_eq!(
        world.lives()[0].name,
        second["remote_name"].as_str().unwrap()
    );
    // An expiry can be added in place, and not be moved.
    world.configure(&resource("release", "30d"));
    world.apply().await;
    let third = world.state().await;
    assert_eq!(first["value"], third["value"]);
    assert!(second["expires_at"].is_null() && !third["expires_at"].is_null());
    world.plans_nothing().await;
    world.destroy().await;
    world.nothing_lives();
}
