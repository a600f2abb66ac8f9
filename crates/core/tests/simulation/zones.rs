//! An issuer whose text of an expiry lacks its time zone: it reads hours later than it is, or earlier.

use jiff::SignedDuration;
use tokenwright_core::*;

use crate::faults::{Faults, Rng};
use crate::performer::Performer;
use crate::world::World;
use crate::{capabilities, seeds, spec};

fn read_in_another_zone(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut spec = spec(&mut rng);
    let hours = [2, 6, 24, 72][rng.below(4)];
    spec.inputs.lifetime = Lifetime::For(SignedDuration::from_hours(hours));
    let kind = [LostAnswer::FindByMarker, LostAnswer::Replay][rng.below(2)];
    let mut world = World::new(kind);
    // One that reads as ended, or nearly, is refused and said to be.
    let earliest = -(hours / 2).min(12);
    let zone = earliest + rng.below((15 - earliest) as usize) as i64;
    world.zone = SignedDuration::from_hours(zone);
    let mut performer = Performer::new(capabilities(kind));
    let calm = Faults::none();
    while world.record.current.is_none() {
        performer.step(&mut world, &spec, &mut rng, &calm);
    }
    let lives = 6;
    let until = world.now + SignedDuration::from_hours(lives * hours);
    while world.now < until {
        performer.step(&mut world, &spec, &mut rng, &calm);
        world.check_published_token_lives("read in another zone");
    }
    // Each lives for a third of its lifetime at least, be it read as half of that.
    let most = 3 * lives as u64 + 2;
    assert!(
        world.mints <= most,
        "{} mints in {lives} lives",
        world.mints
    );
}

#[test]
fn an_expiry_that_is_read_in_another_zone_lets_no_token_die() {
    seeds("another zone", 200, read_in_another_zone);
}
