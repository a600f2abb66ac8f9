//! The only place that reads the time: the wall's for expiries, a stopwatch for durations.

use std::time::Duration;

use jiff::Timestamp;
use tokenwright_client::Clock;
use tokio::time::Instant;

/// What time it is.
pub(crate) fn now() -> Timestamp {
    Clock::system().now()
}

/// Measures how long something takes, whatever happens to the wall's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
