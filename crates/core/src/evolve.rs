//! What is then known: a record and an outcome make the next record.

use jiff::{SignedDuration, Timestamp};

use crate::decide::Switch;
use crate::flow::Publication;
use crate::instant::{after, part};
use crate::marker::{Marker, Nonce, Revision};
use crate::observed::{Carried, Liveness, Survey};
use crate::reason::Reason;
use crate::record::{Attempt, Ended, Identity, MAX_PAST, Past, Proven, Record, TokenId, TokenRef};
use crate::schedule;
use crate::spec::Inputs;

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An attempt is durable.
    Attempted(Attempt),
    /// A flow published its token.
    Published(Box<Publication>),
    /// The destination shows a publish that was not recorded.
    Recorded(Box<Carried>),
    /// A flow ended definitely without a token, or with one that was revoked again.
    Failed {
        /// The marker that the flow used.
        marker: Marker,
        /// The token that was minted and revoked, if it came so far.
        id: Option<TokenId>,
        /// Why.
        reason: Reason,
        /// How long the issuer asks to wait.
        retry_after: Option<SignedDuration>,
    },
    /// A flow ended without knowing whether its token lives.
    Lost {
        /// The attempt, which stays open.
        nonce: Nonce,
        /// Whether it was the mint's answer that could not be read.
        unreadable: bool,
    },
    /// A lost attempt is closed.
    Closed {
        /// Which one.
        attempt: Attempt,
        /// Whether a token may exist that nothing can find.
        suspect: bool,
    },
    /// A token is ended.
    Ended {
        /// Which one.
        token: TokenRef,
        /// How.
        ended: Ended,
    },
    /// The current value was checked again.
    Proved(Liveness),
    /// The current token was changed in place.
    Updated {
        /// The inputs that it has now.
        inputs: Inputs,
        /// The issued expiry, read back.
        expires_at: Option<Timestamp>,
    },
    /// The current token was switched.
    Switched(Switch),
    /// A step on the current token failed; the next try waits.
    Refused {
        /// How long the issuer asks to wait.
        retry_after: Option<SignedDuration>,
    },
    /// Whose credential the issuer has.
    Identified(Option<Identity>),
}

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
    match outcome {
        Outcome::Attempted(attempt) => {
            record.last_revision = record.last_revision.max(attempt.revision);
            if record.tried_trigger != attempt.trigger {
                record.tried_trigger = attempt.trigger.clone();
                record.unreadable = 0;
            }
            record.attempts.push(attempt);
        }
        Outcome::Published(publication) => {
            let Publication {
                current,
                retiring,
                trigger,
                ..
            } = *publication;
            take_over(&mut record, Carried { current, retiring });
            // Kept where none is set now: set again, it is no new wish.
            record.handled_trigger = trigger.or(record.handled_trigger);
        }
        Outcome::Recorded(carried) => {
            let attempt = record.attempt(&carried.current.token.marker.nonce);
            let trigger = attempt.and_then(|a| a.trigger.clone());
            take_over(&mut record, *carried);
            record.handled_trigger = trigger.or(record.handled_trigger);
        }
        Outcome::Failed {
            reason: Reason::AttemptConflict,
            ..
        } => {}
        Outcome::Failed {
            marker,
            id,
            reason,
            retry_after,
        } => {
            let ended = match id {
                Some(_) => Ended::Revoked,
                None => Ended::Refused,
            };
            let was_open = close(&mut record, &marker.nonce);
            if was_open || id.is_some() {
                remember(&mut record, marker.nonce, marker.revision, id, ended);
            }
            if !matches!(reason, Reason::MintNotSent | Reason::RehearsalRefused) {
                record.unreadable = 0;
            }
            back_off(&mut record, retry_after, now);
        }
        Outcome::Lost { unreadable, .. } => {
            record.unreadable = record.unreadable.saturating_add(u32::from(unreadable));
            back_off(&mut record, None, now);
        }
        Outcome::Closed { attempt, suspect } => {
            close(&mut record, &attempt.nonce);
            record.suspects = record.suspects.saturating_add(u32::from(suspect));
            let ended = if suspect { Ended::Suspect } else { Ended::Lost };
            remember(&mut record, attempt.nonce, attempt.revision, None, ended);
        }
        Outcome::Ended { token, ended } => {
            record.retiring.retain(|retiring| retiring.token != token);
            if record
                .current
                .as_ref()
                .is_some_and(|held| held.token == token)
            {
                record.current = None;
            }
            let TokenRef { id, marker, .. } = token;
            // An ended token of an open attempt leaves the attempt open: a second one may still land.
            remember(&mut record, marker.nonce, marker.revision, Some(id), ended);
        }
        Outcome::Proved(liveness) => proved(&mut record, liveness, now),
        Outcome::Updated { inputs, expires_at } => {
            if let Some(held) = &mut record.current {
                held.inputs = inputs;
                held.expires_at = expires_at;
            }
            record.retry_at = None;
        }
        Outcome::Switched(switch) => {
            if let Some(held) = &mut record.current {
                held.disabled_by_us = switch == Switch::Disable;
            }
            record.retry_at = None;
        }
        Outcome::Refused { retry_after } => back_off(&mut record, retry_after, now),
        Outcome::Identified(identity) => record.identity = identity,
    }
    forget(&mut record, survey);
    record
}

