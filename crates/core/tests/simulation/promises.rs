//! What is promised whatever is refused: a duty that fails delays no other, and deadlines beat back-off.

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::*;

use crate::faults::{Faults, Rng};
use crate::performer::Performer;
use crate::world::{Naming, World};
use crate::{capabilities, seeds, spec};

/// Longer than any wait of a duty that is not refused, its listing included.
const PROMPT: SignedDuration = SignedDuration::from_mins(45);

/// What the issuer goes on refusing.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Refusal {
    Revoke,
    Update,
    Switch,
    List,
}

/// A person's wishes, and since when each stands.
struct Wishes {
    renamed: Timestamp,
    switched: Timestamp,
}

impl World {
    /// Each duty that is not refused is done soon after it is due.
    fn check_wishes_are_kept(&self, spec: &Spec, wishes: &Wishes, refused: &[Refusal]) {
        let due = |since: Timestamp| since + PROMPT < self.clock();
        let held = self.record.current.as_ref().unwrap();
        if !refused.contains(&Refusal::Update) && due(wishes.renamed) {
            assert_eq!(
                held.inputs.name, spec.inputs.name,
                "{refused:?} delays an update"
            );
        }
        let current = self.current().unwrap();
        let settled = due(wishes.switched) && due(held.created_at);
        // Only a listing tells what is to be switched.
        let seen = !refused.contains(&Refusal::Switch) && !refused.contains(&Refusal::List);
        if seen && settled {
            let wanted = spec.state == WantedState::Enabled;
            assert_eq!(current.enabled, wanted, "{refused:?} delays a switch");
        }
        let late = self.tokens.iter().filter(|t| t.id != current.id);
        let overlap = SignedDuration::from_mins(20);
        for token in late.filter(|t| self.lives(t) && due(held.created_at + overlap)) {
            // What ends is looked at first, and seen to have ended.
            let waits = [Refusal::Revoke, Refusal::List];
            let told = waits.iter().any(|one| refused.contains(one));
            assert!(told, "{refused:?} delays the end of {token:?}");
        }
    }
}

fn fail_for_good(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut spec = spec(&mut rng);
    spec.inputs.lifetime = Lifetime::For(SignedDuration::from_hours(24));
    let mut world = World::new(LostAnswer::FindByMarker);
    world.naming = [Naming::Nothing, Naming::Digest, Naming::Account][rng.below(3)];
    let mut performer = Performer::new(capabilities(LostAnswer::FindByMarker));
    let calm = Faults::none();
    while world.record.current.is_none() {
        performer.step(&mut world, &spec, &mut rng, &calm);
    }
    let all = [
        Refusal::Revoke,
        Refusal::Update,
        Refusal::Switch,
        Refusal::List,
    ];
    let refused: Vec<_> = all.into_iter().filter(|_| rng.chance(40)).collect();
    if refused.contains(&Refusal::Revoke) {
        performer.stuck = performer.next_to_retire(&world);
    }
    let duties = [
        (Refusal::Update, Duty::Update),
        (Refusal::Switch, Duty::Switch),
    ];
    let duties = duties.into_iter().filter(|(one, _)| refused.contains(one));
    performer.refuses = duties.map(|(_, duty)| duty).collect();
    performer.hides = refused.contains(&Refusal::List);

    let mut wishes = Wishes {
        renamed: world.clock(),
        switched: world.clock(),
    };
    let until = world.now + SignedDuration::from_hours(72);
    while world.now < until {
        match rng.below(40) {
            0 => {
                spec.inputs.name = format!("ci-{}", rng.next());
                wishes.renamed = world.clock();
            }
            1 => {
                spec.state = [WantedState::Enabled, WantedState::Disabled][rng.below(2)];
                wishes.switched = world.clock();
            }
            2 => spec.trigger = Some(format!("trigger-{}", rng.next())),
            _ => {}
        }
        performer.step(&mut world, &spec, &mut rng, &calm);
        let current = world.current().unwrap();
        assert!(world.exists(current), "{refused:?} delays the rotation");
        if !performer.hides {
            world.check_ends_are_on_time(performer.stuck.as_ref());
        }
        world.check_wishes_are_kept(&spec, &wishes, &refused);
    }
    deletion_ends_in_time(&mut world, &mut performer, spec, &mut rng);
}

