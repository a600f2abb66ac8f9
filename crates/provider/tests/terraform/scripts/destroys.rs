//! A destroy in which one revoke fails.

use serde_json::json;

use super::{actions, apply, consumed, held, living, rests, trigger};
use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_ends_all_but_the_token_whose_revoke_fails_and_the_next_ends_that() {
    let world = World::new(86_400.0, "").await;
    let mut values = Vec::new();
    for n in [1, 2] {
        world.configure(&consumed(&trigger(n, "")));
        apply(&world).await;
        values.push(held(&world));
    }
    rests(&world).await;
    assert_eq!(living(&world).len(), 2, "the overlap runs");
    let stubborn = world.lives()[0].id.clone();
    world.fault(
        json!({ "operation": "revoke", "token": stubborn }),
        json!({ "status": 500 }),
    );
    let plan = ["plan", "-destroy", "-json", "-out=plan"];
    world.run(&plan).await.succeeded();
    let planned = actions(&world).await;
    assert!(planned.values().all(|of| of == "delete"), "{planned:?}");
    let ran = world.run(&["apply", "-json", "plan"]).await.failed();
    ran.says(&["was not revoked", &stubborn]);
    let left = living(&world);
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].id, stubborn);
    assert!(world.works(&values[0]).await && !world.works(&values[1]).await);
    assert!(
        world.state().await.to_string().contains(&stubborn),
        "the state still names it"
    );
    world.sandbox.faults().clear();
    world.destroy().await;
    assert!(world.state().await.is_null());
    assert!(!world.works(&values[0]).await);
    assert_eq!(world.summary().minted, 2);
    world.nothing_lives();
}
