//! An issuer that has one token of one name: a mint ends the one before it at once, and may give its id
//! again. Nothing can be made before something is broken there; what is current is never ended by the id
//! of another, and the next mint heals what one that failed has broken.

use jiff::SignedDuration;
use tokenwright_core::*;

use crate::faults::{Faults, Rng};
use crate::performer::Performer;
use crate::world::{Replaces, World};
use crate::{capabilities, seeds, spec};

fn replaced(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut spec = spec(&mut rng);
    let kinds = [
        LostAnswer::FindByMarker,
        LostAnswer::CannotAttribute,
        LostAnswer::CannotList,
    ];
    let kind = kinds[rng.below(3)];
    let mut world = World::new(kind);
    let ways = [Replaces::UnderAnotherId, Replaces::AndReusesIds];
    world.replaces = Some(ways[rng.below(2)]);
    let (mut performer, mut second) = (
        Performer::new(capabilities(kind)),
        Performer::new(capabilities(kind)),
    );
    let two = rng.chance(30);
    let faults = Faults {
        // Each is the issuer's own word, or ends what another process holds.
        late_mint: 0,
        empty_list: 0,
        lying_check: 0,
        lying_revoke: 0,
        ..Faults::random(&mut rng)
    };
    let storm_ends = world.now + SignedDuration::from_hours(4);
    while world.now < storm_ends {
        if rng.chance(3) {
            spec.trigger = Some(format!("trigger-{}", rng.next()));
        }
        performer.step(&mut world, &spec, &mut rng, &faults);
        if two && rng.chance(50) {
            second.step(&mut world, &spec, &mut rng, &faults);
        }
    }
    second.crash(&mut world);
    // What sleeps for ever publishes nothing over what is healed.
    performer.paused.clear();
    spec.trigger = Some("a person looked".into());
    let calm = Faults::none();
    let healed_by = world.now + SignedDuration::from_hours(30);
    while world.now < healed_by {
        performer.step(&mut world, &spec, &mut rng, &calm);
    }
    let steady_until = world.now + SignedDuration::from_hours(60);
    while world.now < steady_until {
        performer.step(&mut world, &spec, &mut rng, &calm);
        world.check_published_token_lives("replaced in place");
    }
    if kind == LostAnswer::FindByMarker {
        world.check_no_orphans();
    }
    spec.deletion.since = Some(world.api_clock());
    let until = world.now + SignedDuration::from_hours(24);
    while world.now < until && !performer.finished {
        performer.step(&mut world, &spec, &mut rng, &faults);
    }
    assert!(performer.finished, "deletion did not end");
    if kind == LostAnswer::FindByMarker {
        world.check_nothing_of_ours_lives();
    }
    world.check_strangers_live();
}

#[test]
fn no_token_is_lost_for_good_where_a_mint_ends_the_one_before_it() {
    seeds("replaced in place", 300, replaced);
}
