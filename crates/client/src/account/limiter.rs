//! How fast one host is asked: one slot for each request, whoever sends it and whatever for.
//!
//! Counts on tokio's clock, which no correction of the machine's time moves. What must be quick goes
//! before what only looks, so that a fresh value is proven although two hundred listings wait.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::error::Operation;

/// So many requests may be begun at once after a quiet time, but never more than a minute's worth.
const BURST: u32 = 10;
/// Of so many slots one goes to what only looks, however much else waits.
const SHARE_OF_LOOKS: u64 = 10;
/// No issuer is believed that it wants to be left alone for longer than this.
pub const LONGEST_ASKED: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// What one host is asked at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests that are begun in a minute.
    pub per_minute: u32,
    /// Requests that are under way at once.
    pub concurrency: u32,
}

/// The slots of one host.
#[derive(Debug)]
pub struct Limiter {
    state: Mutex<State>,
    /// Something changed for those who wait.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    rate: Option<Rate>,
    /// Requests that may be begun now; grows with time up to a burst.
    budget: f64,
    counted_at: Instant,
    active: u32,
    /// The host asked to be left alone until then.
    asked_until: Option<Instant>,
    waiting: BTreeSet<(Precedence, u64)>,
    tickets: u64,
    granted: u64,
}

/// Who goes first among those who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Precedence {
    /// Whose the credential is: rare, and whether all others are sent hangs on it.
    Identity,
    /// A piece of work that was begun, which has deadlines.
    Work,
    /// A look at all that is there, which can wait.
    Look,
}

impl Precedence {
    pub(crate) fn of(operation: Operation) -> Self {
        match operation {
            Operation::Mint
            | Operation::Check
            | Operation::Get
            | Operation::Update
            | Operation::Enable
            | Operation::Disable
            | Operation::Revoke => Self::Work,
            Operation::List => Self::Look,
            Operation::Identity => Self::Identity,
        }
    }
}

/// Leave to send one request; dropping it gives the place back.
#[derive(Debug)]
pub(crate) struct Slot {
    limiter: Arc<Limiter>,
    pub(crate) begun: Instant,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        state.active = state.active.saturating_sub(1);
        drop(state);
        self.limiter.changed.notify_waiters();
    }
}

/// A place in the queue; dropping it leaves the queue, so that a caller that goes away holds up nobody.
struct Ticket<'a> {
    limiter: &'a Limiter,
    place: (Precedence, u64),
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.limiter.state().waiting.remove(&self.place);
        self.limiter.changed.notify_waiters();
    }
}

impl Limiter {
    /// The slots of a host, all free.
    #[must_use]
    pub fn new(rate: Rate) -> Arc<Self> {
        Self::of(Some(rate))
    }

    /// As many slots as anybody wants; a wait that the host asks for is kept all the same.
    #[must_use]
    pub fn unlimited() -> Arc<Self> {
        Self::of(None)
    }

    fn of(rate: Option<Rate>) -> Arc<Self> {
        let state = State {
            rate,
            budget: rate.map_or(0.0, Rate::burst),
            counted_at: Instant::now(),
            active: 0,
            asked_until: None,
            waiting: BTreeSet::new(),
            tickets: 0,
            granted: 0,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            changed: Notify::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the next request could be begun, were it the only one that waits; `None` is now.
    #[must_use]
    pub fn free_at(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut state = self.state();
        state.count(now);
        let refilled = state.refilled_at(now);
        let free = state.asked_until.max(refilled);
        free.filter(|at| *at > now)
    }

    /// The host asked to be left alone for so long.
    pub(crate) fn asked_to_wait(&self, wait: Duration) {
        let until = later(Instant::now(), wait.min(LONGEST_ASKED.unsigned_abs()));
        let mut state = self.state();
        state.asked_until = state.asked_until.max(Some(until));
    }

    /// Until when the host asked to be left alone.
    pub(crate) fn asked_until(&self) -> Option<Instant> {
        self.state().asked_until.filter(|at| *at > Instant::now())
    }

    /// Those who wait look again at what keeps them.
    pub(crate) fn wake(&self) {
        self.changed.notify_waiters();
    }

    /// A slot, when it is this one's turn; or what `keeps` says, as soon as it says something.
    pub(crate) async fn slot<T>(
        self: &Arc<Self>,
        precedence: Precedence,
        keeps: impl Fn() -> Option<T>,
    ) -> Result<Slot, T> {
        let ticket = {
            let mut state = self.state();
            state.tickets = state.tickets.saturating_add(1);
            let place = (precedence, state.tickets);
            state.waiting.insert(place);
            Ticket {
                limiter: self,
                place,
            }
        };
        loop {
            // Listens before it looks: what changes in between is not missed.
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(kept) = keeps() {
                return Err(kept);
            }
            let now = Instant::now();
            let refilled = {
                let mut state = self.state();
                state.count(now);
                if state.grant(ticket.place) {
                    let limiter = Arc::clone(self);
                    return Ok(Slot {
                        limiter,
                        begun: now,
                    });
                }
                // What else keeps this one ends with a change, which is told.
                let refilled = state.refilled_at(now);
                refilled.unwrap_or_else(|| later(now, Duration::from_secs(1)))
            };
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(refilled) => {}
            }
        }
    }
}

/// That much later, as far as the clock goes.
pub(crate) fn later(at: Instant, wait: Duration) -> Instant {
    at.checked_add(wait).unwrap_or(at)
}

impl Rate {
    fn burst(self) -> f64 {
        f64::from(self.per_minute.clamp(1, BURST))
    }
}

impl State {
    fn count(&mut self, now: Instant) {
        let Some(rate) = self.rate else { return };
        let passed = now.saturating_duration_since(self.counted_at);
        let grown = passed.as_secs_f64() * f64::from(rate.per_minute.max(1)) / 60.0;
        self.budget = (self.budget + grown).min(rate.burst());
        self.counted_at = self.counted_at.max(now);
    }

