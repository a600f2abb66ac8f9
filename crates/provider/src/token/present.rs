//! A plan's present, which is that of the last read, and how far its clock is to be believed.

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::instant::after;

use crate::connect::Connected;

/// Two runs that find clocks so far apart found the same.
const SAME: SignedDuration = SignedDuration::from_secs(60);

/// A plan's present.
#[derive(Debug, Clone, Copy)]
pub(super) struct Present {
    pub(super) at: Timestamp,
    /// How far the clock that says so is ahead of the issuer's.
    pub(super) ahead: SignedDuration,
}

impl Present {
    /// What it is now, as the issuer's latest answer tells.
    pub(super) fn of(connected: &Connected) -> Self {
        Self::after(connected, SignedDuration::ZERO)
    }

    /// The same, by what was known of the clock before where nobody was asked in this run.
    pub(super) fn after(connected: &Connected, ahead: SignedDuration) -> Self {
        Self {
            at: connected.now(),
            ahead: connected.ahead().unwrap_or(ahead),
        }
    }

    /// Whether the clock is to be believed as it was.
    pub(super) fn believes_as(self, before: Self) -> bool {
        self.ahead.saturating_sub(before.ahead).abs() <= SAME
    }

    /// The same clock at another instant.
    pub(super) fn then(self, at: Timestamp) -> Self {
        Self { at, ..self }
    }

    /// Whether it is over what lasts until then. A clock that is ahead is not taken at its word: what it says now
    /// comes to be only then.
    pub(super) fn is_past(self, not_before: Timestamp) -> bool {
        after(not_before, self.ahead) <= self.at
    }
}
