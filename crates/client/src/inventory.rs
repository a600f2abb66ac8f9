//! One complete listing per issuer and parameter set, shared by all managers.
//!
//! Does not decide anything: what a listing means for one manager, [`survey`] says in `core`'s words,
//! and `core` draws the conclusions. A listing that failed is an error, never an empty one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokenwright_core::instant::before;

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::{ManagerId, Origin, Parameters, Sighting, Survey};

use crate::clock::Clock;
use crate::error::Error;
use crate::issuer::{Filter, Issuer};
use crate::revoke::Listing;

/// How old a listing may get before it is made anew, where nobody needs a fresher one.
pub const RECHECK: SignedDuration = SignedDuration::from_mins(10);

/// The listings of one issuer.
///
/// # Guarantees
///
/// - At most one listing per parameter set is under way; whoever it serves waits for it.
/// - A waiter that goes away stops nobody else: the next waiter lists.
/// - A failed listing fails everybody who waited for it, and is not remembered.
#[derive(Debug)]
pub struct Inventory {
    issuer: Arc<dyn Issuer>,
    recheck: SignedDuration,
    clock: Clock,
    slots: Mutex<BTreeMap<Parameters, Arc<Slot>>>,
}

/// The listings with one set of parameters.
#[derive(Debug, Default)]
struct Slot {
    flight: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    newest: Option<Arc<Listing>>,
    /// How many listings were started.
    started: u64,
    /// The number of the last one that ended.
    ended: u64,
    /// The last one that failed: its number, when it was started, and why.
    failed: Option<(u64, Timestamp, Arc<Error>)>,
    /// How often the listings were dropped.
    dropped: u64,
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inventory {
    /// The inventory of an issuer, listed again after `recheck`.
    #[must_use]
    pub fn new(issuer: Arc<dyn Issuer>, recheck: SignedDuration, clock: Clock) -> Self {
        Self {
            issuer,
            recheck,
            clock,
            slots: Mutex::default(),
        }
    }

    /// A complete listing that is at most `recheck` old.
    ///
    /// # Errors
    /// What the issuer answered.
    pub async fn recent(&self, parameters: &Parameters) -> Result<Arc<Listing>, Error> {
        self.since(parameters, before(self.clock.now(), self.recheck))
            .await
    }

    /// A complete listing that *started* at this instant or later: what a revoke decided then needs.
    ///
    /// # Errors
    /// What the issuer answered.
    pub async fn since(
        &self,
        parameters: &Parameters,
        instant: Timestamp,
    ) -> Result<Arc<Listing>, Error> {
        let slot = self.slot(parameters);
        let asked = slot.state().ended;
        if let Some(listing) = fresh(&slot, instant) {
            return Ok(listing);
        }
        let _flight = slot.flight.lock().await;
        if let Some(listing) = fresh(&slot, instant) {
            return Ok(listing);
        }
        // A flight that was up when we asked, or went up later, and would have served us.
        if let Some((number, started_at, error)) = &slot.state().failed
            && *number > asked
            && *started_at >= instant
        {
            return Err(shared(error));
        }
        self.list(&slot, parameters).await
    }

    /// The newest complete listing, however old; nothing is asked.
    #[must_use]
    pub fn newest(&self, parameters: &Parameters) -> Option<Arc<Listing>> {
        self.slot(parameters).state().newest.clone()
    }

    /// Drops the listings, since something was minted, changed or revoked. One that is under way serves
    /// nobody but the one who started it.
    pub fn forget(&self, parameters: &Parameters) {
        let slot = self.slot(parameters);
        let mut state = slot.state();
        state.newest = None;
        state.dropped = state.dropped.saturating_add(1);
    }

    async fn list(&self, slot: &Slot, parameters: &Parameters) -> Result<Arc<Listing>, Error> {
        let started_at = self.clock.now();
        let (number, dropped) = {
            let mut state = slot.state();
            state.started = state.started.saturating_add(1);
            (state.started, state.dropped)
        };
        let filter = Filter {
            parameters: parameters.clone(),
            manager: None,
        };
        let answer = self.issuer.list(&filter).await;
        let mut state = slot.state();
        state.ended = number;
        match answer {
            Ok(tokens) => {
                let listing = Arc::new(Listing {
                    started_at,
                    parameters: parameters.clone(),
                    tokens,
                });
                if state.dropped == dropped {
                    state.newest = Some(Arc::clone(&listing));
                }
                state.failed = None;
                Ok(listing)
            }
            Err(error) => {
                let error = Arc::new(error);
                state.failed = Some((number, started_at, Arc::clone(&error)));
                Err(shared(&error))
            }
        }
    }

    fn slot(&self, parameters: &Parameters) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(parameters.clone()).or_default())
    }
}

fn fresh(slot: &Slot, instant: Timestamp) -> Option<Arc<Listing>> {
    let state = slot.state();
    let newest = state.newest.as_ref()?;
    (newest.started_at >= instant).then(|| Arc::clone(newest))
}

/// The same error for everybody who waited.
fn shared(error: &Arc<Error>) -> Error {
    Error {
        kind: error.kind,
        profile: error.profile.clone(),
        operation: error.operation,
        source: error
            .source
            .is_some()
            .then(|| Box::new(SharedSource(Arc::clone(error))) as _),
    }
}

/// The source of an error that several callers got.
#[derive(Debug)]
struct SharedSource(Arc<Error>);

impl fmt::Display for SharedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.source {
            Some(source) => fmt::Display::fmt(source, f),
            None => f.write_str(self.0.kind.sentence()),
        }
    }
}

impl std::error::Error for SharedSource {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().and_then(|source| source.source())
    }
}

/// What a listing shows of one manager: the unexpired tokens that carry its marker.
#[must_use]
pub fn survey(listing: &Listing, origin: &Origin, manager: &ManagerId, now: Timestamp) -> Survey {
    let ours = listing.tokens.iter().filter_map(|token| {
        let marker = token.marker()?;
        let is_ours = marker.origin == *origin && marker.manager == *manager;
        let lives = token.expires_at.is_none_or(|at| now < at);
        (is_ours && lives).then(|| Sighting {
            id: token.id.clone(),
            marker,
            expires_at: token.expires_at,
            enabled: token.enabled,
        })
    });
    Survey {
        started_at: listing.started_at,
        ours: ours.collect(),
    }
}

#[cfg(test)]
mod tests;