    /// Takes a slot for the one whose turn it is.
    fn grant(&mut self, place: (Precedence, u64)) -> bool {
        if let Some(rate) = self.rate {
            let busy = self.active >= rate.concurrency.max(1);
            if busy || self.budget < 1.0 || self.next() != Some(place) {
                return false;
            }
            self.budget -= 1.0;
        }
        self.waiting.remove(&place);
        self.active = self.active.saturating_add(1);
        self.granted = self.granted.wrapping_add(1);
        true
    }

    fn next(&self) -> Option<(Precedence, u64)> {
        let looks = self.waiting.range((Precedence::Look, 0)..).next();
        let is_their_share = self.granted % SHARE_OF_LOOKS == SHARE_OF_LOOKS - 1;
        looks
            .filter(|_| is_their_share)
            .or_else(|| self.waiting.first())
            .copied()
    }

    /// When the budget has room for one request; `None` where it has now.
    fn refilled_at(&self, now: Instant) -> Option<Instant> {
        let rate = self.rate?;
        let missing = 1.0 - self.budget;
        if missing <= 0.0 {
            return None;
        }
        let wait = missing * 60.0 / f64::from(rate.per_minute.max(1));
        // A little later, so that rounding never makes it a moment too early.
        let wait = Duration::try_from_secs_f64(wait).ok()?;
        Some(later(now, wait.saturating_add(Duration::from_millis(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: fn() -> Option<()> = || None;

    fn rate(per_minute: u32, concurrency: u32) -> Rate {
        Rate {
            per_minute,
            concurrency,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_requests_are_begun_in_a_minute_than_the_rate_allows() {
        let limiter = Limiter::new(rate(60, 4));
        let start = Instant::now();
        for _ in 0..70 {
            drop(limiter.slot(Precedence::Look, NOTHING).await);
        }
        let took = start.elapsed();
        // Ten at once, then one each second.
        assert!(took >= Duration::from_secs(59), "{took:?}");
        assert!(took <= Duration::from_secs(62), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_requests_are_under_way_than_the_concurrency_allows() {
        let limiter = Limiter::new(rate(600, 2));
        let first = limiter.slot(Precedence::Work, NOTHING).await;
        let second = limiter.slot(Precedence::Work, NOTHING).await;
        let third = limiter.slot(Precedence::Work, NOTHING);
        tokio::pin!(third);
        let waited = tokio::time::timeout(Duration::from_secs(60), third.as_mut()).await;
        assert!(waited.is_err(), "three at once");
        drop(first);
        third.await.unwrap();
        drop(second);
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_was_begun_goes_before_looks_which_still_get_their_share() {
        let limiter = Limiter::new(rate(60, 1));
        for _ in 0..10 {
            drop(limiter.slot(Precedence::Work, NOTHING).await);
        }
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = tokio::task::JoinSet::new();
        let waiting = std::iter::repeat_n(Precedence::Look, 5)
            .chain(std::iter::repeat_n(Precedence::Work, 15));
        for precedence in waiting {
            let (limiter, order) = (Arc::clone(&limiter), Arc::clone(&order));
            tasks.spawn(async move {
                let _slot = limiter.slot(precedence, NOTHING).await;
                order.lock().unwrap().push(precedence);
            });
            tokio::task::yield_now().await;
        }
        tasks.join_all().await;
        let order = order.lock().unwrap();
        let looks = |some: &[Precedence]| some.iter().filter(|p| **p == Precedence::Look).count();
        assert_eq!(looks(&order[..5]), 0, "{order:?}");
        assert_eq!(looks(&order[..15]), 1, "{order:?}");
        assert_eq!(order.len(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_goes_away_holds_up_nobody() {
        let limiter = Limiter::new(rate(60, 1));
        let busy = limiter.slot(Precedence::Work, NOTHING).await;
        let gone = limiter.slot(Precedence::Work, NOTHING);
        let waited = tokio::time::timeout(Duration::from_secs(1), gone).await;
        assert!(waited.is_err(), "two at once");
        drop(busy);
        limiter.slot(Precedence::Work, NOTHING).await.unwrap();
    }
}
