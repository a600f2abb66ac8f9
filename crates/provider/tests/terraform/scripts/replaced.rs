//! A token that is replaced, by a flag or since it is tainted, before or after its successor is made.

use super::{ADDRESS, Script, actions, apply, apply_plan, consumed, living, rests};
use crate::support::CI;

async fn replaced_twice(first: bool) {
    let token = format!("{CI}\n  lifecycle {{\n    create_before_destroy = {first}\n  }}");
    let world = Script::new(86_400.0, &consumed(&token)).await;
    apply(&world).await;
    let order = match first {
        true => "create+delete",
        false => "delete+create",
    };
    let replace = format!("-replace={ADDRESS}");
    for tainted in [false, true] {
        let before = rests(&world).await;
        let mut args = vec!["plan", "-json", "-out=plan"];
        match tainted {
            true => drop(world.run(&["taint", ADDRESS]).await.succeeded()),
            false => args.push(&replace),
        }
        world.run(&args).await.succeeded();
        let planned = actions(&world).await;
        assert_eq!(planned[ADDRESS], order);
        // The write-only consumer is told by the number, which is not known yet.
        assert_eq!(planned["tokenwright_adopted_token.consumer"], "update");
        apply_plan(&world).await;
        let after = rests(&world).await;
        assert_ne!(after["token_id"], before["token_id"]);
        let version = |state: &serde_json::Value| state["value_version"].as_i64().unwrap();
        assert!(version(&after) > version(&before), "it never starts over");
        assert!(!world.works(&before["value"]).await);
        assert_eq!(living(&world).len(), 1);
    }
    assert_eq!(world.summary().minted, 3);
    world.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_replaced_after_its_end_is_followed_by_its_consumers() {
    replaced_twice(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_replaced_before_its_end_is_followed_by_its_consumers() {
    replaced_twice(true).await;
}
