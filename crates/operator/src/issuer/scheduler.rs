//! Who may go first at one issuer: a turn is one piece of work.
//!
//! How fast the issuer is asked is the limiter's, and a pause is the gate's: no turn is granted while no
//! request could be sent. Work that was begun is finished without asking for a turn. Who waits is woken
//! when its turn comes, and need not ask again: the scheduler itself looks when the issuer can be asked
//! again, so that ten thousand that wait cost as little as one.

pub(super) mod queue;
#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokenwright_client::account::{Pause, Rate, Seats, seats};
use tokenwright_client::{Clock, Gate};
use tokenwright_core::instant::after;
use tokio::time::Instant;

pub(crate) use self::queue::{Class, SlotRequest};
use crate::cluster::context::{Tasks, Wake};
use crate::cluster::pace;
use crate::issuer::scheduler::queue::{Pace, Queue};

/// The mint, the check of the value, the revoke, and the look whether it was done.
pub(super) const PER_TURN: i32 = 4;

/// How long a granted slot is kept for one who does not come for it.
const KEPT: SignedDuration = SignedDuration::from_secs(60);

/// Who waits is woken; it asks again after this time only lest a wake was lost.
pub(crate) const ASK_AGAIN: SignedDuration = SignedDuration::from_mins(10);

/// No turn for so long, and the queue stands.
const STANDS: SignedDuration = SignedDuration::from_secs(10);

/// The answer to a request.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Go ahead; the slot is given back when the permit is dropped.
    Now(Permit),
    /// Wait to be woken.
    Later,
    /// Nothing is sent to the issuer for a while.
    Paused(Pause),
}

/// The slots of one issuer.
pub(crate) struct Scheduler {
    state: Mutex<State>,
    concurrency: u32,
    /// Whether many namespaces ask, of which none gets all turns.
    shared: bool,
    /// How long one turn takes at the rate, where all of them follow on each other.
    turn: SignedDuration,
    /// Whoever keeps a turn for so long is slow: longer than the rate and slow answers explain.
    slow: Duration,
    gate: Arc<Gate>,
    clock: Clock,
    wake: Wake,
    tasks: Tasks,
}

#[derive(Debug, Default)]
struct State {
    active: u32,
    seats: Seats,
    queue: Queue,
    granted: HashMap<String, Granted>,
    /// When the scheduler itself looks again.
    alarm: Option<Timestamp>,
    lately: Lately,
}

/// How turns came lately.
#[derive(Debug, Default)]
struct Lately {
    last: Option<Timestamp>,
    /// How many seconds were between two of them, the last ones above all.
    apart: f64,
}

impl Lately {
    fn granted(&mut self, now: Timestamp) {
        let since = self.last.replace(now).map(|last| now.duration_since(last));
        let since = since.filter(|since| !since.is_negative() && *since < STANDS);
        let since = since.unwrap_or(STANDS).as_secs_f64();
        self.apart += (since - self.apart) / 8.0;
    }
}

/// A turn that nobody has come for yet.
#[derive(Debug)]
struct Granted {
    at: Timestamp,
    name: Option<Arc<str>>,
}

/// Whose a turn is, where that matters, and since when it is used.
#[derive(Debug)]
struct Held {
    name: Option<Arc<str>>,
    since: Instant,
}

impl Held {
    fn by(name: Option<Arc<str>>) -> Self {
        let since = Instant::now();
        Self { name, since }
    }
}

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scheduler")
    }
}

/// A slot; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Permit {
    scheduler: Arc<Scheduler>,
    held: Option<Held>,
}

impl Permit {
    /// Leave to go on with what asks the issuer for nothing.
    pub(crate) fn free(scheduler: &Arc<Scheduler>) -> Self {
        Self {
            scheduler: Arc::clone(scheduler),
            held: None,
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            let slow = held.since.elapsed() >= self.scheduler.slow;
            self.scheduler
                .look(|state| state.over(held.name.as_ref(), slow));
        }
    }
}

/// Each request of a turn may take as long as one that is not slow, after it waited for those of all others.
fn slow(turn: SignedDuration, concurrency: u32) -> Duration {
    let others = turn.unsigned_abs().saturating_mul(concurrency);
    others.saturating_add(seats::SLOW.saturating_mul(PER_TURN.unsigned_abs()))
}

impl Scheduler {
    /// A scheduler with all its slots free; `tasks` take what looks again later.
    pub(crate) fn new(
        (rate, shared): (Rate, bool),
        gate: Arc<Gate>,
        clock: Clock,
        (wake, tasks): (Wake, Tasks),
    ) -> Arc<Self> {
        let a_minute = SignedDuration::from_mins(1);
        let requests = i32::try_from(rate.per_minute).unwrap_or(i32::MAX).max(1);
        let request = a_minute.checked_div(requests).unwrap_or(a_minute);
        let turn = request.saturating_mul(PER_TURN);
        let seats = gate.seats();
        let state = State {
            seats,
            ..State::default()
        };
        Arc::new(Self {
            state: Mutex::new(state),
            concurrency: rate.concurrency,
            shared,
            turn,
            slow: slow(turn, rate.concurrency),
            gate,
            clock,
            wake,
            tasks,
        })
    }

    /// Asks for a slot.
    pub(crate) fn ask(self: &Arc<Self>, request: SlotRequest) -> Turn {
        let uid = request.uid.clone();
        let pause = self.gate.pause();
        let granted = {
            let mut state = self.state.lock();
            if pause.is_some() {
                state.give_back(&uid, false);
            }
            let granted = state.granted.remove(&uid);
            if granted.is_none() {
                state.queue.put(request);
            }
            granted
        };
        let mine = granted.or_else(|| self.look_for(&uid));
        match (mine, pause) {
            (Some(granted), _) => Turn::Now(Permit {
                scheduler: Arc::clone(self),
                held: Some(Held::by(granted.name)),
            }),
            (None, Some(pause)) => Turn::Paused(pause),
            (None, None) => Turn::Later,
        }
    }

