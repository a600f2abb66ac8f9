//! Who may go first at one issuer: a turn is one piece of work.
//!
//! How fast the issuer is asked is the limiter's, and a pause is the gate's: no turn is granted while no
//! request could be sent. Work that was begun is finished without asking for a turn. Of what waits,
//! scheduled rotations go first, by earliest expiry, so that none expires behind a crowd of first mints.
//! Fairness between namespaces is only that of the order of arrival.

use std::collections::HashMap;
use std::sync::Arc;
use tokenwright_core::instant::after;

use jiff::{SignedDuration, Timestamp};

use parking_lot::Mutex;

use tokenwright_client::Gate;
use tokenwright_client::account::Pause;

use crate::cluster::context::Wake;

/// How long a granted slot is kept for one who does not come for it.
const KEPT: SignedDuration = SignedDuration::from_secs(60);

/// What the work is, in the order in which it is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// A rotation that is due, or a token that is lost.
    Scheduled,
    /// A rotation that somebody asked for.
    Triggered,
    /// The first token of a manager.
    First,
    /// The end of a token.
    Revoke,
    /// Whether an adopted token still works.
    Recheck,
}

impl Class {
    /// All of them.
    const ALL: [Self; 5] = [
        Self::Scheduled,
        Self::Triggered,
        Self::First,
        Self::Revoke,
        Self::Recheck,
    ];

    /// Its name in metrics.
    fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "Scheduled",
            Self::Triggered => "Triggered",
            Self::First => "First",
            Self::Revoke => "Revoke",
            Self::Recheck => "Recheck",
        }
    }
}

/// A request for a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SlotRequest {
    /// The UID of the manager.
    pub(crate) uid: String,
    /// What for.
    pub(crate) class: Class,
    /// When the token that works now ends.
    pub(crate) expiry: Option<Timestamp>,
}

/// The answer to a request.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Go ahead; the slot is given back when the permit is dropped.
    Now(Permit),
    /// Wait to be woken, or ask again at this instant.
    Later(Option<Timestamp>),
    /// Nothing is sent to the issuer for a while.
    Paused(Pause),
}

/// The slots of one issuer.
pub(crate) struct Scheduler {
    state: Mutex<State>,
    gate: Arc<Gate>,
    wake: Wake,
}

struct State {
    concurrency: u32,
    counted_at: Timestamp,
    active: u32,
    arrivals: u64,
    waiting: HashMap<String, (SlotRequest, u64)>,
    granted: HashMap<String, Timestamp>,
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
    counted: bool,
}

impl Permit {
    /// Leave to go on with what asks the issuer for nothing.
    pub(crate) fn free(scheduler: &Arc<Scheduler>) -> Self {
        Self {
            scheduler: Arc::clone(scheduler),
            counted: false,
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.counted {
            return;
        }
        let woken = {
            let mut state = self.scheduler.state.lock();
            state.active = state.active.saturating_sub(1);
            let now = state.counted_at;
            state.grant(now, self.scheduler.gate.free_at().is_none())
        };
        self.scheduler.wake_all(&woken);
    }
}

impl Scheduler {
    /// A scheduler with all its slots free.
    pub(crate) fn new(concurrency: u32, gate: Arc<Gate>, wake: Wake, now: Timestamp) -> Arc<Self> {
        let state = State {
            concurrency,
            counted_at: now,
            active: 0,
            arrivals: 0,
            waiting: HashMap::new(),
            granted: HashMap::new(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            gate,
            wake,
        })
    }

