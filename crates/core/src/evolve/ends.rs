//! How the end of a token comes on record: asked for, put off, or seen.

use jiff::{SignedDuration, Timestamp};

use crate::instant::after;
use crate::record::{Ended, Obstacle, OpenRevoke, Past, Record, TokenRef};
use crate::schedule;

/// The issuer's word is a claim; where it gave it before, that was not seen.
pub(super) fn sent(record: &mut Record, token: TokenRef, now: Timestamp) {
    let mut open = begun(record, token, now);
    if open.sent_at.is_none() {
        open.tries = 0;
    }
    open.obstacle = open.sent_at.map(|_| stands(&open, Obstacle::NotSeen));
    open.said = None;
    open.sent_at = Some(now);
    record.revokes.push(put_off(open, None, now));
}

/// The revoke did not come to its end: it is tried again, and says why.
pub(super) fn not_done(
    record: &mut Record,
    token: TokenRef,
    (obstacle, said): (Obstacle, Option<String>),
    retry_after: Option<SignedDuration>,
    now: Timestamp,
) {
    let mut open = begun(record, token, now);
    open.obstacle = Some(stands(&open, obstacle));
    open.said = said;
    record.revokes.push(put_off(open, retry_after, now));
}

/// What authenticated counts as alive until its value says otherwise, whatever came in between.
fn stands(open: &OpenRevoke, obstacle: Obstacle) -> Obstacle {
    match open.obstacle {
        Some(Obstacle::StillAlive) => Obstacle::StillAlive,
        _ => obstacle,
    }
}

/// The token is seen to be gone.
pub(super) fn seen(record: &mut Record, token: TokenRef, ended: Ended, now: Timestamp) {
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
        asked: None,
    });
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
