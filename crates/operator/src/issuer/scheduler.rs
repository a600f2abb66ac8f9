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
use tokenwright_client::account::{Pause, Rate, Seats};
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
}

/// A turn that nobody has come for yet.
#[derive(Debug)]
struct Granted {
    at: Timestamp,
    turn: Held,
}

/// Whose a turn is, where that matters, and since when.
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

    /// Until somebody comes for it, a turn keeps nobody waiting by being slow.
    fn begun_now(self) -> Self {
        Self::by(self.name)
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
            self.scheduler.look(|state| state.over(&held));
        }
    }
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
        Arc::new(Self {
            state: Mutex::default(),
            concurrency: rate.concurrency,
            shared,
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
                held: Some(granted.turn.begun_now()),
            }),
            (None, Some(pause)) => Turn::Paused(pause),
            (None, None) => Turn::Later,
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
        let taken = (self.active, of.concurrency);
        let seats = &self.seats;
        let may = |namespace: &str| seats.has_room(of.shared.then_some(namespace), taken);
        let pace = Pace {
            now: at,
            turn: of.turn,
        };
        let (uid, namespace) = self.queue.pop(pace, may)?;
        let turn = Held::by(of.shared.then(|| namespace.into()));
        self.seats.take(turn.name.as_ref());
        self.active = self.active.saturating_add(1);
        self.granted.insert(uid.clone(), Granted { at, turn });
        Some(uid)
    }

    fn over(&mut self, Held { name, since }: &Held) {
        self.seats.give_back(name.as_ref(), since.elapsed());
        self.active = self.active.saturating_sub(1);
    }

    /// Takes a turn away that nobody has come for yet.
    fn give_back(&mut self, uid: &str) -> bool {
        let Some(granted) = self.granted.remove(uid) else {
            return false;
        };
        self.over(&granted.turn.begun_now());
        true
    }

    /// Takes the turns away that nobody has come for in time. They are never more than the slots.
    fn give_back_late(&mut self, now: Timestamp) {
        let granted = self.granted.iter();
        let late = granted.filter(|(_, granted)| now.duration_since(granted.at) > KEPT);
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
        let wakes = (wake, tasks());
        let scheduler = Scheduler::new((rate, true), Arc::clone(&gate), clock(), wakes);
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

    #[tokio::test(start_paused = true)]
    async fn turns_of_one_namespace_that_hang_leave_one_to_each_other() {
        let (scheduler, _, woken) = scheduler(4);
        let of = |uid: &str, namespace: &str| SlotRequest {
            namespace: namespace.to_owned(),
            ..request(uid, Class::Scheduled, None)
        };
        let mut hanging = Vec::new();
        for uid in ["1", "2", "3"] {
            hanging.push(now(scheduler.ask(of(uid, "crowd"))));
        }
        for n in 4..100 {
            let turn = scheduler.ask(of(&n.to_string(), "crowd"));
            assert!(matches!(turn, Turn::Later));
        }
        for _ in 0..3 {
            drop(now(scheduler.ask(of("small", "small"))));
        }
        // Another one whose turns hang gets the last one once, and not again when it is known for it.
        let second = now(scheduler.ask(of("second", "second")));
        assert!(matches!(scheduler.ask(of("small", "small")), Turn::Later));
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(second);
        assert_eq!(woken.lock().pop().as_deref(), Some("small"));
        drop(now(scheduler.ask(of("small", "small"))));
        assert!(matches!(scheduler.ask(of("second", "second")), Turn::Later));
        drop(now(scheduler.ask(of("small", "small"))));
        // What the crowd gives back goes round.
        for next in ["4", "second"] {
            drop(hanging.pop());
            assert_eq!(woken.lock().pop().as_deref(), Some(next));
        }
    }
}