    /// Asks for a slot.
    pub(crate) fn ask(self: &Arc<Self>, request: SlotRequest, now: Timestamp) -> Turn {
        let uid = request.uid.clone();
        let pause = self.gate.pause();
        let free_at = self.gate.free_at();
        let (mine, woken, later) = {
            let mut state = self.state.lock();
            state.count(now);
            if pause.is_some() {
                state.give_back(&uid);
            }
            if state.granted.remove(&uid).is_some() {
                (true, Vec::new(), None)
            } else {
                let arrival = state.waiting.get(&uid).map(|(_, arrival)| *arrival);
                let arrival = arrival.unwrap_or_else(|| {
                    state.arrivals = state.arrivals.saturating_add(1);
                    state.arrivals
                });
                state.waiting.insert(uid.clone(), (request, arrival));
                let woken = state.grant(now, free_at.is_none());
                let mine = state.granted.remove(&uid).is_some();
                (mine, woken, state.next_at(now, free_at))
            }
        };
        let others: Vec<_> = woken.into_iter().filter(|other| *other != uid).collect();
        self.wake_all(&others);
        match (mine, pause) {
            (true, _) => Turn::Now(Permit {
                scheduler: Arc::clone(self),
                counted: true,
            }),
            (false, Some(pause)) => Turn::Paused(pause),
            (false, None) => Turn::Later(later),
        }
    }

    /// How many wait, by the name of what for.
    pub(crate) fn queue(&self) -> Vec<(&'static str, usize)> {
        let state = self.state.lock();
        let waiting = |class: Class| {
            let of_class = state
                .waiting
                .values()
                .filter(|(request, _)| request.class == class);
            (class.name(), of_class.count())
        };
        Class::ALL.into_iter().map(waiting).collect()
    }

    /// Takes a request back, and the slot with it if it was granted already.
    pub(crate) fn forget(&self, uid: &str) {
        let free = self.gate.free_at().is_none();
        let woken = {
            let mut state = self.state.lock();
            state.waiting.remove(uid);
            if !state.give_back(uid) {
                return;
            }
            let now = state.counted_at;
            state.grant(now, free)
        };
        self.wake_all(&woken);
    }

    fn wake_all(&self, uids: &[String]) {
        for uid in uids {
            (self.wake)(uid);
        }
    }
}

impl State {
    fn count(&mut self, now: Timestamp) {
        self.counted_at = self.counted_at.max(now);
        let forgotten: Vec<_> = self
            .granted
            .iter()
            .filter(|(_, at)| now.duration_since(**at) > KEPT)
            .map(|(uid, _)| uid.clone())
            .collect();
        for uid in forgotten {
            self.give_back(&uid);
        }
    }

    /// Takes a turn away that nobody has come for yet.
    fn give_back(&mut self, uid: &str) -> bool {
        let granted = self.granted.remove(uid).is_some();
        if granted {
            self.active = self.active.saturating_sub(1);
        }
        granted
    }

    fn grant(&mut self, now: Timestamp, free: bool) -> Vec<String> {
        let mut woken = Vec::new();
        while free && self.active < self.concurrency {
            let first = self.waiting.values().min_by_key(|(request, arrival)| {
                let expiry = request.expiry.unwrap_or(Timestamp::MAX);
                (request.class, expiry, *arrival)
            });
            let Some(uid) = first.map(|(request, _)| request.uid.clone()) else {
                break;
            };
            self.waiting.remove(&uid);
            self.granted.insert(uid.clone(), now);
            self.active = self.active.saturating_add(1);
            woken.push(uid);
        }
        woken
    }

