//! The previous token ends in the apply that rotated it, after its consumers.

use serde_json::{Value, json};

use crate::support::{CI, World};

/// A token with a consumer that a command stands for, and what ends the former token once that is done.
fn configure(world: &World, trigger: &str, consumer: &str) {
    world.configure(&format!(
        "{CI}\n  rotation = {{ triggers = {{ leak = {trigger:?} }} }}\n}}\n\
         resource \"terraform_data\" \"consumer\" {{\n triggers_replace = tokenwright_api_token.ci.value_version\n\
           provisioner \"local-exec\" {{\n command = {consumer:?}\n }}\n}}\n\
         resource \"tokenwright_retirement\" \"ci\" {{\n token_id = tokenwright_api_token.ci.token_id\n\
           depends_on = [terraform_data.consumer]\n"
    ));
}

/// The same token, before anybody wants a retirement of it.
fn configure_alone(world: &World, trigger: &str) {
    let rotation = format!("{CI}\n  rotation = {{ triggers = {{ leak = {trigger:?} }} }}\n");
    world.configure(&rotation);
}

async fn retirement(world: &World) -> Value {
    let shown = world.run(&["show", "-json"]).await.succeeded();
    let shown: Value = serde_json::from_str(&shown.text).unwrap();
    let all = shown["values"]["root_module"]["resources"].as_array();
    let mut all = all.unwrap().iter();
    let found = all.find(|one| one["type"] == "tokenwright_retirement");
    found.unwrap()["values"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaked_token_ends_in_the_apply_that_rotates_it_once_its_consumers_have_the_next() {
    let world = World::new(86_400.0, CI).await;
    configure(&world, "none", "true");
    world.apply().await;
    world.plans_nothing().await;
    let first = world.state().await;

    // A consumer that fails keeps the former value alive.
    configure(&world, "found in a log", "false");
    world.try_apply().await.failed();
    let second = world.state().await;
    assert_eq!(second["revision"], 2);
    assert!(world.works(&first["value"]).await, "a consumer may use it");

    configure(&world, "found in a log", "true");
    world.apply().await;
    assert!(!world.works(&first["value"]).await, "it is ended");
    assert!(world.works(&second["value"]).await);
    let ended = retirement(&world).await;
    assert_eq!(ended["revoked_token_id"], first["token_id"]);
    assert_eq!(ended["token_id"], second["token_id"]);
    assert_eq!(ended["remote_name"], second["remote_name"]);
    world.plans_nothing().await;

    // What is current is for its own resource to end, and a destroy ends it there alone.
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoke_that_fails_is_an_error_and_the_next_apply_ends_the_token() {
    let world = World::new(86_400.0, CI).await;
    configure(&world, "none", "true");
    world.apply().await;
    let first = world.state().await;
    configure(&world, "leaked", "true");
    world.fault(json!({ "operation": "revoke" }), json!({ "status": 403 }));
    let ran = world.try_apply().await.failed();
    ran.says(&["was not revoked", "The next plan shows it again"]);
    assert_eq!(retirement(&world).await["token_id"], first["token_id"]);
    world.sandbox.faults().clear();
    world.apply().await;
    assert!(!world.works(&first["value"]).await);
    world.plans_nothing().await;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_elses_token_is_ended_and_a_token_that_was_replaced_is_no_error() {
    let world = World::new(86_400.0, CI).await;
    world.apply().await;
    // What is no id may be a value, which no message shows.
    let value = world.state().await["value"].as_str().unwrap().to_owned();
    world.configure(&format!(
        "{CI}\n}}\nresource \"tokenwright_retirement\" \"ci\" {{\n token_id = tokenwright_api_token.ci.value\n"
    ));
    let ran = world.try_apply().await.failed();
    ran.says(&[
        "The token cannot be retired later",
        "does not show it",
        "[token_id = tokenwright_api_token.ci.value]",
    ]);
    assert!(!ran.text.contains(&value), "{}", ran.text);

    configure(&world, "none", "true");
    world.apply().await;
    let replace = "-replace=tokenwright_api_token.ci";
    world
        .run(&["apply", "-auto-approve", "-json", replace])
        .await
        .succeeded();
    world.plans_nothing().await;
    assert_eq!(world.summary().live, 1);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_by_another_key_is_no_other_issuer() {
    let world = World::new(86_400.0, CI).await;
    let configure = |key: &str| {
        world.write(&format!(
            "provider \"tokenwright\" {{\n issuers = {{ {key} = {{ profile = \"seeme\", endpoint = {:?}, credential = {:?} }}, other = {{ profile = \"seeme\" }} }}\n}}\n\
             resource \"tokenwright_api_token\" \"ci\" {{\n issuer = {key:?}\n name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"\n}}\n\
             resource \"tokenwright_retirement\" \"ci\" {{\n issuer = {key:?}\n token_id = tokenwright_api_token.ci.token_id\n}}\n",
            world.played.endpoint, world.played.credential
        ));
    };
    configure("vendor");
    world.apply().await;
    configure("account");
    let ran = world.run(&["plan", "-json"]).await.succeeded();
    assert!(!ran.text.contains("\"action\":\"replace\""), "{}", ran.text);
    world.apply().await;
    world.plans_nothing().await;
    assert_eq!(world.summary().minted, 1);
    world.destroy().await;
    world.nothing_lives();
}

/// Two tokens, and a retirement that names the one of them that is in use.
fn in_use(world: &World, which: &str) {
    world.configure(&format!(
        "{CI}\n}}\nresource \"tokenwright_api_token\" \"green\" {{\n{CI}\n}}\n\
         locals {{\n in_use = tokenwright_api_token.{which}.token_id\n}}\n\
         resource \"tokenwright_retirement\" \"in_use\" {{\n token_id = local.in_use\n"
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_current_token_of_another_resource_is_left_alone_in_whatever_run() {
    for target in [None, Some("-target=tokenwright_retirement.in_use")] {
        let world = World::new(86_400.0, CI).await;
        in_use(&world, "ci");
        world.apply().await;
        let blue = world.state().await;
        in_use(&world, "green");
        let args = ["apply", "-auto-approve", "-json"].into_iter();
        let args: Vec<_> = args.chain(target).collect();
        let ran = world.run(&args).await.succeeded();
        ran.warns(&["was not revoked"]);
        assert!(world.works(&blue["value"]).await, "{target:?}");
        world.plans_nothing().await;
        world.destroy().await;
        world.nothing_lives();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_credential_of_a_run_is_left_alone_also_where_its_own_resource_rests() {
    let mut world = World::new(86_400.0, CI).await;
    configure(&world, "none", "true");
    world.apply().await;
    let first = world.state().await["value"].clone();
    let persons = world.credential.replace(first.as_str().unwrap().to_owned());
    configure(&world, "leaked", "false");
    world.try_apply().await.failed();
    configure(&world, "leaked", "true");
    world.apply().await.warns(&["this run's own credential"]);
    assert!(world.works(&first).await, "it made this request");
    world.credential = persons;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_a_refresh_does_not_end_the_credential_of_its_run_either() {
    let mut world = World::new(86_400.0, CI).await;
    configure_alone(&world, "none");
    world.apply().await;
    let first = world.state().await["value"].clone();
    // It was minted before: its retirement is told of it by a refresh alone, once it is superseded.
    configure(&world, "none", "true");
    world.apply().await;
    let persons = world.credential.replace(first.as_str().unwrap().to_owned());
    configure(&world, "leaked", "false");
    world.try_apply().await.failed();
    configure(&world, "leaked", "true");
    let blind = ["apply", "-auto-approve", "-json", "-refresh=false"];
    let ran = world.run(&blind).await.failed();
    ran.says(&["this run's own credential", "plan with a refresh"]);
    assert!(world.works(&first).await);
    world.apply().await.warns(&["this run's own credential"]);
    assert!(world.works(&first).await, "it made this request");
    world.credential = persons;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_apply_in_which_its_token_rests_a_refresh_alone_has_no_news() {
    let world = World::new(86_400.0, CI).await;
    let has_no_news = async || {
        let alone = ["plan", "-refresh-only", "-detailed-exitcode", "-json"];
        let ran = world.run(&alone).await;
        assert_eq!(ran.code, 0, "{}", ran.text);
        world.plans_nothing().await;
    };
    configure_alone(&world, "none");
    world.apply().await;
    // Its first apply, beside a token that was minted before.
    configure(&world, "none", "true");
    world.apply().await;
    has_no_news().await;
    // One in which both change, and two in which the token changes first.
    configure(&world, "leaked", "true");
    world.apply().await;
    has_no_news().await;
    let former = world.state().await["value"].clone();
    configure(&world, "leaked again", "false");
    world.try_apply().await.failed();
    configure(&world, "leaked again", "true");
    world.apply().await;
    assert!(!world.works(&former).await);
    has_no_news().await;
    world.destroy().await;
    world.nothing_lives();
}
