//! What is open: closed by its host, or once that is gone.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Ephemeral resources that nobody has closed yet, in the order of their opening.
#[derive(Debug, Default)]
pub(super) struct Opened {
    next: AtomicU64,
    all: Mutex<BTreeMap<u64, One>>,
}

#[derive(Debug)]
struct One {
    type_name: String,
    private: Vec<u8>,
}

impl Opened {
    fn all(&self) -> MutexGuard<'_, BTreeMap<u64, One>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A host has opened it: the place that it has here.
    pub(super) fn opens(&self, type_name: String, private: Vec<u8>) -> u64 {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        self.all().insert(at, One { type_name, private });
        at
    }

    /// What is there still, and is nobody's from now on: its type and its bytes.
    pub(super) fn leaves(&self, at: u64) -> Option<(String, Vec<u8>)> {
        let left = self.all().remove(&at)?;
        Some((left.type_name, left.private))
    }

    /// Its host has it closed.
    pub(super) fn closes(&self, type_name: &str, private: &[u8]) {
        let mut all = self.all();
        let mut each = all.iter();
        let found = each.find(|(_, one)| one.is(type_name, private));
        if let Some(at) = found.map(|(at, _)| *at) {
            all.remove(&at);
        }
    }

    /// Its host closes it with other bytes from now on.
    pub(super) fn renews(&self, type_name: &str, private: &[u8], with: &[u8]) {
        let mut all = self.all();
        let found = all.values_mut().find(|one| one.is(type_name, private));
        if let Some(one) = found {
            one.private = with.to_vec();
        }
    }
}

impl One {
    fn is(&self, type_name: &str, private: &[u8]) -> bool {
        self.type_name == type_name && self.private == private
    }
}
