//! The rules about a current token that something speaks against, and whether it is believed.
//!
//! A listing that does not show it, or a digest that cannot be compared, is missing evidence and no
//! counter-evidence: the issuer is asked about the value itself.

use jiff::{SignedDuration, Timestamp};

use super::action::{Action, AtDestination, AtIssuer};
use super::rule::{Step, act, wait};
use super::view::View;
use crate::instant::{after, before};
use crate::observed::{Checked, Destination, Intact, Liveness};
use crate::reason::Reason;
use crate::token::TokenStatus;

/// After an answer that says neither, the value is asked about again this much later.
const ASK_AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// What speaks against the current token without proving anything.
pub(super) fn reason(view: &View<'_>) -> Option<Reason> {
    let held = view.record.current.as_ref()?;
    // What is disabled does not authenticate; that says nothing of its value.
    let disabled = held.disabled_by_us || view.observed.status == TokenStatus::Disabled;
    match (view.observed.status, &view.observed.destination) {
        (TokenStatus::Unlisted, _) => Some(Reason::NotListed),
        (
            _,
            Destination::Present {
                intact: Intact::Unknown,
                ..
            },
        ) if !(disabled && view.can.check) => Some(Reason::DigestKeyChanged),
        _ => None,
    }
}

/// Asks about the value, and takes the one at the destination for ours where nothing speaks against it.
pub(super) fn resolve(view: &View<'_>, now: Timestamp) -> Option<Step> {
    let reason = reason(view)?;
    let token = view.record.current.as_ref()?.token.clone();
    let said = said(view, now);
    let asked = said
        .is_some_and(|said| said.liveness != Liveness::Unknown || now < after(said.at, ASK_AGAIN));
    if view.observed.doubt.can_check && !asked {
        return act(AtIssuer::Check(token), reason);
    }
    let nothing_against = match said {
        Some(said) => said.liveness == Liveness::Alive,
        None => !view.observed.doubt.can_check,
    };
    let trust = reason == Reason::DigestKeyChanged && nothing_against;
    if !trust {
        return None;
    }
    act(AtDestination::Trust(token), reason)
}

/// Asks about the value where something speaks against the token, and does nothing else.
pub(super) fn ask(view: &View<'_>, now: Timestamp) -> Option<Step> {
    let asks = |step: &Step| matches!(step.action, Some(Action::Issuer(AtIssuer::Check(_))));
    resolve(view, now).filter(asks)
}

/// Nothing can be concluded yet, and this is what is doubted.
pub(super) fn open(view: &View<'_>) -> Option<Step> {
    wait(reason(view)?)
}

/// Whether the check said, since the doubt arose, that the value is dead.
pub(super) fn dead(view: &View<'_>, now: Timestamp) -> bool {
    said(view, now).is_some_and(|said| said.liveness == Liveness::Dead)
}

/// What was said of the value since the doubt arose: after the listing, or just now.
fn said(view: &View<'_>, now: Timestamp) -> Option<Checked> {
    let doubt = &view.observed.doubt;
    match (view.observed.status, &view.observed.survey) {
        (TokenStatus::Unlisted | TokenStatus::Missing, Some(survey)) => {
            doubt.since(survey.started_at)
        }
        _ => doubt.since(before(now, ASK_AGAIN)),
    }
}

/// When a doubt is looked at again.
pub(super) fn again(view: &View<'_>, now: Timestamp) -> Option<Timestamp> {
    reason(view)?;
    let unclear = said(view, now).filter(|said| said.liveness == Liveness::Unknown);
    let asked = unclear.map(|said| after(said.at, ASK_AGAIN));
    asked.into_iter().chain(listing(view)).min()
}

/// From when on a second listing tells, where nothing can be asked about the value.
pub(super) fn listing(view: &View<'_>) -> Option<Timestamp> {
    let doubt = &view.observed.doubt;
    let unlisted = view.observed.status == TokenStatus::Unlisted && !doubt.can_check;
    let first = doubt.unlisted_since.filter(|_| unlisted)?;
    Some(after(
        first,
        view.can.settle.max(SignedDuration::from_secs(1)),
    ))
}
