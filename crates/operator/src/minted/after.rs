//! What came of a step.

use crate::cluster::conditions::Trouble;

/// What is left to do after a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum After {
    /// Look and decide again.
    Again,
    /// It cannot be done yet, and this is why; something else must change first.
    Held(Trouble),
    /// The object is gone.
    Gone,
}
