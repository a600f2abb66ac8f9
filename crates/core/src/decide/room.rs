//! Systems that keep one token at a time: the old one ends before there is a next one.
//!
//! That breaks what holds everywhere else, so a person must allow it. What is done is the same at every
//! restart: the end is asked for as long as a new token is wanted, recorded like every other revoke, and
//! once the record names no current token any more, the next one is minted whatever was wanted at first.

use jiff::Timestamp;

use super::action::AtIssuer;
use super::rule::{Step, act};
use super::view::View;
use super::{minting, revokes};
use crate::reason::Reason;

/// Ends what is in the only place, once a next token is wanted and nothing stands in its way.
pub(super) fn make(view: &View<'_>, now: Timestamp) -> Option<Step> {
    let held = view.record.current.as_ref().filter(|_| view.can.one)?;
    let reason = minting::wanted(view, now)?;
    let may =
        minting::stands_in_the_way(view, now).is_none() && revokes::may_try(view, &held.token, now);
    match may {
        true => act(AtIssuer::MakeRoom(held.token.clone()), reason),
        false => None,
    }
}

/// Why nothing is done about a place that is being made free.
pub(super) fn waiting(view: &View<'_>) -> Option<Reason> {
    let taken = view.can.one && view.record.current.is_some();
    taken.then(|| revokes::obstacle(view).unwrap_or(Reason::MakingRoom))
}
