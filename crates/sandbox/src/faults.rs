//! Faults: which requests go wrong, and how.
//!
//! A fault matches operation, token and count, never a path, so that a test survives a change of
//! the vendor's URLs. This module decides and waits; `play` and the systems carry the effects out.

mod fault;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

pub(crate) use self::fault::Seen;
pub use self::fault::{By, CutListing, Effect, Fault, InvalidFault, Match, Operation};

/// A fault as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultState {
    /// Its number, for `DELETE /faults/{id}`.
    pub id: u64,
    /// The fault.
    #[serde(flatten)]
    pub fault: Fault,
    /// How many requests it has met.
    pub hits: u32,
    /// How many requests it holds back at this moment.
    pub waiting: u32,
}

#[derive(Debug)]
struct Entry {
    standing: FaultState,
    passed: u32,
    removed: CancellationToken,
}

/// The faults of one sandbox.
#[derive(Debug)]
pub struct Faults {
    systems: Vec<String>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    last_id: u64,
    entries: Vec<Entry>,
}

impl Faults {
    pub(crate) fn new(systems: Vec<String>) -> Self {
        Self {
            systems,
            inner: Mutex::default(),
        }
    }

    /// Adds a fault; earlier ones come first where two speak of the same thing.
    ///
    /// # Errors
    ///
    /// A fault without effect, or one that can never meet a request.
    pub fn add(&self, fault: Fault) -> Result<u64, InvalidFault> {
        fault.effect.check()?;
        if let Some(system) = &fault.matching.system
            && !self.systems.contains(system)
        {
            return Err(InvalidFault::System(system.clone()));
        }
        let mut inner = self.lock();
        inner.last_id += 1;
        let id = inner.last_id;
        inner.entries.push(Entry {
            standing: FaultState {
                id,
                fault,
                hits: 0,
                waiting: 0,
            },
            passed: 0,
            removed: CancellationToken::new(),
        });
        Ok(id)
    }

    /// All faults, also those that are used up.
    pub fn list(&self) -> Vec<FaultState> {
        self.lock()
            .entries
            .iter()
            .map(|entry| entry.standing.clone())
            .collect()
    }

    /// Removes one fault and lets go what it holds back; false when there is none with this number.
    pub fn remove(&self, id: u64) -> bool {
        let mut inner = self.lock();
        let before = inner.entries.len();
        inner.entries.retain(|entry| {
            if entry.standing.id == id {
                entry.removed.cancel();
            }
            entry.standing.id != id
        });
        inner.entries.len() < before
    }

    /// Removes all faults and lets go what they hold back.
    pub fn clear(&self) {
        for entry in self.lock().entries.drain(..) {
            entry.removed.cancel();
        }
    }

    /// What happens to this request; every fault that meets it counts it.
    pub(crate) fn meet(&self, seen: &Seen) -> Plan {
        let mut plan = Plan::default();
        for entry in &mut self.lock().entries {
            let fault = &entry.standing.fault;
            if !fault.effect.concerns(seen.operation) || !fault.matching.meets(seen) {
                continue;
            }
            if entry.passed < fault.matching.skip.unwrap_or(0) {
                entry.passed += 1;
                continue;
            }
            if fault
                .matching
                .count
                .is_some_and(|count| entry.standing.hits >= count)
            {
                continue;
            }
            entry.standing.hits += 1;
            plan.join(&entry.standing, &entry.removed);
        }
        plan
    }

    /// Waits as long as the fault says, or until it is removed.
    pub(crate) async fn hold(&self, pause: &Pause) {
        self.waiting(pause.id, 1);
        match pause.length {
            Some(length) => {
                // Either end of the wait is a good one.
                let _ = tokio::time::timeout(length, pause.removed.cancelled()).await;
            }
            None => pause.removed.cancelled().await,
        }
        self.waiting(pause.id, -1);
    }

    fn waiting(&self, id: u64, by: i32) {
        for entry in &mut self.lock().entries {
            if entry.standing.id == id {
                entry.standing.waiting = entry.standing.waiting.saturating_add_signed(by);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wait that ends early when its fault is removed.
#[derive(Debug, Clone)]
pub(crate) struct Pause {
    id: u64,
    length: Option<Duration>,
    removed: CancellationToken,
}

/// The effects of all faults that met one request.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) effect: Effect,
    pub(crate) late_answer: Option<Pause>,
    pub(crate) late_effect: Option<Pause>,
    pub(crate) hang: Option<Pause>,
}

impl Plan {
    fn join(&mut self, standing: &FaultState, removed: &CancellationToken) {
        let new = standing.fault.effect.clone();
        let pause = |length: Option<u64>| Pause {
            id: standing.id,
            length: length.map(Duration::from_millis),
            removed: removed.clone(),
        };
        let late = |length: Option<u64>| length.map(|length| pause(Some(length)));
        self.late_answer = self.late_answer.take().or_else(|| late(new.latency_ms));
        self.late_effect = self
            .late_effect
            .take()
            .or_else(|| late(new.effect_after_timeout));
        self.hang = self.hang.take().or_else(|| new.hang.then(|| pause(None)));
        let old = std::mem::take(&mut self.effect);
        self.effect = Effect {
            latency_ms: old.latency_ms.or(new.latency_ms),
            lost_reply: old.lost_reply || new.lost_reply,
            effect_after_timeout: old.effect_after_timeout.or(new.effect_after_timeout),
            body: if old.status.is_some() {
                old.body
            } else {
                new.body
            },
            retry_after: if old.status.is_some() {
                old.retry_after
            } else {
                new.retry_after
            },
            status: old.status.or(new.status),
            five_xx: old.five_xx.or(new.five_xx),
            truncate_body: old.truncate_body || new.truncate_body,
            html: old.html || new.html,
            clock_behind: old.clock_behind.or(new.clock_behind),
            eventual_list: old.eventual_list.or(new.eventual_list),
            cut_listing: old.cut_listing.or(new.cut_listing),
            quota: old.quota.or(new.quota),
            born_dead: old.born_dead || new.born_dead,
            no_effect: old.no_effect || new.no_effect,
            hang: old.hang || new.hang,
        };
    }
}
