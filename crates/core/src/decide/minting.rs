//! The rules about new tokens: whether one is wanted, and what stands in the way.

use jiff::{SignedDuration, Timestamp};

use super::action::{Flow, Note};
use super::changes::changes;
use super::doubt;
use super::rule::{Step, act, wait};
use super::view::View;
use crate::capabilities::LostAnswer;
use crate::instant::after;
use crate::marker::{MAX_REVISION, Revision};
use crate::observed::{Destination, Intact, Standing};
use crate::reason::Reason;
use crate::record::{Attempt, Ended, Held, MAX_ATTEMPTS, Past, Proven, Repair, Repaired};
use crate::schedule;
use crate::spec::OnLoss;
use crate::token::TokenStatus;

/// At this many unreadable answers in a row nothing more is tried.
const MAX_UNREADABLE: u32 = 3;
/// Between repairs of a loss: consumers are down, but each one is a token more.
const LOSS_PAUSE: SignedDuration = SignedDuration::from_mins(5);
/// Between repairs of an edited value: as long as the longest back-off, since another writer who
/// edits it twice will do so again.
const MODIFIED_PAUSE: SignedDuration = SignedDuration::from_hours(1);

impl View<'_> {
    /// When the next mint is tried, where it waits: after the pause of a failed one, and where one token is
    /// kept, once it is known what a lost mint left in its place.
    #[must_use]
    pub fn next_mint(&self, now: Timestamp) -> Option<Timestamp> {
        let room = room_known_at(self).filter(|at| *at > now);
        self.waits_until(now).into_iter().chain(room).max()
    }

    /// What is lost or was edited and a new token repairs, and from when on one is minted for it.
    #[must_use]
    pub fn repair(&self, now: Timestamp) -> Option<(Reason, Timestamp)> {
        repair(self, self.record.current.as_ref()?, now)
    }
}

pub(super) fn running(view: &View<'_>, _now: Timestamp) -> Option<Step> {
    view.observed.running.as_ref()?;
    wait(Reason::Minting)
}

/// A publish that was not recorded: the destination carries the nonce of an open attempt, or of one
/// that was closed before its publish landed, or the record was lost as a whole.
pub(super) fn published(view: &View<'_>, _now: Timestamp) -> Option<Step> {
    let Destination::Present {
        carried: Some(carried),
        ..
    } = &view.observed.destination
    else {
        return None;
    };
    let record = view.record;
    let marker = &carried.current.token.marker;
    // Where a system shows no names, whoever looked believes no word that somebody else may have written.
    let record_lost = record.last_revision == 0 && record.current.is_none();
    if record.expects(marker) || record_lost {
        return act(Note::Published(carried.clone()), Reason::AlreadyPublished);
    }
    None
}

/// Open attempts finish, also while suspended.
pub(super) fn replay(view: &View<'_>, now: Timestamp) -> Option<Step> {
    let attempt = view.replayable().next()?.clone();
    if held_up(view, now).is_some() {
        return None;
    }
    act(Flow::Replay(Box::new(attempt)), Reason::ReplayLostAnswer)
}

/// Closes a lost answer that no listing can explain, once waiting longer would be a risk.
pub(super) fn give_up_answer(view: &View<'_>, now: Timestamp) -> Option<Step> {
    let attempt = view.unattributable().next()?.clone();
    if ambiguity_ends(view, &attempt, now).is_some_and(|end| now >= end) {
        return act(
            Note::AttemptClosed {
                attempt,
                suspect: true,
            },
            Reason::Ambiguous,
        );
    }
    None
}

/// Make before break: a new token is minted before anything is ended.
pub(super) fn mint(view: &View<'_>, now: Timestamp) -> Option<Step> {
    let reason = wanted(view, now)?;
    if stands_in_the_way(view, now).is_some() {
        return None;
    }
    // Where there is room for one, the old token ends first.
    if view.can.one && view.record.current.is_some() {
        return None;
    }
    let revision = highest_revision(view).saturating_add(1);
    act(Flow::Mint { revision }, reason)
}

