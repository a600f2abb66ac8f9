//! Plans that are saved: asked for twice, applied late, applied again after a kill.

use super::{
    Script, actions, apply, apply_plan, consumed, every_living_token_is_named, living, rests,
    trigger,
};
use crate::support::processes::{kill, kill_provider, providers, runs};
use crate::support::{CI, reached, until};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_applied_was_planned_twice_and_the_same_both_times() {
    let world = Script::new(86_400.0, &consumed(&trigger(1, ""))).await;
    apply(&world).await;
    world.configure(&consumed(&trigger(2, "")));
    apply(&world).await;
    // The create and the rotation.
    assert_eq!(world.record.repeats(), 2);
    world.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_whose_apply_was_killed_is_stale_and_no_token_is_lost() {
    let world = Script::new(86_400.0, &consumed(&trigger(1, ""))).await;
    apply(&world).await;
    let first = world.state().await;
    world.configure(&consumed(&trigger(2, "")));
    world.plan().await;
    let fault = world.fault(
        serde_json::json!({ "operation": "mint", "count": 1 }),
        serde_json::json!({ "latency_ms": 60_000 }),
    );
    let mut terraform = world.spawn(&["apply", "-no-color", "plan"]);
    until("the mint reaches the vendor", || world.waiting(fault) == 1).await;
    kill_provider(&terraform);
    assert!(!terraform.wait().await.unwrap().success());
    world.sandbox.faults().clear();

    // With the answer every core drops what is private, so that its state is another one and the plan is stale.
    let again = world.run(&["apply", "-json", "plan"]).await;
    again.failed().says(&["Saved plan is stale"]);
    let lost = world.lives()[1].clone();
    let ran = apply(&world).await;
    ran.warns(&["lost answer was found", &lost.id]);
    assert_eq!(world.summary().minted, 3);
    let state = rests(&world).await;
    assert_eq!(living(&world).len(), 3);
    assert!(world.works(&first["value"]).await, "the overlap runs");
    assert_eq!(state["retiring"].as_array().unwrap().len(), 2, "{state}");
    world.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_whose_core_was_killed_is_applied_again_and_no_token_is_lost() {
    for with_provider in [false, true] {
        // The end of a consumer would be written down, and the plan be stale.
        let world = Script::new(86_400.0, &trigger(1, "")).await;
        let world = world.without_consumer();
        apply(&world).await;
        let first = world.state().await;
        world.configure(&trigger(2, ""));
        world.plan().await;
        assert_eq!(actions(&world).await[super::ADDRESS], "update");
        let fault = world.fault(
            serde_json::json!({ "operation": "mint", "count": 1 }),
            serde_json::json!({ "latency_ms": 60_000 }),
        );
        let mut terraform = world.spawn(&["apply", "-no-color", "plan"]);
        until("the mint reaches the vendor", || world.waiting(fault) == 1).await;
        let all = providers(&terraform);
        kill(terraform.id().unwrap());
        if with_provider {
            all.iter().copied().for_each(kill);
        }
        terraform.wait().await.unwrap();
        world.sandbox.faults().clear();
        until("nothing of it runs any more", || {
            !all.iter().copied().any(runs)
        })
        .await;
        let _ = std::fs::remove_file(world.path(".terraform.tfstate.lock.info"));

        // Nothing was written down, so that it mints under the same marker.
        let lost = world.lives()[1].clone();
        // A provider that sees its core gone takes the token back; an answer may have left it just before.
        assert!(lost.ended_at.is_none() || !with_provider, "{lost:?}");
        let again = ["apply", "-json", "plan"];
        world.run(&again).await.succeeded();
        let second = world.state().await;
        assert_eq!(second["remote_name"], lost.name.as_str());
        let ran = apply(&world).await;
        if lost.ended_at.is_none() {
            ran.warns(&["lost answer was found", &lost.id]);
        }
        let state = world.state().await;
        every_living_token_is_named(&world, &state);
        assert_eq!(
            state["value"], second["value"],
            "one rotation was asked for"
        );
        for of in [&first, &second] {
            assert!(world.works(&of["value"]).await);
        }
        assert_eq!(world.summary().minted, 3);
        world.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_that_is_applied_late_does_what_it_showed() {
    // A token lives nine seconds; only the trigger rotates.
    let world = Script::new(0.3, &consumed(&trigger(1, ""))).await;
    apply(&world).await;
    let first = world.state().await;
    world.configure(&consumed(&trigger(2, "")).replace("30d", "3000d"));
    world.plan().await;
    assert_eq!(actions(&world).await[super::ADDRESS], "update");
    reached(&first["expires_at"]).await;
    assert!(!world.works(&first["value"]).await);
    apply_plan(&world).await;
    rests(&world).await;
    assert_eq!(world.summary().minted, 2);
    world.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_that_is_applied_after_a_rotation_came_due_does_only_what_it_showed() {
    // It lives 48 seconds and is due after 24.
    let due = |more: &str| {
        consumed(&format!(
            "{CI}\n  rotation = {{ renew_before = \"50%\" }}\n  {more}"
        ))
    };
    let world = Script::new(1.6, &due("")).await;
    apply(&world).await;
    let first = world.state().await;
    world.configure(&due("timeouts = { create = \"2m\" }"));
    world.plan().await;
    let change = super::changes(&world).await[super::ADDRESS].clone();
    assert_eq!(change["actions"], serde_json::json!(["update"]));
    assert_eq!(change["after"]["value"], first["value"]);
    reached(&first["renew_at"]).await;
    apply_plan(&world).await;
    let late = world.state().await;
    assert_eq!(late["timeouts"]["create"], "2m");
    assert_eq!(late["value"], first["value"], "no rotation was shown");
    assert_eq!(world.summary().minted, 1);

    // The next plan shows it.
    apply(&world).await;
    assert_eq!(rests(&world).await["revision"], 2);
    assert_eq!(world.summary().minted, 2);
    world.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_only_changes_the_schedule_can_be_applied_before_and_after_it_comes_due() {
    // A token lives 60 seconds; the new schedules are due some 24 seconds after its mint.
    let due = |before: &str| {
        consumed(&format!(
            "{CI}\n  rotation = {{ renew_before = {before:?} }}"
        ))
    };
    let world = Script::new(2.0, &due("1%")).await;
    apply(&world).await;
    let first = world.state().await;
    world.configure(&due("60%"));
    let (actions, _) = world.plan().await;
    assert_eq!(actions, "update");
    let change = super::changes(&world).await[super::ADDRESS].clone();
    assert_eq!(change["after_unknown"]["value"], true);
    apply_plan(&world).await;
    let early = world.state().await;
    assert_eq!(early["value"], first["value"], "it is not due");
    world.plans_nothing().await;

    world.configure(&due("61%"));
    world.plan().await;
    reached(&early["renew_at"]).await;
    apply_plan(&world).await;
    let late = world.state().await;
    assert_eq!(late["revision"], 2);
    assert!(world.works(&late["value"]).await && world.works(&first["value"]).await);
    assert_eq!(world.summary().minted, 2);
    world.ends().await;
}
