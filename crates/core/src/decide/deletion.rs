//! What to do next while the manager is being deleted.
//!
//! Stop minting, resolve lost answers, remove or release the destination, sweep, revoke, finish.
//! The policy is read anew at each step. `suspend` does not block deletion.

use jiff::Timestamp;

use super::action::{Action, AtDestination, AtIssuer, Decision, Flow, Note};
use super::ordered::{Explained, decision, explained, first};
use super::rule::{Rule, Step, act, wait};
use super::view::View;
use super::{account, minting, revokes, tending};
use crate::capabilities::LostAnswer;
use crate::instant::after;
use crate::observed::{Destination, Standing};
use crate::reason::Reason;
use crate::record::{Attempt, Retiring, TokenRef};
use crate::spec::DeletionPolicy;

const RULES: &[Rule] = &[
    ("a running mint ends by itself", minting::running),
    ("the timeout of the deletion", give_up),
    (
        "nothing is sent to an account that is not ours",
        account::other_issuer,
    ),
    (
        "what shows whose it is goes with the tokens",
        account::recognise,
    ),
    // Before it is removed.
    (
        "what is at the destination must be on record",
        minting::published,
    ),
    ("a lost answer that can be had again", replay),
    (
        "a lost answer that no listing can resolve",
        close_unattributable,
    ),
    ("lost answers are waited out", resolve_attempts),
    ("the destination is removed or released", leave_destination),
    ("one listing that shows all that was minted", look),
    ("revokes that are seen to be done", revokes::close),
    ("tokens whose value is lost", tending::sweep),
    ("revokes that are not done", revokes::again),
    ("superseded tokens", retire),
    ("the current token, unless it is retained", revoke_current),
    ("a destination that stays, and what it names", refused),
    ("what may not be revoked now", held),
    // All else was done before.
    ("what cannot be revoked now", left),
    ("a second listing, where one closed an attempt", look_again),
    ("nothing is left", finish),
];

/// What to do next for a manager that is being deleted.
#[must_use]
pub fn decide_deletion(view: &View<'_>, now: Timestamp) -> Decision {
    let step = first(RULES, view, now).map(|(_, step)| step);
    decision(view, now, step)
}

/// The same, and which rules were asked for it.
#[must_use]
pub fn explain_deletion(view: &View<'_>, now: Timestamp) -> Explained {
    explained(RULES, view, now)
}

fn retained(view: &View<'_>) -> bool {
    view.spec.deletion.policy == DeletionPolicy::Retain
}

fn give_up(view: &View<'_>, now: Timestamp) -> Option<Step> {
    if view.gives_up_at().is_some_and(|at| now >= at) {
        act(Action::Finish, Reason::DeletionTimedOut)
    } else {
        None
    }
}

/// A replayed token is published and then ends with the destination: its answer is the only handle on it.
fn replay(view: &View<'_>, now: Timestamp) -> Option<Step> {
    let attempt = view.replayable().next()?.clone();
    if view.waits_until(now).is_some() {
        return wait(Reason::BackingOff);
    }
    act(Flow::Replay(Box::new(attempt)), Reason::ReplayLostAnswer)
}

fn close_unattributable(view: &View<'_>, now: Timestamp) -> Option<Step> {
    let over = |a: &&Attempt| now >= after(a.deadline, view.can.settle);
    let attempt = view.unattributable().find(over)?.clone();
    act(
        Note::AttemptClosed {
            attempt,
            suspect: true,
        },
        Reason::Ambiguous,
    )
}

/// Tokens of lost attempts are revoked as soon as they show, attempts closed once none can.
/// Only what may yet land is waited for: a token that is shown and cannot be revoked holds up no other.
fn resolve_attempts(view: &View<'_>, now: Timestamp) -> Option<Step> {
    view.lost_attempts().next()?;
    let step = tending::sweep(view, now).or_else(|| tending::close_attempts(view, now));
    let may_land = || view.lost_attempts().any(|a| !view.covers(a));
    step.or_else(|| may_land().then(|| wait(Reason::WaitingForAttempts))?)
}

