//! Whether the clock was set, or the machine slept: no timer knows of either.
//!
//! A timer counts on a clock that no correction moves, and that stands still while a machine sleeps. What is
//! due in twelve hours would come ten hours late after a night of ten hours.

use std::time::Duration;

use jiff::SignedDuration;
use tokenwright_client::Clock;
use tokio::time::Instant;

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(10);

/// How seldom it is looked at most: a clock that two programs set in turn, or that jumps, is not followed at
/// each of its ways, and one that was set once is noticed within this all the same.
const SELDOM: Duration = Duration::from_secs(640);

/// Less is a correction that nobody notices.
const NOTICED: SignedDuration = SignedDuration::from_secs(5);

/// A clock that is looked at.
#[derive(Debug)]
pub(crate) struct Looked<'a> {
    clock: &'a Clock,
    look: Duration,
}

impl<'a> Looked<'a> {
    pub(crate) fn at(clock: &'a Clock) -> Self {
        Self { clock, look: LOOK }
    }

    /// Waits until the clock has gone another way than time did, and says by how much. After each time it is
    /// looked half as often, until the clock has gone well for once.
    pub(crate) async fn set(&mut self) -> SignedDuration {
        loop {
            let (shown, began) = (self.clock.now(), Instant::now());
            tokio::time::sleep(self.look).await;
            let went = self.clock.now().duration_since(shown);
            let passed = SignedDuration::try_from(began.elapsed()).unwrap_or(SignedDuration::MAX);
            let set = went.saturating_sub(passed);
            if set.abs() > NOTICED {
                self.look = self.look.saturating_mul(2).min(SELDOM);
                return set;
            }
            self.look = LOOK;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use jiff::Timestamp;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_jumps_all_the_time_is_not_followed_each_time() {
        let started = Instant::now();
        // Another hour in each ten seconds: by day and by night.
        let clock = Clock::new(move || {
            let passed = i64::try_from(started.elapsed().as_secs()).unwrap();
            let jumps = (passed / 7 * 7_919) % 50_000;
            Timestamp::from_second(passed + jumps).unwrap()
        });
        let mut looked = Looked::at(&clock);
        let mut noticed = 0;
        while started.elapsed() < Duration::from_secs(86_400) {
            looked.set().await;
            noticed += 1;
        }
        assert!((10..400).contains(&noticed), "{noticed}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_is_noticed_and_one_that_goes_with_time_is_not() {
        let moved = Arc::new(AtomicI64::default());
        let (started, by) = (Instant::now(), Arc::clone(&moved));
        let clock = Clock::new(move || {
            let passed = i64::try_from(started.elapsed().as_secs()).unwrap();
            Timestamp::from_second(passed + by.load(Ordering::Relaxed)).unwrap()
        });
        let mut looked = Looked::at(&clock);
        for hours in [10, -8] {
            let waiting = looked.set();
            tokio::pin!(waiting);
            let day = Duration::from_secs(86_400);
            let early = tokio::time::timeout(day, waiting.as_mut()).await;
            assert!(early.is_err(), "{early:?}");
            let seconds = hours * 3_600;
            moved.fetch_add(seconds, Ordering::Relaxed);
            let noticed = tokio::time::timeout(LOOK * 3, waiting).await;
            assert_eq!(noticed, Ok(SignedDuration::from_secs(seconds)));
        }
    }
}
