//! Whether the issuer is the one that the tokens on record belong to: nothing is sent to another account,
//! and nothing is concluded from what one does not show.

use jiff::Timestamp;

use super::{Action, Step, View, act, doubt, wait};
use crate::capabilities::LostAnswer;
use crate::observed::Standing;
use crate::reason::Reason;
use crate::record::{Attempt, Identity, Sameness};

/// Endpoint and identity on record are compared with the issuer's, never used.
pub(super) fn other_issuer(view: &View<'_>, now: Timestamp) -> Option<Step> {
    let endpoint = &view.observed.issuer.endpoint;
    if view.record.referenced().any(|t| t.endpoint != *endpoint) {
        return wait(Reason::IssuerIdentityChanged);
    }
    match sameness(view) {
        Sameness::Same => None,
        Sameness::Other => wait(Reason::IssuerIdentityChanged),
        Sameness::Unknown if recognised(view, now) => None,
        // A value that is dead is lost in any account.
        Sameness::Unknown => doubt::ask(view, now).or_else(|| wait(Reason::AccountUnknown)),
    }
}

/// Who the credential is, is written down before that goes by which it was recognised.
pub(super) fn recognise(view: &View<'_>, _now: Timestamp) -> Option<Step> {
    if sameness(view) != Sameness::Unknown {
        return None;
    }
    let identity = view.observed.issuer.identity.clone()?;
    act(Action::Recognise(identity), Reason::AccountRecognised)
}

/// Whether the account is that of the tokens on record.
fn sameness(view: &View<'_>) -> Sameness {
    let seen = view.observed.issuer.identity.as_ref();
    let tokens = view.record.referenced().map(|t| t.identity.as_ref());
    let worst = tokens
        .map(|recorded| Identity::compare(recorded, seen))
        .max();
    match worst.unwrap_or(Sameness::Same) {
        Sameness::Unknown if seen.is_some() && view.record.identity.as_ref() == seen => {
            Sameness::Same
        }
        worst => worst,
    }
}

/// Whether what an attempt left may lie in another account, where no listing of this one shows it. An
/// attempt of an old record says nothing of its account.
pub(super) fn out_of_sight(view: &View<'_>, attempt: &Attempt) -> bool {
    let seen = view.observed.issuer.identity.as_ref();
    let Some(of_attempt) = &attempt.identity else {
        return false;
    };
    // A token of the same credential that is shown here lies in this account, and so does the attempt.
    let beside = view.record.referenced().any(|token| {
        let mut shown = view.sightings(Standing::Referenced);
        token.identity.as_ref() == Some(of_attempt) && shown.any(|s| s.id == token.id)
    });
    !beside && Identity::compare(Some(of_attempt), seen) != Sameness::Same
}

/// Whether a credential that says nothing by itself turned out to be of the account: a listing shows a
/// token of ours, or the stored value is dead anyway. Where neither can be had, it is believed.
fn recognised(view: &View<'_>, now: Timestamp) -> bool {
    if view.can.lost_answer != LostAnswer::FindByMarker {
        return true;
    }
    let shown = view.sightings(Standing::Referenced).next().is_some();
    let current = view.record.current.as_ref();
    let expired = current
        .and_then(|held| held.expires_at)
        .is_some_and(|at| at <= now);
    shown || expired || doubt::dead(view, now)
}
