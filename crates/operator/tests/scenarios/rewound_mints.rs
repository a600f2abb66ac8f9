//! A store that is set back while a token is minted, which it knows nothing of then: nobody would ever find it where
//! the system shows no names.

use std::time::Duration;

use serde_json::json;
use tokenwright_client::memory::{Fault, Moment};
use tokenwright_client::{MemorySettings, Operation};
use tokenwright_core::LostAnswer;

use crate::rewound::{
    HOUR, all_are_named, delivered, noticed, operator, pass_working, set_back, version,
};
use crate::world::World;

/// A store is stopped before another one is set in its place.
const STOPPED: Duration = Duration::from_secs(2);

/// What a store that was set back does not know any more.
#[derive(Debug, Clone, Copy)]
enum Lost {
    /// That another token is wished for.
    Wish,
    /// That it is about to be minted.
    Attempt,
    /// What was changed since.
    Later,
}

/// A world in which a token was delivered a while ago, and whether its system shows names.
async fn served(names: bool) -> World {
    let mut settings = MemorySettings::default();
    if !names {
        settings.capabilities.lost_answer = LostAnswer::CannotAttribute;
    }
    World::with(settings).await
}

async fn rotate(world: &World) {
    let wish = json!({ "spec": { "rotation": { "trigger": "go" } } });
    world.change(wish).await;
}

/// The token is minted, and then the store is set back, before its answer arrives.
async fn set_back_in_a_mint(world: &World, lost: Lost, others: bool, told: bool) {
    let before = world.api.version();
    let mut minted = world.issuer.hold_next(Operation::Mint, Moment::AfterEffect);
    rotate(world).await;
    let wished = version(world);
    minted.reached().await;
    let attempted = world.api.version();
    let later = json!({ "metadata": { "labels": { "later": "yes" } } });
    world.change(later).await;
    world.pass(1).await;
    let to = match lost {
        Lost::Wish => before,
        Lost::Attempt => wished,
        Lost::Later => attempted,
    };
    set_back(world, to, others).await;
    if told {
        world.api.cut_watches("first");
    }
    tokio::time::sleep(STOPPED).await;
    minted.release();
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_minted_while_the_store_is_set_back_is_no_token_too_many() {
    for names in [true, false] {
        for lost in [Lost::Wish, Lost::Attempt, Lost::Later] {
            for (has_lease, others, told) in [
                (false, false, false),
                (false, false, true),
                (false, true, false),
                (true, false, true),
                (true, true, false),
            ] {
                let telling = format!(
                    "names: {names}, lost: {lost:?}, lease: {has_lease}, others: {others}, told: {told}"
                );
                let world = served(names).await;
                let first = operator(&world, has_lease);
                world.ask(json!({})).await;
                world.pass(30).await;
                set_back_in_a_mint(&world, lost, others, told).await;
                pass_working(&world, 30).await;
                noticed(first, &telling).await;
                assert_eq!(world.issuer.live().len(), 1, "{telling}");
                let (again, _stop) = operator(&world, has_lease);
                pass_working(&world, 2 * HOUR).await;
                world.the_only_token();
                assert_eq!(world.condition("Ready"), "True: Ready", "{telling}");
                let status = world.object().unwrap().status.unwrap();
                assert_eq!(status.suspects, 0, "{telling}: {status:?}");
                again.abort();
            }
        }
    }
}

/// Where a system has one token alone, its former value is dead with the next mint.
#[tokio::test(start_paused = true)]
async fn a_token_that_took_the_place_of_the_current_one_is_delivered_to_a_store_that_was_set_back()
{
    let (world, first) = delivered(false).await;
    let before = world.api.version();
    let id = world.the_only_token().token.id;
    for _ in 0..2 {
        let anew = Fault::ReuseId(id.clone());
        world.issuer.fault(Operation::Mint, anew);
    }
    let mut minted = world
        .issuer
        .hold_next(Operation::Mint, Moment::BeforeEffect);
    rotate(&world).await;
    minted.reached().await;
    world.issuer.kill_value(&id);
    set_back(&world, before, false).await;
    tokio::time::sleep(STOPPED).await;
    minted.release();
    world.pass(1).await;
    pass_working(&world, 60).await;
    noticed(first, "in place").await;
    let (again, _stop) = operator(&world, false);
    pass_working(&world, HOUR).await;
    assert_eq!(world.condition("Ready"), "True: Ready");
    again.abort();
}

#[tokio::test(start_paused = true)]
async fn a_mint_whose_attempt_the_store_does_not_know_any_more_leaves_a_value_that_works() {
    for has_lease in [true, false] {
        for others in [true, false] {
            let telling = format!("lease: {has_lease}, others: {others}");
            let (world, first) = delivered(has_lease).await;
            let minted = world.issuer.hold_next(Operation::Mint, Moment::AfterEffect);
            let wish = json!({ "spec": { "token": { "scopes": ["read"] } } });
            world.change(wish).await;
            let asked = version(&world);
            let mut minted = minted;
            minted.reached().await;
            set_back(&world, asked, others).await;
            minted.release();
            pass_working(&world, 60).await;
            noticed(first, &telling).await;
            let (again, _stop) = operator(&world, has_lease);
            pass_working(&world, 3 * HOUR).await;
            assert_eq!(world.condition("Ready"), "True: Ready", "{telling}");
            all_are_named(&world, &telling);
            let mints = world.issuer.count(Operation::Mint);
            assert!(mints <= 3, "{telling}: {mints} mints");
            again.abort();
        }
    }
}
