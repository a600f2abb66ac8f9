//! Bad input, and what it gets: a clear error at its attribute, at the earliest moment, and nobody asked.

use tokenwright_sandbox::SystemName::{Scaleway, Seenode, Transiyzi};

use super::{declare, declare_with, world};

/// The value and the rest of a declaration, and the words that its error must have.
type Case = (&'static str, &'static str, &'static [&'static str]);

const KEY: &str = "value_wo = var.key";

const AT_VALIDATE: &[Case] = &[
    (
        KEY,
        "expires_at = \"tomorrow\"",
        &["no instant", "2027-01-31T00:00:00Z", "[expires_at ="],
    ),
    (
        KEY,
        "expires_at = \"2027-01-31\"",
        &["no instant", "[expires_at ="],
    ),
    (
        KEY,
        "expires_at = \"2027-01-31T00:00:00Z\"\n warn_before = \"soon\"",
        &["warn_before is no duration", "[warn_before = \"soon\"]"],
    ),
    (
        KEY,
        "warn_before = \"30d\"",
        &["counts back from expires_at", "[warn_before ="],
    ),
    (
        KEY,
        "timeouts = { create = \"x\" }",
        &["create is no duration", "such as 90d"],
    ),
];

const AT_PLAN: &[Case] = &[
    ("", "", &["The value is missing", "values_wo"]),
    // A variable may be null until it is known.
    (
        "value_wo = var.key\n values_wo = { key = var.key }",
        "",
        &["values_wo and value_wo are both set", "[values_wo ="],
    ),
    (
        "value_wo = \"\"",
        "",
        &["The value is empty", "[value_wo = \"\"]"],
    ),
    (
        "value_wo = join(\"\", [for i in range(513) : \"x\"])",
        "",
        &["513 bytes", "at most 512"],
    ),
    (
        "values_wo = { token = var.key }",
        "",
        &["no part \"token\"", "are: key"],
    ),
    ("values_wo = {}", "", &["The part \"key\" is missing"]),
    (
        "values_wo = { key = \"\" }",
        "",
        &["The value is empty", "values_wo"],
    ),
    (
        KEY,
        "parameters = { team = \"a\" }",
        &["team is not known", "it knows none", "parameters"],
    ),
    (
        KEY,
        "issuer = \"other\"",
        &["no issuer \"other\"", "[issuer = \"other\"]"],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_adopted_is_said_at_its_attribute_at_the_earliest_moment() {
    let mut world = world(Seenode, "").await;
    world
        .variables
        .insert("key", world.played.credential.clone());
    for (value, rest, words) in AT_VALIDATE {
        declare_with(&world, value, rest);
        world.run(&["validate"]).await.failed();
        world.run(&["plan", "-json"]).await.failed().says(words);
    }
    for (value, rest, words) in AT_PLAN {
        declare_with(&world, value, rest);
        world.run(&["validate"]).await.succeeded();
        world.run(&["plan", "-json"]).await.failed().says(words);
    }
    declare(&world, "");
    let text = std::fs::read_to_string(world.path("main.tf")).unwrap();
    world.write("");
    std::fs::write(
        world.path("main.tf"),
        text.replace("name = \"deploy\"", "name = \" \""),
    )
    .unwrap();
    world.run(&["validate"]).await.failed();
    world
        .run(&["plan", "-json"])
        .await
        .failed()
        .says(&["The name is empty", "[name = \" \"]"]);
    let ledger = world.sandbox.ledger(None).unwrap();
    assert!(ledger.events.is_empty(), "nobody was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_issuer_cannot_do_with_a_value_is_said_at_plan() {
    let mut scaleway = world(Scaleway, "").await;
    scaleway.variables.insert("key", "x".to_owned());
    for (value, words) in [
        (
            "values_wo = { access_key = \"SCW\" }",
            &[
                "The part \"secret_key\" is missing",
                "public and not needed: access_key",
            ][..],
        ),
        (
            "values_wo = { secret_key = var.key, id = \"a\" }",
            &["no part \"id\""],
        ),
    ] {
        declare_with(&scaleway, value, "");
        scaleway.run(&["plan", "-json"]).await.failed().says(words);
    }
    let mut transiyzi = world(Transiyzi, "parameters = { project_id = \"\" }").await;
    transiyzi.variables.insert("key", "x".to_owned());
    let ran = transiyzi.run(&["plan", "-json"]).await.failed();
    ran.says(&["project_id must not be empty", "parameters"]);

    // A credential that can do nothing is no credential.
    let text = std::fs::read_to_string(transiyzi.path("main.tf")).unwrap();
    let text = text
        .replace("project_id = \"\"", "")
        .replace("request_timeout", "credential = \"a\"\n request_timeout");
    std::fs::write(transiyzi.path("main.tf"), text).unwrap();
    let ran = transiyzi.run(&["plan", "-json"]).await.failed();
    ran.says(&[
        "Issuer \"vendor\" cannot be used",
        "have no credential",
        "Leave it out",
    ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adopted_token_is_declared_and_not_imported() {
    let mut world = world(Seenode, "").await;
    world
        .variables
        .insert("key", world.played.credential.clone());
    let ran = world
        .run(&["import", "tokenwright_adopted_token.deploy", "1"])
        .await
        .failed();
    assert!(ran.text.contains("cannot be imported"), "{}", ran.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_plan_nor_a_destroy_without_a_refresh_wants_the_accepted_value_again() {
    let mut world = world(Seenode, "").await;
    let key = world.played.credential.clone();
    world.variables.insert("key", key);
    world.apply().await;
    // Another one is ignored where that is wished, and so is none.
    declare_with(
        &world,
        "value_wo = \"another\"",
        "lifecycle {\n  ignore_changes = [value_wo]\n }",
    );
    world.plans_nothing().await;
    declare(&world, "");
    world.variables.clear();
    world.plans_nothing().await;
    let destroy = ["destroy", "-auto-approve", "-refresh=false", "-json"];
    let ran = world.run(&destroy).await.succeeded();
    ran.warns(&["lives on"]);
    assert!(world.state().await.is_null());
}
