//! What a system says of a value, and what its Terraform does then.

use serde_json::{Value, json};
use tokenwright_sandbox::SystemName::{OnlineNet, Scaleway, Seeme, Seenode, Transiyzi};

use super::{declare, declare_with, found, provider, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_person_is_taken_up_followed_and_outlives_its_declaration() {
    for system in [Seenode, OnlineNet] {
        let mut world = world(system, "").await;
        let (_, first) = world.made().await;
        world.variables.insert("key", first.clone());
        world.apply().await;
        let state = world.state().await;
        assert_eq!(state["status"], "alive", "{system}");
        assert!(state["verified_at"].is_string());
        assert_eq!(state["value_wo"], Value::Null);
        let version = state["value_version"].as_i64().unwrap();
        world.plans_nothing().await;

        // Nobody raises a version: the value itself is seen to be another one.
        let (_, second) = world.made().await;
        world.variables.insert("key", second.clone());
        let (actions, _) = world.plan().await;
        assert_eq!(actions, "update");
        world.run(&["apply", "-json", "plan"]).await.succeeded();
        let after = world.state().await;
        assert_eq!(after["value_version"], version + 1);
        assert_ne!(after["fingerprint"], state["fingerprint"]);
        world.plans_nothing().await;

        let ran = world.destroy().await;
        ran.warns(&["\"deploy\" lives on", "a person must: make and delete"]);
        for value in [first, second] {
            assert!(world.works(&value.into()).await, "{system}");
        }
        assert_eq!(world.summary().made_by_hand_live, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_does_not_authenticate_replaces_nothing_and_is_proposed_again() {
    let mut world = world(Seenode, "").await;
    world.variables.insert("key", "mistyped".to_owned());
    let ran = world.try_apply().await.failed();
    ran.says(&[
        "\"deploy\" does not authenticate",
        "Nothing was adopted",
        "dashboard",
        "[value_wo = var.key]",
    ]);
    assert!(world.state().await.is_null());

    let (_, good) = world.made().await;
    world.variables.insert("key", good.clone());
    world.apply().await;
    let before = world.state().await;
    let (id, dead) = world.made().await;
    world.deleted(&id).await;
    world.variables.insert("key", dead);
    for _ in 0..2 {
        let ran = world.try_apply().await.failed();
        ran.says(&["does not authenticate", "accepted before stays"]);
        assert_eq!(world.state().await, before);
        assert_eq!(world.plan().await.0, "update");
    }
    world.variables.insert("key", good);
    world.plans_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_does_not_answer_is_asked_for_a_while_and_risks_nothing() {
    let patience = "timeouts = { create = \"1s\", update = \"1s\" }";
    let mut world = world(Seenode, patience).await;
    let check = || json!({ "operation": "check" });
    let fault = world.fault(check(), json!({ "status": 503 }));
    world.variables.insert("key", world.made().await.1);
    let ran = world.apply().await;
    ran.warns(&[
        "\"deploy\" is not verified",
        "no clear answer within 1s",
        &world.played.endpoint,
    ]);
    assert_eq!(world.state().await["status"], "unverified");
    world.plans_nothing().await;

    // It comes back, and the next value is followed.
    world.sandbox.faults().remove(fault);
    world.variables.insert("key", world.made().await.1);
    world.apply().await;
    let before = world.state().await;
    assert_eq!(before["status"], "alive");

    // Away again, it replaces nothing that works; once it answers, what was proposed is taken up.
    let fault = world.fault(check(), json!({ "status": 503 }));
    world.variables.insert("key", world.made().await.1);
    let ran = world.try_apply().await.failed();
    ran.says(&[
        "Nobody could say",
        "was seen to work and stays",
        "[value_wo = var.key]",
    ]);
    assert_eq!(world.state().await, before);
    world.sandbox.faults().remove(fault);
    world.apply().await;
    let version = before["value_version"].as_i64().unwrap();
    assert_eq!(world.state().await["value_version"], version + 1);

    // A silence that passes is outwaited.
    world.fault(
        json!({ "operation": "check", "count": 1 }),
        json!({ "status": 503 }),
    );
    world.variables.insert("key", world.made().await.1);
    world.apply().await;
    assert_eq!(world.state().await["status"], "alive");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_not_known_yet_is_followed_once_it_is() {
    let world = world(Seenode, "").await;
    let declare = |value: &str, more: &str| {
        world.write(&format!(
            "{}resource \"terraform_data\" \"given\" {{\n input = {value:?}\n}}\n\
             resource \"tokenwright_adopted_token\" \"deploy\" {{\n value_wo = terraform_data.given.output\n {more}\n\
             lifecycle {{\n postcondition {{\n condition = self.status == \"alive\"\n error_message = \"dead\"\n }}\n }}\n}}\n",
            provider(&world)
        ));
    };
    let state = async || {
        let shown = world.run(&["show", "-json"]).await.succeeded();
        let shown: Value = serde_json::from_str(&shown.text).unwrap();
        let all = shown["values"]["root_module"]["resources"]
            .as_array()
            .unwrap()
            .clone();
        let adopted = |r: &&Value| r["type"] == "tokenwright_adopted_token";
        all.iter().find(adopted).unwrap()["values"].clone()
    };
    declare(&world.made().await.1, "name = \"deploy\"");
    world.apply().await;
    let first = state().await;
    assert_eq!(first["status"], "alive");
    let version = first["value_version"].as_i64().unwrap();

    // By itself it plans no change; the next run knows it.
    declare(&world.made().await.1, "name = \"deploy\"");
    world.apply().await;
    assert_eq!(state().await, first);
    world.apply().await;
    assert_eq!(state().await["value_version"], version + 1);

    // Beside another change, or with a raised version, it is followed at once.
    let second = world.made().await.1;
    declare(&second, "name = \"renamed\"");
    world.apply().await;
    assert_eq!(state().await["value_version"], version + 2);
    let third = world.made().await.1;
    declare(&third, "name = \"renamed\"\n value_wo_version = 1");
    world.apply().await;
    assert_eq!(state().await["value_version"], version + 3);
    // A raised version delivers the same value once more.
    declare(&third, "name = \"renamed\"\n value_wo_version = 2");
    world.apply().await;
    assert_eq!(state().await["value_version"], version + 4);
    let ran = world.run(&["plan", "-detailed-exitcode"]).await;
    assert_eq!(ran.code, 0, "{}", ran.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_several_parts_is_one_value_and_needs_no_credential() {
    let mut world = world(Scaleway, "").await;
    world.credential = None;
    let form = [("name", "by hand"), ("choice", "An application")];
    let (id, parts) = world.make(&form).await;
    let [access_key, secret_key] = parts.as_slice() else {
        panic!("two parts: {}", parts.len());
    };
    assert_eq!(id, *access_key);
    world.variables.insert("key", secret_key.clone());
    let values = format!("values_wo = {{ access_key = {access_key:?}, secret_key = var.key }}");
    declare_with(&world, &values, "");
    world.apply().await;
    let first = found(&world).await;
    assert_eq!(first[1], "alive");
    world.plans_nothing().await;

    // The public part is a part of the value.
    let other = values.replace(access_key.as_str(), "SCWXXXXXXXXXXXXXXXXX");
    declare_with(&world, &other, "");
    world.apply().await;
    assert_ne!(found(&world).await[0], first[0]);

    // Alone, the secret part is a value, too.
    declare_with(&world, "value_wo = var.key", "");
    world.apply().await;
    assert_eq!(found(&world).await[1], "alive");
    world.destroy().await;
    assert!(world.works(&secret_key.as_str().into()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_mints_adopts_what_a_person_made_and_leaves_it_alive() {
    let mut world = world(Seeme, "").await;
    world.credential = None;
    let form = [
        ("name", "by hand"),
        ("scope", "models:read"),
        ("days", "30"),
    ];
    let (id, mut parts) = world.make(&form).await;
    let value = parts.remove(0);
    world.variables.insert("key", value.clone());
    world.apply().await;
    assert_eq!(world.state().await["status"], "alive");
    world.destroy().await.warns(&["lives on"]);
    assert!(world.works(&value.into()).await);
    assert!(
        world
            .lives()
            .iter()
            .any(|life| life.id == id && life.revoked_at.is_none())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_check_needs_a_parameter_its_absence_is_said_and_its_change_checks_again() {
    let mut world = world(Transiyzi, "").await;
    world.variables.insert("key", world.made().await.1);
    let ran = world.apply().await;
    ran.warns(&[
        "\"deploy\" cannot be checked",
        "With project_id in parameters",
    ]);
    let before = found(&world).await;
    assert_eq!(before[1], "unverified");
    world.plans_nothing().await;

    let project = world.played.parameter("project_id").unwrap().to_owned();
    declare(
        &world,
        &format!("parameters = {{ project_id = {project:?} }}"),
    );
    assert_eq!(world.plan().await.0, "update");
    world.apply().await;
    let after = found(&world).await;
    assert_eq!(after[1], "alive");
    assert_eq!(
        (&after[0], &after[3]),
        (&before[0], &before[3]),
        "it is the same value"
    );
    world.plans_nothing().await;
}