/// The destination's word on what is current; whatever it supersedes is retiring by the same word.
fn take_over(record: &mut Record, carried: Carried) {
    let Carried { current, retiring } = carried;
    close(record, &current.token.marker.nonce);
    record.last_revision = record.last_revision.max(current.token.marker.revision);
    record.current = Some(current);
    let ended = |token: &TokenRef| {
        record
            .past
            .iter()
            .any(|p| p.nonce == token.marker.nonce && p.id.as_ref() == Some(&token.id))
    };
    record.retiring = retiring.into_iter().filter(|r| !ended(&r.token)).collect();
    record.failures = 0;
    record.unreadable = 0;
    record.retry_at = None;
}

fn close(record: &mut Record, nonce: &Nonce) -> bool {
    let before = record.attempts.len();
    record.attempts.retain(|attempt| &attempt.nonce != nonce);
    record.attempts.len() < before
}

fn remember(
    record: &mut Record,
    nonce: Nonce,
    revision: Revision,
    id: Option<TokenId>,
    ended: Ended,
) {
    record.past.push(Past {
        nonce,
        revision,
        id,
        ended,
    });
}

/// Keeps `past` short. A refused mint made no token, so it goes first, then the oldest; what the
/// inventory still shows stays, since forgotten it would pass for another writer's.
fn forget(record: &mut Record, survey: Option<&Survey>) {
    while record.past.len() > MAX_PAST {
        let shown = |past: &Past| {
            let mut ours = survey.iter().flat_map(|survey| &survey.ours);
            ours.any(|sighting| sighting.marker.nonce == past.nonce)
        };
        let never_was = |past: &Past| past.ended == Ended::Refused;
        let past = &record.past;
        let refused = past.iter().position(never_was);
        let oldest = || past.iter().position(|past| !shown(past));
        record.past.remove(refused.or_else(oldest).unwrap_or(0));
    }
}

fn proved(record: &mut Record, liveness: Liveness, now: Timestamp) {
    let proven = match liveness {
        Liveness::Alive => Proven::Yes,
        Liveness::Dead => Proven::No,
        Liveness::Unknown => return back_off(record, None, now),
    };
    if let Some(held) = &mut record.current {
        held.proven = proven;
    }
    record.failures = 0;
    record.retry_at = None;
}

/// An eighth of what the current token was issued for, so that a short-lived one is not outwaited
/// between its renewal and its expiry; never less than the first back-off.
fn longest_wait(record: &Record) -> SignedDuration {
    let issued = record
        .current
        .as_ref()
        .and_then(|held| Some(held.expires_at?.duration_since(held.created_at)));
    issued.map_or(SignedDuration::MAX, |issued| {
        part(issued, 8).max(schedule::backoff(1))
    })
}

/// Durable, so that a restart neither forgets it nor starts a herd.
fn back_off(record: &mut Record, retry_after: Option<SignedDuration>, now: Timestamp) {
    record.failures = record.failures.saturating_add(1);
    let own = schedule::backoff(record.failures).min(longest_wait(record));
    record.retry_at = Some(after(now, retry_after.map_or(own, |asked| asked.max(own))));
}

#[cfg(test)]
mod tests;
