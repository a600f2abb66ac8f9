//! One complete listing per issuer and set of the parameters that it uses, shared by all managers.
//!
//! Does not decide anything: what a listing means for one manager, [`survey`] says in `core`'s words,
//! and `core` draws the conclusions. A listing that failed is an error, never an empty one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokenwright_core::instant::before;

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::{ManagerId, Origin, Parameters, Sighting, Survey};

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Operation};
use crate::issuer::{Filter, Issuer, Token};
use crate::revoke::Listing;
use crate::room::{Held, NoRoom, Share};

/// How old a listing may get before it is made anew, where nobody needs a fresher one.
pub const RECHECK: SignedDuration = SignedDuration::from_mins(10);
/// Listings that nobody asked for during so many times `recheck` are dropped.
const UNUSED: i32 = 3;

/// Counts all changes of all inventories, so that no two ever stand at the same number.
static CHANGES: AtomicU64 = AtomicU64::new(0);

/// The listings of one issuer.
///
/// # Guarantees
///
/// - At most one listing per parameter set is under way; whoever it serves waits for it. Parameters
///   that the listing does not use make no set of their own.
/// - Whoever needs a listing that started after an instant is served by every such listing, whatever
///   was changed meanwhile: what it shows was so at that instant or later.
/// - A waiter that goes away stops nobody else: the next waiter lists.
/// - A failed listing fails everybody who waited for it, and is not remembered.
#[derive(Debug)]
pub struct Inventory {
    issuer: Arc<dyn Issuer>,
    recheck: SignedDuration,
    clock: Clock,
    slots: Mutex<Slots>,
    changed: AtomicU64,
}

/// The listings by their sets of parameters.
#[derive(Debug, Default)]
struct Slots {
    by: BTreeMap<Parameters, Arc<Slot>>,
    /// The room that they take together, which is one share: whoever thinks out sets of parameters takes it
    /// from nobody but this issuer.
    room: Held,
}

impl Slots {
    /// Drops those that nobody has asked for since, nor waits for; says whether there was any.
    fn drop_unused(&mut self, since: Timestamp) -> bool {
        let before = self.by.len();
        self.by.retain(|_, slot| {
            let used = slot.state().asked_at.is_none_or(|at| at >= since);
            used || Arc::strong_count(slot) > 1
        });
        let fewer = self.by.len() < before;
        if fewer {
            let _no_more = self.fit();
        }
        fewer
    }

    /// Takes as much room as they weigh; no more than before there always is.
    fn fit(&mut self) -> Result<(), NoRoom> {
        let weights = self.by.values().map(|slot| slot.state().weight);
        let all = weights.fold(0, usize::saturating_add);
        self.room.grow(all, Share::LISTING)
    }
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
    /// How much of the room it takes.
    weight: usize,
    /// Whether something was changed since `newest` was started.
    outdated: bool,
    /// When it was last asked for.
    asked_at: Option<Timestamp>,
    /// How many listings were started.
    started: u64,
    /// The number of the last one that ended.
    ended: u64,
    /// The last one that failed: its number, when it was started, and why.
    failed: Option<(u64, Timestamp, Arc<Error>)>,
    /// How often something was changed.
    changes: u64,
}

impl State {
    /// The newest listing, unless it was started in what is the future now: the clock was set back since, and
    /// nobody knows any more what came before it and what after.
    fn newest_by(&self, now: Timestamp) -> Option<&Arc<Listing>> {
        self.newest
            .as_ref()
            .filter(|listing| listing.started_at <= now)
    }
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
            changed: AtomicU64::new(CHANGES.fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// A number that no other inventory ever has, and another one after each change of what is the newest.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.changed.load(Ordering::Relaxed)
    }

    fn change(&self) {
        let next = CHANGES.fetch_add(1, Ordering::Relaxed);
        self.changed.store(next, Ordering::Relaxed);
    }

    /// A complete listing that is at most `recheck` old.
    ///
    /// # Errors
    /// What the issuer answered.
    pub async fn recent(&self, parameters: &Parameters) -> Result<Arc<Listing>, Error> {
        let instant = before(self.clock.now(), self.recheck);
        self.standing(parameters, instant).await
    }

    /// A complete listing that started at this instant or later, and after the last change: how things
    /// stand.
    ///
    /// # Errors
    /// What the issuer answered.
    pub async fn standing(
        &self,
        parameters: &Parameters,
        instant: Timestamp,
    ) -> Result<Arc<Listing>, Error> {
        let need = Need {
            since: instant,
            up_to_date: true,
        };
        self.serve(parameters, need).await
    }

    /// A complete listing that *started* at this instant or later: what a revoke decided then needs,
    /// whatever was changed since.
    ///
    /// # Errors
    /// What the issuer answered.
    pub async fn since(
        &self,
        parameters: &Parameters,
        instant: Timestamp,
    ) -> Result<Arc<Listing>, Error> {
        let need = Need {
            since: instant,
            up_to_date: false,
        };
        self.serve(parameters, need).await
    }

    async fn serve(&self, parameters: &Parameters, need: Need) -> Result<Arc<Listing>, Error> {
        let parameters = self.issuer.list_parameters(parameters);
        let slot = self.slot(&parameters);
        let asked = slot.state().ended;
        if let Some(listing) = need.met_by(&slot.state(), self.clock.now()) {
            return Ok(listing);
        }
        let _flight = slot.flight.lock().await;
        if let Some(listing) = need.met_by(&slot.state(), self.clock.now()) {
            return Ok(listing);
        }
        // A flight that was up when we asked, or went up later, and would have served us.
        if let Some((number, started_at, error)) = &slot.state().failed
            && *number > asked
            && *started_at >= need.since
        {
            return Err(shared(error));
        }
        self.list(&slot, &parameters).await
    }

