//! Random fault schedules over the whole lifecycle: crashes before and after every effect, lost, late
//! and refused answers, lagging lists, paused leaders and people, over all four kinds of lost answers.
//!
//! The world is a few structs; the performer runs the same `decide`, `MintFlow` and `evolve` as the
//! front ends. Each property of the lifecycle is checked at every effect or at the end of a schedule.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at once"
)]

mod asking;
mod checks;
mod effects;
mod evidence;
mod faults;
mod in_place;
mod minting;
mod people;
mod performer;
mod planned;
mod promises;
mod room;
mod world;
mod zones;

use faults::{Faults, Rng};
use jiff::{SignedDuration, Timestamp};
use people::{mend, people};
use performer::Performer;
use tokenwright_core::*;
use world::{Naming, World};

/// Schedules per kind of lost answer; `TOKENWRIGHT_SCHEDULES` asks for more, here and elsewhere.
const SCHEDULES: u64 = 300;

fn spec(rng: &mut Rng) -> Spec {
    let lifetime = [3_600, 7_200, 86_400][rng.below(3)];
    Spec {
        inputs: Inputs {
            name: "ci".into(),
            scopes: ["read".to_owned()].into(),
            parameters: Parameters::new(),
            lifetime: Lifetime::For(SignedDuration::from_secs(lifetime)),
        },
        rotation: Some(Rotation {
            renew_before: None,
            every: None,
        }),
        allow_gap: false,
        overlap: [None, Some(SignedDuration::from_secs(600))][rng.below(2)],
        windows: [Vec::new(), nights()][rng.below(2)].clone(),
        default_overlap: DefaultOverlap::For(SignedDuration::from_secs(1_200)),
        written: None,
        trigger: None,
        state: WantedState::Enabled,
        acknowledged: Default::default(),
        revoke_previous: None,
        suspend: false,
        on_loss: OnLoss::Remint,
        deletion: Deletion {
            policy: DeletionPolicy::Revoke,
            since: None,
            timeout: SignedDuration::from_hours(26),
        },
        request_timeout: SignedDuration::from_secs(30),
    }
}

/// A schedule keeps to a window where it can; in most of these lives there is none in time.
fn nights() -> Vec<Window> {
    vec![Window::new(Vec::new(), "22:00", "01:30", "Europe/Berlin").unwrap()]
}

fn capabilities(lost_answer: LostAnswer) -> Capabilities {
    Capabilities {
        lost_answer,
        check: true,
        revoke: true,
        look: match lost_answer {
            LostAnswer::Replay => Look::Alone,
            LostAnswer::FindByMarker | LostAnswer::CannotAttribute => Look::Listing,
            LostAnswer::CannotList => Look::Nothing,
        },
        disable: Disable::SetState,
        update: [UpdateKind::Name].into(),
        settle: schedule::SETTLE,
        one: false,
        lifetime_ignored: false,
    }
}

