//! Why something cannot be had of an issuer, in one word and one sentence.

use tokenwright_api::names::reason;
use tokenwright_core::InvalidSpec;

/// Why an issuer cannot be used, or not for what is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Obstacle {
    /// One word.
    pub(crate) reason: &'static str,
    /// One sentence.
    pub(crate) message: String,
    /// Whether only a person can change that.
    pub(crate) stalled: bool,
}

impl From<InvalidSpec> for Obstacle {
    fn from(invalid: InvalidSpec) -> Self {
        Self::stalled(reason::INVALID_SPEC, invalid.to_string())
    }
}

impl Obstacle {
    /// An obstacle that only a person can remove.
    pub(crate) fn stalled(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            stalled: true,
        }
    }
}