    /// Whether it has a turn that it has not come for yet.
    pub(crate) fn has_called(&self, uid: &str) -> bool {
        self.state.lock().granted.contains_key(uid)
    }

    /// Whether all who wait have their turns within this time, as fast as turns came lately.
    pub(crate) fn moves(&self, within: SignedDuration, now: Timestamp) -> bool {
        let state = self.state.lock();
        let moved = |last| now.duration_since(last) < STANDS;
        state.lately.last.is_some_and(moved)
            && state.queue.len() as f64 * state.lately.apart <= within.as_secs_f64()
    }

    /// How many wait, by the name of what for.
    pub(crate) fn queue(&self) -> Vec<(&'static str, usize)> {
        let state = self.state.lock();
        let waiting = |class: Class| (class.name(), state.queue.count(class));
        Class::ALL.into_iter().map(waiting).collect()
    }

    /// Takes a request back, and the slot with it if it was granted already.
    pub(crate) fn forget(self: &Arc<Self>, uid: &str) {
        let had_one = {
            let mut state = self.state.lock();
            state.queue.remove(uid);
            state.give_back(uid, false)
        };
        if had_one {
            self.look(|_| {});
        }
    }

    /// Changes something, grants what can be granted then, and wakes those who have a turn now.
    fn look(self: &Arc<Self>, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock());
        for uid in self.grant() {
            (self.wake)(&uid);
        }
    }

    /// Grants what can be granted; the turn of this one, where it has one now. All others are woken.
    fn look_for(self: &Arc<Self>, mine: &str) -> Option<Granted> {
        let (own, others): (Vec<_>, Vec<_>) = self.grant().into_iter().partition(|uid| uid == mine);
        for uid in others {
            (self.wake)(&uid);
        }
        let granted = || self.state.lock().granted.remove(mine);
        (!own.is_empty()).then(granted).flatten()
    }

    fn grant(self: &Arc<Self>) -> Vec<String> {
        let (now, free_at) = (self.clock.now(), self.gate.free_at());
        let (woken, alarm) = {
            let mut state = self.state.lock();
            state.give_back_late(now);
            let mut woken = Vec::new();
            while free_at.is_none()
                && let Some(uid) = state.next(self, now)
            {
                woken.push(uid);
            }
            (woken, state.set_alarm(self.concurrency, free_at, now))
        };
        if let Some(at) = alarm {
            self.look_at(at, now);
        }
        woken
    }

    fn look_at(self: &Arc<Self>, at: Timestamp, now: Timestamp) {
        let (scheduler, wait) = (Arc::downgrade(self), pace::until(at, now));
        self.tasks.later(wait, move || {
            if let Some(scheduler) = scheduler.upgrade() {
                scheduler.look(|state| {
                    state.alarm.take_if(|alarm| *alarm == at);
                });
            }
        });
    }
}

impl State {
    /// Grants the next turn.
    fn next(&mut self, of: &Scheduler, at: Timestamp) -> Option<String> {
        // Else each namespace that waits would be asked in vain.
        if self.active >= of.concurrency {
            return None;
        }
        let taken = (self.active, of.concurrency);
        let seats = &self.seats;
        let may = |namespace: &str| seats.has_room(of.shared.then_some(namespace), taken);
        let pace = Pace {
            now: at,
            turn: of.turn,
        };
        let (uid, namespace) = self.queue.pop(pace, may)?;
        let name = of.shared.then(|| namespace.into());
        self.seats.take(name.as_ref());
        self.active = self.active.saturating_add(1);
        self.lately.granted(at);
        self.granted.insert(uid.clone(), Granted { at, name });
        Some(uid)
    }

    fn over(&mut self, name: Option<&Arc<str>>, slow: bool) {
        self.seats.give_back(name, slow);
        self.active = self.active.saturating_sub(1);
    }

    /// Takes a turn away that nobody has come for yet; `late` where it was kept in vain.
    fn give_back(&mut self, uid: &str, late: bool) -> bool {
        let Some(granted) = self.granted.remove(uid) else {
            return false;
        };
        self.over(granted.name.as_ref(), late);
        true
    }

    /// Takes the turns away that nobody has come for in time. They are never more than the slots.
    fn give_back_late(&mut self, now: Timestamp) {
        let granted = self.granted.iter();
        let late = granted.filter(|(_, granted)| now.duration_since(granted.at) > KEPT);
        let late: Vec<_> = late.map(|(uid, _)| uid.clone()).collect();
        for uid in late {
            self.give_back(&uid, true);
        }
    }

    /// When turns may be granted without anybody giving one back, where somebody waits for that and
    /// nothing looks then yet.
    fn set_alarm(
        &mut self,
        concurrency: u32,
        free_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        if self.queue.is_empty() {
            return None;
        }
        let granted = self.granted.values().map(|granted| granted.at);
        let kept_until = granted.min().map(|at| after(at, KEPT));
        let free_at = free_at.filter(|_| self.active < concurrency);
        // Who has a turn and works gives it back.
        let at = free_at.map(|at| at.max(now)).or(kept_until)?;
        if self.alarm.is_some_and(|set| set <= at) {
            return None;
        }
        self.alarm = Some(at);
        Some(at)
    }
}
