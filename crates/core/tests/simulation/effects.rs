//! What a step of the mint flow does to the world, and what may go wrong with it.

use jiff::SignedDuration;
use tokenwright_core::*;

use crate::faults::{Faults, Rng};
use crate::world::{Published, World};

pub(crate) fn version(published: &Published) -> DestinationVersion {
    DestinationVersion::Present {
        uid: published.uid.to_string(),
        resource_version: published.version.to_string(),
    }
}

pub(crate) fn names_live(world: &World, token: &TokenRef) -> bool {
    world.destination.as_ref().is_some_and(|published| {
        let carried = &published.carried;
        // One id is one token there, whatever marker it is known by.
        let waits = |r: &Retiring| r.token.id == token.id && r.not_before > world.clock();
        carried.current.token.id == token.id || carried.retiring.iter().any(waits)
    })
}

pub(crate) fn record_outcome(world: &mut World, outcome: Outcome) {
    record_beside(world, outcome, None);
}

/// The same, beside what was listed.
pub(crate) fn record_beside(world: &mut World, outcome: Outcome, survey: Option<&Survey>) {
    if let Outcome::Ended { token, .. } | Outcome::NotThere { token, .. } = &outcome {
        world.check_ended_was_in_sight(token);
    }
    let (record, now) = (std::mem::take(&mut world.record), world.clock());
    world.record = evolve_beside(record, outcome, survey, now);
    world.record_version += 1;
    let current = world.record.current.as_ref();
    world.anybody_disabled &= current.is_some_and(|held| held.disabled_by_us);
}

/// What a check says of a value that is alive, or is not.
pub(crate) fn said(alive: bool, rng: &mut Rng, faults: &Faults) -> Liveness {
    let lies = rng.chance(faults.lying_check);
    match (rng.chance(faults.check_unknown), alive != lies) {
        (true, _) => Liveness::Unknown,
        (false, true) => Liveness::Alive,
        (false, false) => Liveness::Dead,
    }
}

/// What a flow came to. A process that writes down late what another one has overtaken since, says it
/// all the same: what the record makes of it is the record's rule.
pub(crate) fn record_flow(world: &mut World, outcome: Outcome) {
    record_outcome(world, outcome);
}

pub(crate) fn write_attempt(world: &mut World, attempt: Attempt, record_version: u64) -> Answer {
    if world.record_version != record_version {
        return Answer::AttemptConflict;
    }
    record_outcome(world, Outcome::Attempted(attempt));
    Answer::AttemptWritten
}

pub(crate) fn mint(
    world: &mut World,
    attempt: (&Attempt, u8),
    value_of: &mut Option<TokenId>,
    rng: &mut Rng,
    faults: &Faults,
) -> Answer {
    let none = SignedDuration::ZERO;
    let lag = faults.lag(rng);
    let dead = rng.chance(faults.born_dead);
    if rng.chance(faults.unsent_mint) {
        return Answer::NotMinted {
            sent: false,
            retry_after: None,
        };
    }
    if world.is_full() {
        return Answer::NotMinted {
            sent: true,
            retry_after: None,
        };
    }
    if rng.chance(faults.refused_mint) {
        let asked = SignedDuration::from_secs(60);
        let retry_after = rng.chance(50).then_some(asked);
        world.asked_to_wait_until = retry_after.map(|asked| world.now + asked);
        if rng.chance(50) {
            return Answer::NotNow { retry_after };
        }
        return Answer::NotMinted {
            sent: true,
            retry_after,
        };
    }
    // A gateway answers, and the issuer never heard of it.
    if rng.chance(faults.swallowed_mint) {
        world.excuses += 1;
        return Answer::MintUnknown;
    }
    if rng.chance(faults.late_mint) {
        // The caller times out first; the effect lands later, but within another request timeout.
        world.excuses += 1;
        let late = SignedDuration::from_secs(rng.below(30) as i64);
        world.mint(
            attempt,
            SignedDuration::from_secs(30) + late,
            lag.min(SignedDuration::from_secs(5)),
            dead,
        );
        world.now += SignedDuration::from_secs(30);
        return Answer::MintUnknown;
    }
    let token = world.mint(attempt, none, lag, dead);
    if rng.chance(faults.lost_mint) {
        world.excuses += 1;
        return Answer::MintUnknown;
    }
    *value_of = Some(token.id.clone());
    Answer::Minted {
        id: world.told_id(&token),
        expires_at: world.told(token.expires_at),
        marked: Some(true),
    }
}

pub(crate) fn publish(
    world: &mut World,
    publication: &Publication,
    value_of: TokenId,
    rng: &mut Rng,
    faults: &Faults,
) -> Answer {
    if rng.chance(faults.refused_write) {
        return Answer::PublishFailed;
    }
    let of = world.tokens.iter().find(|t| t.id == value_of);
    assert_eq!(
        of.map(|t| &t.marker),
        Some(&publication.current.token.marker),
        "S3: value and id differ"
    );
    let nonce = &publication.current.token.marker.nonce;
    let carried = Carried {
        current: publication.current.clone(),
        retiring: publication.retiring.clone(),
    };
    let answer = match (&publication.destination, &mut world.destination) {
        (_, Some(published)) if published.carried.current.token.marker.nonce == *nonce => {
            return Answer::Committed;
        }
        (DestinationVersion::Absent, None) => {
            let uid = world.fresh();
            world.destination = Some(Published {
                uid,
                version: 1,
                intact: Intact::Yes,
                edited: false,
                value_of,
                carried,
            });
            Answer::Committed
        }
        (
            DestinationVersion::Present {
                uid,
                resource_version,
            },
            Some(published),
        ) if *uid == published.uid.to_string() => {
            if *resource_version != published.version.to_string() {
                return Answer::Changed;
            }
            published.version += 1;
            published.intact = Intact::Yes;
            published.edited = false;
            published.value_of = value_of;
            published.carried = carried;
            Answer::Committed
        }
        _ => Answer::Changed,
    };
    if rng.chance(faults.lost_write) {
        Answer::PublishFailed
    } else {
        answer
    }
}

/// Nothing unproven replaces something that works before its last safe moment (S7).
pub(crate) fn check_nothing_unproven_replaces(
    world: &World,
    flow: &MintFlow,
    publication: &Publication,
    can: &Capabilities,
) {
    if publication.current.proven == Proven::Yes {
        return;
    }
    let plan = flow.plan();
    if let Some(current) = plan.current.as_ref().filter(|_| plan.current_works) {
        let safe_until = schedule::last_safe_moment(&plan.spec, can, current);
        assert!(
            safe_until.is_some_and(|at| world.clock() >= at),
            "S7: an unproven value replaces one that works"
        );
    }
}
