//! A resource that gets another address: its token does not notice.

use super::{ADDRESS, apply};
use crate::support::{CI, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_resource_keeps_its_token_by_command_and_by_block() {
    let world = World::new(86_400.0, CI).await;
    apply(&world).await;
    let before = world.state().await;
    let renamed = |text: &str, to: &str| text.replace("\"ci\" {", to);
    let text = std::fs::read_to_string(world.path("main.tf")).unwrap();
    let write = |to: &str, more: &str| {
        std::fs::write(
            world.path("main.tf"),
            format!("{}{more}", renamed(&text, to)),
        )
        .unwrap();
    };

    let moved = ["state", "mv", ADDRESS, "tokenwright_api_token.release"];
    world.run(&moved).await.succeeded();
    write("\"release\" {", "");
    world.plans_nothing().await;

    let block = |from: &str, to: &str| {
        format!(
            "moved {{\n  from = tokenwright_api_token.{from}\n  to = tokenwright_api_token.{to}\n}}\n"
        )
    };
    let counted = block("release", "many[0]");
    write("\"many\" {\n  count = 1", &counted);
    apply(&world).await;
    world.plans_nothing().await;
    let keyed = block("many[0]", "many[\"a\"]");
    write(
        "\"many\" {\n  for_each = toset([\"a\"])",
        &format!("{counted}{keyed}"),
    );
    apply(&world).await;
    world.plans_nothing().await;

    let after = world.state().await;
    assert_eq!(after, before);
    assert!(world.works(&after["value"]).await);
    assert_eq!(world.summary().minted, 1);
    assert_eq!(world.summary().live, 1);
    world.destroy().await;
    world.nothing_lives();
}
