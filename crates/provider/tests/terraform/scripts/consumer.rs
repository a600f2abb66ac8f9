//! A consumer that fails while its token rotates.

use tokenwright_sandbox::ledger::What;

use super::{ADDRESS, actions, apply, consumed, held, living, rests, trigger};
use crate::support::{World, reached};

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_failed_until_the_overlap_had_passed_gets_the_new_value_by_a_plain_apply() {
    let world = World::new(86_400.0, &consumed(&trigger(1, "overlap = \"3s\""))).await;
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
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn rotations_in_a_row_end_each_token_but_the_current_and_the_former() {
    let world = World::new(86_400.0, "").await;
    let mut former = None;
    for n in 1..=4 {
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
    assert_eq!(world.count(What::Revoke), 2);
    world.destroy().await;
    world.nothing_lives();
}
