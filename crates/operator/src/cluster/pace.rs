//! When an object is looked at again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// What nobody tells us is looked at this often: a Secret of somebody else, an issuer that is not there.
pub(crate) const UNTOLD: SignedDuration = SignedDuration::from_secs(60);

/// The longest pause after failures: whoever mends the cause is noticed within it.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// The pause after so many failures in a row: each doubles it.
pub(crate) fn pause(failures: u32) -> Duration {
    let pause = Duration::from_millis(250).saturating_mul(1 << failures.min(12));
    pause.min(LONGEST_PAUSE)
}

/// When it is tried again after so many failures in a row.
pub(crate) fn after_failures(failures: u32, now: Timestamp) -> Timestamp {
    now.saturating_add(pause(failures))
        .unwrap_or(Timestamp::MAX)
}

/// When an `ApiToken` is looked at again, where nothing changes before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Next(Option<Duration>);

impl Next {
    /// After a while.
    pub(crate) fn requeue(wait: Duration) -> Self {
        Self(Some(wait))
    }

    /// Never by itself.
    pub(crate) fn await_change() -> Self {
        Self(None)
    }

    /// Which instant that is.
    pub(crate) fn instant(self) -> Option<Instant> {
        Instant::now().checked_add(self.0?)
    }
}

/// Looks again at the first of these instants, or when something changes.
pub(crate) fn at_first(
    instants: impl IntoIterator<Item = Option<Timestamp>>,
    now: Timestamp,
) -> Next {
    match instants.into_iter().flatten().min() {
        Some(at) => Next::requeue(until(at, now)),
        None => Next::await_change(),
    }
}

/// Looks again at this instant.
pub(crate) fn at(at: Timestamp, now: Timestamp) -> Next {
    Next::requeue(until(at, now))
}

/// How long it is until then.
pub(crate) fn until(at: Timestamp, now: Timestamp) -> Duration {
    let wait = Duration::try_from(at.duration_since(now)).unwrap_or_default();
    // A little later than the instant itself: timers may be early by a tick.
    wait.saturating_add(Duration::from_millis(5))
}
