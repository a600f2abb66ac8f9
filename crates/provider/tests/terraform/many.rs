//! Many tokens at once: how much is asked of an issuer for them, counted in requests.

use serde_json::json;
use tokenwright_sandbox::SystemName;

use crate::support::World;

/// More than fit on one page.
const TOKENS: u32 = 120;

/// Those that they fill.
const PAGES: u32 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_of_many_is_one_listing_and_a_destroy_asks_little_more_than_their_create() {
    let world = World::of(SystemName::Scaleway, 86_400.0, "").await;
    let mut settings = world.sandbox.settings();
    settings.scaleway.keys_max = 1000;
    world.sandbox.set(settings).unwrap();
    let application = world.played.parameter("application_id").unwrap();
    world.configure(&format!(
        "  count = {TOKENS}\n  name = \"ci-${{count.index}}\"\n  lifetime = \"30d\"\n  parameters = {{ application_id = {application:?} }}"
    ));
    let slow = json!({ "latency_ms": 20 });
    let created = world.fault(json!({}), slow.clone());
    world
        .run(&["apply", "-auto-approve", "-json", "-parallelism=50"])
        .await
        .succeeded();
    let created = world.hits(created);
    world.sandbox.faults().clear();
    let asked = world.fault(json!({}), slow.clone());
    world.plans_nothing().await;
    let asked = world.hits(asked);
    assert_eq!(asked, PAGES, "a refresh asks for more than one listing");
    world.sandbox.faults().clear();
    let destroyed = world.fault(json!({}), slow.clone());
    // A value that is asked about lists, too, by itself.
    let listed = world.fault(json!({ "operation": "list", "by": "credential" }), slow);
    world
        .run(&["destroy", "-auto-approve", "-json", "-parallelism=50"])
        .await
        .succeeded();
    let (destroyed, listed) = (world.hits(destroyed), world.hits(listed));
    println!(
        "{TOKENS} tokens: {created} requests to create, {destroyed} to destroy, {listed} of them lists"
    );
    assert!(
        created <= TOKENS * 2 + 10,
        "a mint and a proof each: {created}"
    );
    // One listing for the plan and one for the apply; a revoke, a look and a question to the value each.
    assert!(listed <= 2 * PAGES, "{listed} lists");
    let others = destroyed - listed;
    assert!(others * 2 <= created * 3, "{others} after {created}");
    world.nothing_lives();
}
