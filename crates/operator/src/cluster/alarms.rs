//! When each `ApiToken` is looked at again by the clock alone: at one instant, the one that was said last.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::cluster::uid::Uid;

/// All of them, by the UID of whom they wake. kube's own queue has names and versions of each object in
/// it twice, which for thousands that wait for months is as much as the objects themselves.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    state: Mutex<State>,
    /// Another one is the first.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    in_order: BTreeSet<(Instant, Uid)>,
    of: HashMap<Uid, Instant>,
}

impl Alarms {
    /// Wakes this one at an instant, and at no other that was said before.
    pub(crate) fn set(&self, uid: impl Into<Uid>, at: Option<Instant>) {
        let mut state = self.state.lock();
        let uid = uid.into();
        state.forget(&uid);
        let Some(at) = at else {
            return;
        };
        state.of.insert(uid.clone(), at);
        state.in_order.insert((at, uid));
        if state.first() == Some(at) {
            self.changed.notify_one();
        }
    }

    /// Wakes each of them in time, for as long as it is polled.
    pub(crate) async fn ring(&self, wake: impl Fn(&Uid)) -> Infallible {
        loop {
            let first = self.state.lock().first();
            let due = async {
                match first {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.changed.notified() => {}
                () = due => self.due().iter().for_each(&wake),
            }
        }
    }

    fn due(&self) -> Vec<Uid> {
        let (mut state, now) = (self.state.lock(), Instant::now());
        let mut due = Vec::new();
        while state.first().is_some_and(|at| at <= now)
            && let Some((_, uid)) = state.in_order.pop_first()
        {
            state.of.remove(&uid);
            due.push(uid);
        }
        due
    }
}

impl State {
    fn first(&self) -> Option<Instant> {
        self.in_order.first().map(|(at, _)| *at)
    }

    fn forget(&mut self, uid: &Uid) {
        if let Some(entry) = self.of.remove_entry(uid) {
            let (uid, at) = entry;
            self.in_order.remove(&(at, uid));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn at(seconds: u64) -> Option<Instant> {
        Instant::now().checked_add(Duration::from_secs(seconds))
    }

    #[tokio::test(start_paused = true)]
    async fn each_is_woken_once_at_the_instant_that_was_said_last() {
        let (alarms, begun) = (Alarms::default(), Instant::now());
        let woken = Mutex::new(Vec::new());
        let wake = |uid: &Uid| {
            woken
                .lock()
                .push((uid.to_string(), begun.elapsed().as_secs()))
        };
        alarms.set("later", at(60));
        alarms.set("moved", at(5));
        alarms.set("moved", at(30));
        alarms.set("forgotten", at(10));
        let said_while_it_rings = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            alarms.set("forgotten", None);
            alarms.set("soon", at(1));
            std::future::pending::<()>().await;
        };
        let both = futures::future::join(alarms.ring(wake), said_while_it_rings);
        assert!(timeout(Duration::from_secs(100), both).await.is_err());
        let of = |uid: &str, second| (uid.to_owned(), second);
        assert_eq!(
            *woken.lock(),
            [of("soon", 2), of("moved", 30), of("later", 60)]
        );
        let state = alarms.state.lock();
        assert!(state.of.is_empty() && state.in_order.is_empty());
    }
}
