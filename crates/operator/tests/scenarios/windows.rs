//! Rotations that wait for the hours that people chose for them.

use serde_json::json;
use tokenwright_client::Operation;

use crate::world::World;

const DAY: u64 = 24 * 3_600;

fn on_mondays(zone: &str) -> serde_json::Value {
    json!([{ "days": ["Mon"], "from": "02:00", "to": "04:00", "timeZone": zone }])
}

#[tokio::test(start_paused = true)]
async fn a_rotation_waits_for_its_window_and_the_status_says_which() {
    let mut world = World::new().await;
    world.start();
    let rotation = json!({ "renewBefore": "1d", "windows": on_mondays("Europe/Berlin") });
    let token = json!({ "lifetime": "2d" });
    world
        .ask(json!({ "token": token, "rotation": rotation }))
        .await;
    world.pass(60).await;
    let current = || world.object().unwrap().status.unwrap().current.unwrap();
    // Due around midnight after the first day, a Sunday.
    let opens = "2026-03-02T01:00:00Z";
    assert_eq!(current().renew_at.unwrap().to_string(), opens);
    world.pass(DAY + 50 * 60).await;
    assert_eq!(world.revision(), Some(1), "before the window");
    world.pass(15 * 60).await;
    assert_eq!(world.revision(), Some(2), "in the window");
    world.the_secret_works();
    assert_eq!(world.condition("Ready"), "True: Ready");
}

#[tokio::test(start_paused = true)]
async fn a_trigger_waits_for_no_window() {
    let mut world = World::new().await;
    world.start();
    world
        .ask(json!({ "rotation": { "windows": on_mondays("UTC") } }))
        .await;
    world.pass(60).await;
    world
        .change(json!({ "spec": { "rotation": { "trigger": "leaked" } } }))
        .await;
    world.pass(60).await;
    assert_eq!(world.revision(), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_nobody_knows_is_stalled_by_its_field_and_mints_nothing() {
    let mut world = World::new().await;
    world.start();
    world
        .ask(json!({ "rotation": { "windows": on_mondays("Mars/Olympus") } }))
        .await;
    world.pass(60).await;
    assert_eq!(world.condition("Stalled"), "True: InvalidSpec");
    let told = world.message("Stalled");
    let field = "spec.rotation.windows.timeZone: \"Mars/Olympus\" is no time zone";
    assert!(told.contains(field), "{told}");
    assert_eq!(world.issuer.count(Operation::Mint), 0);
    let known = json!({ "spec": { "rotation": { "windows": on_mondays("Asia/Tokyo") } } });
    world.change(known).await;
    world.pass(60).await;
    world.the_only_token();
}
