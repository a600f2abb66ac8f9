//! The state behind a memory issuer: tokens, effects on their way, and what shall go wrong.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::{Identity, TokenId};

use super::ask::{Ask, How};
use super::entry::Entry;
use super::fault::{Fault, Stop};
use super::settings::{Hook, MemorySettings, Request};
use crate::error::{ErrorKind, Operation};

#[derive(Default)]
pub(super) struct World {
    pub(super) entries: Vec<Entry>,
    pub(super) on_their_way: Vec<(Timestamp, Ask, How)>,
    pub(super) requests: Vec<Request>,
    pub(super) counts: BTreeMap<Operation, u32>,
    pub(super) faults: BTreeMap<Operation, VecDeque<Fault>>,
    pub(super) hook: Option<Arc<Hook>>,
    pub(super) outage: Option<ErrorKind>,
    pub(super) listing_lag: Option<SignedDuration>,
    pub(super) identity: Option<Option<Identity>>,
    pub(super) stops: Vec<Stop>,
}

impl World {
    /// Writes a request down and says what goes wrong with it.
    pub(super) fn arrive(&mut self, mut request: Request) -> (u32, Option<Fault>) {
        let count = self.counts.entry(request.operation).or_default();
        *count = count.saturating_add(1);
        let nth = *count;
        let hooked = self.hook.as_ref().and_then(|hook| hook(&request, nth));
        let queue = self.faults.get_mut(&request.operation);
        let fault = match (hooked, self.outage) {
            (Some(fault), _) => Some(fault),
            (None, Some(kind)) => Some(Fault::Refuse(kind)),
            (None, None) => queue.and_then(VecDeque::pop_front),
        };
        request.fault.clone_from(&fault);
        self.requests.push(request);
        (nth, fault)
    }

    /// Takes the stop for this request at this moment.
    pub(super) fn stop(&mut self, matches: impl Fn(&Stop) -> bool) -> Option<Stop> {
        let at = self.stops.iter().position(matches)?;
        Some(self.stops.swap_remove(at))
    }

    /// Lets everything land whose time has come, in its order.
    pub(super) fn settle(&mut self, settings: &MemorySettings, now: Timestamp) {
        self.on_their_way.sort_by_key(|(at, ..)| *at);
        let due = self.on_their_way.partition_point(|(at, ..)| *at <= now);
        let landing: Vec<_> = self.on_their_way.drain(..due).collect();
        for (at, ask, how) in landing {
            // Nobody waits for the answer any more.
            let _ = self.apply(settings, &ask, &how, at);
        }
    }

    /// The entry that an id stands for: the newest, since ids may be used again.
    pub(super) fn entry(&mut self, id: &TokenId) -> Option<&mut Entry> {
        let mut entries = self.entries.iter_mut().rev();
        entries.find(|e| &e.token.id == id && e.revoked_at.is_none())
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}