    /// When waiting may end without anybody giving a turn back.
    fn next_at(&self, now: Timestamp, free_at: Option<Timestamp>) -> Option<Timestamp> {
        if self.active >= self.concurrency {
            // A turn that nobody comes for is free after this time.
            return Some(after(now, KEPT));
        }
        Some(free_at.map_or(now, |at| at.max(now)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokenwright_client::account::{Limiter, Rate};
    use tokenwright_client::{Clock, Filter, Issuer, MemoryIssuer, MemorySettings};

    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    fn request(uid: &str, class: Class, expiry: Option<i64>) -> SlotRequest {
        SlotRequest {
            uid: uid.to_owned(),
            class,
            expiry: expiry.map(at),
        }
    }

    fn clock() -> Clock {
        let started = tokio::time::Instant::now();
        Clock::new(move || after(at(0), SignedDuration::try_from(started.elapsed()).unwrap()))
    }

    fn scheduler(concurrency: u32) -> (Arc<Scheduler>, Arc<Gate>, Arc<Mutex<Vec<String>>>) {
        let woken = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&woken);
        let wake: Wake = Arc::new(move |uid: &str| list.lock().push(uid.to_owned()));
        let rate = Rate {
            per_minute: 60,
            concurrency,
        };
        let gate = Gate::new(Limiter::new(rate), clock());
        let scheduler = Scheduler::new(concurrency, Arc::clone(&gate), wake, at(0));
        (scheduler, gate, woken)
    }

    fn now(turn: Turn) -> Permit {
        match turn {
            Turn::Now(permit) => permit,
            Turn::Later(_) | Turn::Paused(_) => panic!("no turn"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn rotations_go_before_first_mints_and_the_earliest_expiry_first() {
        let (scheduler, _, woken) = scheduler(1);
        let permit = now(scheduler.ask(request("busy", Class::First, None), at(0)));
        for waiting in [
            request("revoke", Class::Revoke, None),
            request("first", Class::First, None),
            request("triggered", Class::Triggered, Some(1)),
            request("late", Class::Scheduled, Some(9_000)),
            request("soon", Class::Scheduled, Some(5_000)),
        ] {
            assert!(matches!(scheduler.ask(waiting, at(0)), Turn::Later(_)));
        }
        drop(permit);
        for (uid, class) in [
            ("soon", Class::Scheduled),
            ("late", Class::Scheduled),
            ("triggered", Class::Triggered),
            ("first", Class::First),
            ("revoke", Class::Revoke),
        ] {
            assert_eq!(woken.lock().pop().as_deref(), Some(uid));
            drop(now(scheduler.ask(request(uid, class, None), at(1))));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_turn_is_granted_while_no_request_could_be_sent() {
        let (scheduler, gate, _) = scheduler(64);
        let issuer = MemoryIssuer::new(MemorySettings::default(), clock()).behind(gate);
        for _ in 0..10 {
            issuer.list(&Filter::default()).await.unwrap();
        }
        let Turn::Later(Some(again)) = scheduler.ask(request("x", Class::Scheduled, None), at(0))
        else {
            panic!("too fast")
        };
        assert_eq!(again, at(1_001));
        tokio::time::advance(Duration::from_millis(1_001)).await;
        now(scheduler.ask(request("x", Class::Scheduled, None), again));
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_is_not_wanted_any_more_goes_to_the_next() {
        let (scheduler, _, woken) = scheduler(1);
        let permit = now(scheduler.ask(request("busy", Class::First, None), at(0)));
        for uid in ["a", "b"] {
            let turn = scheduler.ask(request(uid, Class::First, None), at(0));
            assert!(matches!(turn, Turn::Later(_)));
        }
        drop(permit);
        scheduler.forget("a");
        assert_eq!(*woken.lock(), ["a", "b"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_was_granted_before_a_pause_is_not_taken_during_it() {
        let (scheduler, gate, woken) = scheduler(1);
        let world = MemoryIssuer::new(MemorySettings::default(), clock());
        let issuer = world.clone().behind(gate);
        let permit = now(scheduler.ask(request("busy", Class::First, None), at(0)));
        scheduler.ask(request("a", Class::First, None), at(0));
        drop(permit);
        assert_eq!(*woken.lock(), ["a"]);
        let kind = tokenwright_client::ErrorKind::RateLimited {
            retry_after: Some(SignedDuration::from_secs(30)),
        };
        let fault = tokenwright_client::memory::Fault::Refuse(kind);
        world.fault(tokenwright_client::Operation::List, fault);
        issuer.list(&Filter::default()).await.unwrap_err();
        let Turn::Paused(pause) = scheduler.ask(request("a", Class::First, None), at(0)) else {
            panic!("no pause")
        };
        assert_eq!(pause.until, at(30_000));
        tokio::time::advance(Duration::from_secs(31)).await;
        now(scheduler.ask(request("a", Class::First, None), at(31_000)));
    }
}
