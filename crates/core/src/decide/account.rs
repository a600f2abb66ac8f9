//! Whether the issuer is the one that the tokens on record belong to: nothing is sent to another account,
//! and nothing is concluded from what one does not show.
//!
//! A credential whose issuer does not say whose it is, is recognised by a listing that shows a token of
//! ours. What it is recognised by goes away in time, so that is written down before anything depends on it.

use jiff::Timestamp;

use super::action::Note;
use super::rule::{Step, act, wait};
use super::view::View;
use super::{doubt, minting};
use crate::capabilities::LostAnswer;
use crate::observed::{Destination, Intact};
use crate::reason::Reason;
use crate::record::{Attempt, TokenRef};
use crate::token::{Identity, Sameness};

/// Endpoint and identity on record are compared with the issuer's, never used.
pub(super) fn other_issuer(view: &View<'_>, now: Timestamp) -> Option<Step> {
    let endpoint = &view.observed.issuer.endpoint;
    if view.record.referenced().any(|t| t.endpoint != *endpoint) {
        return wait(Reason::IssuerIdentityChanged);
    }
    match sameness(view) {
        Sameness::Same => None,
        Sameness::Other => wait(Reason::IssuerIdentityChanged),
        Sameness::Unknown if lost_anywhere(view, now) => None,
        Sameness::Unknown => doubt::ask(view, now).or_else(|| wait(Reason::AccountUnknown)),
    }
}

/// Who the credential is, is written down before anything is minted or ended with it.
pub(super) fn recognise(view: &View<'_>, now: Timestamp) -> Option<Step> {
    let depends = minting::wanted(view, now).is_some()
        || view.spec.deletion.since.is_some()
        || !view.record.retiring.is_empty()
        || !view.record.revokes.is_empty();
    let unknown = compared(view) == Sameness::Unknown;
    if !depends || !unknown || known(view) || !shown(view) {
        return None;
    }
    let identity = view.observed.issuer.identity.clone()?;
    act(Note::Recognised(identity), Reason::AccountRecognised)
}

/// Whether the account is that of the tokens on record, so that what is not shown tells of them.
pub(super) fn in_sight(view: &View<'_>) -> bool {
    sameness(view) == Sameness::Same
}

/// Whether what an attempt left may lie in another account, where no listing of this one shows it.
pub(super) fn attempt_out_of_sight(view: &View<'_>, attempt: &Attempt) -> bool {
    out_of_sight(view, attempt.identity.as_ref())
}

/// Whether a token may lie in another account, whether the record names it as current or retiring or not.
pub(super) fn token_out_of_sight(view: &View<'_>, token: &TokenRef) -> bool {
    match view.record.references(&token.id, &token.marker) {
        true => !in_sight(view),
        false => out_of_sight(view, token.identity.as_ref()),
    }
}

/// Whether nothing ties this identity to the account: neither the credential that there is now, nor a
/// token of it that is shown. A record of before there were identities says nothing of the account.
fn out_of_sight(view: &View<'_>, recorded: Option<&Identity>) -> bool {
    let seen = view.observed.issuer.identity.as_ref();
    let Some(minted_by) = recorded else {
        return false;
    };
    let same = Identity::compare(recorded, seen) == Sameness::Same;
    let both_known =
        seen.is_some_and(|seen| view.record.knows(seen)) && view.record.knows(minted_by);
    let survey = view.observed.survey.as_ref();
    let mut tokens = view.record.referenced();
    let beside = tokens.any(|token| {
        token.identity.as_ref() == recorded && survey.is_some_and(|survey| survey.shows(token))
    });
    !same && !both_known && !beside
}

/// All tokens on record that live are of one account: nothing is minted before it is recognised, but where
/// none of them lives any more.
fn sameness(view: &View<'_>) -> Sameness {
    match compared(view) {
        Sameness::Unknown if known(view) || shown(view) => Sameness::Same,
        account => account,
    }
}

/// What the identities alone say.
fn compared(view: &View<'_>) -> Sameness {
    let seen = view.observed.issuer.identity.as_ref();
    let tokens = view.record.referenced();
    let all = tokens.map(|token| Identity::compare(token.identity.as_ref(), seen));
    all.max().unwrap_or(Sameness::Same)
}

/// Whether nothing needs to be shown: the credential was recognised before, or minted the current token or
/// one before it in this account, or no listing tells whose a token is, where another credential is believed
/// to be of the same account.
fn known(view: &View<'_>) -> bool {
    let seen = view.observed.issuer.identity.as_ref();
    view.can.lost_answer != LostAnswer::FindByMarker
        || seen.is_some_and(|seen| view.record.knows(seen))
}

/// Whether the listing shows a token of ours that is of the account of the current one.
fn shown(view: &View<'_>) -> bool {
    let survey = view.observed.survey.as_ref();
    let mut ours = view
        .record
        .referenced()
        .filter(|token| view.record.may_be_beside_current(token));
    survey.is_some_and(|survey| ours.any(|token| survey.shows(token)))
}

/// What has expired, or whose own value is dead, is lost in any account; another one that lives would be
/// out of sight for good.
fn lost_anywhere(view: &View<'_>, now: Timestamp) -> bool {
    let expired = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
    let current = view.record.current.as_ref();
    let own_value = matches!(
        view.observed.destination,
        Destination::Present {
            intact: Intact::Yes,
            ..
        }
    );
    let dead = own_value && doubt::dead(view, now);
    let lost = dead || current.is_some_and(|held| expired(held.expires_at));
    lost && view.record.retiring.iter().all(|r| expired(r.expires_at))
}
