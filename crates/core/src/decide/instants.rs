//! When to look again: every instant at which a rule could say something else.

use jiff::Timestamp;

use super::view::View;
use super::{doubt, minting, revokes};
use crate::capabilities::LostAnswer;
use crate::instant::after;
use crate::schedule;

/// The earliest instant after `now` at which the decision may change by itself.
pub(super) fn next(view: &View<'_>, now: Timestamp) -> Option<Timestamp> {
    let View {
        spec, record, can, ..
    } = view;
    let current = record.current.as_ref();
    let instants = [
        view.waits_until(now),
        current.and_then(|held| minting::due_at(view, held, now)),
        current.and_then(|held| schedule::windows_close(spec, held, now)),
        current.and_then(|held| schedule::last_safe_moment(spec, can, held)),
        current.and_then(|held| held.expires_at),
        doubt::again(view, now),
        current.and_then(|held| minting::repair(view, held, now).map(|(_, at)| at)),
    ];
    let pauses = record.pauses.iter().map(|pause| pause.retry_at);
    let overlaps = record.retiring.iter().map(|r| view.not_before(r));
    let closings = view
        .lost_attempts()
        .map(|attempt| after(attempt.deadline, can.settle));
    let ambiguities = view
        .lost_attempts()
        .filter_map(|attempt| minting::ambiguity_ends(view, attempt, now));
    let suspects = record.suspected().filter(|_| !can.lifetime_ignored);
    let suspects = suspects.filter_map(|past| past.asked?.wished_end);
    let all = instants
        .into_iter()
        .flatten()
        .chain(suspects.map(|at| after(at, view.observed.clock_ahead)))
        .chain(pauses)
        .chain(overlaps)
        .chain(closings)
        .chain(ambiguities)
        .chain(revokes::instants(view))
        .chain(view.lists_again_since(now))
        .chain(view.gives_up_at())
        .chain(view.observed.destination.asked_again());
    all.filter(|at| *at > now).min()
}

/// The instant after which an inventory must have started to help now; `None` where none would.
///
/// Lost attempts ask for one right after the publish that replaces them, and once a request that
/// timed out can no longer land.
pub(super) fn inventory(view: &View<'_>, now: Timestamp) -> Option<Timestamp> {
    if view.can.lost_answer != LostAnswer::FindByMarker {
        return None;
    }
    let replaced_at = view.record.current.as_ref().map(|held| held.created_at);
    let instants = view
        .lost_attempts()
        .flat_map(|attempt| [replaced_at, Some(after(attempt.deadline, view.can.settle))]);
    let deletion = view.lists_since(now);
    let seen = view
        .observed
        .survey
        .as_ref()
        .map(|survey| survey.started_at);
    let unseen = |at: &Timestamp| *at <= now && seen.is_none_or(|seen| seen < *at);
    let all = instants
        .flatten()
        .chain(deletion)
        .chain(view.lists_again_since(now))
        .chain(doubt::listing(view))
        .chain(revokes::listings(view));
    all.filter(unseen).max()
}

/// Whether somebody waits for what an inventory tells. Nobody does for the end of a token that was superseded.
pub(super) fn awaited(view: &View<'_>) -> bool {
    view.spec.deletion.since.is_some()
        || view.lost_attempts().next().is_some()
        || doubt::listing(view).is_some()
        || revokes::awaited(view)
}
