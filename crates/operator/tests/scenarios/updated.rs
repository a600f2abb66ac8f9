//! A living token is given another name, other scopes or another end at its issuer.

use serde_json::json;
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_core::{Look, Marker, UpdateKind};

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
        let (from, to) = (token.details.created_at.unwrap(), token.expires_at.unwrap());
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

/// A world whose token may be given other scopes, too, and whose issuer fails at the nth change as this says.
async fn failing(settings: MemorySettings, nth: u32, fault: Fault) -> World {
    let mut settings = settings;
    settings.capabilities.update.insert(UpdateKind::Scopes);
    let mut world = World::with(settings).await;
    world.start();
    world
        .ask(json!({ "token": { "name": "ci", "scopes": ["read"] } }))
        .await;
    world.pass(600).await;
    world.the_only_token();
    world.issuer.hook(move |request, count| {
        let fails = request.operation == Operation::Update && count == nth;
        fails.then(|| fault.clone())
    });
    world
}

fn shown(world: &World) -> (String, Vec<String>) {
    let token = world.the_only_token().token;
    (
        token.name.unwrap(),
        token.details.scopes.iter().cloned().collect(),
    )
}

async fn ends_well(world: &World) {
    let (name, scopes) = shown(world);
    assert!(
        name.starts_with("ci ") && Marker::of_name(&name).is_some(),
        "{name}"
    );
    assert_eq!(scopes, ["read"]);
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.issuer.count(Operation::Mint), 1);
    world.delete().await;
    world.pass(600).await;
    assert!(world.object().is_none() && world.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_could_not_be_put_back_is_put_back_later_whatever_is_wished_by_then() {
    let refused = Fault::Refuse(ErrorKind::Forbidden);
    // The second change puts the name back; of the first the answer is lost.
    for (nth, fault) in [(2, refused), (1, Fault::LoseAnswer)] {
        for reverts in [true, false] {
            let settings = MemorySettings {
                cuts_names_to: Some(46),
                ..MemorySettings::default()
            };
            let world = failing(settings, nth, fault.clone()).await;
            let long = json!({ "spec": { "token": { "name": "a-name-that-is-far-too-long" } } });
            world.change(long).await;
            while world.issuer.count(Operation::Update) < nth {
                world.pass(1).await;
            }
            let (name, _) = shown(&world);
            assert!(Marker::of_name(&name).is_none(), "{name}");
            if !reverts {
                world.pass(2 * 3_600).await;
                let (name, _) = shown(&world);
                assert!(Marker::of_name(&name).is_some(), "{nth}: {name}");
                assert_eq!(world.condition("Ready"), "False: MarkerNotKept");
            }
            rename(&world, "ci").await;
            ends_well(&world).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_changed_before_a_refusal_or_a_lost_answer_is_set_back_with_the_wish() {
    let refused = Fault::Refuse(ErrorKind::Forbidden);
    for (nth, fault) in [(2, refused), (2, Fault::LoseAnswer), (1, Fault::LoseAnswer)] {
        let world = failing(MemorySettings::default(), nth, fault).await;
        let wish = json!({ "spec": { "token": { "name": "web", "scopes": ["read", "write"] } } });
        world.change(wish).await;
        while world.issuer.count(Operation::Update) < nth {
            world.pass(1).await;
        }
        let (name, _) = shown(&world);
        assert!(name.starts_with("web "), "{name}");
        let back = json!({ "spec": { "token": { "name": "ci", "scopes": ["read"] } } });
        world.change(back).await;
        world.pass(2 * 3_600).await;
        ends_well(&world).await;
    }
}

#[tokio::test(start_paused = true)]
async fn many_tokens_that_only_a_listing_shows_are_renamed_by_a_few_listings() {
    let mut settings = MemorySettings::default();
    settings.capabilities.look = Look::Listing;
    let mut world = World::with(settings).await;
    world.start();
    let named = |nth: u32| format!("ci-{nth}");
    for nth in 0..40 {
        let wish = json!({ "secret": { "name": named(nth) } });
        world.ask_as(&named(nth), wish).await;
    }
    world.pass(1_200).await;
    assert_eq!(world.issuer.live().len(), 40);
    let looks =
        |world: &World| world.issuer.count(Operation::Get) + world.issuer.count(Operation::List);
    let before = looks(&world);
    for nth in 0..40 {
        let wish = json!({ "spec": { "token": { "name": "web" } } });
        world.change_as(&named(nth), wish).await;
    }
    world.pass(600).await;
    let live = world.issuer.live().into_iter();
    let renamed = live.filter(|one| {
        one.token
            .name
            .as_ref()
            .is_some_and(|name| name.starts_with("web "))
    });
    assert_eq!(renamed.count(), 40);
    assert!(
        looks(&world) - before < 20,
        "{} listings",
        looks(&world) - before
    );
}
