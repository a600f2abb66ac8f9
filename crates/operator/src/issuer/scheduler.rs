//! Who may go first at one issuer: a turn is one piece of work.
//!
//! How fast the issuer is asked is the limiter's, and a pause is the gate's: no turn is granted while no
//! request could be sent. Work that was begun is finished without asking for a turn. Who waits is woken
//! when its turn comes, and need not ask again: the scheduler itself looks when the issuer can be asked
//! again, so that ten thousand that wait cost as little as one.

pub(super) mod queue;
#[cfg(test)]
mod simulated;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokenwright_client::account::{Pause, Rate};
use tokenwright_client::{Clock, Gate};
use tokenwright_core::instant::after;

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
    /// How long one turn takes at the rate, where all of them follow on each other.
    turn: SignedDuration,
    gate: Arc<Gate>,
    clock: Clock,
    wake: Wake,
    tasks: Tasks,
}

#[derive(Debug, Default)]
struct State {
    active: u32,
    queue: Queue,
    granted: HashMap<String, Timestamp>,
    /// When the scheduler itself looks again.
    alarm: Option<Timestamp>,
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
        if self.counted {
            self.scheduler
                .look(|state| state.active = state.active.saturating_sub(1));
        }
    }
}

impl Scheduler {
    /// A scheduler with all its slots free; `tasks` take what looks again later.
    pub(crate) fn new(
        rate: Rate,
        gate: Arc<Gate>,
        clock: Clock,
        (wake, tasks): (Wake, Tasks),
    ) -> Arc<Self> {
        let a_minute = SignedDuration::from_mins(1);
        let requests = i32::try_from(rate.per_minute).unwrap_or(i32::MAX).max(1);
        let request = a_minute.checked_div(requests).unwrap_or(a_minute);
        Arc::new(Self {
            state: Mutex::default(),
            concurrency: rate.concurrency,
            turn: request.saturating_mul(PER_TURN),
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
                state.give_back(&uid);
            }
            let granted = state.granted.remove(&uid).is_some();
            if !granted {
                state.queue.put(request);
            }
            granted
        };
        let mine = granted || self.look_for(&uid);
        match (mine, pause) {
            (true, _) => Turn::Now(Permit {
                scheduler: Arc::clone(self),
                counted: true,
            }),
            (false, Some(pause)) => Turn::Paused(pause),
            (false, None) => Turn::Later,
        }
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
            state.give_back(uid)
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

    /// Grants what can be granted; whether this one has a turn now. All others are woken.
    fn look_for(self: &Arc<Self>, mine: &str) -> bool {
        let (own, others): (Vec<_>, Vec<_>) = self.grant().into_iter().partition(|uid| uid == mine);
        for uid in others {
            (self.wake)(&uid);
        }
        let mut state = self.state.lock();
        !own.is_empty() && state.granted.remove(mine).is_some()
    }

    fn grant(self: &Arc<Self>) -> Vec<String> {
        let (now, free_at) = (self.clock.now(), self.gate.free_at());
        let (woken, alarm) = {
            let mut state = self.state.lock();
            state.give_back_late(now);
            let mut woken = Vec::new();
            while free_at.is_none() && state.active < self.concurrency {
                let turn = self.turn;
                let Some(uid) = state.queue.pop(Pace { now, turn }) else {
                    break;
                };
                state.granted.insert(uid.clone(), now);
                state.active = state.active.saturating_add(1);
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
    /// Takes a turn away that nobody has come for yet.
    fn give_back(&mut self, uid: &str) -> bool {
        let granted = self.granted.remove(uid).is_some();
        if granted {
            self.active = self.active.saturating_sub(1);
        }
        granted
    }

    /// Takes the turns away that nobody has come for in time. They are never more than the slots.
    fn give_back_late(&mut self, now: Timestamp) {
        let granted = self.granted.iter();
        let late = granted.filter(|(_, at)| now.duration_since(**at) > KEPT);
        let late: Vec<_> = late.map(|(uid, _)| uid.clone()).collect();
        for uid in late {
            self.give_back(&uid);
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
        let kept_until = self.granted.values().min().map(|at| after(*at, KEPT));
        let at = match self.active < concurrency {
            true => free_at?.max(now),
            // Who has a turn and works gives it back.
            false => kept_until?,
        };
        if self.alarm.is_some_and(|set| set <= at) {
            return None;
        }
        self.alarm = Some(at);
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokenwright_client::account::Limiter;
    use tokenwright_client::{Filter, Issuer, MemoryIssuer, MemorySettings};
    use tokio::sync::mpsc::unbounded_channel;
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    fn request(uid: &str, class: Class, expiry: Option<i64>) -> SlotRequest {
        SlotRequest {
            uid: uid.to_owned(),
            namespace: "team-a".to_owned(),
            class,
            expiry: expiry.map(at),
        }
    }

    pub(super) fn clock() -> Clock {
        let started = tokio::time::Instant::now();
        Clock::new(move || after(at(0), SignedDuration::try_from(started.elapsed()).unwrap()))
    }

    pub(super) fn tasks() -> Tasks {
        let (sender, mut tasks) = unbounded_channel();
        tokio::spawn(async move {
            while let Some(task) = tasks.recv().await {
                tokio::spawn(task);
            }
        });
        Tasks::new(sender, CancellationToken::new())
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
        let scheduler = Scheduler::new(rate, Arc::clone(&gate), clock(), (wake, tasks()));
        (scheduler, gate, woken)
    }

    fn now(turn: Turn) -> Permit {
        match turn {
            Turn::Now(permit) => permit,
            Turn::Later | Turn::Paused(_) => panic!("no turn"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn rotations_go_before_first_mints_and_the_earliest_expiry_first() {
        let (scheduler, _, woken) = scheduler(1);
        let permit = now(scheduler.ask(request("busy", Class::First, None)));
        for waiting in [
            request("revoke", Class::Revoke, None),
            request("first", Class::First, None),
            request("triggered", Class::Triggered, Some(1)),
            request("late", Class::Scheduled, Some(9_000)),
            request("soon", Class::Scheduled, Some(5_000)),
        ] {
            assert!(matches!(scheduler.ask(waiting), Turn::Later));
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
            drop(now(scheduler.ask(request(uid, class, None))));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_turn_is_granted_while_no_request_could_be_sent_and_the_first_is_woken_then() {
        let (scheduler, gate, woken) = scheduler(64);
        let issuer = MemoryIssuer::new(MemorySettings::default(), clock()).behind(gate);
        for _ in 0..10 {
            issuer.list(&Filter::default()).await.unwrap();
        }
        for uid in ["x", "y"] {
            let turn = scheduler.ask(request(uid, Class::Scheduled, None));
            assert!(matches!(turn, Turn::Later), "too fast");
        }
        tokio::time::sleep(Duration::from_millis(900)).await;
        assert!(woken.lock().is_empty());
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(woken.lock().first().map(String::as_str), Some("x"));
        now(scheduler.ask(request("x", Class::Scheduled, None)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_is_not_wanted_any_more_goes_to_the_next() {
        let (scheduler, _, woken) = scheduler(1);
        let permit = now(scheduler.ask(request("busy", Class::First, None)));
        for uid in ["a", "b", "c"] {
            let turn = scheduler.ask(request(uid, Class::First, None));
            assert!(matches!(turn, Turn::Later));
        }
        drop(permit);
        scheduler.forget("a");
        assert_eq!(*woken.lock(), ["a", "b"]);
        // Nobody comes for it, and nobody asks.
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert_eq!(*woken.lock(), ["a", "b", "c"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_was_granted_before_a_pause_is_not_taken_during_it() {
        let (scheduler, gate, woken) = scheduler(1);
        let world = MemoryIssuer::new(MemorySettings::default(), clock());
        let issuer = world.clone().behind(gate);
        let permit = now(scheduler.ask(request("busy", Class::First, None)));
        scheduler.ask(request("a", Class::First, None));
        drop(permit);
        assert_eq!(*woken.lock(), ["a"]);
        let kind = tokenwright_client::ErrorKind::RateLimited {
            retry_after: Some(SignedDuration::from_secs(30)),
        };
        let fault = tokenwright_client::memory::Fault::Refuse(kind);
        world.fault(tokenwright_client::Operation::List, fault);
        issuer.list(&Filter::default()).await.unwrap_err();
        let Turn::Paused(pause) = scheduler.ask(request("a", Class::First, None)) else {
            panic!("no pause")
        };
        assert_eq!(pause.until, at(30_000));
        tokio::time::sleep(Duration::from_secs(31)).await;
        now(scheduler.ask(request("a", Class::First, None)));
    }
}
