//! How many reconciles are at work at once, and who is next.
//!
//! Who has to wait for a slot returns and is woken when its turn comes: a reconcile that waits inside of its
//! future is looked at by kube's controller whenever any other one goes on, so that thousands of them would
//! cost their square. Namespaces are served in turn, so that a crowd in one keeps no other waiting. Within one
//! those go first for whom others wait.

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
    waiting: Arc<Mutex<Waiting>>,
    /// Nobody waits any more.
    idle: Arc<Notify>,
}

#[derive(Default)]
struct Waiting {
    queue: Queue,
    calls: HashMap<String, Call>,
    /// Who was called, and when; they are about as many as there are slots.
    called: HashMap<String, Instant>,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waiting")
    }
}

/// A slot; dropping it gives it back, and calls the next.
#[derive(Debug)]
pub(crate) struct Slot {
    permit: Option<OwnedSemaphorePermit>,
    slots: Slots,
}

impl Drop for Slot {
    fn drop(&mut self) {
        drop(self.permit.take());
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
    let slots = slot.as_ref().map(|(slot, _)| slot.slots.clone());
    drop(slot);
    let answer = wait.await;
    if let Some(slots) = slots {
        let permit = Arc::clone(&slots.free).acquire_owned().await.ok();
        let slot = Slot { permit, slots };
        let _outlived = SLOT.try_with(|place| place.replace(Some((slot, None))));
    }
    answer
}

impl Slots {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(count)),
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
            if (called || waiting.queue.is_empty())
                && let Ok(permit) = Arc::clone(&self.free).try_acquire_owned()
            {
                return Some(Slot {
                    permit: Some(permit),
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
        waiting.called.retain(|_, at| at.elapsed() < CALLED_FOR);
        if waiting.called.len() >= self.free.available_permits() {
            return None;
        }
        let (key, _) = waiting.queue.pop(Pace::WITHOUT_ENDS, |_| true)?;
        let call = waiting.calls.remove(&key)?;
        if waiting.queue.is_empty() {
            self.idle.notify_waiters();
        }
        waiting.called.insert(key.clone(), Instant::now());
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
