//! A plan beside what is done: nothing happens that it did not show.

use tokenwright_core::*;

use crate::faults::{Faults, Rng};
use crate::people::people;
use crate::performer::Performer;
use crate::world::{Naming, World};
use crate::{capabilities, seeds, spec};

/// More steps than any plan has.
const MOST: usize = 64;

/// What changes something outside, but for what only time can bring: ids and nonces are not known ahead.
fn effect(action: &Action, reason: Reason) -> Option<String> {
    match action {
        // The plan that it was begun by showed it.
        Action::Issuer(AtIssuer::Revoke(_)) if reason == Reason::RevokeNotSeen => None,
        Action::Flow(Flow::Mint { revision }) => Some(format!("mint {revision}")),
        Action::Flow(Flow::Replay(attempt)) => Some(format!("replay {}", attempt.revision)),
        Action::Issuer(AtIssuer::Revoke(token) | AtIssuer::MakeRoom(token)) => {
            Some(format!("revoke {}", token.marker))
        }
        Action::Issuer(AtIssuer::SetEnabled(_, switch)) => Some(format!("{switch:?}")),
        Action::Issuer(AtIssuer::Update(_, change)) => Some(format!("update {:?}", change.kinds)),
        Action::Destination(AtDestination::Remove | AtDestination::Release) => {
            Some("leave the destination".to_owned())
        }
        Action::Issuer(AtIssuer::Prove(_) | AtIssuer::Check(_))
        | Action::Destination(AtDestination::Trust(_))
        | Action::Record(_)
        | Action::Finish => None,
    }
}

/// What is only asked or written down is done first, as a refresh does before its plan.
fn refresh(performer: &mut Performer, world: &mut World, spec: &Spec, rng: &mut Rng) {
    performer.look(world, rng, &Faults::none());
    for _ in 0..MOST {
        let Decision { action, reason, .. } = performer.decision(world, spec);
        match action {
            Some(action) if effect(&action, reason).is_none() => {
                performer.step(world, spec, rng, &Faults::none());
            }
            _ => return,
        }
    }
}

/// Plans, and applies it: either all goes well, or much is refused.
fn apply(
    performer: &mut Performer,
    world: &mut World,
    spec: &Spec,
    rng: &mut Rng,
    faults: &Faults,
) {
    let planned_at = world.clock();
    let planned = performer.plan(world, spec);
    let shown: Vec<_> = planned
        .steps
        .iter()
        .filter_map(|(action, reason)| effect(action, *reason))
        .collect();
    let mut left = shown.iter();
    for _ in 0..MOST {
        // What time brings since the plan is the next plan's.
        let decision = performer.decision_at(world, spec, planned_at);
        let Some(action) = decision.action else { break };
        // What is asked now is news, and the next plan's.
        if let Action::Issuer(AtIssuer::Prove(_) | AtIssuer::Check(_)) = action {
            return;
        }
        let Some(done) = effect(&action, decision.reason) else {
            let written = performer.act(action, decision.reason, world, spec, rng, faults);
            if written.is_err() {
                return;
            }
            continue;
        };
        let known = left.any(|next| *next == done);
        assert!(
            known,
            "{done} ({}) stands in no plan: {shown:?}",
            decision.reason
        );
        let (failures, suspects) = (world.record.failures, world.record.suspects);
        let done = performer.act(action, decision.reason, world, spec, rng, faults);
        // After a refusal an apply ends, and the next plan shows what is left.
        let refused = world.record.failures > failures || world.record.suspects > suspects;
        if done.is_err() || refused {
            return;
        }
    }
}

fn plan_and_apply(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut spec = spec(&mut rng);
    let kind = [LostAnswer::FindByMarker, LostAnswer::Replay][rng.below(2)];
    let mut world = World::new(kind);
    world.naming = [Naming::Nothing, Naming::Digest, Naming::Account][rng.below(3)];
    // What a person switches between a check and a mint is another test's.
    world.lying_checks = true;
    let mut performer = Performer::new(capabilities(kind));
    let mut faults = Faults::random(&mut rng);
    // A sleeper's late work, and an issuer that lies, stand in nobody's plan.
    (faults.pause, faults.lying_check, faults.empty_list) = (0, 0, 0);
    for _ in 0..60 {
        people(&mut rng, &mut world, &mut spec);
        for _ in 0..rng.below(6) {
            performer.step(&mut world, &spec, &mut rng, &faults);
        }
        refresh(&mut performer, &mut world, &spec, &mut rng);
        let calm = Faults::none();
        let how = if rng.chance(50) { &calm } else { &faults };
        apply(&mut performer, &mut world, &spec, &mut rng, how);
    }
}

#[test]
fn apply_does_nothing_that_the_plan_did_not_show() {
    seeds("a plan is applied", 300, plan_and_apply);
}
