//! How long is waited after something failed, and which waits can be.

use jiff::{SignedDuration, Timestamp};

use crate::instant::after;

/// The first back-off after a failed mint; it doubles with each further failure.
const FIRST_BACKOFF: SignedDuration = SignedDuration::from_secs(10);
/// The longest back-off: a person who mends something should not wait longer than an hour.
pub const LONGEST_BACKOFF: SignedDuration = SignedDuration::from_hours(1);

/// How long to wait after the `failures`-th refusal in a row, where the issuer may ask for longer.
#[must_use]
pub fn wait(failures: u32, asked: Option<SignedDuration>) -> SignedDuration {
    let own = backoff(failures);
    asked.map_or(own, |asked| asked.min(LONGEST_BACKOFF).max(own))
}

/// Whether anything waits until then. No wait is longer than the longest back-off; one that seems to be was
/// written down while the clock was wrong.
#[must_use]
pub fn can_wait_until(until: Timestamp, now: Timestamp) -> bool {
    until <= after(now, LONGEST_BACKOFF)
}

/// How long to wait after the `failures`-th failed mint in a row.
#[must_use]
pub fn backoff(failures: u32) -> SignedDuration {
    let doublings = failures.saturating_sub(1).min(16);
    FIRST_BACKOFF
        .checked_mul(1 << doublings)
        .unwrap_or(LONGEST_BACKOFF)
        .min(LONGEST_BACKOFF)
}
