//! Clocks that are wrong, and clocks that are set: nothing is minted in a loop, no token dies for it, and nothing
//! waits for an instant that only the wrong clock had in view.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::SignedDuration;
use serde_json::json;
use tokenwright_client::memory::Fault as IssuerFault;
use tokenwright_client::{Clock, ErrorKind, MemorySettings, Operation};
use tokenwright_core::{LostAnswer, TokenId};
use tokenwright_testbed::memory::{Fault, Verb};

use crate::world::World;

const HOUR: u64 = 3_600;

/// How many were minted in three hours, and how often the Secret held no living value.
async fn three_hours(world: &World) -> (u32, usize) {
    world.pass(60).await;
    let mut dead = 0;
    for _ in 0..(3 * HOUR / 30) {
        world.pass(30).await;
        let value = world.data("token").unwrap_or_default();
        dead += usize::from(!world.issuer.accepts(&value));
    }
    (world.issuer.count(Operation::Mint), dead)
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_an_hour_off_mints_in_no_loop_and_lets_no_token_die() {
    let hour = SignedDuration::from_hours(1);
    for (ahead, lifetime, most) in [
        (hour, "30d", 1),
        (-hour, "30d", 1),
        (hour, "6h", 2),
        (-hour, "6h", 2),
        (-hour, "30m", 14),
    ] {
        let mut world = World::new().await;
        world.start_ahead(ahead);
        let wish = json!({ "token": { "lifetime": lifetime }, "rotation": { "overlap": "1m" } });
        world.ask(wish).await;
        let (mints, dead) = three_hours(&world).await;
        let about = format!("{ahead:?} {lifetime}: {mints} mints, {dead} dead looks");
        assert!(mints <= most && dead == 0, "{about}");
    }
}

/// A clock that is set by so many hours at a time.
fn settable(world: &World) -> (Clock, Arc<AtomicI64>) {
    let (clock, hours) = (world.clock.clone(), Arc::new(AtomicI64::default()));
    let by = Arc::clone(&hours);
    let set = Clock::new(move || {
        let hours = SignedDuration::from_hours(by.load(Ordering::Relaxed));
        clock.now().saturating_add(hours).unwrap()
    });
    (set, hours)
}

/// A token for thirty days that was delivered by a clock so many hours ahead, and what sets that clock.
async fn delivered(ahead: i64) -> (World, Arc<AtomicI64>) {
    let mut world = World::new().await;
    let (clock, hours) = settable(&world);
    hours.store(ahead, Ordering::Relaxed);
    world.start_by(clock);
    world.ask(json!({ "token": { "lifetime": "30d" } })).await;
    world.pass(60).await;
    (world, hours)
}

/// Loses a token, which is missed within half an hour.
async fn is_missed(world: &World, lost: &TokenId) {
    assert!(world.issuer.revoke_by_hand(lost));
    world.pass(1800).await;
    assert_eq!(world.revision(), Some(2));
    world.the_secret_works();
}

#[tokio::test(start_paused = true)]
async fn what_is_due_when_a_machine_wakes_up_is_done_then_and_not_when_its_timers_end() {
    let mut settings = MemorySettings::default();
    // No listing that is due anyhow wakes anybody.
    settings.capabilities.lost_answer = LostAnswer::CannotList;
    let mut world = World::with(settings).await;
    let (clock, hours) = settable(&world);
    world.start_by(clock);
    world.ask(json!({ "token": { "lifetime": "1d" } })).await;
    world.pass(60).await;
    assert_eq!(world.revision(), Some(1));
    hours.store(17, Ordering::Relaxed);
    world.pass(60).await;
    assert_eq!(world.revision(), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_keeps_nobody_from_seeing_what_is_lost() {
    let (world, hours) = delivered(0).await;
    let lost = world.the_only_token();
    for ahead in [8, 0] {
        hours.store(ahead, Ordering::Relaxed);
        world.pass(900).await;
    }
    assert_eq!(world.revision(), Some(1));
    is_missed(&world, &lost.token.id).await;
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_failed_while_the_clock_was_ahead_is_asked_for_again_once_it_is_right() {
    let (world, hours) = delivered(0).await;
    let lost = world.the_only_token();
    hours.store(100, Ordering::Relaxed);
    // As where a certificate has not expired but by that clock.
    world.issuer.hook(|request, _| {
        let fails = request.operation == Operation::List;
        fails.then_some(IssuerFault::Refuse(ErrorKind::Unavailable))
    });
    world.pass(900).await;
    world.issuer.hook(|_, _| None);
    hours.store(0, Ordering::Relaxed);
    is_missed(&world, &lost.token.id).await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_was_refused_while_the_clock_was_ahead_goes_on_once_it_is_right() {
    let mut world = World::new().await;
    let (clock, hours) = settable(&world);
    world.start_by(clock);
    world.ask(json!({})).await;
    world.pass(60).await;
    hours.store(20, Ordering::Relaxed);
    world.api.on_request(|seen| match seen.verb {
        Verb::Delete if seen.resource == "secrets" => Fault::refuse(403, "Forbidden", "not now"),
        _ => Fault::Pass,
    });
    world.delete().await;
    world.pass(900).await;
    assert!(world.object().is_some());
    world.api.clear_faults();
    hours.store(0, Ordering::Relaxed);
    world.pass(1800).await;
    assert!(world.object().is_none(), "{}", world.message("Ready"));
    assert!(world.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_a_day_ahead_lets_no_issuer_go_while_its_tokens_are_to_end() {
    let mut world = World::new().await;
    let ahead = SignedDuration::from_hours(24);
    world.start_ahead(ahead);
    world.ask(json!({})).await;
    world.pass(60).await;
    world.the_only_token();
    world.date_answers(ahead);
    let refused = (ErrorKind::Forbidden, 600);
    world.delete_each_while(&["issuer", "ci"], refused).await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_days_ahead_gives_up_no_deletion_whose_issuer_nobody_can_ask() {
    for lasting in [true, false] {
        let mut world = World::new().await;
        world.start();
        world.ask(json!({})).await;
        world.pass(60).await;
        world.the_only_token();
        world.crash().await;
        // The issuer is there and answers nothing, or has no credential any more.
        match lasting {
            true => world
                .issuer
                .hook(|_, _| Some(IssuerFault::Refuse(ErrorKind::Unavailable))),
            false => world.set_credential("wrong").await,
        }
        world.delete_each(&["issuer", "ci"]).await;
        world.start_ahead(SignedDuration::from_hours(72));
        world.pass(12 * HOUR).await;
        assert_eq!(world.issuer.live().len(), 1);
        assert!(world.object().is_some(), "given up: {:?}", world.events());
        world.issuer.hook(|_, _| None);
        world.set_credential("right").await;
        world.pass(2 * HOUR).await;
        world.all_is_gone().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_whose_issuer_nobody_can_ask_is_given_up_at_its_instant() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(60).await;
    world.crash().await;
    world.set_credential("wrong").await;
    world.start();
    world.delete_each(&["issuer", "ci"]).await;
    world.pass(24 * HOUR - 60).await;
    assert!(world.object().is_some());
    world.pass(120).await;
    assert!(world.object().is_none(), "{}", world.message("Ready"));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_a_day_ahead_leaves_no_token_of_a_lost_answer_that_lives_for_hours() {
    let mut world = World::new().await;
    let ahead = SignedDuration::from_hours(24);
    world.start_ahead(ahead);
    world.pass(5).await;
    world.date_answers(ahead);
    world.issuer.fault(Operation::Mint, IssuerFault::LoseAnswer);
    world.ask(json!({ "token": { "lifetime": "12h" } })).await;
    world.pass(20).await;
    assert_eq!(world.issuer.live().len(), 1);
    world.delete().await;
    world.pass(HOUR).await;
    assert!(world.issuer.live().is_empty(), "a token that nobody ends");
    assert!(world.object().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_minted_while_the_clock_was_ahead_is_missed_as_soon_as_it_is_right() {
    let (world, hours) = delivered(8).await;
    let lost = world.the_only_token();
    hours.store(0, Ordering::Relaxed);
    is_missed(&world, &lost.token.id).await;
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_that_a_wrong_clock_swallows_is_told_as_that_and_mints_in_no_loop() {
    let mut world = World::new().await;
    world.start_ahead(SignedDuration::from_hours(1));
    let wish = json!({ "token": { "lifetime": "30m" }, "rotation": { "overlap": "1m" } });
    world.ask(wish).await;
    let (mints, _) = three_hours(&world).await;
    assert!(mints <= 45, "{mints} mints");
    assert_eq!(world.condition("Ready"), "False: IssuedExpired");
    assert!(world.issuer.live().is_empty(), "a token that nobody has");
}

#[tokio::test(start_paused = true)]
async fn an_overlap_that_began_while_the_clock_was_ahead_is_no_longer_than_it_is_asked_for() {
    for restarts in [false, true] {
        for ended_by_hand in [false, true] {
            let about = format!("restarts: {restarts}, by hand: {ended_by_hand}");
            let (mut world, hours) = delivered(8).await;
            let overlap = if ended_by_hand { "3d" } else { "1h" };
            let wish = json!({ "spec": { "rotation": { "trigger": "now", "overlap": overlap } } });
            world.change(wish).await;
            world.pass(60).await;
            assert_eq!(world.revision(), Some(2), "{about}");
            hours.store(0, Ordering::Relaxed);
            if restarts {
                world.crash().await;
                world.start();
            }
            world.pass(50 * 60).await;
            assert_eq!(world.issuer.live().len(), 2, "{about}: it ended too soon");
            match ended_by_hand {
                true => {
                    let ends = json!({ "tokenwright.dev/revoke-previous": "1" });
                    world
                        .change(json!({ "metadata": { "annotations": ends } }))
                        .await;
                    world.pass(120).await;
                }
                false => world.pass(25 * 60).await,
            }
            assert_eq!(world.issuer.live().len(), 1, "{about}");
            world.the_secret_works();
            assert_eq!(world.issuer.count(Operation::Mint), 2, "{about}");
        }
    }
}
