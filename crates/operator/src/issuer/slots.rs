//! How many reconciles are at work at once, and who is next.
//!
//! Who has to wait for a slot returns and is woken when its turn comes: a reconcile that waits inside of its
//! future is looked at by kube's controller whenever any other one goes on, so that thousands of them would
//! cost their square. Namespaces are served in turn, so that a crowd in one keeps no other waiting. Within one
//! those go first for whom others wait. No namespace has all slots: what hangs in one, as under a webhook of its own,
//! keeps no other waiting.

use std::cell::RefCell;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::cluster::unreadable::Place;
use crate::issuer::scheduler::queue::{Class, Pace, Queue, SlotRequest};

tokio::task_local! {
    /// The slot of the reconcile that runs, and what it holds beside that; nothing while it waits for an issuer.
    static SLOT: RefCell<Option<(Slot, Option<OwnedSemaphorePermit>)>>;
}

/// Who waits is woken; it asks again after this time only lest a wake was lost.
pub(crate) const ASK_AGAIN: Duration = Duration::from_secs(60);

/// So long nobody else is called for the slot of one who was, and has not come yet.
const CALLED_FOR: Duration = Duration::from_secs(10);

/// Who stands where in its namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Others wait for it: an issuer, or whoever has a turn at one that nobody else has meanwhile.
    Ahead,
    /// As it came.
    AsItCame,
}

/// Calls somebody for a slot; whether it is still there and will come.
type Call = Box<dyn FnOnce() -> bool + Send>;

/// The slots, and who waits for one; clones are the same slots.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    free: Arc<Semaphore>,
    /// So many a namespace has at most: what hangs in one leaves some to all others.
    of_one: usize,
    waiting: Arc<Mutex<Waiting>>,
    /// Nobody waits any more.
    idle: Arc<Notify>,
}

#[derive(Default)]
struct Waiting {
    queue: Queue,
    calls: HashMap<String, Call>,
    /// Who was called, in which namespace, and when; they are about as many as there are slots.
    called: HashMap<String, (String, Instant)>,
    /// How many slots each namespace has that has one.
    held: HashMap<String, usize>,
}

impl Waiting {
    /// The next who waits, of a namespace that has fewer slots than this; those that are kept for who was called are
    /// among them.
    fn pop(&mut self, of_one: usize) -> Option<(String, String)> {
        let Self {
            queue,
            called,
            held,
            ..
        } = self;
        queue.pop(Pace::WITHOUT_ENDS, |namespace| {
            taken(held, called, namespace) < of_one
        })
    }

    fn take(&mut self, namespace: &str) {
        let held = self.held.entry(namespace.to_owned()).or_default();
        *held = held.saturating_add(1);
    }

    fn give_back(&mut self, namespace: &str) {
        if let Some(held) = self.held.get_mut(namespace) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                self.held.remove(namespace);
            }
        }
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waiting")
    }
}

/// How many slots a namespace has, and how many are kept for those of it who were called.
fn taken(
    held: &HashMap<String, usize>,
    called: &HashMap<String, (String, Instant)>,
    namespace: &str,
) -> usize {
    let called = called.values().filter(|(of, _)| of == namespace);
    let held = held.get(namespace).copied().unwrap_or_default();
    held.saturating_add(called.count())
}

/// A slot; dropping it gives it back, and calls the next.
#[derive(Debug)]
pub(crate) struct Slot {
    permit: Option<OwnedSemaphorePermit>,
    namespace: String,
    slots: Slots,
}

impl Drop for Slot {
    fn drop(&mut self) {
        drop(self.permit.take());
        self.slots.waiting.lock().give_back(&self.namespace);
        self.slots.call();
    }
}

impl Slot {
    /// Does some work in this slot, and holds something beside it, which it does not take again after a wait for
    /// an issuer.
    pub(crate) async fn within<F: Future>(
        self,
        beside: Option<OwnedSemaphorePermit>,
        work: F,
    ) -> F::Output {
        SLOT.scope(RefCell::new(Some((self, beside))), work).await
    }
}

/// Waits for something without a slot, where the caller has one, and takes another one afterwards: before
/// all who have not begun.
pub(crate) async fn without_slot<F: Future>(wait: F) -> F::Output {
    let slot = SLOT.try_with(RefCell::take).ok().flatten();
    let begun = slot.map(|(slot, _)| (slot.slots.clone(), slot.namespace.clone()));
    let answer = wait.await;
    if let Some((slots, namespace)) = begun {
        let permit = Arc::clone(&slots.free).acquire_owned().await.ok();
        slots.waiting.lock().take(&namespace);
        let slot = Slot {
            permit,
            namespace,
            slots,
        };
        let _outlived = SLOT.try_with(|place| place.replace(Some((slot, None))));
    }
    answer
}

