//! Revokes that were begun: when one is tried again, and when it is done.
//!
//! A success is a claim. A revoke is done once a look that began `settle` later does not show the token,
//! or an earlier one does not that had to show it before; where nothing can look, the claim is all there is.
//! Each revoke waits by itself and keeps no other waiting, but all of them look at the same instants: one
//! listing tells of all.

use jiff::{SignedDuration, Timestamp};

use super::account;
use super::action::{AtIssuer, Note};
use super::rule::{Step, act};
use super::view::View;
use crate::capabilities::{Look, LostAnswer};
use crate::instant::{after, part, shared};
use crate::observed::Survey;
use crate::reason::Reason;
use crate::record::{Ended, Obstacle, OpenRevoke, TokenRef};

/// So many times within `settle` all look together that need a listing of later.
const LOOKS: i32 = 2;

/// So many times where somebody waits for the end of the token.
const LOOKS_AT_AWAITED: i32 = 5;

/// Whether a revoke of this token may be tried now.
pub(super) fn may_try(view: &View<'_>, token: &TokenRef, now: Timestamp) -> bool {
    let current = view.record.current.as_ref().map(|held| &held.token);
    if current.is_some_and(|held| held.took_the_place_of(token)) {
        return false;
    }
    let Some(open) = view.record.open_revoke(&token.id, &token.marker) else {
        return true;
    };
    let settled = settles_at(view, open).is_none_or(|at| at <= now);
    // Where a listing will tell, it is not asked before that listing is here.
    let told = !listed(view, open) || shown(view, open).is_some();
    open.retry_at <= now && settled && told
}

/// Revokes that are seen to be done, or that nothing can look at.
pub(super) fn close(view: &View<'_>, _now: Timestamp) -> Option<Step> {
    let revokes = view.record.revokes.iter();
    let mut over = revokes.filter_map(|open| Some((open, over(view, open)?)));
    let (open, ended) = over.next()?;
    let token = open.token.clone();
    act(Note::RevokeClosed { token, ended }, Reason::RevokeSeen)
}

/// Revokes that were sent for a token that neither the record nor a listing names: asked for again,
/// which begins with a look.
pub(super) fn again(view: &View<'_>, now: Timestamp) -> Option<Step> {
    if view.revokes_held() || !view.can.revoke {
        return None;
    }
    let mut revokes = view.record.revokes.iter();
    let open = revokes.find(|open| {
        let OpenRevoke { token, .. } = open;
        !account::token_out_of_sight(view, token)
            && !listed(view, open)
            && !view.record.references(&token.id, &token.marker)
            && may_try(view, token, now)
    })?;
    act(AtIssuer::Revoke(open.token.clone()), Reason::RevokeNotSeen)
}

/// Why a revoke is not done: what most needs a person first.
pub(super) fn obstacle(view: &View<'_>) -> Option<Reason> {
    let obstacles = view.record.revokes.iter().filter_map(|open| open.obstacle);
    obstacles.min().map(Obstacle::reason)
}

/// When one of them may go on.
pub(super) fn instants(view: &View<'_>) -> impl Iterator<Item = Timestamp> {
    let revokes = view.record.revokes.iter();
    revokes.flat_map(|open| {
        let looks = looks_at(view, open);
        // It is not tried again before it was looked for.
        let again = looks.clone().chain([open.retry_at]).max();
        looks.chain(again)
    })
}

/// From when on a listing tells whether they are done.
pub(super) fn listings(view: &View<'_>) -> impl Iterator<Item = Timestamp> {
    let listed = view.record.revokes.iter().filter(|open| listed(view, open));
    listed.flat_map(|open| looks_at(view, open))
}

/// When it is looked whether one is done: soon where somebody waits for it and a listing may tell, and when
/// it must be done.
fn looks_at(view: &View<'_>, open: &OpenRevoke) -> impl Iterator<Item = Timestamp> + Clone {
    let soon = is_awaited(view, open) && listed(view, open);
    let soon = open.sent_at.filter(|_| soon);
    let soon = soon.map(|sent| {
        let later = after(sent, SignedDuration::from_nanos(1));
        shared(later, part(view.can.settle, LOOKS_AT_AWAITED))
    });
    let settled = settles_at(view, open);
    let settled = settled.map(|at| shared(at, part(view.can.settle, LOOKS)));
    soon.into_iter().chain(settled)
}

/// Whether somebody waits for the end of one of them.
pub(super) fn awaited(view: &View<'_>) -> bool {
    let mut revokes = view.record.revokes.iter();
    revokes.any(|open| is_awaited(view, open))
}

/// Whether somebody waits for the end of a token: it is deleted, or the next one needs its place.
fn is_awaited(view: &View<'_>, open: &OpenRevoke) -> bool {
    let current = view.record.current.as_ref();
    view.spec.deletion.since.is_some() || current.is_some_and(|held| held.token.is(&open.token))
}

/// From when on a look says whether it is done, whatever it shows.
fn settles_at(view: &View<'_>, open: &OpenRevoke) -> Option<Timestamp> {
    open.sent_at.map(|sent| after(sent, view.can.settle))
}

/// Whether the listing that all share tells of this one.
fn listed(view: &View<'_>, open: &OpenRevoke) -> bool {
    view.can.lost_answer == LostAnswer::FindByMarker
        && open.sent_at.is_some()
        && open.token.parameters == view.spec.inputs.parameters
}

/// Whether a listing that is young enough shows the token; `None` where there is none.
fn shown(view: &View<'_>, open: &OpenRevoke) -> Option<bool> {
    let survey = view.observed.survey.as_ref()?;
    let shows = survey.shows(&open.token);
    let young = settles_at(view, open).is_none_or(|at| survey.started_at >= at);
    let told = young || (!shows && missed_by(view, open, survey));
    told.then_some(shows)
}

/// Whether a listing had to show the token, but for the revoke that was sent before it: one that lags
/// behind a revoke shows too much, and one that lags behind a mint lacks young tokens alone. Who is on record
/// as current was minted last; of what stands in no record nobody knows when it was minted.
fn missed_by(view: &View<'_>, open: &OpenRevoke, survey: &Survey) -> bool {
    let OpenRevoke { token, sent_at, .. } = open;
    let sent = sent_at.is_some_and(|sent| survey.started_at > sent);
    let current = view.record.current.as_ref();
    let grown = current.is_some_and(|held| survey.covers(held.created_at, view.can.settle));
    sent && grown && view.record.references(&token.id, &token.marker)
}

fn over(view: &View<'_>, open: &OpenRevoke) -> Option<Ended> {
    // Of what still let in, and whose value nobody has any more, nobody else knows that it ended.
    let survey = view.observed.survey.as_ref();
    let named = view.spec.acknowledged.contains(&open.token.id);
    if named && open.obstacle == Some(Obstacle::StillAlive) {
        let shown = survey.is_some_and(|survey| survey.shows(&open.token));
        return (!shown).then_some(Ended::Gone);
    }
    // What was not sent is asked for again, however little a listing shows of it: absence there is no proof.
    if account::token_out_of_sight(view, &open.token) || open.sent_at.is_none() {
        return None;
    }
    // Its value said otherwise.
    if open.obstacle == Some(Obstacle::StillAlive) {
        return None;
    }
    let blind = view.can.look == Look::Nothing && open.obstacle.is_none();
    let unseen = listed(view, open) && shown(view, open) == Some(false);
    (blind || unseen).then_some(Ended::Revoked)
}
