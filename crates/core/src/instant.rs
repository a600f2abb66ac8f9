//! Arithmetic on instants and durations that never leaves the calendar: what would stays at its end.
//!
//! Lifetimes, timeouts and `Retry-After` come from people and issuers, so any of them may be absurd.
//! The operators of `Timestamp` and `SignedDuration` panic there; a lint keeps them out of the product.

use jiff::{SignedDuration, Timestamp};

/// `duration` later, at most the last instant there is.
#[must_use]
pub fn after(at: Timestamp, duration: SignedDuration) -> Timestamp {
    at.saturating_add(duration).unwrap_or(Timestamp::MAX)
}

/// `duration` earlier, at least the first instant there is.
#[must_use]
pub fn before(at: Timestamp, duration: SignedDuration) -> Timestamp {
    at.saturating_sub(duration).unwrap_or(Timestamp::MIN)
}

/// The first instant, at this one or after it, that is a whole number of steps from the epoch: whoever waits
/// for such an instant waits together. Without steps it is this very instant.
#[must_use]
pub fn shared(at: Timestamp, step: SignedDuration) -> Timestamp {
    let step = step.as_nanos();
    let missing = match step > 0 {
        true => at.as_nanosecond().saturating_neg().rem_euclid(step),
        false => 0,
    };
    let missing = i64::try_from(missing).map(SignedDuration::from_nanos);
    after(at, missing.unwrap_or_default())
}

/// So far two clocks that go right may differ.
const DIFFER: SignedDuration = SignedDuration::from_secs(60);

/// Whether something that was written down as having happened then can have happened by now. What lies in the
/// future was written down under a clock that was ahead: it came before all that is of now.
#[must_use]
pub fn can_have_happened(at: Timestamp, now: Timestamp) -> bool {
    at <= after(now, DIFFER)
}

/// One of `parts` equal parts of a duration; of none, nothing.
#[must_use]
pub fn part(duration: SignedDuration, parts: i32) -> SignedDuration {
    duration.checked_div(parts).unwrap_or(SignedDuration::ZERO)
}

/// This many hundredths of a duration.
#[must_use]
pub fn percent(duration: SignedDuration, percent: u8) -> SignedDuration {
    part(duration, 100).saturating_mul(percent.into())
}
