//! A consumer that fails while its token rotates.

use tokenwright_sandbox::ledger::What;

use super::{
    ADDRESS, Script, actions, apply, apply_plan, changes, consumed, held, living, rests, trigger,
};
use crate::support::reached;

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_failed_until_the_overlap_had_passed_gets_the_new_value_by_a_plain_apply() {
    let world = Script::new(86_400.0, &consumed(&trigger(1, "overlap = \"3s\""))).await;
    apply(&world).await;
    let first = held(&world);
    world.configure(&consumed(&trigger(2, "overlap = \"3s\"")));
    std::fs::write(world.path("broken"), "").unwrap();
    world.try_apply().await.failed();
    let state = world.state().await;
    assert_eq!(held(&world), first);
    assert_ne!(state["value"], first);
    reached(&state["retiring"][0]["revoke_after"]).await;
    // Nothing ends by time alone, and a plan ends nothing.
    world.plan().await;
    assert_eq!(actions(&world).await[ADDRESS], "update", "it would end");
    assert!(world.works(&first).await, "the consumer still uses it");

    std::fs::remove_file(world.path("broken")).unwrap();
    apply(&world).await;
    rests(&world).await;
    assert!(!world.works(&first).await);
    assert_eq!(world.summary().minted, 2);
    assert_eq!(living(&world).len(), 1);
    world.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotations_in_a_row_end_each_token_but_the_current_and_the_former() {
    let world = Script::new(86_400.0, "").await;
    let mut former = None;
    for n in 1..=3 {
        world.configure(&consumed(&trigger(n, "overlap = \"1d\"")));
        apply(&world).await;
        let state = rests(&world).await;
        let retiring = state["retiring"].as_array().unwrap();
        let ids: Vec<_> = retiring.iter().map(|row| row["token_id"].clone()).collect();
        assert_eq!(ids, former.into_iter().collect::<Vec<_>>());
        assert_eq!(living(&world).len(), 1 + ids.len());
        former = Some(state["token_id"].clone());
    }
    // What is in no state any more was revoked, by its own rotation.
    assert_eq!(world.count(What::Revoke), 1);
    world.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overlap_is_moved_either_way_and_ended_at_once_without_a_word_to_the_consumers() {
    let world = Script::new(86_400.0, "").await;
    let configure = |n: u32, overlap: &str| {
        let overlap = format!("overlap = {overlap:?}");
        world.configure(&consumed(&trigger(n, &overlap)));
    };
    let mut former = serde_json::Value::Null;
    for n in [1, 2] {
        former = world.state().await["value"].clone();
        configure(n, "1d");
        apply(&world).await;
    }
    let minted: jiff::Timestamp = {
        let state = world.state().await;
        state["created_at"].as_str().unwrap().parse().unwrap()
    };
    for (overlap, hours) in [("2d", Some(48)), ("18h", Some(18)), ("0s", None)] {
        configure(2, overlap);
        world.plan().await;
        let told = [
            "terraform_data.consumer",
            "tokenwright_adopted_token.consumer",
        ];
        let planned = actions(&world).await;
        assert_eq!(planned[ADDRESS], "update");
        assert!(told.iter().all(|of| planned[*of] == "no-op"), "{planned:?}");
        let change = changes(&world).await.remove(ADDRESS).unwrap();
        apply_plan(&world).await;
        let retiring = rests(&world).await["retiring"].clone();
        assert_eq!(world.works(&former).await, hours.is_some(), "{overlap}");
        let Some(hours) = hours else {
            assert_eq!(retiring, serde_json::json!([]));
            continue;
        };
        assert_eq!(retiring, change["after"]["retiring"], "as it was shown");
        let end: jiff::Timestamp = {
            let end = &retiring[0]["revoke_after"];
            end.as_str().unwrap().parse().unwrap()
        };
        let overlap = end.duration_since(minted).as_mins() - hours * 60;
        assert!(overlap.abs() <= 5, "{retiring}");
    }
    assert_eq!(living(&world).len(), 1);
    assert_eq!(world.summary().minted, 2);
    world.ends().await;
}
