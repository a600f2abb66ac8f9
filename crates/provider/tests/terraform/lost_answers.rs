//! Mints whose answer is lost, and minted values that do not work.

use serde_json::json;

use crate::support::{CI, World, seconds};

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_first_answer_is_found_revoked_and_healed_by_the_next_apply() {
    let world = World::new(86_400.0, CI).await;
    world.fault(
        json!({ "operation": "mint", "count": 1 }),
        json!({ "lost_reply": true }),
    );
    let ran = world.try_apply().await.failed();
    ran.says(&["gave no new token", "answer was lost"]);
    ran.warns(&["found and revoked"]);
    world.nothing_lives();
    let state = world.state().await;
    assert!(
        state["token_id"].is_null() && state["value"].is_null(),
        "{state}"
    );

    world.apply().await;
    assert!(world.works(&world.state().await["value"]).await);
    assert_eq!(world.summary().live, 1);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mint_that_lands_after_its_answer_was_given_up_is_revoked_by_the_destroy() {
    let world = World::new(86_400.0, CI).await;
    // The request times out after two seconds and takes effect some seconds later.
    world.fault(
        json!({ "operation": "mint", "count": 1 }),
        json!({ "effect_after_timeout": 6000 }),
    );
    let ran = world.try_apply().await.failed();
    ran.says(&["answer was lost", "revokes it"]);
    assert_eq!(world.summary().minted, 0);
    world.destroy().await;
    assert_eq!(
        world.summary().minted,
        1,
        "destroy waited until nothing could land any more"
    );
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_rotation_keeps_the_current_token_and_its_token_is_retired_with_a_warning() {
    let trigger = |n: u32| format!("{CI}\n  rotation = {{ triggers = {{ a = \"{n}\" }} }}");
    let world = World::new(86_400.0, &trigger(1)).await;
    world.apply().await;
    let first = world.state().await;
    world.configure(&trigger(2));
    world.fault(
        json!({ "operation": "mint", "count": 1 }),
        json!({ "lost_reply": true }),
    );
    world
        .try_apply()
        .await
        .failed()
        .says(&["answer was lost", "is still the current one"]);
    assert_eq!(world.state().await["value"], first["value"]);
    assert!(world.works(&first["value"]).await);

    let lost = world.lives()[1].clone();
    let (actions, ran) = world.plan().await;
    assert_eq!(actions, "update", "the trigger is still to be handled");
    ran.warns(&["lost answer was found", &lost.id]);
    world.apply().await;
    let second = world.state().await;
    assert_eq!(
        second["revision"], 3,
        "the number of the lost token is not used again"
    );
    let retiring = second["retiring"].as_array().unwrap();
    assert_eq!(retiring.len(), 2, "{second}");
    assert!(
        retiring
            .iter()
            .any(|row| row["token_id"] == lost.id.as_str())
    );
    world.plans_nothing().await;
    world.destroy().await;
    assert_eq!(world.summary().minted, 3);
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_lost_in_a_row_are_all_found_again() {
    let trigger = |n: u32| format!("{CI}\n  rotation = {{ triggers = {{ a = \"{n}\" }} }}");
    let world = World::new(86_400.0, &trigger(1)).await;
    world.apply().await;
    world.configure(&trigger(2));
    world.fault(
        json!({ "operation": "mint", "count": 3 }),
        json!({ "lost_reply": true }),
    );
    for _ in 0..3 {
        world.try_apply().await.failed();
    }
    assert_eq!(world.summary().live, 4);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_does_not_authenticate_is_revoked_again() {
    let world = World::new(86_400.0, CI).await;
    let fault = world.fault(json!({ "operation": "mint" }), json!({ "born_dead": true }));
    world
        .try_apply()
        .await
        .failed()
        .says(&["does not authenticate", "revoked"]);
    assert!(world.state().await.is_null());
    world.nothing_lives();

    // The same in a rotation: what worked goes on working.
    world.sandbox.faults().remove(fault);
    world.apply().await;
    let first = world.state().await;
    world.fault(json!({ "operation": "mint" }), json!({ "born_dead": true }));
    world.configure(&CI.replace("models:read", "datasets:read"));
    world
        .try_apply()
        .await
        .failed()
        .says(&["does not authenticate", "is still the current one"]);
    let after = world.state().await;
    assert_eq!(after["value"], first["value"]);
    assert_eq!(after["scopes"], first["scopes"]);
    assert!(world.works(&first["value"]).await);
    assert_eq!(world.summary().live, 1);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_mint_is_tried_again_after_the_time_that_the_issuer_asks_for() {
    let world = World::new(86_400.0, CI).await;
    world.fault(
        json!({ "operation": "mint", "count": 1 }),
        json!({ "status": 429, "retry_after": 1 }),
    );
    let start = std::time::Instant::now();
    world.apply().await;
    assert!(start.elapsed().as_secs_f64() > 1.0);
    assert_eq!(world.summary().minted, 1);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoke_that_fails_after_a_rotation_is_a_warning_and_is_planned_again() {
    let resource =
        |n: u32| format!("{CI}\n  rotation = {{ overlap = \"1s\", triggers = {{ a = \"{n}\" }} }}");
    let world = World::new(86_400.0, &resource(1)).await;
    world.apply().await;
    world.configure(&resource(2));
    world.apply().await;
    seconds(1.1).await;
    let fault = world.fault(json!({ "operation": "revoke" }), json!({ "status": 403 }));
    world.configure(&resource(3));
    let ran = world.apply().await;
    ran.warns(&["was not revoked", "stays in retiring"]);
    assert_eq!(world.summary().live, 3);
    world.sandbox.faults().remove(fault);
    seconds(1.1).await;
    let (actions, _) = world.plan().await;
    assert_eq!(actions, "update");
    world.apply().await;
    assert_eq!(world.summary().live, 1);
    world.destroy().await;
    world.nothing_lives();
}
