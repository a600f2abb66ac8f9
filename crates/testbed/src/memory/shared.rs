//! What the clients of one server share: its objects, its faults and its log.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::call::Call;
use super::clock;
use super::faults::{Faults, Record, Seen};
use super::read::Stale;
use super::server::Server;

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Everything that the clients of one server share.
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) faults: Mutex<Faults>,
    /// Rises with every change that an open watch should look at.
    pub(super) signal: tokio::sync::watch::Sender<u64>,
    pub(super) clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) server: Server,
    pub(super) log: Vec<Record>,
    /// By client and resource.
    pub(super) stale: BTreeMap<(String, String), Stale>,
    pub(super) bookmarks_asked: u64,
    /// How often each client's watches were cut.
    pub(super) cuts: HashMap<String, u64>,
}

impl State {
    pub(super) fn stale(&self, who: &str, resource: &str) -> Option<&Stale> {
        self.stale.get(&(who.to_owned(), resource.to_owned()))
    }

    pub(super) fn cuts_of(&self, who: &str) -> u64 {
        self.cuts.get(who).copied().unwrap_or_default()
    }
}

impl Shared {
    pub(super) fn new(clock: Box<dyn Fn() -> Timestamp + Send + Sync>) -> Self {
        let server = Server::new(&clock::stamp(clock()));
        Self {
            state: Mutex::new(State {
                server,
                log: Vec::new(),
                stale: BTreeMap::new(),
                bookmarks_asked: 0,
                cuts: HashMap::new(),
            }),
            faults: Mutex::default(),
            signal: tokio::sync::watch::Sender::new(0),
            clock,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wake_watches(&self) {
        self.signal.send_modify(|count| *count += 1);
    }

    pub(super) fn arrive(&self, who: &str, call: &Call) -> Seen {
        let mut state = self.state();
        let number = state.log.len() as u64 + 1;
        let seen = Seen::new(number, who, call);
        state.log.push(Record {
            seen: seen.clone(),
            status: None,
        });
        seen
    }

    pub(super) fn note(&self, seen: &Seen, status: u16) {
        let index = usize::try_from(seen.number.saturating_sub(1)).unwrap_or(usize::MAX);
        if let Some(record) = self.state().log.get_mut(index) {
            record.status = Some(status);
        }
    }
}
