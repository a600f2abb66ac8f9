//! What came of a step.

use crate::cluster::calls::CallError;

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    /// The API server.
    #[error(transparent)]
    Call(#[from] CallError),

    /// A Secret must not be removed: an issuer would lose its credential.
    #[error(
        "the Secret {0} is not removed: it is the credential of a TokenIssuer; name another Secret in its spec.credential.secretRef"
    )]
    StillCredential(String),
}

/// What is left to do after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// Look and decide again.
    Again,
    /// The object is gone.
    Gone,
}
