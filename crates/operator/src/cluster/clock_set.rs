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

/// Less is a correction that nobody notices.
const NOTICED: SignedDuration = SignedDuration::from_secs(5);

/// Waits until the clock has gone another way than time did, and says by how much.
pub(crate) async fn set(clock: &Clock) -> SignedDuration {
    loop {
        let (shown, began) = (clock.now(), Instant::now());
        tokio::time::sleep(LOOK).await;
        let went = clock.now().duration_since(shown);
        let passed = SignedDuration::try_from(began.elapsed()).unwrap_or(SignedDuration::MAX);
        let set = went.saturating_sub(passed);
        if set.abs() > NOTICED {
            return set;
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
    async fn a_clock_that_is_set_is_noticed_and_one_that_goes_with_time_is_not() {
        let moved = Arc::new(AtomicI64::default());
        let (started, by) = (Instant::now(), Arc::clone(&moved));
        let clock = Clock::new(move || {
            let passed = i64::try_from(started.elapsed().as_secs()).unwrap();
            Timestamp::from_second(passed + by.load(Ordering::Relaxed)).unwrap()
        });
        for hours in [10, -8] {
            let waiting = set(&clock);
            tokio::pin!(waiting);
            let day = Duration::from_secs(86_400);
            let early = tokio::time::timeout(day, waiting.as_mut()).await;
            assert!(early.is_err(), "{early:?}");
            let seconds = hours * 3_600;
            moved.fetch_add(seconds, Ordering::Relaxed);
            let noticed = tokio::time::timeout(LOOK * 2, waiting).await;
            assert_eq!(noticed, Ok(SignedDuration::from_secs(seconds)));
        }
    }
}
