//! One step of a reconcile: what was seen in it, and what it leads to.

use jiff::Timestamp;
use tokenwright_api::record::Unreadable;
use tokenwright_core::{Decision, Flow, Observed};

use crate::cluster::calls::CallError;
use crate::cluster::pace::Next;
use crate::issuer::scheduler::Permit;
use crate::minted::observe::Look;

/// Why a reconcile did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReconcileError {
    /// The API server.
    #[error(transparent)]
    Call(#[from] CallError),

    /// The status.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl ReconcileError {
    /// What the API server said, where it was that.
    pub(crate) fn call(&self) -> Option<&CallError> {
        match self {
            Self::Call(error) => Some(error),
            Self::Unreadable(_) => None,
        }
    }
}

/// What was seen in one step, and what follows from it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) look: Look,
    pub(super) observed: Observed,
    pub(super) decision: Decision,
    /// When the issuer's list is to be read for it.
    pub(super) inventory: Option<Timestamp>,
    pub(super) now: Timestamp,
}

/// What one step leads to.
#[derive(Debug)]
pub(super) enum Step {
    /// Look and decide again.
    Again,
    /// Look at the Secret itself, and decide again.
    LookNow,
    /// A mint begins, in a task of its own.
    Mint(Flow, Box<Found>, Permit),
    /// Nothing more until then.
    Rest(Next),
}
