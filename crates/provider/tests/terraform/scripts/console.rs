//! What a person does to a token in the vendor's console, or time does.

use serde_json::json;
use tokenwright_sandbox::ledger::What;
use tokenwright_sandbox::{Settings, SystemName};

use super::{ADDRESS, Script, actions, apply, apply_plan, changes, consumed, held, rests, trigger};
use crate::support::{CI, client, reached, seconds};

#[tokio::test(flavor = "multi_thread")]
async fn what_expired_is_minted_anew_and_its_consumers_get_it() {
    // A token lives six seconds, and nothing rotates it.
    let world = Script::new(0.2, &consumed(CI)).await;
    apply(&world).await;
    let first = world.state().await;
    reached(&first["expires_at"]).await;
    assert!(!world.works(&held(&world)).await);
    // The next lives long enough to be looked at; nothing else changes.
    let longer = Settings {
        seconds_per_day: 86_400.0,
        ..world.sandbox.settings()
    };
    world.sandbox.set(longer).unwrap();
    world.plan().await;
    assert_eq!(actions(&world).await[ADDRESS], "update");
    apply_plan(&world).await;
    let second = rests(&world).await;
    assert_eq!(second["revision"], 2);
    let why = second["rotation_reason"].as_str().unwrap();
    assert!(why.starts_with("expired at "), "{why}");
    assert_eq!(world.summary().minted, 2);
    world.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_revoked_is_minted_anew_and_its_consumers_get_it() {
    let world = Script::new(86_400.0, &consumed(CI)).await;
    apply(&world).await;
    let first = world.state().await;
    reached(&first["created_at"]).await;
    seconds(10.2).await;
    world.deleted(first["token_id"].as_str().unwrap()).await;
    world.plan().await;
    assert_eq!(actions(&world).await[ADDRESS], "update");
    apply_plan(&world).await;
    let second = rests(&world).await;
    assert_eq!(second["rotation_reason"], "missing at the issuer");
    assert_eq!(world.summary().minted, 2);
    world.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_disabled_stays_so_until_told_and_its_consumers_keep_what_they_hold() {
    let world = Script::new(86_400.0, &consumed(CI)).await;
    apply(&world).await;
    let before = world.state().await;
    world
        .by_hand(reqwest::Method::PUT, &before["token_id"])
        .await;
    apply(&world).await;
    assert_eq!(world.state().await["status"], "disabled");
    assert!(!world.works(&held(&world)).await);

    // So is its successor, which a consumer that looks does not take.
    world.configure(&consumed(&trigger(1, "")));
    let (action, ran) = world.plan().await;
    assert_eq!(action, "update");
    ran.warns(&["successor"]);
    assert_eq!(changes(&world).await[ADDRESS]["after"]["enabled"], false);
    let ran = world.run(&["apply", "-json", "plan"]).await.failed();
    ran.says(&["value of token \"consumer\" does not authenticate"]);
    let successor = world.state().await;
    assert_eq!(successor["status"], "disabled");
    assert_eq!(held(&world), successor["value"]);
    assert_ne!(held(&world), before["value"]);
    assert!(!world.works(&held(&world)).await);

    world.configure(&consumed(&format!("{}\n  enabled = true", trigger(1, ""))));
    world.plan().await;
    let planned = actions(&world).await;
    assert_eq!(planned[ADDRESS], "update");
    assert_eq!(planned["terraform_data.consumer"], "no-op");
    apply_plan(&world).await;
    assert_eq!(rests(&world).await["value"], successor["value"]);
    assert_eq!(world.summary().minted, 2);
    world.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_renamed_goes_on_working_and_is_ended_by_nobody_until_its_name_is_back() {
    let world = Script::of(SystemName::Scaleway, 86_400.0, "").await;
    let application = world.played.parameter("application_id").unwrap();
    world.configure(&consumed(&format!(
        "  name = \"ci\"\n  lifetime = \"30d\"\n  parameters = {{ application_id = {application:?} }}"
    )));
    apply(&world).await;
    let before = world.state().await;
    let named = |name: String| {
        let (key, world) = (before["token_id"].as_str().unwrap(), &world);
        async move {
            let sent = client()
                .patch(format!(
                    "{}/iam/v1alpha1/api-keys/{key}",
                    world.played.endpoint
                ))
                .header("X-Auth-Token", &world.played.credential)
                .json(&json!({ "description": name }));
            sent.send().await.unwrap().error_for_status().unwrap();
        }
    };
    named("mine now".to_owned()).await;
    apply(&world).await;
    assert!(world.works(&held(&world)).await);
    assert_eq!(world.state().await["value"], before["value"]);
    assert_eq!(world.count(What::Mint), 1);
    let destroy = ["destroy", "-auto-approve", "-json"];
    let ran = world.run(&destroy).await.failed();
    ran.says(&[before["token_id"].as_str().unwrap()]);
    assert!(world.works(&before["value"]).await, "nobody ended it");
    named(before["remote_name"].as_str().unwrap().to_owned()).await;
    world.ends().await;
}
