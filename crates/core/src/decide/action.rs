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
    /// Whether something waits for what that inventory tells: else it may come later, and tell more at once.
    pub awaited: bool,
}

/// One step, by who performs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The mint flow, which ends with a token at the destination or with none.
    Flow(Flow),
    /// The issuer, which is asked about one token.
    Issuer(AtIssuer),
    /// The record: something that was seen is written down, and nothing outside changes.
    Record(Note),
    /// The destination.
    Destination(AtDestination),
    /// Nothing is left: the manager may go.
    Finish,
}

/// What the mint flow is started for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flow {
    /// A new token.
    Mint {
        /// `last_revision + 1`, or one above the highest foreign one.
        revision: Revision,
    },
    /// This attempt, which is sent again with its idempotency key.
    Replay(Box<Attempt>),
}

/// What the issuer is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtIssuer {
    /// To revoke this token, once it shows its whole marker.
    Revoke(TokenRef),
    /// To end the current token before there is a new one, where the system keeps one at a time.
    MakeRoom(TokenRef),
    /// To suspend this token, or to end its suspension.
    SetEnabled(TokenRef, Switch),
    /// To change this token in place.
    Update(TokenRef, Change),
    /// Again, whether the current value authenticates.
    Prove(TokenRef),
    /// Whether the value at the destination authenticates; the answer is seen, not recorded.
    Check(TokenRef),
}

/// What is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// What the destination says is current.
    Published(Box<Carried>),
    /// The revoke of this token is done.
    RevokeClosed {
        /// Which one.
        token: TokenRef,
        /// How it ended.
        ended: Ended,
    },
    /// An attempt whose answer was lost is over.
    AttemptClosed {
        /// Which one.
        attempt: Attempt,
        /// Whether a token may exist that nothing can find.
        suspect: bool,
    },
    /// The current token, which we meant to disable, is not disabled by us.
    IntentWithdrawn,
    /// The mint that failed is wanted no more.
    MintWithdrawn,
    /// This credential is one of the account of the tokens on record.
    Recognised(Identity),
}

/// What is done to the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtDestination {
    /// It is removed (deletion under `Revoke`).
    Remove,
    /// It is given back to its owner (deletion under `Retain`).
    Release,
    /// Its value is taken for the one of this token, and its digest made anew.
    Trust(TokenRef),
}

impl From<Flow> for Action {
    fn from(flow: Flow) -> Self {
        Self::Flow(flow)
    }
}

impl From<AtIssuer> for Action {
    fn from(request: AtIssuer) -> Self {
        Self::Issuer(request)
    }
}

impl From<Note> for Action {
    fn from(note: Note) -> Self {
        Self::Record(note)
    }
}

impl From<AtDestination> for Action {
    fn from(step: AtDestination) -> Self {
        Self::Destination(step)
    }
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
    /// Which of them differ; none where it is only looked at, since nobody knows what became of the change before.
    pub kinds: Vec<UpdateKind>,
}
