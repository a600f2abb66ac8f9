//! Systems that keep one token at a time: the old one ends before there is a next one.
//!
//! That breaks what holds everywhere else, so a person must allow it. What is done is the same at every
//! restart: the end is asked for as long as a new token is wanted, recorded like every other revoke, and
//! once the record names no current token any more, the next one is minted whatever was wanted at first.

use jiff::Timestamp;

use super::action::AtIssuer;
use super::rule::{Step, act};
use super::view::View;
use super::{account, minting, revokes};
use crate::capabilities::LostAnswer;
use crate::reason::Reason;
use crate::record::{Ended, Held};

/// Ends what is in the only place.
pub(super) fn make(
    view: &View<'_>,
    held: &Held,
    (reason, now): (Reason, Timestamp),
) -> Option<Step> {
    let may = obstacle(view, now).is_none() && revokes::may_try(view, &held.token, now);
    match may {
        true => act(AtIssuer::MakeRoom(held.token.clone()), reason),
        false => None,
    }
}

/// Whether the record names no token because the one that it named was ended to make room.
pub(super) fn was_made(view: &View<'_>) -> bool {
    let past = view.record.past.iter().rev();
    let mut ended = past.filter(|past| past.id.is_some());
    view.can.one
        && ended
            .next()
            .is_some_and(|past| past.ended == Ended::Revoked)
}

/// What keeps the next token from the only place.
pub(super) fn obstacle(view: &View<'_>, now: Timestamp) -> Option<Reason> {
    if !view.can.one {
        return None;
    }
    // What a lost mint left is in the place, and is found and ended first.
    let findable = view.can.lost_answer == LostAnswer::FindByMarker;
    if findable && view.lost_attempts().next().is_some() {
        return Some(Reason::RoomTaken);
    }
    let held = view.record.current.as_ref()?;
    if !view.spec.allow_gap && works(view, held, now) {
        return Some(Reason::GapNotAllowed);
    }
    if view.revokes_held() || !view.can.revoke || !account::in_sight(view) {
        return Some(Reason::RevokesHeld);
    }
    None
}

/// Why nothing is done about a place that is being made free.
pub(super) fn waiting(view: &View<'_>) -> Option<Reason> {
    let taken = view.can.one && view.record.current.is_some();
    taken.then(|| revokes::obstacle(view).unwrap_or(Reason::MakingRoom))
}

/// Whether somebody loses something when it ends: a token that is lost is replaced without being asked.
fn works(view: &View<'_>, held: &Held, now: Timestamp) -> bool {
    let ours = view.record.open_revoke(&held.token.id, &held.token.marker);
    minting::repair(view, held, now).is_none() && ours.is_none()
}