/// The highest revision that was ever attempted, or that another writer used.
fn highest_revision(view: &View<'_>) -> Revision {
    let seen = view.observed.survey.iter().flat_map(|survey| &survey.ours);
    let possible = seen.filter(|s| s.standing(view.record) != Standing::Impossible);
    let highest = possible.map(|s| s.marker.revision).max().unwrap_or(0);
    view.record.last_revision.max(highest)
}

/// What failed was wished for, and the wish was taken back: what is there is as it is wanted.
pub(super) fn withdrawn(view: &View<'_>, now: Timestamp) -> Option<Step> {
    let record = view.record;
    let over = record.failures > 0 && record.current.is_some() && record.attempts.is_empty();
    if !over || !view.wish_changed() || wanted(view, now).is_some() {
        return None;
    }
    act(Note::MintWithdrawn, Reason::MintWithdrawn)
}

/// Why a new token is wanted, whatever stands in the way.
pub(super) fn wanted(view: &View<'_>, now: Timestamp) -> Option<Reason> {
    let View { spec, record, .. } = view;
    let Some(current) = &record.current else {
        return Some(match room_was_made(view) {
            true => Reason::RoomMade,
            false => Reason::FirstMint,
        });
    };
    if let Some((reason, at)) = repair(view, current, now)
        && now >= at
    {
        return Some(reason);
    }
    if changes(view, now).is_some_and(|change| change.remint) {
        return Some(Reason::InputsChanged);
    }
    if spec.trigger.is_some() && spec.trigger != record.handled_trigger {
        return Some(Reason::Triggered);
    }
    // Where one token is kept at a time, we may have ended it ourselves, and died before we wrote that down.
    let due = |due: &Timestamp| now >= *due && (view.can.one || loss(view, current, now).is_none());
    due_at(view, current, now).filter(due).map(|_| Reason::Due)
}

/// What nobody asked for and a new token repairs, and from when on.
///
/// The first repair goes ahead at once, whatever was rotated before. If what was repaired is lost again so
/// soon, then something goes on breaking it (another writer, a listing that does not show it), and each
/// further one waits. A plan that a person asks for knows no pause: nothing loops there.
pub(super) fn repair(
    view: &View<'_>,
    current: &Held,
    now: Timestamp,
) -> Option<(Reason, Timestamp)> {
    let View {
        spec,
        record,
        observed,
        ..
    } = view;
    let reason = match (loss(view, current, now), &observed.destination) {
        // No loss from outside: the schedule was to prevent it.
        (Some(Reason::TokenExpired), _) if spec.rotation.is_some() => {
            return Some((Reason::TokenExpired, now));
        }
        (Some(_), _) if spec.on_loss == OnLoss::Report => return None,
        (Some(Reason::TokenMissing), _) if suspected(view, now) => return None,
        (Some(Reason::TokenExpired), _) => return Some((Reason::TokenExpired, now)),
        (Some(loss), _) => loss,
        (None, Destination::Absent) => Reason::DestinationLost,
        (
            None,
            Destination::Present {
                intact: Intact::No, ..
            },
        ) => Reason::ValueModified,
        // A sleeper published late where a person had removed it: what is in use there will end.
        (None, Destination::Present { .. }) if superseded(view, current) => Reason::ValueModified,
        (
            None,
            Destination::Present {
                intact: Intact::Unknown,
                ..
            },
        ) if doubt::dead(view, now) => Reason::TokenDead,
        (
            None,
            Destination::NotLooked
            | Destination::Refuses { .. }
            | Destination::Foreign
            | Destination::Present {
                intact: Intact::Yes | Intact::Unknown,
                ..
            },
        ) => return None,
    };
    let looked = observed.destination != Destination::NotLooked;
    let at = match record.repaired.filter(|_| looked) {
        Some(Repaired { what, at }) => after(at, pause(what, reason)),
        None => current.there_since(now),
    };
    Some((reason, at))
}

