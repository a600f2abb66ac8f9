//! Plans that refresh nothing, and plans that do nothing else, before and after a rotation is due.

use super::{ADDRESS, Script, actions, apply, apply_plan, consumed, held, rests};
use crate::support::{CI, reached};

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_alone_tells_whether_there_is_news_and_no_refresh_shows_what_the_last_one_saw() {
    // It lives 48 s and is due after 24 s, which leaves the rotation time on a busy machine.
    let due = format!("{CI}\n  rotation = {{ renew_before = \"50%\" }}");
    let world = Script::new(1.6, &consumed(&due)).await;
    apply(&world).await;
    let mut first = world.state().await;
    let alone = ["plan", "-refresh-only", "-detailed-exitcode", "-json"];
    let blind = ["plan", "-refresh=false", "-json", "-out=plan"];
    assert_eq!(world.run(&alone).await.code, 0, "nothing is new");
    world.run(&blind).await.succeeded();
    assert_eq!(actions(&world).await[ADDRESS], "no-op");

    reached(&first["renew_at"]).await;
    world.run(&blind).await.succeeded();
    assert_eq!(actions(&world).await[ADDRESS], "no-op", "nobody looked");
    // A refresh changes no token and shows no attribute as changed; what it learned is that time has passed.
    let ran = world.run(&alone).await;
    assert_eq!(ran.code, 2, "{}", ran.text);
    world
        .run(&["apply", "-refresh-only", "-auto-approve", "-json"])
        .await
        .succeeded();
    assert_eq!(world.run(&alone).await.code, 0, "it is known by now");
    let seen = world.state().await;
    // An owner that the answer to the mint did not tell comes with the next thing that is new.
    assert!(first["owner"].is_null() && !seen["owner"].is_null());
    first["owner"] = seen["owner"].clone();
    assert_eq!(seen, first, "nothing visible changes by time alone");
    world.run(&blind).await.succeeded();
    assert_eq!(actions(&world).await[ADDRESS], "update");
    apply_plan(&world).await;
    let second = world.state().await;
    assert_eq!(second["revision"], 2);
    assert_eq!(held(&world), second["value"]);
    assert!(world.works(&first["value"]).await, "the overlap runs");
    rests(&world).await;
    assert_eq!(world.summary().minted, 2);
    // Nobody looks before a destroy either, which looks itself.
    let blind = ["destroy", "-refresh=false", "-auto-approve", "-json"];
    let ran = world.run(&blind).await.succeeded();
    assert_eq!(ran.planned()[ADDRESS], "delete");
    world.ended(Some(&held(&world))).await;
}
