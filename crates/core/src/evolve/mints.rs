//! What a mint leaves on record: an attempt, a publish, or a failure and a wait.

use jiff::{SignedDuration, Timestamp};

use super::{account, ends};
use crate::instant::{after, part};
use crate::marker::{Marker, Nonce, Revision};
use crate::observed::Carried;
use crate::outcome::Publication;
use crate::reason::Reason;
use crate::record::{
    Asked, Attempt, Ended, Held, Obstacle, Past, Record, Repair, Repaired, Retiring, TokenRef,
};
use crate::schedule;

/// The longest wait for the successor of a token that has expired: consumers are down.
const AFTER_EXPIRY: SignedDuration = SignedDuration::from_mins(5);

pub(super) fn attempted(record: &mut Record, attempt: Attempt) {
    record.last_revision = record.last_revision.max(attempt.revision);
    if record.tried_trigger != attempt.trigger {
        record.tried_trigger = attempt.trigger.clone();
        record.unreadable = 0;
    }
    record.attempts.push(attempt);
}

pub(super) fn published(record: &mut Record, publication: Publication, now: Timestamp) {
    let Publication {
        current,
        retiring,
        trigger,
        repairs,
        ..
    } = publication;
    let overtaken = record
        .current
        .as_ref()
        .is_some_and(|held| held.token.marker.revision > current.token.marker.revision);
    repaired(record, repairs, &current);
    match overtaken {
        // Another process published a later one before this was written down.
        true => supersede(record, current, now),
        false => take_over(record, Carried { current, retiring }, now),
    }
    // Kept where none is set now: set again, it is no new wish.
    if trigger.is_some() {
        record.handled_trigger = trigger;
    }
}

/// The destination shows a publish that was not recorded.
pub(super) fn recorded(record: &mut Record, mut carried: Carried, now: Timestamp) {
    let attempt = record.attempt(&carried.current.token.marker.nonce);
    let trigger = attempt.and_then(|a| a.trigger.clone());
    let repairs = attempt.and_then(|a| a.repairs);
    repaired(record, repairs, &carried.current);
    // What a publish retires was on record before it; a destination nominates nothing else.
    if record.last_revision > 0 {
        let known = |r: &Retiring| record.references(&r.token.id, &r.token.marker);
        carried.retiring.retain(known);
    }
    take_over(record, carried, now);
    if trigger.is_some() {
        record.handled_trigger = trigger;
    }
}

/// No token came of it, or one whose revoke the issuer took.
pub(super) fn failed(
    record: &mut Record,
    marker: Marker,
    token: Option<TokenRef>,
    (reason, retry_after): (Reason, Option<SignedDuration>),
    now: Timestamp,
) {
    if reason == Reason::AttemptConflict {
        return;
    }
    let was_open = close(record, &marker.nonce);
    match token {
        Some(token) => ends::sent(record, token, now),
        None if was_open => {
            let Marker {
                nonce, revision, ..
            } = marker;
            record
                .past
                .push(tokenless((nonce, revision), Ended::Refused, now));
        }
        None => {}
    }
    if !matches!(reason, Reason::MintNotSent | Reason::RehearsalRefused) {
        record.unreadable = 0;
    }
    back_off(record, retry_after, now);
}

/// Whether a token came of it is not known: the attempt stays open.
pub(super) fn lost(record: &mut Record, unreadable: bool, now: Timestamp) {
    record.unreadable = record.unreadable.saturating_add(u32::from(unreadable));
    back_off(record, None, now);
}

/// The token that came of an attempt lives on undelivered: its id is known, so that it is ended by that.
pub(super) fn not_withdrawn(record: &mut Record, token: TokenRef, now: Timestamp) {
    close(record, &token.marker.nonce);
    ends::not_done(record, token, (Obstacle::Failed, None), None, now);
    back_off(record, None, now);
}

/// A lost attempt left no token, as far as anybody can tell.
pub(super) fn closed(record: &mut Record, attempt: Attempt, suspect: bool, now: Timestamp) {
    close(record, &attempt.nonce);
    record.suspects = record.suspects.saturating_add(u32::from(suspect));
    let ended = if suspect { Ended::Suspect } else { Ended::Lost };
    let lifetime = attempt.inputs.lifetime.duration();
    let asked = suspect.then(|| Asked {
        deadline: attempt.deadline,
        wished_end: lifetime.map(|lifetime| after(attempt.deadline, lifetime)),
    });
    record.past.push(Past {
        asked,
        ..tokenless((attempt.nonce, attempt.revision), ended, now)
    });
}

/// An attempt of which no token is known.
fn tokenless((nonce, revision): (Nonce, Revision), ended: Ended, now: Timestamp) -> Past {
    Past {
        nonce,
        revision,
        id: None,
        ended,
        ended_at: Some(now),
        undelivered: false,
        asked: None,
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
    has_none_failed(record);
    record.pauses.clear();
}

/// No mint waits after one that failed.
pub(super) fn has_none_failed(record: &mut Record) {
    record.failures = 0;
    record.unreadable = 0;
    record.retry_at = None;
    record.retry_basis = None;
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