/// What is refused leaves everything else ended, and the timeout comes at its instant.
fn deletion_ends_in_time(
    world: &mut World,
    performer: &mut Performer,
    mut spec: Spec,
    rng: &mut Rng,
) {
    let since = world.api_clock();
    spec.deletion.since = Some(since);
    let timeout = since + spec.deletion.timeout;
    while !performer.finished {
        performer.step(world, &spec, rng, &Faults::none());
        let late = timeout + SignedDuration::from_mins(1);
        assert!(
            world.clock() < late,
            "a back-off outlasts the timeout of the deletion"
        );
        if since + PROMPT < world.clock() && !performer.hides {
            let stuck = performer.stuck.as_ref();
            let mut others = world.tokens.iter().filter(|t| Some(&t.id) != stuck);
            assert!(
                others.all(|t| !world.lives(t)),
                "one token keeps another alive"
            );
        }
    }
}

#[test]
fn a_duty_that_fails_delays_no_other() {
    seeds("a duty fails", 200, fail_for_good);
}

/// The least time before the expiry in which a mint can still be tried and done: the shortest back-off
/// and what follows it.
const LAST_TRY: SignedDuration = SignedDuration::from_secs(20);

/// From some time before the rotation until shortly before the expiry no mint comes to its end.
fn refuse_until_late(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut spec = spec(&mut rng);
    let lifetime = [120, 900, 3_600, 86_400, 3 * 86_400][rng.below(5)];
    spec.inputs.lifetime = Lifetime::For(SignedDuration::from_secs(lifetime));
    let kind = [LostAnswer::FindByMarker, LostAnswer::Replay][rng.below(2)];
    let mut world = World::new(kind);
    world.skew = SignedDuration::from_secs(rng.below(3) as i64 - 1);
    let mut performer = Performer::new(capabilities(kind));
    while world.record.current.is_none() {
        performer.step(&mut world, &spec, &mut rng, &Faults::none());
    }
    let expires_at = world.current().unwrap().expires_at.unwrap();
    let renew_at = schedule::renew_at(&spec, world.record.current.as_ref().unwrap()).unwrap();
    let span = (expires_at - LAST_TRY)
        .duration_since(renew_at)
        .as_secs()
        .max(1);
    // Most relent late: there the back-off is longest.
    let early = span as u64 >> rng.below(8);
    let relents =
        expires_at - LAST_TRY - SignedDuration::from_secs(rng.below(early.max(1) as usize) as i64);
    let mut refusing = Faults::none();
    match rng.below(6) {
        0 => refusing.unsent_mint = 100,
        1 => refusing.born_dead = 100,
        2 => refusing.refused_write = 100,
        3 => (refusing.refused_mint, refusing.unsent_mint) = (50, 100),
        _ => refusing.refused_mint = 100,
    }
    while world.now < relents && world.now < expires_at {
        performer.step(&mut world, &spec, &mut rng, &refusing);
    }
    // The issuer's own wish to be left alone is obeyed; until then it takes no mint.
    let patience = world.asked_to_wait_until.is_some_and(|at| at > relents);
    // What was begun before is ended by its own deadline.
    let patience = patience || world.now > expires_at - LAST_TRY;
    while world.now < expires_at + SignedDuration::from_mins(1) {
        performer.step(&mut world, &spec, &mut rng, &Faults::none());
        let alive = world.destination.as_ref().and_then(|published| {
            let mut tokens = world.tokens.iter();
            tokens.find(|t| t.id == published.value_of)
        });
        assert!(
            patience || alive.is_some_and(|t| world.alive(t)),
            "the back-off outlasts the token, though mints were taken from {relents} on and it \
             expired at {expires_at}: {:?} {:?}",
            world.record.failures,
            world.record.retry_at,
        );
    }
}

#[test]
fn deadlines_beat_back_off() {
    seeds("mints are refused", 300, refuse_until_late);
}
