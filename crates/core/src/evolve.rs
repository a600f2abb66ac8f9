//! What is then known: a record and an outcome make the next record.

mod account;

use jiff::{SignedDuration, Timestamp};

use crate::decide::Switch;
use crate::instant::{after, part};
use crate::marker::{Marker, Nonce};
use crate::observed::{Carried, Liveness, Survey};
use crate::outcome::{Outcome, Publication};
use crate::reason::Reason;
use crate::record::{
    Duty, Ended, Held, MAX_PAST, Obstacle, OpenRevoke, Past, Pause, Proven, Record, Repair,
    Repaired, Retiring, TokenRef,
};
use crate::schedule;

/// The longest wait for the successor of a token that has expired: consumers are down.
const AFTER_EXPIRY: SignedDuration = SignedDuration::from_mins(5);

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
                repairs,
                ..
            } = *publication;
            let overtaken = record
                .current
                .as_ref()
                .is_some_and(|held| held.token.marker.revision > current.token.marker.revision);
            repaired(&mut record, repairs, &current);
            match overtaken {
                // Another process published a later one before this was written down.
                true => supersede(&mut record, current, now),
                false => take_over(&mut record, Carried { current, retiring }, now),
            }
            // Kept where none is set now: set again, it is no new wish.
            record.handled_trigger = trigger.or(record.handled_trigger);
        }
        Outcome::Recorded(carried) => {
            let attempt = record.attempt(&carried.current.token.marker.nonce);
            let trigger = attempt.and_then(|a| a.trigger.clone());
            let repairs = attempt.and_then(|a| a.repairs);
            repaired(&mut record, repairs, &carried.current);
            let mut carried = *carried;
            // What a publish retires was on record before it; a destination nominates nothing else.
            if record.last_revision > 0 {
                let known = |r: &Retiring| record.references(&r.token.id, &r.token.marker);
                carried.retiring.retain(known);
            }
            take_over(&mut record, carried, now);
            record.handled_trigger = trigger.or(record.handled_trigger);
        }
        Outcome::Failed {
            reason: Reason::AttemptConflict,
            ..
        } => {}
        Outcome::Failed {
            marker,
            token,
            reason,
            retry_after,
        } => {
            let was_open = close(&mut record, &marker.nonce);
            match token {
                Some(token) => revoke_sent(&mut record, token, now),
                None if was_open => {
                    let Marker {
                        nonce, revision, ..
                    } = marker;
                    record.past.push(Past {
                        nonce,
                        revision,
                        id: None,
                        ended: Ended::Refused,
                        ended_at: Some(now),
                        undelivered: false,
                    });
                }
                None => {}
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
            record.past.push(Past {
                nonce: attempt.nonce,
                revision: attempt.revision,
                id: None,
                ended,
                ended_at: Some(now),
                undelivered: false,
            });
        }
        Outcome::RevokeSent(token) => revoke_sent(&mut record, token, now),
        // What the listing still shows is not gone because one answer says so.
        Outcome::NotThere { token, .. } if survey.is_some_and(|survey| survey.shows(&token)) => {
            revoke_sent(&mut record, token, now);
        }
        Outcome::NotRevoked {
            token,
            obstacle,
            said,
            retry_after,
        } => {
            let mut open = begun(&mut record, token, now);
            open.obstacle = Some(obstacle);
            open.said = said;
            record.revokes.push(put_off(open, retry_after, now));
        }
        Outcome::Ended { token, ended } | Outcome::NotThere { token, ended } => {
            let undelivered = !record.references(&token.id, &token.marker);
            record.revokes.retain(|open| !open.token.is(&token));
            record.retiring.retain(|old| !old.token.is(&token));
            let current = record.current.as_ref();
            if current.is_some_and(|held| held.token.is(&token)) {
                record.current = None;
            }
            let TokenRef { id, marker, .. } = token;
            // An ended token of an open attempt leaves the attempt open: a second one may still land.
            record.past.push(Past {
                nonce: marker.nonce,
                revision: marker.revision,
                id: Some(id),
                ended,
                ended_at: Some(now),
                undelivered,
            });
        }
        Outcome::Proved(liveness) => proved(&mut record, liveness, now),
        Outcome::Updated { inputs, expires_at } => {
            if let Some(held) = &mut record.current {
                if held.inputs.lifetime != inputs.lifetime {
                    // Some systems count it from the mint; from now on it is never longer.
                    let lifetime = inputs.lifetime.duration();
                    held.wished_end = lifetime.map(|lifetime| after(now, lifetime));
                }
                held.inputs = inputs;
                held.expires_at = expires_at;
            }
            resume(&mut record, Duty::Update);
        }
        Outcome::Switched(switch) => {
            if let Some(held) = &mut record.current {
                held.disabled_by_us = switch == Switch::Disable;
            }
            resume(&mut record, Duty::Switch);
        }
        Outcome::Refused {
            duty,
            definite,
            retry_after,
        } => {
            // What was certainly not disabled must not pass for our doing later.
            if duty == Duty::Switch && definite {
                not_by_us(&mut record);
            }
            pause(&mut record, duty, retry_after, now);
        }
        Outcome::IntentWithdrawn => not_by_us(&mut record),
        Outcome::Recognised(identity) => {
            account::remember(&mut record, identity.clone());
            record.identity = Some(identity);
        }
    }
    forget(&mut record, survey);
    record
}

