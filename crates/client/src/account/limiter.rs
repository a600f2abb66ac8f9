//! How fast one host is asked: one slot for each request, whoever sends it and whatever for.
//!
//! Counts on tokio's clock, which no correction of the machine's time moves. What must be quick goes
//! before what only looks, so that a fresh value is proven although two hundred listings wait. What only looks
//! leaves one request to work that may come, so that a turn need not wait for two hundred listings either.
//! Whoever waits is called when it may be next, so that ten thousand that wait cost as little as one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::seats::Seats;
use crate::error::Operation;

/// So many requests may be begun at once after a quiet time, but never more than a minute's worth.
const BURST: u32 = 10;
/// What a request takes of the budget.
const ONE: f64 = 1.0;
/// What there is before something that only looks is sent: as much remains for work. Where a burst is less, it
/// looks once work has let as long a time pass as two requests need.
const ONE_LEFT: f64 = 2.0;
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
}

#[derive(Debug)]
struct State {
    rate: Option<Rate>,
    /// Requests that may be begun now; grows with time up to a burst, or to what a look needs.
    budget: f64,
    counted_at: Instant,
    active: u32,
    /// The host asked to be left alone until then.
    asked_until: Option<Instant>,
    waiting: BTreeMap<Place, Waiting>,
    seats: Seats,
    tickets: u64,
    granted: u64,
}

/// Where one stands among those who wait.
type Place = (Precedence, u64);

/// One that waits: in whose name, and what calls it.
#[derive(Debug)]
struct Waiting {
    name: Option<Arc<str>>,
    bell: Arc<Notify>,
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
    name: Option<Arc<str>>,
    pub(crate) begun: Instant,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        state.active = state.active.saturating_sub(1);
        let took = self.begun.elapsed();
        state.seats.answered(self.name.as_ref(), took);
        state.call_next();
    }
}

/// A place in the queue; dropping it leaves the queue, so that a caller that goes away holds up nobody.
struct Ticket<'a> {
    limiter: &'a Limiter,
    place: Place,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        state.waiting.remove(&self.place);
        state.call_next();
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
            budget: rate.map_or(0.0, Rate::most),
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
        let refilled = state.room_at(ONE, now);
        let free = state.asked_until.max(refilled);
        free.filter(|at| *at > now)
    }

    /// Other slots for those who ask this host: who keeps one of them for long is known for it here.
    pub(crate) fn seats(&self) -> Seats {
        self.state().seats.beside()
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

    /// All who wait look again at what keeps them.
    pub(crate) fn wake(&self) {
        let state = self.state();
        state.waiting.values().for_each(|one| one.bell.notify_one());
    }

    /// A slot, when it is this one's turn; or what `keeps` says, as soon as it says something.
    pub(crate) async fn slot<T>(
        self: &Arc<Self>,
        (precedence, name): (Precedence, Option<Arc<str>>),
        keeps: impl Fn() -> Option<T>,
    ) -> Result<Slot, T> {
        let bell = Arc::new(Notify::new());
        let ticket = {
            let mut state = self.state();
            state.tickets = state.tickets.saturating_add(1);
            let place = (precedence, state.tickets);
            let waiting = Waiting {
                name: name.clone(),
                bell: Arc::clone(&bell),
            };
            state.waiting.insert(place, waiting);
            Ticket {
                limiter: self,
                place,
            }
        };
        loop {
            if let Some(kept) = keeps() {
                return Err(kept);
            }
            let now = Instant::now();
            let granted = self.state().grant(ticket.place, now);
            // What is called in between is not missed: the bell remembers.
            match granted {
                Granted::Now => {
                    let limiter = Arc::clone(self);
                    return Ok(Slot {
                        limiter,
                        name,
                        begun: now,
                    });
                }
                Granted::At(room) => tokio::select! {
                    () = bell.notified() => {}
                    () = tokio::time::sleep_until(room) => {}
                },
                Granted::NotNext => bell.notified().await,
            }
        }
    }
}

/// What becomes of one that asks for a slot.
enum Granted {
    Now,
    /// It is the next as soon as the budget has room, unless somebody comes before it.
    At(Instant),
    /// It is called when it may be the next.
    NotNext,
}

/// That much later, as far as the clock goes.
pub(crate) fn later(at: Instant, wait: Duration) -> Instant {
    at.checked_add(wait).unwrap_or(at)
}

impl Rate {
    fn burst(self) -> f64 {
        f64::from(self.per_minute.clamp(1, BURST))
    }

    fn most(self) -> f64 {
        self.burst().max(ONE_LEFT)
    }
}

impl State {
    fn count(&mut self, now: Instant) {
        let Some(rate) = self.rate else { return };
        let passed = now.saturating_duration_since(self.counted_at);
        let grown = passed.as_secs_f64() * f64::from(rate.per_minute.max(1)) / 60.0;
        self.budget = (self.budget + grown).min(rate.most());
        self.counted_at = self.counted_at.max(now);
    }

    /// Takes a slot for this one, where it is the next and there is room.
    fn grant(&mut self, place: Place, now: Instant) -> Granted {
        self.count(now);
        if let Some(rate) = self.rate {
            if self.next() != Some(place) {
                return Granted::NotNext;
            }
            if let Some(room) = self.room_at(self.needs(place.0), now) {
                return Granted::At(room);
            }
            self.budget = self.budget.min(rate.burst()) - ONE;
        }
        let name = self.waiting.remove(&place).and_then(|one| one.name);
        self.seats.take(name.as_ref());
        self.active = self.active.saturating_add(1);
        // A share that no look could take is kept for the next one that can.
        let kept = self.is_share_of_looks() && place.0 != Precedence::Look && self.look_waits();
        self.granted = self.granted.wrapping_add(u64::from(!kept));
        Granted::Now
    }

    /// Has the one look again that may go next: whatever else waits, waits for it.
    fn call_next(&self) {
        if let Some(next) = self.next().and_then(|place| self.waiting.get(&place)) {
            next.bell.notify_one();
        }
    }

    /// How much room there must be: what only looks leaves some to work, but where it takes its share.
    fn needs(&self, precedence: Precedence) -> f64 {
        match precedence == Precedence::Look && !self.is_share_of_looks() {
            true => ONE_LEFT,
            false => ONE,
        }
    }

    fn is_share_of_looks(&self) -> bool {
        self.granted % SHARE_OF_LOOKS == SHARE_OF_LOOKS - 1
    }

    fn look_waits(&self) -> bool {
        let mut looks = self.waiting.range((Precedence::Look, 0)..);
        looks.next().is_some()
    }

    /// Who may have the next slot.
    fn next(&self) -> Option<Place> {
        let all = self.rate?.concurrency.max(1);
        let first = |from: Precedence| {
            let mut waiting = self.waiting.range((from, 0)..);
            let taken = (self.active, all);
            let next = waiting.find(|(_, one)| self.seats.has_room(one.name.as_deref(), taken));
            next.map(|(place, _)| *place)
        };
        let look = self.is_share_of_looks().then(|| first(Precedence::Look));
        look.flatten().or_else(|| first(Precedence::Identity))
    }

    /// When the budget has so much room; `None` where it has now.
    fn room_at(&self, needed: f64, now: Instant) -> Option<Instant> {
        let rate = self.rate?;
        let missing = needed - self.budget;
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
mod tests;
