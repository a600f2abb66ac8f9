//! The rules about tokens that exist: prove, update, retire, sweep.

use jiff::Timestamp;

use super::action::{AtIssuer, Note};
use super::changes::{Changes, changes};
use super::rule::{Step, act, wait};
use super::view::View;
use super::{account, doubt, minting, revokes, room};
use crate::capabilities::LostAnswer;
use crate::observed::{Destination, Sighting, Standing};
use crate::reason::Reason;
use crate::record::{Attempt, Duty, Proven};
use crate::token::TokenStatus;

pub(super) fn prove(view: &View<'_>, now: Timestamp) -> Option<Step> {
    let current = view.record.current.as_ref()?;
    let waits = view.record.paused(Duty::Prove, now).is_some();
    // What is disabled is refused; that says nothing of its value.
    let disabled = current.disabled_by_us || view.observed.status == TokenStatus::Disabled;
    if current.proven != Proven::NotYet || !view.can.check || disabled || waits {
        return None;
    }
    act(AtIssuer::Prove(current.token.clone()), Reason::NotProven)
}

pub(super) fn update(view: &View<'_>, now: Timestamp) -> Option<Step> {
    let current = view.record.current.as_ref()?;
    let Changes { change, remint } = changes(view, now)?;
    let waits = view.record.paused(Duty::Update, now).is_some();
    if remint || waits || minting::loss(view, current, now).is_some() {
        return None;
    }
    act(
        AtIssuer::Update(current.token.clone(), change),
        Reason::InputsUpdated,
    )
}

/// A retiring token whose not-before has passed is revoked, expired or not:
/// whether anything must be sent is for the issuer's own showing to say.
/// While the current token is unproven, nothing is retired that may still work.
pub(super) fn retire(view: &View<'_>, now: Timestamp) -> Option<Step> {
    if view.revokes_held() || !view.can.revoke {
        return None;
    }
    let current = view.record.current.as_ref();
    let proven = current.is_none_or(|held| held.proven == Proven::Yes);
    let ended = view.record.retiring.iter().find(|r| {
        let over = proven || r.expires_at.is_some_and(|at| at <= now);
        let named = view.named().is_some_and(|token| token.is(&r.token));
        view.not_before(r) <= now
            && over
            && !named
            && account::in_sight(view)
            && revokes::may_try(view, &r.token, now)
    })?;
    act(AtIssuer::Revoke(ended.token.clone()), Reason::OverlapEnded)
}

/// Tokens that only a listing knows: their values are lost, so nobody can be using them.
pub(super) fn sweep(view: &View<'_>, now: Timestamp) -> Option<Step> {
    if view.revokes_held() || !view.can.revoke {
        return None;
    }
    let may_try = |s: &Sighting| revokes::may_try(view, &view.reference(s), now);
    let mut orphans = view.sightings(Standing::Orphan);
    if let Some(orphan) = orphans.find(|orphan| may_try(orphan)) {
        return act(AtIssuer::Revoke(view.reference(orphan)), Reason::Orphan);
    }
    let lost = view.sightings(Standing::Attempted).find(|sighting| {
        let attempt = view
            .lost_attempts()
            .find(|a| a.nonce == sighting.marker.nonce);
        attempt.is_some_and(|attempt| may_end(view, attempt)) && may_try(sighting)
    })?;
    act(AtIssuer::Revoke(view.reference(lost)), Reason::LostAttempt)
}

/// Whether a lost attempt's token may be ended: only once nobody can publish it any more, since
/// a later revision stands at the destination, or its deadline has passed and `settle` with it.
fn may_end(view: &View<'_>, attempt: &Attempt) -> bool {
    let replaced = view
        .record
        .current
        .as_ref()
        .is_some_and(|c| c.token.marker.revision > attempt.revision);
    replaced || view.covers(attempt)
}

pub(super) fn close_attempts(view: &View<'_>, _now: Timestamp) -> Option<Step> {
    if view.can.lost_answer != LostAnswer::FindByMarker {
        return None;
    }
    let shown = |attempt: &Attempt| {
        let mut lost = view.sightings(Standing::Attempted);
        lost.any(|sighting| sighting.marker.nonce == attempt.nonce)
    };
    // What is shown is revoked first; where nothing can be, it stays and a person should know.
    let closed = view
        .lost_attempts()
        .find(|attempt| view.covers(attempt) && !(view.can.revoke && shown(attempt)))?;
    let suspect = shown(closed) || account::attempt_out_of_sight(view, closed);
    let attempt = closed.clone();
    let reason = match suspect {
        true => Reason::Ambiguous,
        false => Reason::AttemptClosed,
    };
    act(Note::AttemptClosed { attempt, suspect }, reason)
}

/// Nothing can be done: the most important reason why.
pub(super) fn blocked(view: &View<'_>, now: Timestamp) -> Option<Step> {
    if minting::wanted(view, now).is_some() {
        let obstacle = minting::stands_in_the_way(view, now);
        return wait(obstacle.or_else(|| room::waiting(view))?);
    }
    if view.observed.destination == Destination::Foreign {
        return wait(Reason::DestinationForeign);
    }
    let current = view.record.current.as_ref()?;
    if minting::repair(view, current, now).is_some() {
        return wait(Reason::RepairWaits);
    }
    if let Some(loss) = minting::loss(view, current, now) {
        let suspected = loss == Reason::TokenMissing && minting::suspected(view, now);
        return wait(match suspected {
            true => Reason::IssuerSuspect,
            false => Reason::TokenLost,
        });
    }
    if let Some(open) = doubt::open(view) {
        return Some(open);
    }
    if view.foreign_activity() {
        return wait(Reason::ForeignActivity);
    }
    if view.sightings(Standing::Twin).next().is_some() {
        return wait(Reason::MarkerTwice);
    }
    if view.sightings(Standing::Impossible).next().is_some() {
        return wait(Reason::RevisionImpossible);
    }
    if view.observed.hold_revokes
        && view
            .record
            .retiring
            .iter()
            .any(|r| view.not_before(r) <= now)
    {
        return wait(Reason::RevokesHeld);
    }
    if let Some(obstacle) = revokes::obstacle(view) {
        return wait(obstacle);
    }
    if let Some(reason) = view.out_of_use() {
        return wait(reason);
    }
    if !view.record.revokes.is_empty() {
        return wait(Reason::RevokeNotSeen);
    }
    None
}
