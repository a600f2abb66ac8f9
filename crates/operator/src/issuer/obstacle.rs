//! Why something cannot be had of an issuer, in one word and one sentence.

use jiff::Timestamp;
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
    /// When the issuer is asked again: another instant after each try, which it tells itself, and not thousands of
    /// ApiTokens.
    pub(crate) again: Option<Timestamp>,
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
            again: None,
        }
    }

    /// The message, and when the issuer is asked again.
    pub(crate) fn in_full(&self) -> String {
        let again = self
            .again
            .map(|at| format!(" It is asked again at {at:.0}."));
        self.message.clone() + &again.unwrap_or_default()
    }

    /// Whether it is the same but for when the issuer is asked again.
    pub(crate) fn goes_on(&self, before: &Self) -> bool {
        let same = Self {
            again: before.again,
            ..self.clone()
        };
        same == *before
    }
}
