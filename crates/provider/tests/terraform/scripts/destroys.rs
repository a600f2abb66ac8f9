//! A destroy in which one revoke fails, or is not seen.

use serde_json::json;

use super::{ADDRESS, Script, actions, apply, consumed, held, living, rests, trigger};
use crate::support::{CI, reached, seconds};

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_ends_all_but_the_token_whose_revoke_fails_and_the_next_ends_that() {
    let world = Script::new(86_400.0, "").await;
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
    world.ends_with(Some(&values[0]), &[]).await;
    assert!(world.state().await.is_null());
    assert_eq!(world.summary().minted, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_forgets_no_token_whose_revoke_did_nothing_or_that_a_listing_lacks() {
    let world = Script::new(86_400.0, &consumed(CI)).await;
    apply(&world).await;
    let state = rests(&world).await;
    // An absence would be believed from here on.
    reached(&state["created_at"]).await;
    seconds(10.2).await;
    let nothing = json!({ "cut_listing": { "keep": 0 } });
    for (operation, effect) in [("revoke", json!({ "no_effect": true })), ("list", nothing)] {
        world.fault(json!({ "operation": operation }), effect);
        let destroy = ["destroy", "-auto-approve", "-json"];
        let ran = world.run(&destroy).await.failed();
        assert_eq!(ran.planned()[ADDRESS], "delete");
        ran.says(&["RevokeNotSeen"]);
        assert_eq!(living(&world).len(), 1, "{operation}");
        assert!(world.works(&held(&world)).await);
        assert_eq!(world.state().await["token_id"], state["token_id"]);
        world.sandbox.faults().clear();
    }
    world.ends().await;
}