/// How long the next repair waits after one of `before`.
fn pause(before: Repair, reason: Reason) -> SignedDuration {
    match (before, reason) {
        (Repair::Value, Reason::ValueModified) => MODIFIED_PAUSE,
        (Repair::Value | Repair::Loss, _) => LOSS_PAUSE,
    }
}

/// What a mint that is wanted now repairs, where nobody planned it or asked for it.
pub(crate) fn repairs(view: &View<'_>, now: Timestamp) -> Option<Repair> {
    match (wanted(view, now)?, &view.observed.destination) {
        (Reason::ValueModified, _) => Some(Repair::Value),
        (Reason::DestinationLost | Reason::TokenMissing | Reason::TokenDead, _) => {
            Some(Repair::Loss)
        }
        // The old one ended first, and only what is left at the destination tells why.
        (
            Reason::RoomMade,
            Destination::Present {
                intact: Intact::No, ..
            },
        ) => Some(Repair::Value),
        (Reason::RoomMade, _) => Some(Repair::Loss),
        (Reason::FirstMint, _) if view.record.past.iter().any(Past::was_delivered) => {
            Some(Repair::Loss)
        }
        _ => None,
    }
}

/// Whether the destination names one of our tokens as current that the record knows as superseded.
fn superseded(view: &View<'_>, current: &Held) -> bool {
    let named = view.named();
    named.is_some_and(|token| {
        !token.is(&current.token) && view.record.references(&token.id, &token.marker)
    })
}

/// Whether the loss is one of too many at once, and only listings speak for it.
pub(super) fn suspected(view: &View<'_>, now: Timestamp) -> bool {
    view.observed.suspect && !doubt::dead(view, now)
}

/// Whether the current token is lost at the issuer.
pub(crate) fn loss(view: &View<'_>, current: &Held, now: Timestamp) -> Option<Reason> {
    if current.expires_at.is_some_and(|at| at <= now) {
        return Some(Reason::TokenExpired);
    }
    match (view.observed.status, current.proven) {
        (TokenStatus::Missing, _) => Some(Reason::TokenMissing),
        // What is disabled does not authenticate, and is to be enabled, not replaced.
        (TokenStatus::Disabled, _) => None,
        (TokenStatus::Dead | TokenStatus::Unknown, _) if current.disabled_by_us => None,
        (TokenStatus::Dead, _) | (_, Proven::No) => Some(Reason::TokenDead),
        (
            TokenStatus::Unknown | TokenStatus::Active | TokenStatus::Unlisted,
            Proven::Yes | Proven::NotYet,
        ) => None,
    }
}

/// When the scheduled rotation goes ahead: after a running overlap, and in a window where there are any.
pub(super) fn due_at(view: &View<'_>, current: &Held, now: Timestamp) -> Option<Timestamp> {
    let due = after_overlaps(view, current, now)?;
    let wait = schedule::Wait { due, now };
    Some(schedule::in_window(view.spec, view.can, current, wait))
}

/// When it is due: it waits for a running overlap, but not past the last moment at which it is safe (or
/// its own time, where that is later).
fn after_overlaps(view: &View<'_>, current: &Held, now: Timestamp) -> Option<Timestamp> {
    let renew_at = schedule::renew_at(view.spec, current)?;
    let Some(overlap_ends) = schedule::overlap_ends(&view.record.retiring, now) else {
        return Some(renew_at);
    };
    let patience =
        schedule::last_safe_moment(view.spec, view.can, current).map(|at| at.max(renew_at));
    Some(
        patience
            .map_or(overlap_ends, |at| at.min(overlap_ends))
            .max(renew_at),
    )
}