/// Takes the open revoke of a token out of the record; it begins here where there is none.
fn begun(record: &mut Record, token: TokenRef, now: Timestamp) -> OpenRevoke {
    let known = record.revokes.iter().position(|open| open.token.is(&token));
    match known {
        Some(at) => record.revokes.remove(at),
        None => OpenRevoke {
            token,
            sent_at: None,
            tries: 0,
            retry_at: now,
            obstacle: None,
            said: None,
        },
    }
}

/// The issuer's word is a claim; where it gave it before, that was not seen.
fn revoke_sent(record: &mut Record, token: TokenRef, now: Timestamp) {
    let mut open = begun(record, token, now);
    if open.sent_at.is_none() {
        open.tries = 0;
    }
    open.obstacle = open.sent_at.map(|_| Obstacle::NotSeen);
    open.said = None;
    open.sent_at = Some(now);
    record.revokes.push(put_off(open, None, now));
}

/// Durable, and of this revoke alone.
fn put_off(open: OpenRevoke, retry_after: Option<SignedDuration>, now: Timestamp) -> OpenRevoke {
    let tries = open.tries.saturating_add(1);
    let retry_at = after(now, schedule::wait(tries, retry_after));
    OpenRevoke {
        tries,
        retry_at,
        ..open
    }
}

/// The destination's word on what is current; whatever it supersedes is retiring by the same word.
fn take_over(record: &mut Record, carried: Carried, now: Timestamp) {
    let Carried { current, retiring } = carried;
    close(record, &current.token.marker.nonce);
    record.last_revision = record.last_revision.max(current.token.marker.revision);
    let ended = |token: &TokenRef| {
        record
            .past
            .iter()
            .any(|p| p.nonce == token.marker.nonce && p.id.as_ref() == Some(&token.id))
    };
    let mut retiring: Vec<_> = retiring.into_iter().filter(|r| !ended(&r.token)).collect();
    account::passes_to(record, current.token.identity.as_ref());
    let former = record.current.replace(current);
    let unnamed = std::mem::take(&mut record.retiring);
    let unnamed = unnamed
        .into_iter()
        .chain(former.map(|held| superseded(held, now)));
    for old in unnamed {
        let expired = old.expires_at.is_some_and(|at| at <= now);
        let current = record.current.as_ref().map(|held| &held.token);
        let named = retiring.iter().any(|r| r.token.is(&old.token))
            || current.is_some_and(|token| token.is(&old.token));
        let replaced = current.is_some_and(|token| token.took_the_place_of(&old.token));
        // A publish that knew nothing of it: what leaves the record without an end is nobody's for ever.
        if !named && !replaced && !expired {
            retiring.push(old);
        }
    }
    record.retiring = retiring;
    record.failures = 0;
    record.unreadable = 0;
    record.retry_at = None;
    record.retry_basis = None;
    record.pauses.clear();
}