    /// The newest complete listing, however old, unless something was changed since; nothing is asked.
    #[must_use]
    pub fn newest(&self, parameters: &Parameters) -> Option<Arc<Listing>> {
        let slot = self.slot(&self.issuer.list_parameters(parameters));
        let state = slot.state();
        let newest = state.newest_by(self.clock.now())?;
        (!state.outdated).then(|| Arc::clone(newest))
    }

    /// Asks anew for the listing that was complete last, with whatever parameters; for one without parameters
    /// where none was.
    pub(super) fn again(&self) -> impl Future<Output = Result<Arc<Listing>, Error>> {
        let slots = self.slots();
        let listed = slots.by.iter().filter_map(|(parameters, slot)| {
            let started_at = slot.state().newest.as_ref()?.started_at;
            Some((started_at, parameters.clone()))
        });
        let latest = listed.max_by_key(|(started_at, _)| *started_at);
        let parameters = latest.map(|(_, parameters)| parameters).unwrap_or_default();
        drop(slots);
        async move { self.standing(&parameters, self.clock.now()).await }
    }

    /// Something was minted, changed or revoked: what was listed before serves nobody any more who wants
    /// to know how things stand, and still those who need a listing that started after an instant.
    pub fn forget(&self, parameters: &Parameters) {
        let slot = self.slot(&self.issuer.list_parameters(parameters));
        let mut state = slot.state();
        state.outdated = true;
        state.changes = state.changes.saturating_add(1);
        drop(state);
        self.change();
    }

    async fn list(&self, slot: &Slot, parameters: &Parameters) -> Result<Arc<Listing>, Error> {
        let started_at = self.clock.now();
        let (number, changes, former) = {
            let mut state = slot.state();
            state.started = state.started.saturating_add(1);
            (state.started, state.changes, state.weight)
        };
        let filter = Filter {
            former,
            ..Filter::of(parameters.clone())
        };
        let answer = self.issuer.list(&filter).await;
        let answer = answer.and_then(|tokens| {
            let kept = self.make_room(slot, &tokens);
            kept.map(|()| tokens).map_err(|no_room| Error {
                detail: Some(no_room.to_string()),
                ..Error::new(ErrorKind::NoRoom, self.issuer.profile(), Operation::List)
            })
        });
        let mut state = slot.state();
        state.ended = number;
        match answer {
            Ok(tokens) => {
                let took = self.clock.now().duration_since(started_at);
                let listing = Listing::new(started_at, parameters.clone(), tokens).taking(took);
                let listing = Arc::new(listing);
                state.newest = Some(Arc::clone(&listing));
                state.outdated = state.changes != changes;
                state.failed = None;
                drop(state);
                self.change();
                Ok(listing)
            }
            Err(error) => {
                let error = Arc::new(error);
                state.failed = Some((number, started_at, Arc::clone(&error)));
                Err(shared(&error))
            }
        }
    }

    /// Has room for what one of the listings is from now on. Where it has none, those go that nobody asked for
    /// of late.
    fn make_room(&self, slot: &Slot, tokens: &[Token]) -> Result<(), NoRoom> {
        let weights = tokens.iter().map(Token::weight);
        let weight = weights.fold(0, usize::saturating_add);
        let mut slots = self.slots();
        let former = std::mem::replace(&mut slot.state().weight, weight);
        let mut made = slots.fit();
        if made.is_err() && slots.drop_unused(before(self.clock.now(), RECHECK)) {
            self.change();
            made = slots.fit();
        }
        if made.is_err() {
            slot.state().weight = former;
            let _no_more = slots.fit();
        }
        made
    }

    /// Drops all listings that nobody waits for: nobody needs the issuer any more.
    pub fn rest(&self) {
        if self.slots().drop_unused(Timestamp::MAX) {
            self.change();
        }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The listings with these parameters; those that nobody asks for any more go.
    fn slot(&self, parameters: &Parameters) -> Arc<Slot> {
        let now = self.clock.now();
        let long_ago = before(now, self.recheck.saturating_mul(UNUSED));
        let mut slots = self.slots();
        if slots.drop_unused(long_ago) {
            self.change();
        }
        let slot = Arc::clone(slots.by.entry(parameters.clone()).or_default());
        slot.state().asked_at = Some(now);
        slot
    }
}

/// Which listing serves.
#[derive(Debug, Clone, Copy)]
struct Need {
    /// It started at this instant or later.
    since: Timestamp,
    /// Nothing was changed since.
    up_to_date: bool,
}

impl Need {
    fn met_by(self, state: &State, now: Timestamp) -> Option<Arc<Listing>> {
        let newest = state.newest_by(now)?;
        let serves = match (state.outdated, self.up_to_date) {
            (false, _) => newest.started_at >= self.since,
            (true, true) => false,
            // What was changed at that very instant may not be in it.
            (true, false) => newest.started_at > self.since,
        };
        serves.then(|| Arc::clone(newest))
    }
}

/// The same error for everybody who waited.
fn shared(error: &Arc<Error>) -> Error {
    Error {
        kind: error.kind,
        profile: error.profile.clone(),
        operation: error.operation,
        status: error.status,
        detail: error.detail.clone(),
        vendor: error.vendor.clone(),
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
    let ours = listing.of_manager(manager).filter_map(|(token, marker)| {
        let is_ours = marker.origin == *origin;
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
