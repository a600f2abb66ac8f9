//! Several states with tokens of one name.

use jiff::Timestamp;
use serde_json::Value;
use tokenwright_client::Clock;
use tokenwright_sandbox::ledger::What;

use super::{ADDRESS, Script, actions, apply, apply_plan, consumed, held, living, rests, trigger};
use crate::support::CI;

#[tokio::test(flavor = "multi_thread")]
async fn two_workspaces_with_the_same_names_leave_each_other_alone() {
    let world = Script::new(86_400.0, &consumed(CI)).await;
    let text = std::fs::read_to_string(world.path("main.tf")).unwrap();
    let manager = "manager = \"acme/${terraform.workspace}\"";
    std::fs::write(
        world.path("main.tf"),
        text.replace("manager = \"test\"", manager),
    )
    .unwrap();
    let mut values = Vec::new();
    for name in ["one", "two"] {
        world.run(&["workspace", "new", name]).await.succeeded();
        apply(&world).await;
        assert!(world.works(&held(&world)).await);
        values.push(held(&world));
    }
    for name in ["one", "two"] {
        world.run(&["workspace", "select", name]).await.succeeded();
        let ran = world.plans_nothing().await;
        assert_eq!(ran.said("warning").matches("other tokens").count(), 0);
        assert_eq!(world.state().await["orphans"], serde_json::json!([]));
    }
    world.destroy().await;
    assert!(world.works(&values[0]).await && !world.works(&values[1]).await);
    world.run(&["workspace", "select", "one"]).await.succeeded();
    world.plans_nothing().await;
    world.ends_with(Some(&values[0]), &[]).await;
}

/// A token that another state may have keeps a day, however short the overlap.
fn may_be_used_for_a_day(state: &Value, id: &str) {
    let retiring = state["retiring"].as_array().unwrap();
    let row = retiring.iter().find(|row| row["token_id"] == id).unwrap();
    let end: Timestamp = row["revoke_after"].as_str().unwrap().parse().unwrap();
    let left = end.duration_since(Clock::system().now());
    assert!(left.as_hours() >= 23, "{row}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_state_that_rotates_ends_nothing_of_the_other() {
    let world = Script::new(86_400.0, &consumed(&trigger(1, "overlap = \"1s\""))).await;
    apply(&world).await;
    let state = world.path("terraform.tfstate");
    let original = std::fs::read(&state).unwrap();
    let first = held(&world);

    world.configure(&consumed(&trigger(2, "overlap = \"1s\"")));
    apply(&world).await;
    let second = held(&world);
    assert_ne!(first, second);
    crate::support::seconds(1.2).await;

    // The original goes on with a rotation of its own.
    std::fs::write(&state, &original).unwrap();
    world.configure(&consumed(&trigger(3, "overlap = \"1s\"")));
    let (_, ran) = world.plan().await;
    ran.warns(&["lost answer was found", "copied or restored"]);
    assert_eq!(actions(&world).await[ADDRESS], "update");
    apply_plan(&world).await;
    let third = rests(&world).await;
    for value in [&first, &second, &third["value"]] {
        assert!(world.works(value).await, "somebody may use it");
    }
    may_be_used_for_a_day(&third, &world.lives()[1].id);
    assert_eq!(world.count(What::Revoke), 0);
    assert_eq!(living(&world).len(), 3);
    world.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_state_ends_no_token_that_somebody_may_use() {
    let world = Script::new(86_400.0, &consumed(&trigger(1, ""))).await;
    let state = world.path("terraform.tfstate");
    apply(&world).await;
    let backup = std::fs::read(&state).unwrap();
    world.configure(&consumed(&trigger(2, "")));
    apply(&world).await;
    let used = world.state().await;
    let abandoned = std::fs::read(&state).unwrap();

    // The backup knows nothing of the second token, whose value the consumer has.
    std::fs::write(&state, &backup).unwrap();
    let (_, ran) = world.plan().await;
    assert_eq!(actions(&world).await[ADDRESS], "update");
    apply_plan(&world).await;
    let id = used["token_id"].as_str().unwrap();
    ran.warns(&["lost answer was found", id, "copied or restored"]);
    assert!(world.works(&used["value"]).await);
    let other = rests(&world).await;
    assert_eq!(other["revision"], 3);

    // For the abandoned state the third token is another writer's: it says so, and ends nothing.
    let restored = std::fs::read(&state).unwrap();
    std::fs::write(&state, &abandoned).unwrap();
    let id = other["token_id"].as_str().unwrap();
    world.plans_nothing().await.warns(&["Another writer", id]);
    let destroy = ["destroy", "-auto-approve", "-json"];
    let ran = world.run(&destroy).await.failed();
    ran.says(&["was not revoked", id]);
    assert_eq!(living(&world).len(), 3);

    std::fs::write(&state, &restored).unwrap();
    world.ends().await;
}