/// Another repair so soon after this one waits, since something may go on breaking what is repaired.
fn repaired(record: &mut Record, repairs: Option<Repair>, published: &Held) {
    if let Some(what) = repairs {
        let at = published.created_at;
        record.repaired = Some(Repaired { what, at });
    }
}

/// A token that was published for a while and that no later publish names.
fn supersede(record: &mut Record, held: Held, now: Timestamp) {
    close(record, &held.token.marker.nonce);
    if !record.references(&held.token.id, &held.token.marker) {
        record.retiring.push(superseded(held, now));
    }
}

/// Somebody may have its value: it stays for the longest overlap that nobody asked for.
fn superseded(held: Held, now: Timestamp) -> Retiring {
    let end = after(now, schedule::OVERLAP);
    Retiring {
        not_before: held.expires_at.map_or(end, |at| end.min(at)),
        token: held.token,
        expires_at: held.expires_at,
    }
}

fn close(record: &mut Record, nonce: &Nonce) -> bool {
    let before = record.attempts.len();
    record.attempts.retain(|attempt| &attempt.nonce != nonce);
    record.attempts.len() < before
}

/// Keeps `past` short. A refused mint made no token, so it goes first, then the oldest; what the
/// inventory still shows stays, since forgotten it would pass for another writer's; so does the last token
/// that was relied on, since without it a manager would seem to have had none.
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
        let oldest = || rest.position(|(at, past)| Some(at) != relied_on && !shown(past));
        record.past.remove(refused.or_else(oldest).unwrap_or(0));
    }
}

fn proved(record: &mut Record, liveness: Liveness, now: Timestamp) {
    let proven = match liveness {
        Liveness::Alive => Proven::Yes,
        Liveness::Dead => Proven::No,
        Liveness::Unknown => return pause(record, Duty::Prove, None, now),
    };
    if let Some(held) = &mut record.current {
        held.proven = proven;
    }
    resume(record, Duty::Prove);
}

fn not_by_us(record: &mut Record) {
    if let Some(held) = &mut record.current {
        held.disabled_by_us = false;
    }
}

/// One duty waits, and keeps no other waiting.
fn pause(record: &mut Record, duty: Duty, retry_after: Option<SignedDuration>, now: Timestamp) {
    let known = record.pauses.iter().find(|pause| pause.duty == duty);
    let failures = known.map_or(1, |pause| pause.failures.saturating_add(1));
    let wait = schedule::wait(failures, retry_after);
    resume(record, duty);
    record.pauses.push(Pause {
        duty,
        failures,
        retry_at: after(now, wait),
    });
}

fn resume(record: &mut Record, duty: Duty) {
    record.pauses.retain(|pause| pause.duty != duty);
}

/// Deadlines beat back-off: an eighth of what is left until the current token expires, so that the
/// tries come faster as its end comes near; once it has ended, minutes.
fn longest_wait(record: &Record, now: Timestamp) -> SignedDuration {
    // Its only token was ended to make room for the one that did not come. Where there never was one that
    // somebody relied on, nobody is worse off for a longer wait.
    if record.current.is_none() && record.past.iter().any(Past::was_delivered) {
        return AFTER_EXPIRY;
    }
    let ends_at = record.current.as_ref().and_then(Held::relied_on_until);
    match ends_at.map(|at| at.duration_since(now)) {
        None => SignedDuration::MAX,
        Some(left) if left <= SignedDuration::ZERO => AFTER_EXPIRY,
        Some(left) => part(left, 8).max(schedule::backoff(1)),
    }
}

/// Durable, so that a restart neither forgets it nor starts a herd.
fn back_off(record: &mut Record, retry_after: Option<SignedDuration>, now: Timestamp) {
    record.failures = record.failures.saturating_add(1);
    let own = schedule::backoff(record.failures).min(longest_wait(record, now));
    let asked = retry_after.map(|asked| asked.min(schedule::LONGEST_BACKOFF));
    record.retry_at = Some(after(now, asked.map_or(own, |asked| asked.max(own))));
}

#[cfg(test)]
mod tests;
