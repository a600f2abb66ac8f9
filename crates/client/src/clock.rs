//! The only place that reads the time; everything else is told what time it is.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tokenwright_core::instant::after;

use jiff::{SignedDuration, Timestamp};

/// Where the time comes from, for the parts that live longer than one call.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that asks this function.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the time"
        )]
        Self::new(Timestamp::now)
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

#[cfg(test)]
impl Clock {
    /// A clock that goes with tokio's, which tests stop.
    pub(crate) fn of_tokio() -> Self {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let begun = tokio::time::Instant::now();
        Self::new(move || start + jiff::SignedDuration::try_from(begun.elapsed()).unwrap())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// A clock that moves only when it is told to, for tests. Clones show the same time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<Timestamp>>);

impl ManualClock {
    /// A clock that stands at this instant.
    #[must_use]
    pub fn at(start: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(start)))
    }

    /// The time that it shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves it to an instant.
    pub fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Moves it forward.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = after(*now, by);
    }

    /// The same clock for whoever only reads it.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let shared = self.clone();
        Clock::new(move || shared.now())
    }
}
