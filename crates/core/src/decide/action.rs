//! What can be decided.

use jiff::Timestamp;

use crate::capabilities::UpdateKind;
use crate::marker::Revision;
use crate::observed::Carried;
use crate::reason::Reason;
use crate::record::{Attempt, Ended, TokenRef};
use crate::spec::Inputs;
use crate::token::Identity;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The step; `None` where there is nothing to do now.
    pub action: Option<Action>,
    /// Why this, or why nothing.
    pub reason: Reason,
    /// When to decide again even if nothing changes.
    pub check_again: Option<Timestamp>,
    /// An inventory that started at this instant or later is wanted before the next decision.
    pub inventory: Option<Timestamp>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Run the mint flow for this revision.
    Mint {
        /// `last_revision + 1`, or one above the highest foreign one.
        revision: Revision,
    },
    /// Send this attempt again with its idempotency key.
    Replay(Attempt),
    /// Write down what the destination says is current.
    Record(Box<Carried>),
    /// Revoke this token, once the issuer shows its whole marker.
    Revoke(TokenRef),
    /// Write down that the revoke of this token is done.
    CloseRevoke {
        /// Which one.
        token: TokenRef,
        /// How it ended.
        ended: Ended,
    },
    /// Suspend this token, or end its suspension.
    SetEnabled(TokenRef, Switch),
    /// Change this token in place.
    Update(TokenRef, Change),
    /// Ask again whether the current value authenticates.
    Prove(TokenRef),
    /// Ask whether the value at the destination authenticates; the answer is seen, not recorded.
    Check(TokenRef),
    /// Take the value at the destination for the one of this token, and make its digest anew.
    TrustValue(TokenRef),
    /// Write down that a token which we meant to disable is not disabled by us.
    WithdrawIntent(TokenRef),
    /// Write down that this credential is one of the account of the tokens on record.
    Recognise(Identity),
    /// Close an attempt whose answer was lost.
    CloseAttempt {
        /// Which one.
        attempt: Attempt,
        /// Whether a token may exist that nothing can find.
        suspect: bool,
    },
    /// Remove the destination (deletion under `Revoke`).
    RemoveDestination,
    /// Give the destination back to its owner (deletion under `Retain`).
    ReleaseDestination,
    /// Nothing is left: the manager may go.
    Finish,
}

/// A state to switch a token to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Switch {
    /// It authenticates again.
    Enable,
    /// It authenticates no more, for now.
    Disable,
}

/// What to change on a living token: the inputs that it has afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The wanted inputs.
    pub inputs: Inputs,
    /// Which of them differ.
    pub kinds: Vec<UpdateKind>,
}
