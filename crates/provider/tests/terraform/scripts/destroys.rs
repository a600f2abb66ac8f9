//! A destroy in which one revoke fails.

use serde_json::json;

use super::{apply, consumed, living, rests, trigger};
use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_ends_all_but_the_token_whose_revoke_fails_and_the_next_ends_that() {
    let world = World::new(86_400.0, "").await;
    for n in [1, 2] {
        world.configure(&consumed(&trigger(n, "")));
        apply(&world).await;
    }
    rests(&world).await;
    assert_eq!(living(&world).len(), 2, "the overlap runs");
    let stubborn = world.lives()[0].id.clone();
    world.fault(
        json!({ "operation": "revoke", "token": stubborn }),
        json!({ "status": 500 }),
    );
    let destroy = ["destroy", "-auto-approve", "-json"];
    let ran = world.run(&destroy).await.failed();
    ran.says(&["was not revoked", &stubborn]);
    let left = living(&world);
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].id, stubborn);
    assert!(
        world.state().await.to_string().contains(&stubborn),
        "the state still names it"
    );
    world.sandbox.faults().clear();
    world.destroy().await;
    assert!(world.state().await.is_null());
    assert_eq!(world.summary().minted, 2);
    world.nothing_lives();
}
