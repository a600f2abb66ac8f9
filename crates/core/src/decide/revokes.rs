//! Revokes that were begun: when one is tried again, and when it is done.
//!
//! A success is a claim. A revoke is done once a look that began `settle` later does not show the token,
//! and where nothing can look, the claim is all there is. Each revoke waits by itself and keeps no other
//! waiting.

use jiff::Timestamp;

use super::account;
use super::action::{AtIssuer, Note};
use super::rule::{Step, act};
use super::view::View;
use crate::capabilities::{Look, LostAnswer};
use crate::instant::after;
use crate::reason::Reason;
use crate::record::{Ended, Obstacle, OpenRevoke, TokenRef};

/// Whether a revoke of this token may be tried now.
pub(super) fn may_try(view: &View<'_>, token: &TokenRef, now: Timestamp) -> bool {
    let current = view.record.current.as_ref().map(|held| &held.token);
    if current.is_some_and(|held| held.took_the_place_of(token)) {
        return false;
    }
    let Some(open) = view.record.open_revoke(&token.id, &token.marker) else {
        return true;
    };
    let settled = look_at(view, open).is_none_or(|at| at <= now);
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
        [Some(open.retry_at), look_at(view, open)]
            .into_iter()
            .flatten()
    })
}

/// From when on a listing tells whether they are done.
pub(super) fn listings(view: &View<'_>) -> impl Iterator<Item = Timestamp> {
    let listed = view.record.revokes.iter().filter(|open| listed(view, open));
    listed.filter_map(|open| look_at(view, open))
}

/// From when on a look says whether it is done.
fn look_at(view: &View<'_>, open: &OpenRevoke) -> Option<Timestamp> {
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
    let young = look_at(view, open).is_none_or(|at| survey.started_at >= at);
    young.then(|| survey.shows(&open.token))
}

fn over(view: &View<'_>, open: &OpenRevoke) -> Option<Ended> {
    let OpenRevoke { token, sent_at, .. } = open;
    if account::token_out_of_sight(view, token) {
        return None;
    }
    if sent_at.is_some() {
        let blind = view.can.look == Look::Nothing && open.obstacle.is_none();
        let unseen = listed(view, open) && shown(view, open) == Some(false);
        return (blind || unseen).then_some(Ended::Revoked);
    }
    // An orphan was tried because a listing showed it.
    let orphan = !view.record.references(&token.id, &token.marker);
    let gone = view.can.lost_answer == LostAnswer::FindByMarker && shown(view, open) == Some(false);
    (orphan && gone).then_some(Ended::Gone)
}
