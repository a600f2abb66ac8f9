//! Systems that keep one token at a time: the old one ends first, and whatever dies in between is healed.

use jiff::SignedDuration;
use tokenwright_core::*;

use crate::faults::{Faults, Rng};
use crate::people::mend;
use crate::performer::Performer;
use crate::world::World;
use crate::{capabilities, seeds, spec};

/// After the last fault, nothing is without a token for longer than a lost answer takes to be explained.
const LONGEST_GAP: SignedDuration = SignedDuration::from_mins(5);

fn run(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut spec = spec(&mut rng);
    (spec.allow_gap, spec.overlap) = (true, None);
    spec.on_loss = [OnLoss::Remint, OnLoss::Report][rng.below(2)];
    let mut world = World::new(LostAnswer::FindByMarker);
    world.one = true;
    let can = Capabilities {
        one: true,
        ..capabilities(LostAnswer::FindByMarker)
    };
    let mut performer = Performer::new(can);
    let some = Faults::random(&mut rng);
    let faults = Faults {
        crash: some.crash,
        lost_mint: some.lost_mint,
        late_mint: some.late_mint,
        swallowed_mint: some.swallowed_mint,
        refused_mint: some.refused_mint,
        unsent_mint: some.unsent_mint,
        refused_write: some.refused_write,
        lost_write: some.lost_write,
        failed_list: some.failed_list,
        lagging_list: some.lagging_list,
        failed_revoke: some.failed_revoke,
        ..Faults::none()
    };
    let storm_ends = world.now + SignedDuration::from_hours(4);
    while world.now < storm_ends {
        if rng.chance(3) {
            spec.trigger = Some(format!("trigger-{}", rng.next()));
        }
        performer.step(&mut world, &spec, &mut rng, &faults);
        world.check_one_lives();
    }
    mend(&mut world);
    let calm = Faults::none();
    let healed_by = world.now + SignedDuration::from_hours(30);
    while world.now < healed_by {
        performer.step(&mut world, &spec, &mut rng, &calm);
        world.check_one_lives();
    }
    world.check_published_token_lives("healed");
    spec.trigger = Some("once more".into());
    let asked_at = world.now;
    let before = world.current().unwrap().id.clone();
    while world.current().is_none_or(|token| token.id == before) {
        performer.step(&mut world, &spec, &mut rng, &calm);
        let gap = world.now.duration_since(asked_at);
        assert!(gap < LONGEST_GAP, "the gap does not end");
    }
    spec.deletion.since = Some(world.api_clock());
    let until = world.now + SignedDuration::from_hours(24);
    while world.now < until && !performer.finished {
        performer.step(&mut world, &spec, &mut rng, &calm);
    }
    assert!(performer.finished, "deletion did not end");
    world.check_nothing_of_ours_lives();
}

#[test]
fn where_one_token_is_kept_at_a_time_none_is_lost_or_leaked() {
    seeds("one at a time", 300, run);
}
