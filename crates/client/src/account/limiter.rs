//! How fast one host is asked: one slot for each request, whoever sends it and whatever for.
//!
//! Counts on tokio's clock, which no correction of the machine's time moves. What must be quick goes
//! before what only looks, so that a fresh value is proven although two hundred listings wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::seats::Seats;
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
    /// Who waits, and in whose name.
    waiting: BTreeMap<Place, Option<Arc<str>>>,
    seats: Seats,
    tickets: u64,
    granted: u64,
}

/// Where one stands among those who wait.
type Place = (Precedence, u64);

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
    name: Option<Arc<str>>,
    pub(crate) begun: Instant,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        state.active = state.active.saturating_sub(1);
        state
            .seats
            .give_back(self.name.as_ref(), self.begun.elapsed());
        drop(state);
        self.limiter.changed.notify_waiters();
    }
}

/// A place in the queue; dropping it leaves the queue, so that a caller that goes away holds up nobody.
struct Ticket<'a> {
    limiter: &'a Limiter,
    place: Place,
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
            waiting: BTreeMap::new(),
            seats: Seats::default(),
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
        (precedence, name): (Precedence, Option<Arc<str>>),
        keeps: impl Fn() -> Option<T>,
    ) -> Result<Slot, T> {
        let ticket = {
            let mut state = self.state();
            state.tickets = state.tickets.saturating_add(1);
            let place = (precedence, state.tickets);
            state.waiting.insert(place, name.clone());
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
                        name,
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
    fn grant(&mut self, place: Place) -> bool {
        if let Some(rate) = self.rate {
            if self.budget < 1.0 || self.next(rate.concurrency.max(1)) != Some(place) {
                return false;
            }
            self.budget -= 1.0;
        }
        let name = self.waiting.remove(&place).flatten();
        self.seats.take(name.as_ref());
        self.active = self.active.saturating_add(1);
        // A share that no look could take is kept for the next one that can.
        let kept = self.is_share_of_looks() && place.0 != Precedence::Look && self.look_waits();
        self.granted = self.granted.wrapping_add(u64::from(!kept));
        true
    }

    fn is_share_of_looks(&self) -> bool {
        self.granted % SHARE_OF_LOOKS == SHARE_OF_LOOKS - 1
    }

    fn look_waits(&self) -> bool {
        let mut looks = self.waiting.range((Precedence::Look, 0)..);
        looks.next().is_some()
    }

    /// Who may have the next of all slots.
    fn next(&self, all: u32) -> Option<Place> {
        let first = |from: Precedence| {
            let mut waiting = self.waiting.range((from, 0)..);
            let next =
                waiting.find(|(_, name)| self.seats.has_room(name.as_deref(), (self.active, all)));
            next.map(|(place, _)| *place)
        };
        let look = self.is_share_of_looks().then(|| first(Precedence::Look));
        look.flatten().or_else(|| first(Precedence::Identity))
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
            drop(limiter.slot((Precedence::Look, None), NOTHING).await);
        }
        let took = start.elapsed();
        // Ten at once, then one each second.
        assert!(took >= Duration::from_secs(59), "{took:?}");
        assert!(took <= Duration::from_secs(62), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_requests_are_under_way_than_the_concurrency_allows() {
        let limiter = Limiter::new(rate(600, 2));
        let first = limiter.slot((Precedence::Work, None), NOTHING).await;
        let second = limiter.slot((Precedence::Work, None), NOTHING).await;
        let third = limiter.slot((Precedence::Work, None), NOTHING);
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
            drop(limiter.slot((Precedence::Work, None), NOTHING).await);
        }
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = tokio::task::JoinSet::new();
        let waiting = std::iter::repeat_n(Precedence::Look, 5)
            .chain(std::iter::repeat_n(Precedence::Work, 15));
        for precedence in waiting {
            let (limiter, order) = (Arc::clone(&limiter), Arc::clone(&order));
            tasks.spawn(async move {
                let _slot = limiter.slot((precedence, None), NOTHING).await;
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
        let busy = limiter.slot((Precedence::Work, None), NOTHING).await;
        let gone = limiter.slot((Precedence::Work, None), NOTHING);
        let waited = tokio::time::timeout(Duration::from_secs(1), gone).await;
        assert!(waited.is_err(), "two at once");
        drop(busy);
        limiter
            .slot((Precedence::Work, None), NOTHING)
            .await
            .unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn requests_of_one_that_hang_leave_a_slot_to_each_other() {
        let limiter = Limiter::new(rate(600, 4));
        let ask = |precedence, name: &str| limiter.slot((precedence, Some(name.into())), NOTHING);
        let mut hanging = Vec::new();
        for _ in 0..3 {
            hanging.push(ask(Precedence::Work, "crowd").await);
        }
        for precedence in [Precedence::Work, Precedence::Look] {
            let fourth = tokio::time::timeout(Duration::from_secs(5), ask(precedence, "crowd"));
            assert!(fourth.await.is_err(), "{precedence:?}: all of them");
        }
        let waits = ask(Precedence::Work, "crowd");
        tokio::pin!(waits);
        assert!(futures::poll!(waits.as_mut()).is_pending());
        // Whoever else comes goes before it, again and again.
        for _ in 0..20 {
            drop(ask(Precedence::Look, "small").await.unwrap());
            drop(limiter.slot((Precedence::Look, None), NOTHING).await);
        }
        drop(hanging.pop());
        waits.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn looks_of_one_whose_work_hangs_get_their_share_as_soon_as_a_slot_is_free() {
        let limiter = Limiter::new(rate(6_000, 2));
        let slot = |precedence, name: &'static str| {
            let limiter = Arc::clone(&limiter);
            async move { limiter.slot((precedence, Some(name.into())), NOTHING).await }
        };
        let mut hangs = slot(Precedence::Work, "crowd").await;
        let look = slot(Precedence::Look, "crowd");
        let look = tokio::spawn(async move { drop(look.await) });
        tokio::task::yield_now().await;
        let mut others = 0;
        while !look.is_finished() {
            // The next of its work waits already.
            let next = tokio::spawn(slot(Precedence::Work, "crowd"));
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(slot(Precedence::Work, "small").await.unwrap());
            drop(hangs);
            hangs = next.await.unwrap();
            others += 1;
            assert!(others < 10, "the look gets no share");
        }
        assert!(others > 1, "it goes before work");
    }
}
