//! A living token is given another name or another end at its issuer.

use serde_json::json;
use tokenwright_client::{MemorySettings, Operation};
use tokenwright_core::{Marker, UpdateKind};

use crate::world::World;

/// A delivered token named `ci` at an issuer that has no room for much more than its marker.
async fn cramped() -> World {
    let mut world = World::with(MemorySettings {
        cuts_names_to: Some(46),
        ..MemorySettings::default()
    })
    .await;
    world.start();
    world.ask(json!({ "token": { "name": "ci" } })).await;
    world.pass(600).await;
    world.the_only_token();
    world
}

async fn rename(world: &World, name: &str) {
    let change = json!({ "spec": { "token": { "name": name } } });
    world.change(change).await;
    world.pass(2 * 3_600).await;
}

#[tokio::test(start_paused = true)]
async fn a_name_that_the_issuer_cuts_with_its_marker_is_taken_back() {
    let world = cramped().await;
    rename(&world, "a-name-that-is-far-too-long").await;
    let token = world.the_only_token().token;
    let name = token.name.unwrap();
    assert!(name.starts_with("ci "), "{name}");
    assert!(Marker::of_name(&name).is_some(), "{name}");
    assert!(world.issuer.count(Operation::Update) < 40);
    // Not as wished, and it says why.
    assert_eq!(world.condition("Ready"), "False: MarkerNotKept");
    let told = world.message("Ready");
    assert!(told.contains("shorter name"), "{told}");

    rename(&world, "web").await;
    let name = world.the_only_token().token.name.unwrap();
    assert!(name.starts_with("web "), "{name}");
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.issuer.count(Operation::Mint), 1);
    world.delete().await;
    world.pass(600).await;
    assert!(world.object().is_none() && world.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_that_is_changed_on_a_living_token_never_lets_it_live_longer_than_it_says() {
    const DAY: u64 = 24 * 3_600;
    let mut settings = MemorySettings::default();
    let kinds = [UpdateKind::ShortenExpiry, UpdateKind::ExtendExpiry];
    settings.capabilities.update.extend(kinds);
    let mut world = World::with(settings).await;
    world.start();
    let renews = json!({ "rotation": { "renewBefore": "1d" } });
    world.ask(renews).await;
    world.pass(600).await;
    let minted = world.the_only_token().token;
    world.pass(15 * DAY).await;
    for days in [25, 20, 40] {
        let change = json!({ "spec": { "token": { "lifetime": format!("{days}d") } } });
        world.change(change).await;
        world.pass(600).await;
        let token = world.the_only_token().token;
        assert_eq!(token.id, minted.id);
        let (from, to) = (token.created_at.unwrap(), token.expires_at.unwrap());
        assert_eq!(to.duration_since(from).as_hours(), 24 * days);
    }
    // Another lifetime that is over, or nearly: what works goes on until the next token is there.
    let change = json!({ "spec": { "token": { "lifetime": "16d" } } });
    world.change(change).await;
    world.pass(600).await;
    assert_eq!(world.issuer.count(Operation::Mint), 2);
    assert_eq!(world.issuer.live().len(), 2);
    world.pass(2 * 3_600).await;
    world.the_only_token();
}
