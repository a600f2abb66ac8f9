//! The only place of the operator that reads the time.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Where the time comes from.
#[derive(Debug, Clone, Copy, Default)]
pub enum Clock {
    /// The clock of the machine.
    #[default]
    Wall,

    /// A beginning, and the runtime's own timer: under a paused runtime a year passes at once.
    Runtime {
        /// The time when the timer stood at `started`.
        base: Timestamp,
        /// When the clock was made.
        started: Instant,
    },
}

impl Clock {
    /// A clock that shows `base` now and goes on with the runtime's timer.
    #[must_use]
    pub fn runtime(base: Timestamp) -> Self {
        Self::Runtime {
            base,
            started: Instant::now(),
        }
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Wall => wall(),
            Self::Runtime { base, started } => {
                let passed =
                    SignedDuration::try_from(started.elapsed()).unwrap_or(SignedDuration::ZERO);
                base.saturating_add(passed).unwrap_or(*base)
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the place that reads the time"
)]
fn wall() -> Timestamp {
    Timestamp::now()
}
