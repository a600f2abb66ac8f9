//! What happens when nothing goes wrong.

use serde_json::json;
use tokenwright_client::Operation;

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn a_first_token_is_minted_proven_and_delivered_in_four_writes() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(5).await;

    let token = world.the_only_token();
    assert_eq!(world.revision(), Some(1));
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Reconciling"), "False: Idle");
    assert_eq!(world.condition("Stalled"), "False: Idle");
    assert_eq!(world.condition("Proven"), "True: ValueProven");
    assert!(token.token.name.unwrap().starts_with("ci tw1-"));
    let wanted = [
        "patch apitokens",
        "update apitokens/status",
        "create secrets",
        "update apitokens/status",
    ];
    assert_eq!(world.writes(), wanted);
}