/// One schedule: some hours with faults and people, then peace, then deletion.
fn run(seed: u64, lost_answer: LostAnswer) {
    let mut rng = Rng::new(seed);
    let mut spec = spec(&mut rng);
    let mut world = World::new(lost_answer);
    let mut performer = Performer::new(capabilities(lost_answer));

    world.naming = [Naming::Nothing, Naming::Digest, Naming::Account][rng.below(3)];
    world.skew = SignedDuration::from_secs(rng.below(91) as i64 - 45);
    world.api_skew = SignedDuration::from_secs(rng.below(91) as i64 - 45);
    world.tells_enabled = rng.chance(80);
    // Now and then two processes work at once, each with what it has seen itself.
    let two = rng.chance(30);
    let mut second = Performer::new(capabilities(lost_answer));

    let faults = Faults::random(&mut rng);
    world.lying_checks = faults.lying_check > 0;
    let storm_ends = world.now + SignedDuration::from_secs(1_800 + rng.below(14_400) as i64);
    while world.now < storm_ends {
        if rng.chance(5) {
            people(&mut rng, &mut world, &mut spec);
        }
        performer.step(&mut world, &spec, &mut rng, &faults);
        if two && rng.chance(50) {
            second.step(&mut world, &spec, &mut rng, &faults);
        }
    }
    second.crash(&mut world);
    mend(&mut world);

    // After the last fault: a valid token, for good, and no orphan (L1, L2, L4).
    spec.suspend = false;
    spec.state = WantedState::Enabled;
    spec.trigger = Some("a person looked".into());
    world.reasons += 1;
    world.lying_checks = false;
    let calm = Faults::none();
    let healed_by = world.now + SignedDuration::from_hours(30);
    while world.now < healed_by {
        performer.step(&mut world, &spec, &mut rng, &calm);
    }
    world.check_published_token_lives("healed");
    // From now on the issuer refuses to end one of them, for good.
    performer.stuck = performer.next_to_retire(&world).filter(|_| rng.chance(30));
    let steady_until = world.now + SignedDuration::from_hours(60);
    while world.now < steady_until {
        performer.step(&mut world, &spec, &mut rng, &calm);
        world.check_published_token_lives("steady");
        world.check_ends_are_on_time(performer.stuck.as_ref());
    }
    if matches!(lost_answer, LostAnswer::Replay | LostAnswer::FindByMarker) {
        world.check_no_orphans();
    }
    performer.stuck = None;

    // A restart when nothing is due mints nothing (R).
    while performer.decision(&world, &spec).action.is_some() {
        performer.step(&mut world, &spec, &mut rng, &calm);
    }
    performer.crash(&mut world);
    let decision = performer.decision(&world, &spec);
    assert_eq!(
        decision.action, None,
        "R: a restart acts: {}",
        decision.reason
    );
    world.check_mints_have_reasons();

    // Deletion ends, with faults again, and leaves nothing (L3, S5).
    spec.deletion.since = Some(world.api_clock());
    let until = world.now + SignedDuration::from_hours(3);
    while world.now < until && !performer.finished {
        performer.step(&mut world, &spec, &mut rng, &faults);
    }
    mend(&mut world);
    let until = world.now + SignedDuration::from_hours(24);
    while world.now < until && !performer.finished {
        performer.step(&mut world, &spec, &mut rng, &calm);
    }
    assert!(performer.finished, "deletion did not end");
    if matches!(lost_answer, LostAnswer::Replay | LostAnswer::FindByMarker) {
        world.check_nothing_of_ours_lives();
    }
    world.check_strangers_live();
}

fn schedules(lost_answer: LostAnswer) {
    seeds(&format!("{lost_answer:?}"), SCHEDULES, |seed| {
        run(seed, lost_answer)
    });
}

/// Runs one schedule for each seed, or only that of `TOKENWRIGHT_SEED`.
fn seeds(what: &str, schedules: u64, run: impl Fn(u64) + std::panic::RefUnwindSafe) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let most = number("TOKENWRIGHT_SCHEDULES").unwrap_or(schedules);
    let only: Option<u64> = number("TOKENWRIGHT_SEED");
    for seed in only.map_or(0..most, |seed| seed..seed + 1) {
        let result = std::panic::catch_unwind(|| run(seed));
        assert!(
            result.is_ok(),
            "{what}: run again with TOKENWRIGHT_SEED={seed}"
        );
    }
}

#[test]
fn no_token_is_lost_or_leaked_where_answers_can_be_replayed() {
    schedules(LostAnswer::Replay);
}

#[test]
fn no_token_is_lost_or_leaked_where_listings_show_markers() {
    schedules(LostAnswer::FindByMarker);
}

#[test]
fn no_token_is_lost_where_listings_cannot_attribute() {
    schedules(LostAnswer::CannotAttribute);
}

#[test]
fn no_token_is_lost_where_nothing_can_be_listed() {
    schedules(LostAnswer::CannotList);
}

#[test]
fn the_epoch_of_the_world_is_fixed() {
    assert_eq!(
        World::new(LostAnswer::Replay).now,
        Timestamp::from_second(1_800_000_000).unwrap()
    );
}
