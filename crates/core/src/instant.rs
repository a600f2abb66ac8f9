//! Instants that never leave the calendar: a sum that would stays at its end.
//!
//! Lifetimes, timeouts and `Retry-After` come from people and issuers, so any of them may be absurd.

use jiff::{SignedDuration, Timestamp};

/// `duration` later, at most the last instant there is.
pub(crate) fn after(at: Timestamp, duration: SignedDuration) -> Timestamp {
    at.saturating_add(duration).unwrap_or(Timestamp::MAX)
}

/// `duration` earlier, at least the first instant there is.
pub(crate) fn before(at: Timestamp, duration: SignedDuration) -> Timestamp {
    at.saturating_sub(duration).unwrap_or(Timestamp::MIN)
}
