//! What went wrong between us and an issuer: one error, of few kinds.

use std::fmt;

use jiff::SignedDuration;

/// An operation on an issuer that failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} at {profile}: {kind}")]
pub struct Error {
    /// What kind of failure.
    pub kind: ErrorKind,
    /// The profile of the issuer.
    pub profile: String,
    /// What was being done.
    pub operation: Operation,
    /// More for logs; already redacted and cut where it came from the vendor.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The kinds that callers tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The thing asked for is not there.
    NotFound,
    /// The credential is not accepted.
    Unauthenticated,
    /// The credential is known and may not do this, or the issuer refused to hand out a value.
    Forbidden,
    /// The issuer, or the profile before it, says that the request is wrong.
    Invalid,
    /// The state of things does not allow it.
    Conflict,
    /// A quota is used up.
    LimitReached,
    /// Too many requests.
    RateLimited {
        /// How long the issuer asks to wait.
        retry_after: Option<SignedDuration>,
    },
    /// Nothing was done: no connection, or the issuer says that it cannot serve now.
    Unavailable,
    /// Nothing was sent: the issuer asked for a pause, or refused so often that one is made.
    Paused {
        /// How long nothing will be sent.
        wait: SignedDuration,
    },
    /// Something may have been done: the answer was lost or cannot be read.
    OutcomeUnknown,
    /// The answer makes no sense.
    Unexpected,
}

impl ErrorKind {
    /// The fixed name, for metrics and conditions.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotFound => "NotFound",
            Self::Unauthenticated => "Unauthenticated",
            Self::Forbidden => "Forbidden",
            Self::Invalid => "Invalid",
            Self::Conflict => "Conflict",
            Self::LimitReached => "LimitReached",
            Self::RateLimited { .. } => "RateLimited",
            Self::Unavailable => "Unavailable",
            Self::Paused { .. } => "Paused",
            Self::OutcomeUnknown => "OutcomeUnknown",
            Self::Unexpected => "Unexpected",
        }
    }

    /// Whether the same request may work later without anybody changing anything.
    #[must_use]
    pub fn is_transient(self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::Unavailable
            | Self::Paused { .. }
            | Self::OutcomeUnknown => true,
            Self::NotFound
            | Self::Unauthenticated
            | Self::Forbidden
            | Self::Invalid
            | Self::Conflict
            | Self::LimitReached
            | Self::Unexpected => false,
        }
    }

    /// How long the issuer asks to wait.
    #[must_use]
    pub fn retry_after(self) -> Option<SignedDuration> {
        match self {
            Self::RateLimited { retry_after } => retry_after,
            Self::Paused { wait } => Some(wait),
            Self::NotFound
            | Self::Unauthenticated
            | Self::Forbidden
            | Self::Invalid
            | Self::Conflict
            | Self::LimitReached
            | Self::Unavailable
            | Self::OutcomeUnknown
            | Self::Unexpected => None,
        }
    }

    /// The sentence that conditions, events and diagnostics carry instead of a vendor's body.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NotFound => "the issuer does not know it",
            Self::Unauthenticated => "the issuer does not accept the credential",
            Self::Forbidden => "the issuer does not allow it",
            Self::Invalid => "the request is not valid for this issuer",
            Self::Conflict => "the state at the issuer does not allow it",
            Self::LimitReached => "a quota of the issuer is used up",
            Self::RateLimited { .. } => "the issuer asks for fewer requests",
            Self::Unavailable => "the issuer cannot be reached",
            Self::Paused { .. } => "requests to the issuer are paused",
            Self::OutcomeUnknown => "the issuer's answer was lost or cannot be read",
            Self::Unexpected => "the issuer's answer makes no sense",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is a method of Issuer, documented there")]
pub enum Operation {
    Identity,
    Check,
    Mint,
    Get,
    List,
    Update,
    Enable,
    Disable,
    Revoke,
}

impl Operation {
    /// The fixed name: that of the method of [`Issuer`](crate::Issuer), in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Check => "check",
            Self::Mint => "mint",
            Self::Get => "get",
            Self::List => "list",
            Self::Update => "update",
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::Revoke => "revoke",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
