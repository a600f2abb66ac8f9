//! Whether the issuer is the one that the tokens on record belong to: nothing is sent to another account,
//! and nothing is concluded from what one does not show.

use jiff::Timestamp;

use super::{Step, View, doubt, wait};
use crate::capabilities::LostAnswer;
use crate::observed::Standing;
use crate::reason::Reason;
use crate::record::{Identity, Sameness};

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

/// The account of the tokens on record, and of the listings that explain open attempts.
fn sameness(view: &View<'_>) -> Sameness {
    let seen = view.observed.issuer.identity.as_ref();
    let tokens = view.record.referenced().map(|t| t.identity.as_ref());
    let listings = (!view.record.attempts.is_empty())
        .then_some(view.record.identity.as_ref())
        .filter(Option::is_some);
    let all = tokens.chain(listings);
    all.map(|recorded| Identity::compare(recorded, seen))
        .max()
        .unwrap_or(Sameness::Same)
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
