//! What to do next, and why: an ordered list of rules, the first match wins.
//!
//! A decision names the exact step. Whoever performs it adds no policy, only the words of its world.
//! Every decision also says when to look again, so that no timer is lost.

use jiff::Timestamp;

mod account;
mod action;
mod changes;
mod deletion;
mod doubt;
mod instants;
mod minting;
mod ordered;
mod revokes;
mod room;
mod rule;
mod switching;
mod tending;
mod view;

pub use action::{Action, AtDestination, AtIssuer, Change, Decision, Flow, Note, Switch};
pub use deletion::{decide_deletion, explain_deletion};
pub(crate) use minting::{loss, repairs};
pub use ordered::Explained;
use ordered::{decision, explained, first};
use rule::Rule;
pub use view::{View, basis};

/// The rules, in the order in which they win.
const RULES: &[Rule] = &[
    ("one mint at a time", minting::running),
    (
        "nothing is sent to an account that is not ours",
        account::other_issuer,
    ),
    (
        "whose a new credential is, before anything depends on it",
        account::recognise,
    ),
    (
        "the destination is the truth about what is current",
        minting::published,
    ),
    (
        "the same mint again, where its answer can be had again",
        minting::replay,
    ),
    (
        "a lost answer that nothing can repair",
        minting::give_up_answer,
    ),
    (
        "where there is room for one token, the old one ends first",
        room::make,
    ),
    (
        "make before break: the next token where one is due",
        minting::mint,
    ),
    (
        "a mint that failed, and that nobody wants any more",
        minting::withdrawn,
    ),
    (
        "what speaks against a token, and proves nothing",
        doubt::resolve,
    ),
    ("what was published unproven", tending::prove),
    (
        "inputs that the system can change in place",
        tending::update,
    ),
    ("enable or disable", switching::switch),
    // No revoke that fails may delay it.
    ("lost answers that left no token", tending::close_attempts),
    ("revokes that are seen to be done", revokes::close),
    ("overlaps that ended", tending::retire),
    ("tokens whose value is lost", tending::sweep),
    ("revokes that are not done", revokes::again),
    ("nothing to do, and this is why", tending::blocked),
];

/// What to do next.
///
/// Pure: the same view at the same instant gives the same decision, at every restart.
#[must_use]
pub fn decide(view: &View<'_>, now: Timestamp) -> Decision {
    let step = first(RULES, view, now).map(|(_, step)| step);
    decision(view, now, step)
}

/// What to do next, and which rules were asked for it.
#[must_use]
pub fn explain(view: &View<'_>, now: Timestamp) -> Explained {
    explained(RULES, view, now)
}

#[cfg(test)]
mod tests;