/// What keeps a wanted mint from being started.
pub(super) fn stands_in_the_way(view: &View<'_>, now: Timestamp) -> Option<Reason> {
    if view.spec.suspend {
        return Some(Reason::Suspended);
    }
    let many = view.record.attempts.len() >= MAX_ATTEMPTS;
    held_up(view, now)
        .or(many.then_some(Reason::TooManyAttempts))
        .or_else(|| no_room(view, now))
}

/// What keeps the next token from the only place, where there is one.
fn no_room(view: &View<'_>, now: Timestamp) -> Option<Reason> {
    if !view.can.one {
        return None;
    }
    if room_known_at(view).is_some() {
        return Some(Reason::RoomTaken);
    }
    let held = view.record.current.as_ref()?;
    // What is lost is replaced without being asked, and an end that was begun is seen through.
    let begun = view.record.open_revoke(&held.token.id, &held.token.marker);
    let works = repair(view, held, now).is_none() && begun.is_none();
    if works && !view.spec.allow_gap {
        return Some(Reason::GapNotAllowed);
    }
    (view.revokes_held() || !view.can.revoke).then_some(Reason::RevokesHeld)
}

/// From when on a listing shows what lost mints left in the only place, which is found and ended first.
pub(super) fn room_known_at(view: &View<'_>) -> Option<Timestamp> {
    let findable = view.can.lost_answer == LostAnswer::FindByMarker;
    let lost = view.lost_attempts().filter(|_| view.can.one && findable);
    lost.map(|attempt| after(attempt.deadline, view.can.settle))
        .max()
}

/// Whether the record names no token because the one that it named was ended to make room.
fn room_was_made(view: &View<'_>) -> bool {
    let past = view.record.past.iter().rev();
    let mut ended = past.filter(|past| past.was_delivered());
    view.can.one
        && ended
            .next()
            .is_some_and(|past| past.ended == Ended::Revoked)
}

/// What keeps any mint from being sent, that of an open attempt included.
fn held_up(view: &View<'_>, now: Timestamp) -> Option<Reason> {
    let View {
        spec,
        record,
        observed,
        ..
    } = view;
    if observed.destination == Destination::Foreign {
        return Some(Reason::DestinationForeign);
    }
    if view.unattributable().next().is_some() {
        return Some(Reason::Ambiguous);
    }
    // A marker with a longer revision could not be read back. Only a forged one leads here.
    if highest_revision(view) >= MAX_REVISION {
        return Some(Reason::ForeignActivity);
    }
    if view.waits_until(now).is_some() {
        return Some(Reason::BackingOff);
    }
    // A person's new trigger lifts this stop, and so does a listing that explains the open attempts.
    let unreadable = record.unreadable >= MAX_UNREADABLE && !explained(view);
    if unreadable && spec.trigger == record.tried_trigger {
        return Some(Reason::AnswersUnreadable);
    }
    None
}

/// Whether nothing of what the lost answers may have left is in the dark: slow tries may go on.
fn explained(view: &View<'_>) -> bool {
    match view.can.lost_answer {
        LostAnswer::Replay => true,
        LostAnswer::FindByMarker => view.lost_attempts().all(|a| view.covers(a)),
        LostAnswer::CannotAttribute | LostAnswer::CannotList => false,
    }
}

/// Until when an unattributable attempt keeps the next one waiting: the last safe moment of a token
/// that works, else (it does not, or never expires) the attempt's own deadline. That is all that is waited for
/// where the attempt may not be sent again: its status is anybody's word.
pub(super) fn ambiguity_ends(
    view: &View<'_>,
    attempt: &Attempt,
    now: Timestamp,
) -> Option<Timestamp> {
    view.unattributable().next()?;
    let waits = view.can.lost_answer != LostAnswer::Replay;
    let current = view.record.current.as_ref().filter(|_| waits);
    let works = current.filter(|held| loss(view, held, now).is_none());
    let safe_until = works.and_then(|held| schedule::last_safe_moment(view.spec, view.can, held));
    Some(safe_until.unwrap_or(attempt.deadline))
}
