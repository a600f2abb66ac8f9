//! From the first apply to the last: create, rotate, retire, destroy.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::support::{CI, World, reached};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_minted_works_and_is_gone_after_destroy() {
    let world = World::new(86_400.0, CI).await;
    world.apply().await;
    let state = world.state().await;
    assert!(world.works(&state["value"]).await);
    assert_eq!(state["status"], "active");
    assert_eq!(state["revision"], 1);
    assert_eq!(state["enabled"], true);
    let life = &world.lives()[0];
    assert_eq!(state["token_id"], life.id.as_str());
    assert_eq!(state["remote_name"], life.name.as_str());
    world.plans_nothing().await;

    world.destroy().await;
    assert!(!world.works(&state["value"]).await);
    assert_eq!(world.summary().minted, 1);
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_due_rotation_happens_in_place_by_the_plan_that_was_shown() {
    // It lives 24 s and is due after 12 s, which leaves the rotation time on a busy machine.
    let world = World::new(
        0.8,
        &format!("{CI}\n  rotation = {{ renew_before = \"50%\" }}"),
    )
    .await;
    world.apply().await;
    let first = world.state().await;
    world.plans_nothing().await;
    reached(&first["renew_at"]).await;

    let (actions, _) = world.plan().await;
    assert_eq!(actions, "update");
    let change = world.planned().await;
    assert_eq!(change["after"]["revision"], 2);
    let version = first["value_version"].as_i64().unwrap();
    assert_eq!(change["after"]["value_version"], version + 1);
    assert_eq!(change["after_unknown"]["value"], true);
    assert_eq!(change["after_sensitive"]["value"], true);
    assert_eq!(change["after_sensitive"]["value"], true);

    // The saved plan itself is applied: both plan calls agree.
    world.run(&["apply", "-json", "plan"]).await.succeeded();
    let second = world.state().await;
    assert_ne!(first["value"], second["value"]);
    assert_eq!(second["value_version"], version + 1);
    assert_eq!(second["retiring"][0]["token_id"], first["token_id"]);
    assert!(world.works(&first["value"]).await, "the overlap runs");
    assert!(world.works(&second["value"]).await);

    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expired_is_no_plan_and_goes_with_the_next_change() {
    // Rotated early by a trigger; both live 9 s, and only the trigger rotates.
    let trigger = |n: u32, more: &str| {
        format!(
            "{CI}\n  rotation = {{ triggers = {{ a = \"{n}\" }} }}\n  on_loss = \"report\"\n{more}"
        )
    };
    let world = World::new(0.3, &trigger(1, "")).await;
    world.apply().await;
    let first = world.state().await;
    world.configure(&trigger(2, "").replace("30d", "3000d"));
    world.apply().await;
    let second = world.state().await;
    assert_eq!(second["retiring"][0]["token_id"], first["token_id"]);
    reached(&first["expires_at"]).await;
    world.plans_nothing().await;
    assert_eq!(world.state().await["retiring"].as_array().unwrap().len(), 1);

    world.configure(&trigger(2, "timeouts = { delete = \"1m\" }").replace("30d", "3000d"));
    world.apply().await;
    let third = world.state().await;
    assert_eq!(third["retiring"].as_array().unwrap().len(), 0, "{third}");
    assert_eq!(third["value"], second["value"]);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn both_values_work_until_the_overlap_ends_and_a_later_apply_revokes_the_first() {
    let trigger =
        |n: u32| format!("{CI}\n  rotation = {{ overlap = \"4s\", triggers = {{ a = \"{n}\" }} }}");
    let world = World::new(86_400.0, &trigger(1)).await;
    world.apply().await;
    let first = world.state().await;
    world.configure(&trigger(2));
    world.apply().await;
    let second = world.state().await;
    assert!(world.works(&first["value"]).await, "the overlap runs");
    assert!(world.works(&second["value"]).await);

    reached(&second["retiring"][0]["revoke_after"]).await;
    assert!(
        world.works(&first["value"]).await,
        "nothing ends by time alone"
    );
    let (actions, _) = world.plan().await;
    assert_eq!(actions, "update", "an ended overlap is a plan of its own");
    assert_eq!(world.planned().await["after"]["value"], second["value"]);
    world.apply().await;
    let third = world.state().await;
    assert_eq!(third["retiring"].as_array().unwrap().len(), 0);
    let record = URL_SAFE_NO_PAD.decode(third["record"].as_str().unwrap());
    let record: serde_json::Value = serde_json::from_slice(&record.unwrap()).unwrap();
    assert_eq!(record["past"].as_array().unwrap().len(), 1);
    assert!(!world.works(&first["value"]).await);
    assert!(world.works(&second["value"]).await);
    assert_eq!(world.summary().minted, 2);

    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_overlap_ends_early_where_the_clock_here_is_ahead_of_the_issuer_s() {
    let trigger =
        |n: u32| format!("{CI}\n  rotation = {{ overlap = \"2s\", triggers = {{ a = \"{n}\" }} }}");
    let world = World::new(86_400.0, &trigger(1)).await;
    world.apply().await;
    world.configure(&trigger(2));
    world.apply().await;
    let ends = &world.state().await["retiring"][0]["revoke_after"];
    reached(ends).await;
    let dated = world.fault(json!({}), json!({ "clock_behind": 3_600 }));
    let ran = world.plans_nothing().await;
    ran.warns(&[
        "The clock of this machine is ahead of the issuer's",
        "by 1h",
    ]);
    world.sandbox.faults().remove(dated);
    let (actions, _) = world.plan().await;
    assert_eq!(actions, "update", "by the issuer's clock it is over");
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn destroy_ends_the_retiring_tokens_too_and_retains_where_that_is_wished() {
    let world = World::new(
        86_400.0,
        &format!("{CI}\n  rotation = {{ triggers = {{ a = \"1\" }} }}"),
    )
    .await;
    world.apply().await;
    world.configure(&format!(
        "{CI}\n  rotation = {{ triggers = {{ a = \"2\" }} }}"
    ));
    world.apply().await;
    assert_eq!(world.summary().live, 2);
    world.destroy().await;
    world.nothing_lives();

    world.configure(&format!("{CI}\n  on_destroy = \"retain\""));
    world.apply().await;
    let kept = world.state().await;
    let ran = world.destroy().await;
    ran.warns(&["stay alive", kept["token_id"].as_str().unwrap()]);
    assert!(world.works(&kept["value"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_is_ever_logged_or_printed() {
    let world = World::new(
        86_400.0,
        &format!("{CI}\n  rotation = {{ triggers = {{ a = \"1\" }} }}"),
    )
    .await;
    let log = world.path("log");
    let traced = |args: &[&str]| {
        let mut command = world.command(args);
        command.env("TF_LOG", "TRACE").env("TF_LOG_PATH", &log);
        command.output()
    };
    let mut printed = String::new();
    let mut values = Vec::new();
    for trigger in ["1", "2"] {
        world.configure(&format!(
            "{CI}\n  rotation = {{ triggers = {{ a = {trigger:?} }} }}"
        ));
        for args in [&["plan", "-json"][..], &["apply", "-auto-approve", "-json"]] {
            let output = traced(args).await.unwrap();
            assert!(output.status.success());
            printed += &String::from_utf8_lossy(&output.stdout);
        }
        values.push(world.state().await["value"].as_str().unwrap().to_owned());
    }
    let output = traced(&["destroy", "-auto-approve", "-json"])
        .await
        .unwrap();
    printed += &String::from_utf8_lossy(&output.stdout);
    printed += &std::fs::read_to_string(&log).unwrap();
    assert!(
        printed.contains("perform a planned step"),
        "the provider's own lines are in the log"
    );
    values.push(world.played.credential.clone());
    for value in values {
        assert!(!printed.contains(&value), "a secret was printed");
    }
}
