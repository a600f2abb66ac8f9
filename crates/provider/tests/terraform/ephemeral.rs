//! Tokens of one run: minted, used, revoked, and written nowhere.

use serde_json::json;
use tokenwright_sandbox::ledger::What;

use crate::support::{CI, World};

/// An ephemeral token, whose value an adopted one checks.
fn configure(world: &World, attributes: &str) {
    world.write(&format!(
        "provider \"tokenwright\" {{\n manager = \"test\"\n issuers = {{\n vendor = {{\n profile = \"seeme\"\n {}\n }}\n }}\n}}\n\
         ephemeral \"tokenwright_api_token\" \"run\" {{\n name = \"run\"\n scopes = [\"models:read\"]\n {attributes}\n}}\n\
         resource \"tokenwright_adopted_token\" \"seen\" {{\n name = \"seen\"\n value_wo = ephemeral.tokenwright_api_token.run.value\n value_wo_version = 1\n expires_at = \"2099-01-01T00:00:00Z\"\n}}\n",
        world.issuer
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_run_works_in_it_is_revoked_at_its_end_and_stands_nowhere() {
    let world = World::new(86_400.0, CI).await;
    configure(&world, "lifetime = \"1d\"");
    world.apply().await;
    let shown = world.run(&["show", "-json"]).await.succeeded();
    assert!(
        shown.text.contains("\"status\":\"alive\""),
        "{}",
        shown.text
    );
    let minted = world.count(What::Mint);
    assert!(minted >= 1);
    world.nothing_lives();
    let state = std::fs::read_to_string(world.path("terraform.tfstate")).unwrap();
    for life in world.lives() {
        assert!(!state.contains(&life.id), "{state}");
        assert!(life.name.starts_with("run tw1-"), "{}", life.name);
    }
    for _ in 0..3 {
        world.run(&["plan", "-json"]).await.succeeded();
    }
    assert!(
        world.count(What::Mint) >= minted + 3,
        "each run has its own"
    );
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_could_not_revoke_ends_by_itself_and_the_next_run_removes_it() {
    // A day lasts two seconds.
    let world = World::new(2.0, CI).await;
    configure(&world, "lifetime = \"1d\"");
    world.fault(json!({ "operation": "revoke" }), json!({ "status": 403 }));
    let ran = world.apply().await;
    ran.warns(&[
        "of this run was not revoked",
        "(403)",
        "It ends by itself at ",
    ]);
    assert!(world.summary().live >= 1);
    world.sandbox.faults().clear();
    crate::support::seconds(2.2).await;
    world.run(&["plan", "-json"]).await.succeeded();
    world.nothing_lives();
    assert_eq!(
        world.count(What::Mint),
        world.count(What::Revoke),
        "{:#?}",
        world.lives()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_outlive_its_run_is_said_at_its_lifetime() {
    let world = World::new(86_400.0, CI).await;
    for lifetime in ["never", "2d"] {
        configure(&world, &format!("lifetime = {lifetime:?}"));
        let ran = world.run(&["plan", "-json"]).await.failed();
        ran.says(&[
            "too long for one run",
            "24h",
            &format!("[lifetime = {lifetime:?}]"),
        ]);
    }
    assert_eq!(world.count(What::Mint), 0);
}
