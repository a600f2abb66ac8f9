//! What went wrong between us and an issuer: one error, of few kinds.

use std::fmt;

use jiff::SignedDuration;

/// An operation on an issuer that failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} at {profile}: {}", self.sentence())]
pub struct Error {
    /// What kind of failure.
    pub kind: ErrorKind,
    /// The profile of the issuer.
    pub profile: String,
    /// What was being done.
    pub operation: Operation,
    /// The status of the answer, where one came.
    pub status: Option<u16>,
    /// What was expected and what came, in our own words: status, content type, shape. Never content,
    /// so that conditions and events may show it.
    pub detail: Option<String>,
    /// The vendor's own sentence, cut and searched for secrets: for the terminal of the person who asked,
    /// Terraform's diagnostics and debug logs. Never for conditions or events.
    pub vendor: Option<String>,
    /// More for logs; already redacted and cut where it came from the vendor.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A failure of which nothing more is known.
    #[must_use]
    pub fn new(kind: ErrorKind, profile: impl Into<String>, operation: Operation) -> Self {
        Self {
            kind,
            profile: profile.into(),
            operation,
            status: None,
            detail: None,
            vendor: None,
            source: None,
        }
    }

    /// Whether the issuer itself said no, clearly: with a status of refusal in its own shape. Nothing was
    /// done then, and nothing has to be looked for.
    #[must_use]
    pub fn is_clear_refusal(&self) -> bool {
        let by_status = self
            .status
            .is_none_or(|status| (400..500).contains(&status));
        by_status && self.kind.is_refusal()
    }

    /// What happened, without who and what: for conditions, events and diagnostics.
    #[must_use]
    pub fn sentence(&self) -> String {
        match (&self.detail, self.status) {
            (Some(detail), _) => detail.clone(),
            (None, Some(status)) => format!("{} ({status})", self.kind),
            (None, None) => self.kind.to_string(),
        }
    }

    /// The same with the vendor's own sentence, for the terminal of the person who asked.
    #[must_use]
    pub fn sentence_with_vendor(&self) -> String {
        match &self.vendor {
            Some(vendor) => format!("{}; it says: {vendor}", self.sentence()),
            None => self.sentence(),
        }
    }
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
    /// What came is not what the issuer answers: a page of a proxy, or a shape that the profile does not
    /// know. Nothing is concluded from it.
    AnswerNotUnderstood,
    /// What came takes more than its share of the memory that is left for answers. Nothing is concluded from it.
    NoRoom,
}

impl ErrorKind {
    /// All of them, for the documentation.
    pub const ALL: [Self; 12] = [
        Self::NotFound,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::Invalid,
        Self::Conflict,
        Self::LimitReached,
        Self::RateLimited { retry_after: None },
        Self::Unavailable,
        Self::Paused {
            wait: SignedDuration::ZERO,
        },
        Self::OutcomeUnknown,
        Self::AnswerNotUnderstood,
        Self::NoRoom,
    ];

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
            Self::AnswerNotUnderstood => "AnswerNotUnderstood",
            Self::NoRoom => "NoRoom",
        }
    }

    /// Whether the same request may work later without anybody changing anything.
    #[must_use]
    pub fn is_transient(self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::Unavailable
            | Self::Paused { .. }
            | Self::OutcomeUnknown
            | Self::AnswerNotUnderstood
            | Self::NoRoom => true,
            Self::NotFound
            | Self::Unauthenticated
            | Self::Forbidden
            | Self::Invalid
            | Self::Conflict
            | Self::LimitReached => false,
        }
    }

    /// Whether it says that nothing was done, and that the same will be refused again.
    fn is_refusal(self) -> bool {
        match self {
            Self::NotFound
            | Self::Unauthenticated
            | Self::Forbidden
            | Self::Invalid
            | Self::Conflict
            | Self::LimitReached => true,
            Self::RateLimited { .. }
            | Self::Unavailable
            | Self::Paused { .. }
            | Self::OutcomeUnknown
            | Self::AnswerNotUnderstood
            | Self::NoRoom => false,
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
            | Self::AnswerNotUnderstood
            | Self::NoRoom => None,
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
            Self::AnswerNotUnderstood => "what came is not what this issuer answers",
            Self::NoRoom => "the answer is too long for the operator's memory",
        }
    }

    /// What a person does next, whatever asked the issuer.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::NotFound => {
                "See whether the endpoint and the parameters are right; a token that is gone is minted anew."
            }
            Self::Unauthenticated => {
                "Give the issuer a credential of its own that has not expired; a corrected one is tried at once."
            }
            Self::Forbidden => "Give the credential the right to mint, list and revoke tokens.",
            Self::Invalid => {
                "Change the name, the scopes, the parameters or the lifetime; `tokenwright profile list` shows what the system takes."
            }
            Self::Conflict => "Look at the issuer: a name may be taken, or an account locked.",
            Self::LimitReached => {
                "Revoke what nobody needs, `tokenwright token orphans` names it, or ask the vendor for more."
            }
            Self::RateLimited { .. } => {
                "Nothing; it is waited. Where it comes often, lower `spec.rate` of the issuer."
            }
            Self::Unavailable => {
                "Look at the vendor's status page, at proxies, DNS and network policies; `tokenwright doctor` tells which of them is used."
            }
            Self::Paused { .. } => "Nothing; the message says until when.",
            Self::OutcomeUnknown => {
                "Nothing; what a lost mint left is found by its marker and revoked."
            }
            Self::AnswerNotUnderstood => {
                "Look whether a login page, a proxy or a captive portal answers in its place, and whether the endpoint is right; for a system of your own run `tokenwright profile try`."
            }
            Self::NoRoom => {
                "Raise `resources.limits.memory` of the operator (`--memory-limit`), or revoke tokens that nobody needs."
            }
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

#[cfg(test)]
mod tests {
    use super::ErrorKind;

    #[test]
    fn every_kind_stands_in_the_list_of_all() {
        for (place, kind) in ErrorKind::ALL.into_iter().enumerate() {
            // Without a new kind this does not compile.
            let own = match kind {
                ErrorKind::NotFound => 0,
                ErrorKind::Unauthenticated => 1,
                ErrorKind::Forbidden => 2,
                ErrorKind::Invalid => 3,
                ErrorKind::Conflict => 4,
                ErrorKind::LimitReached => 5,
                ErrorKind::RateLimited { .. } => 6,
                ErrorKind::Unavailable => 7,
                ErrorKind::Paused { .. } => 8,
                ErrorKind::OutcomeUnknown => 9,
                ErrorKind::AnswerNotUnderstood => 10,
                ErrorKind::NoRoom => 11,
            };
            assert_eq!(own, place, "{}", kind.name());
        }
    }
}
