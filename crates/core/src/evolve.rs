//! What is then known: a record and an outcome make the next record.

mod account;
mod current;
mod ends;
mod mints;

use jiff::Timestamp;

use crate::observed::Survey;
use crate::outcome::Outcome;
use crate::record::{Ended, MAX_PAST, Past, Record};

/// The record after `outcome`, where no inventory is at hand.
#[must_use]
pub fn evolve(record: Record, outcome: Outcome, now: Timestamp) -> Record {
    evolve_beside(record, outcome, None, now)
}

/// The record after `outcome`, which forgets nothing that this inventory still shows.
#[must_use]
pub fn evolve_beside(
    mut record: Record,
    outcome: Outcome,
    survey: Option<&Survey>,
    now: Timestamp,
) -> Record {
    let it = &mut record;
    match outcome {
        Outcome::Attempted(attempt) => mints::attempted(it, attempt),
        Outcome::Published(publication) => mints::published(it, *publication, now),
        Outcome::Recorded(carried) => mints::recorded(it, *carried, now),
        Outcome::Failed {
            marker,
            token,
            reason,
            retry_after,
        } => mints::failed(it, marker, token, (reason, retry_after), now),
        Outcome::Lost { unreadable, .. } => mints::lost(it, unreadable, now),
        Outcome::NotWithdrawn(token) => mints::not_withdrawn(it, token, now),
        Outcome::Closed { attempt, suspect } => mints::closed(it, attempt, suspect, now),
        Outcome::RevokeSent(token) => ends::sent(it, token, now),
        // What the listing still shows is not gone because one answer says so.
        Outcome::NotThere { token, .. } if survey.is_some_and(|survey| survey.shows(&token)) => {
            ends::sent(it, token, now);
        }
        Outcome::NotRevoked {
            token,
            obstacle,
            said,
            retry_after,
        } => ends::not_done(it, token, (obstacle, said), retry_after, now),
        Outcome::Ended { token, ended } | Outcome::NotThere { token, ended } => {
            ends::seen(it, token, ended, now);
        }
        Outcome::Proved(liveness) => current::proved(it, liveness, now),
        Outcome::Updating => current::updating(it, now),
        Outcome::Updated { inputs, expires_at } => current::updated(it, inputs, expires_at),
        Outcome::FoundOut { inputs, expires_at } => current::found_out(it, inputs, expires_at),
        Outcome::Switching(switch) => current::switching(it, switch, now),
        Outcome::Switched(switch) => current::switched(it, switch),
        Outcome::NotSwitched {
            switch,
            definite,
            retry_after,
        } => current::not_switched(it, (switch, definite), retry_after, now),
        Outcome::Refused {
            duty,
            unsure,
            retry_after,
        } => current::pause(it, (duty, unsure), retry_after, now),
        Outcome::IntentWithdrawn => current::withdrawn(it),
        Outcome::MintWithdrawn => mints::has_none_failed(it),
        Outcome::Recognised(identity) => account::recognised(it, identity),
    }
    forget(it, survey);
    record
}

/// Keeps `past` short. A refused mint made no token, so it goes first, then the oldest; what the
/// inventory still shows stays, since forgotten it would pass for another writer's; so does the last token
/// that was relied on, since without it a manager would seem to have had none, and what a person is to look for.
fn forget(record: &mut Record, survey: Option<&Survey>) {
    while record.past.len() > MAX_PAST {
        let shown = |past: &Past| {
            let mut ours = survey.iter().flat_map(|survey| &survey.ours);
            ours.any(|sighting| sighting.marker.nonce == past.nonce)
        };
        let never_was = |past: &Past| past.ended == Ended::Refused;
        let past = &record.past;
        let refused = past.iter().position(never_was);
        let relied_on = past.iter().rposition(Past::was_delivered);
        let mut rest = past.iter().enumerate();
        let needed = |at: usize, past: &Past| {
            Some(at) == relied_on || past.ended == Ended::Suspect || shown(past)
        };
        let oldest = || rest.position(|(at, past)| !needed(at, past));
        record.past.remove(refused.or_else(oldest).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests;
