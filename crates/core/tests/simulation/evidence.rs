//! What is concluded, beside the truth: a gateway may answer for the issuer, listings may lag or be old,
//! but as long as the issuer itself does not lie, nothing that lives is taken for dead.

use jiff::SignedDuration;
use tokenwright_core::*;

use crate::faults::{Faults, Rng};
use crate::people::people;
use crate::performer::Performer;
use crate::world::{Naming, World};
use crate::{capabilities, seeds, spec};

impl World {
    /// What an action takes for granted is so.
    pub(crate) fn check_evidence(&self, action: &Action, reason: Reason, can: &Capabilities) {
        if !self.truthful {
            return;
        }
        match action {
            Action::Flow(Flow::Mint { .. })
                if matches!(reason, Reason::TokenMissing | Reason::TokenDead) =>
            {
                let intact = self.destination.as_ref().is_some_and(|p| !p.edited);
                let current = self.current();
                let works = current.filter(|t| intact && self.alive(t) && !self.expired(t));
                assert!(works.is_none(), "{reason}: taken for lost: {works:?}");
            }
            Action::Record(Note::RevokeClosed { token, .. }) if can.look != Look::Nothing => {
                self.check_gone(token.marker.nonce.clone(), reason);
            }
            Action::Record(Note::AttemptClosed {
                attempt,
                suspect: false,
            }) => {
                let carried = self.destination.as_ref().map(|p| &p.carried.current.token);
                let published = carried.is_some_and(|t| t.marker.nonce == attempt.nonce);
                // A revoke that goes on forgets no token.
                let mut revokes = self.record.revokes.iter();
                let open = revokes.any(|open| open.token.marker.nonce == attempt.nonce);
                if !published && !open {
                    self.check_gone(attempt.nonce.clone(), reason);
                }
            }
            _ => {}
        }
    }

    fn check_gone(&self, nonce: Nonce, reason: Reason) {
        let here = self.credential.account;
        let told = self.accounts_are_told();
        let mut tokens = self.tokens.iter().filter(|t| t.marker.nonce == nonce);
        // What a person renamed, no listing shows.
        let lives = tokens.find(|t| self.lives(t) && !t.renamed && (told || t.account == here));
        assert!(lives.is_none(), "{reason}: taken for ended: {lives:?}");
    }
}

fn others_answer(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut spec = spec(&mut rng);
    let kinds = [
        LostAnswer::Replay,
        LostAnswer::FindByMarker,
        LostAnswer::CannotAttribute,
        LostAnswer::CannotList,
    ];
    let kind = kinds[rng.below(4)];
    let mut world = World::new(kind);
    world.truthful = true;
    world.naming = [Naming::Nothing, Naming::Digest, Naming::Account][rng.below(3)];
    world.skew = SignedDuration::from_secs(rng.below(91) as i64 - 45);
    let mut performer = Performer::new(capabilities(kind));
    let faults = Faults {
        // A page of somebody else, to any question: the client takes none of them for an answer.
        check_unknown: [0, 30, 90][rng.below(3)],
        failed_list: [0, 30, 90][rng.below(3)],
        failed_revoke: [0, 30][rng.below(2)],
        swallowed_mint: [0, 30][rng.below(2)],
        unsure_switch: [0, 30][rng.below(2)],
        lagging_list: [0, 50, 100][rng.below(3)],
        lying_revoke: [0, 50][rng.below(2)],
        ..Faults::random(&mut rng)
    };
    // These are the issuer's own word.
    let faults = Faults {
        lying_check: 0,
        empty_list: 0,
        ..faults
    };
    let until = world.now + SignedDuration::from_hours(6);
    while world.now < until {
        if rng.chance(5) {
            people(&mut rng, &mut world, &mut spec);
        }
        performer.step(&mut world, &spec, &mut rng, &faults);
    }
    spec.deletion.since = Some(world.api_clock());
    let until = world.now + SignedDuration::from_hours(3);
    while world.now < until && !performer.finished {
        performer.step(&mut world, &spec, &mut rng, &faults);
    }
}

#[test]
fn what_is_evidence_is_fresh_and_in_the_issuers_own_shape() {
    seeds("others answer", 600, others_answer);
}