fn leave_destination(view: &View<'_>, _now: Timestamp) -> Option<Step> {
    match view.observed.destination {
        Destination::Present { .. } if retained(view) => {
            act(AtDestination::Release, Reason::ReleasingDestination)
        }
        Destination::Present { .. } => act(AtDestination::Remove, Reason::RemovingDestination),
        Destination::NotLooked
        | Destination::Absent
        | Destination::Refuses { .. }
        | Destination::Foreign => None,
    }
}

/// Whoever reads the destination still works with what it names: that ends after it.
fn refuses(view: &View<'_>) -> bool {
    matches!(view.observed.destination, Destination::Refuses { .. })
}

fn refused(view: &View<'_>, _now: Timestamp) -> Option<Step> {
    refuses(view).then(|| wait(Reason::DestinationRefuses))?
}

fn look(view: &View<'_>, now: Timestamp) -> Option<Step> {
    let listable = view.can.lost_answer == LostAnswer::FindByMarker;
    match listable && view.lists_since(now).is_some() {
        true => wait(Reason::WaitingForInventory),
        false => None,
    }
}

/// Where the destination stays an overlap is kept; else the value went with it.
fn retire(view: &View<'_>, now: Timestamp) -> Option<Step> {
    if !view.can.revoke || view.revokes_held() {
        return None;
    }
    let may_try = |r: &&Retiring| may_try(view, &r.token, now);
    let retiring = view.record.retiring.iter().filter(may_try);
    let next = retiring.min_by_key(|r| view.not_before(r))?;
    if (retained(view) || refuses(view)) && view.not_before(next) > now {
        return wait(Reason::WaitingForOverlaps);
    }
    act(
        AtIssuer::Revoke(next.token.clone()),
        Reason::RevokingForDeletion,
    )
}

fn revoke_current(view: &View<'_>, now: Timestamp) -> Option<Step> {
    let token = &view.record.current.as_ref()?.token;
    let may = view.can.revoke && !view.revokes_held() && !retained(view);
    if !may || refuses(view) || !may_try(view, token, now) {
        return None;
    }
    act(AtIssuer::Revoke(token.clone()), Reason::RevokingForDeletion)
}

fn may_try(view: &View<'_>, token: &TokenRef, now: Timestamp) -> bool {
    account::in_sight(view) && revokes::may_try(view, token, now)
}

/// Whether a token that is to end is still there, as far as is known.
fn something_left(view: &View<'_>) -> bool {
    let current = view.record.current.is_some() && !retained(view);
    let lost = [Standing::Orphan, Standing::Attempted];
    let mut lost = lost.into_iter().flat_map(|s| view.sightings(s));
    let named = current || !view.record.retiring.is_empty() || !view.record.revokes.is_empty();
    view.can.revoke && (named || lost.next().is_some())
}

fn held(view: &View<'_>, _now: Timestamp) -> Option<Step> {
    if something_left(view) && view.revokes_held() {
        wait(Reason::RevokesHeld)
    } else {
        None
    }
}

/// A person decides, or the timeout does: nothing is left behind in silence.
fn left(view: &View<'_>, _now: Timestamp) -> Option<Step> {
    let reason = match account::in_sight(view) {
        true => revokes::obstacle(view).unwrap_or(Reason::RevokeNotSeen),
        false => Reason::AccountUnknown,
    };
    something_left(view).then(|| wait(reason))?
}

fn look_again(view: &View<'_>, now: Timestamp) -> Option<Step> {
    let listable = view.can.lost_answer == LostAnswer::FindByMarker;
    match listable && view.lists_again_since(now).is_some() {
        true => wait(Reason::WaitingForInventory),
        false => None,
    }
}

fn finish(_view: &View<'_>, _now: Timestamp) -> Option<Step> {
    act(Action::Finish, Reason::Deleted)
}