impl Slots {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(count)),
            of_one: count.saturating_sub(count / 4),
            waiting: Arc::default(),
            idle: Arc::default(),
        }
    }

    /// A slot for whoever stands at this place, or nothing: then it waits, and `call` is called when it is to
    /// ask again.
    pub(crate) fn ask(
        &self,
        (place, standing): (&Place, Standing),
        call: impl FnOnce() -> bool + Send + 'static,
    ) -> Option<Slot> {
        let key = place.to_string();
        {
            let mut waiting = self.waiting.lock();
            let called = waiting.called.remove(&key).is_some();
            let may = taken(&waiting.held, &waiting.called, &place.namespace) < self.of_one;
            if (called || waiting.queue.is_empty())
                && may
                && let Ok(permit) = Arc::clone(&self.free).try_acquire_owned()
            {
                waiting.take(&place.namespace);
                return Some(Slot {
                    permit: Some(permit),
                    namespace: place.namespace.clone(),
                    slots: self.clone(),
                });
            }
            waiting.calls.insert(key.clone(), Box::new(call));
            waiting.queue.put(SlotRequest {
                uid: key,
                namespace: place.namespace.clone(),
                // Served by the round of namespaces alone: nothing that ends is at stake.
                class: Class::First,
                expiry: None,
                ahead: standing == Standing::Ahead,
            });
        }
        self.call();
        None
    }

    /// Done once nobody waits, and after this time where somebody always does.
    pub(crate) async fn nobody_waits(&self, at_most: Duration) {
        let nobody = async {
            loop {
                let mut idle = pin!(self.idle.notified());
                idle.as_mut().enable();
                if self.waiting.lock().queue.is_empty() {
                    return;
                }
                idle.await;
            }
        };
        let _always_one = timeout(at_most, nobody).await;
    }

    /// Calls as many as there are free slots.
    fn call(&self) {
        while let Some(call) = self.next() {
            // Whoever is gone leaves the slot to the next.
            let (key, call) = call;
            if !call() {
                self.waiting.lock().called.remove(&key);
            }
        }
    }

    fn next(&self) -> Option<(String, Call)> {
        let mut waiting = self.waiting.lock();
        waiting
            .called
            .retain(|_, (_, at)| at.elapsed() < CALLED_FOR);
        if waiting.called.len() >= self.free.available_permits() {
            return None;
        }
        let (key, namespace) = waiting.pop(self.of_one)?;
        let call = waiting.calls.remove(&key)?;
        if waiting.queue.is_empty() {
            self.idle.notify_waiters();
        }
        waiting
            .called
            .insert(key.clone(), (namespace, Instant::now()));
        Some((key, call))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(namespace: &str, name: &str) -> Place {
        Place {
            kind: "ApiToken".to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    type Called = Arc<Mutex<Vec<String>>>;

    fn ask(slots: &Slots, called: &Called, (place, there): (&Place, bool)) -> Option<Slot> {
        ask_as(slots, called, (place, Standing::AsItCame), there)
    }

    fn ask_as(slots: &Slots, called: &Called, at: (&Place, Standing), there: bool) -> Option<Slot> {
        let (called, name) = (Arc::clone(called), at.0.name.clone());
        slots.ask(at, move || {
            if there {
                called.lock().push(name);
            }
            there
        })
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_called_when_a_slot_is_free_and_namespaces_are_served_in_turn() {
        let (slots, called) = (Slots::new(1), Called::default());
        let held = ask(&slots, &called, (&place("a", "held"), true)).unwrap();
        for name in ["one", "two", "three"] {
            assert!(ask(&slots, &called, (&place("a", name), true)).is_none());
        }
        assert!(ask(&slots, &called, (&place("b", "other"), true)).is_none());
        let mut idle = pin!(slots.nobody_waits(Duration::from_secs(60)));
        assert!(futures::poll!(&mut idle).is_pending());
        drop(held);
        for (namespace, name) in [("a", "one"), ("b", "other"), ("a", "two"), ("a", "three")] {
            assert_eq!(called.lock().last().map(String::as_str), Some(name));
            drop(ask(&slots, &called, (&place(namespace, name), true)).unwrap());
        }
        assert_eq!(called.lock().len(), 4, "each is called once");
        assert!(futures::poll!(&mut idle).is_ready());
        assert!(ask(&slots, &called, (&place("a", "new"), true)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_hangs_in_one_namespace_leaves_a_quarter_of_the_slots_to_all_others() {
        let (slots, called) = (Slots::new(4), Called::default());
        let get =
            |namespace: &str, name: &str| ask(&slots, &called, (&place(namespace, name), true));
        let hang: Vec<_> = (0..3).map(|n| get("a", &format!("{n}")).unwrap()).collect();
        assert!(get("a", "waits").is_none());
        // Called, since others wait, too.
        let other = get("b", "other").or_else(|| get("b", "other"));
        assert!(other.is_some() && called.lock().iter().all(|name| name == "other"));
        assert!(get("b", "next").is_none());
        drop(other);
        assert_eq!(called.lock().last().map(String::as_str), Some("next"));
        drop(get("b", "next").unwrap());
        drop(hang);
        assert_eq!(called.lock().last().map(String::as_str), Some("waits"));
        assert!(get("a", "waits").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_always_holds_up_nothing_for_long() {
        let (slots, called) = (Slots::new(1), Called::default());
        let _held = ask(&slots, &called, (&place("a", "held"), true)).unwrap();
        assert!(ask(&slots, &called, (&place("a", "waits"), true)).is_none());
        let begun = Instant::now();
        slots.nobody_waits(Duration::from_secs(3)).await;
        assert_eq!(begun.elapsed().as_secs(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn for_whom_others_wait_goes_first_within_its_namespace() {
        let (slots, called) = (Slots::new(1), Called::default());
        let held = ask(&slots, &called, (&place("a", "held"), true)).unwrap();
        for (namespace, name) in [
            ("b", "other"),
            ("a", "one"),
            ("a", "two"),
            ("a", "has-a-turn"),
        ] {
            assert!(ask(&slots, &called, (&place(namespace, name), true)).is_none());
        }
        // It waits already when its turn comes.
        let place_of_one = place("a", "has-a-turn");
        let at = (&place_of_one, Standing::Ahead);
        assert!(ask_as(&slots, &called, at, true).is_none());
        drop(held);
        let order = [
            ("b", "other"),
            ("a", "has-a-turn"),
            ("a", "one"),
            ("a", "two"),
        ];
        for (namespace, name) in order {
            assert_eq!(called.lock().last().map(String::as_str), Some(name));
            drop(ask(&slots, &called, (&place(namespace, name), true)).unwrap());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_gone_or_does_not_come_keeps_no_slot_from_the_others() {
        let (slots, called) = (Slots::new(1), Called::default());
        let held = ask(&slots, &called, (&place("a", "held"), true)).unwrap();
        for n in 0..100 {
            let gone = (&place("a", &format!("gone-{n}")), false);
            assert!(ask(&slots, &called, gone).is_none());
        }
        for name in ["late", "next"] {
            assert!(ask(&slots, &called, (&place("a", name), true)).is_none());
        }
        drop(held);
        assert_eq!(*called.lock(), ["late"]);
        tokio::time::sleep(CALLED_FOR).await;
        assert!(ask(&slots, &called, (&place("a", "next"), true)).is_none());
        assert_eq!(*called.lock(), ["late", "next"]);
        assert!(ask(&slots, &called, (&place("a", "next"), true)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_was_begun_goes_on_before_all_that_was_not() {
        let (slots, called) = (Slots::new(1), Called::default());
        let begun = ask(&slots, &called, (&place("a", "begun"), true)).unwrap();
        let asked = Instant::now();
        let begun = begun.within(None, async {
            without_slot(tokio::time::sleep(Duration::from_secs(30))).await;
            asked.elapsed()
        });
        let others = async {
            tokio::task::yield_now().await;
            let held = ask(&slots, &called, (&place("a", "held"), true)).unwrap();
            assert!(ask(&slots, &called, (&place("a", "waits"), true)).is_none());
            tokio::time::sleep(Duration::from_secs(40)).await;
            drop(held);
            assert!(called.lock().is_empty(), "the slot is not free yet");
        };
        let (took, ()) = futures::join!(begun, others);
        assert_eq!(took.as_secs(), 40);
        assert_eq!(*called.lock(), ["waits"]);
    }
}
