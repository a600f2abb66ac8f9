//! Who may ask one issuer next: a slot is one piece of work.
//!
//! Work that was begun is finished without asking for a slot. Of what waits, scheduled rotations go
//! first, by earliest expiry, so that none expires behind a crowd of first mints. Fairness between
//! namespaces is only that of the order of arrival.

use std::collections::HashMap;
use std::sync::Arc;
use tokenwright_core::instant::after;

use jiff::{SignedDuration, Timestamp};

use parking_lot::Mutex;

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
}

/// The slots of one issuer.
pub(crate) struct Scheduler {
    state: Mutex<State>,
    wake: Wake,
}

struct State {
    per_minute: u32,
    concurrency: u32,
    /// Requests that may be begun now; grows with time up to a burst.
    budget: f64,
    counted_at: Timestamp,
    paused_until: Option<Timestamp>,
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
            state.grant(now)
        };
        self.scheduler.wake_all(&woken);
    }
}

impl Scheduler {
    /// A scheduler with all its slots free.
    pub(crate) fn new(per_minute: u32, concurrency: u32, wake: Wake, now: Timestamp) -> Arc<Self> {
        let state = State {
            per_minute,
            concurrency,
            budget: burst(per_minute),
            counted_at: now,
            paused_until: None,
            active: 0,
            arrivals: 0,
            waiting: HashMap::new(),
            granted: HashMap::new(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            wake,
        })
    }

    /// Asks for a slot.
    pub(crate) fn ask(self: &Arc<Self>, request: SlotRequest, now: Timestamp) -> Turn {
        let uid = request.uid.clone();
        let (mine, woken, later) = {
            let mut state = self.state.lock();
            state.count(now);
            if state.granted.remove(&uid).is_some() {
                (true, Vec::new(), None)
            } else {
                let arrival = state.waiting.get(&uid).map(|(_, arrival)| *arrival);
                let arrival = arrival.unwrap_or_else(|| {
                    state.arrivals = state.arrivals.saturating_add(1);
                    state.arrivals
                });
                state.waiting.insert(uid.clone(), (request, arrival));
                let woken = state.grant(now);
                let mine = state.granted.remove(&uid).is_some();
                (mine, woken, state.next_at(now))
            }
        };
        let others: Vec<_> = woken.into_iter().filter(|other| *other != uid).collect();
        self.wake_all(&others);
        if mine {
            Turn::Now(Permit {
                scheduler: Arc::clone(self),
                counted: true,
            })
        } else {
            Turn::Later(later)
        }
    }

    /// Takes a request back, and the slot with it if it was granted already.
    pub(crate) fn forget(&self, uid: &str) {
        let woken = {
            let mut state = self.state.lock();
            state.waiting.remove(uid);
            if state.granted.remove(uid).is_none() {
                return;
            }
            state.active = state.active.saturating_sub(1);
            let now = state.counted_at;
            state.grant(now)
        };
        self.wake_all(&woken);
    }

    /// Grants nothing for a while: the issuer asked for it.
    pub(crate) fn pause(&self, until: Timestamp) {
        let mut state = self.state.lock();
        state.paused_until = state.paused_until.max(Some(until));
    }

    fn wake_all(&self, uids: &[String]) {
        for uid in uids {
            (self.wake)(uid);
        }
    }
}

/// A minute's worth may be begun at once, but no more than ten.
fn burst(per_minute: u32) -> f64 {
    f64::from(per_minute.clamp(1, 10))
}

impl State {
    fn count(&mut self, now: Timestamp) {
        let passed = now.duration_since(self.counted_at).as_secs_f64().max(0.0);
        self.budget =
            (self.budget + passed * f64::from(self.per_minute) / 60.0).min(burst(self.per_minute));
        self.counted_at = self.counted_at.max(now);
        let forgotten: Vec<_> = self
            .granted
            .iter()
            .filter(|(_, at)| now.duration_since(**at) > KEPT)
            .map(|(uid, _)| uid.clone())
            .collect();
        for uid in forgotten {
            self.granted.remove(&uid);
            self.active = self.active.saturating_sub(1);
        }
    }

    fn grant(&mut self, now: Timestamp) -> Vec<String> {
        let mut woken = Vec::new();
        while self.active < self.concurrency
            && self.budget >= 1.0
            && self.paused_until.is_none_or(|at| at <= now)
        {
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
            self.budget -= 1.0;
            woken.push(uid);
        }
        woken
    }

    /// When waiting may end without anybody giving a slot back.
    fn next_at(&self, now: Timestamp) -> Option<Timestamp> {
        if self.active >= self.concurrency {
            // A slot that nobody comes for is free after this time.
            return Some(after(now, KEPT));
        }
        let refilled = SignedDuration::from_secs_f64(
            (1.0 - self.budget).max(0.0) * 60.0 / f64::from(self.per_minute),
        );
        Some(
            self.paused_until
                .map_or(now, |at| at.max(now))
                .max(after(now, refilled)),
        )
    }
}

#[cfg(test)]
mod tests {
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

    fn scheduler(per_minute: u32, concurrency: u32) -> (Arc<Scheduler>, Arc<Mutex<Vec<String>>>) {
        let woken = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&woken);
        let wake: Wake = Arc::new(move |uid: &str| list.lock().push(uid.to_owned()));
        (Scheduler::new(per_minute, concurrency, wake, at(0)), woken)
    }

    #[test]
    fn rotations_go_before_first_mints_and_the_earliest_expiry_first() {
        let (scheduler, woken) = scheduler(600, 1);
        let Turn::Now(permit) = scheduler.ask(request("busy", Class::First, None), at(0)) else {
            panic!("no slot")
        };
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
            let Turn::Now(permit) = scheduler.ask(request(uid, class, None), at(1)) else {
                panic!("{uid} was woken in vain")
            };
            drop(permit);
        }
    }

    #[test]
    fn the_rate_is_kept() {
        let (scheduler, _) = scheduler(6, 64);
        let granted = (0..20).filter(|n| {
            matches!(
                scheduler.ask(request(&n.to_string(), Class::First, None), at(0)),
                Turn::Now(_)
            )
        });
        assert_eq!(granted.count(), 6);
        let Turn::Later(Some(again)) = scheduler.ask(request("x", Class::Scheduled, None), at(0))
        else {
            panic!("too fast")
        };
        assert_eq!(again, at(10_000));
        assert!(matches!(
            scheduler.ask(request("x", Class::Scheduled, None), again),
            Turn::Now(_)
        ));
    }

    #[test]
    fn a_slot_that_is_not_wanted_any_more_goes_to_the_next() {
        let (scheduler, woken) = scheduler(600, 1);
        let Turn::Now(permit) = scheduler.ask(request("busy", Class::First, None), at(0)) else {
            panic!("no slot")
        };
        assert!(matches!(
            scheduler.ask(request("a", Class::First, None), at(0)),
            Turn::Later(_)
        ));
        assert!(matches!(
            scheduler.ask(request("b", Class::First, None), at(0)),
            Turn::Later(_)
        ));
        drop(permit);
        scheduler.forget("a");
        assert_eq!(*woken.lock(), ["a", "b"]);
    }

    #[test]
    fn an_issuer_that_asks_for_a_pause_gets_it() {
        let (scheduler, _) = scheduler(600, 4);
        scheduler.pause(at(30_000));
        let Turn::Later(Some(again)) = scheduler.ask(request("a", Class::First, None), at(0))
        else {
            panic!("no pause")
        };
        assert_eq!(again, at(30_000));
        assert!(matches!(
            scheduler.ask(request("a", Class::First, None), again),
            Turn::Now(_)
        ));
    }
}
