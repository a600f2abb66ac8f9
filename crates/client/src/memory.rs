//! An issuer in memory, for tests and examples: the outside world, with everything that can go wrong.
//!
//! Clones share one world, which outlives whoever talks to it: drop the operator, keep the issuer.
//! [`MemoryIssuer`] is the issuer's API; what an API would not offer (faults, holds, the ledger, the hand
//! of a person at the vendor's console) are its inherent methods.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::{Identity, Marker, Parameters};

use crate::account::Gate;
use crate::clock::Clock;
use crate::error::{ErrorKind, Operation};
use crate::issuer::Token;
use crate::secret::SecretValue;

mod ask;
mod effect;
mod entry;
mod fault;
mod ledger;
mod requests;
mod settings;
mod world;

use fault::Stop;
pub use fault::{Fault, Hold, Moment};
pub use settings::{Hook, MemorySettings, Request};
use world::World;

/// An issuer in memory. Clones share one world.
#[derive(Clone)]
pub struct MemoryIssuer {
    /// What its requests pass, where there is something.
    gate: Option<Arc<Gate>>,
    /// What authenticates its requests, where it is one of the tokens themselves.
    credential: Option<Arc<Digests>>,
    /// Another account of the same system, whose values let in as well.
    beside: Option<Box<MemoryIssuer>>,
    settings: Arc<MemorySettings>,
    clock: Clock,
    world: Arc<Mutex<World>>,
}

/// What a value is recognised by: its parts, by name.
type Digests = Vec<(String, [u8; 32])>;

/// A token as the issuer's own books show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MintedToken {
    /// The token, as `get` would show it (with its name, whatever the system hides).
    pub token: Token,
    /// The marker in its name.
    pub marker: Option<Marker>,
    /// The parameters it was minted with.
    pub parameters: Parameters,
    /// When the mint took effect.
    pub minted_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Whether its value never authenticated.
    pub born_dead: bool,
}

impl MintedToken {
    /// Whether it is neither revoked nor expired. A disabled token is live: it can come back.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.token.expires_at.is_none_or(|at| now < at)
    }
}

impl MemoryIssuer {
    /// A new world on this clock.
    ///
    /// ```
    /// use tokenwright_client::clock::ManualClock;
    /// use tokenwright_client::memory::{MemoryIssuer, MemorySettings};
    /// use tokenwright_client::{Filter, Issuer};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tokenwright_client::Error> {
    /// let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
    /// let issuer = MemoryIssuer::new(MemorySettings::default(), clock.clock());
    /// assert!(issuer.list(&Filter::default()).await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn new(mut settings: MemorySettings, clock: Clock) -> Self {
        settings.limits.lost_answer = settings.capabilities.lost_answer;
        Self {
            gate: None,
            credential: None,
            beside: None,
            settings: Arc::new(settings),
            clock,
            world: Arc::default(),
        }
    }

    /// Another account of the same system, with tokens of its own. A value lets in by itself, whatever
    /// account asks about it.
    #[must_use]
    pub fn another_account(&self) -> Self {
        Self {
            beside: Some(Box::new(self.clone())),
            world: Arc::default(),
            ..self.clone()
        }
    }

    /// The same world, asked through this gate.
    #[must_use]
    pub fn behind(mut self, gate: Arc<Gate>) -> Self {
        self.gate = Some(gate);
        self
    }

    /// The same world, whose values consist of these parts.
    #[must_use]
    pub fn with_parts(mut self, parts: &[&str]) -> Self {
        let parts = parts.iter().map(|name| ((*name).to_owned(), 64));
        Arc::make_mut(&mut self.settings).value_parts = parts.collect();
        self
    }

    /// The same world, asked with the value of one of its tokens: nobody is let in when that has ended.
    #[must_use]
    pub fn authenticated_by(mut self, value: &SecretValue) -> Self {
        self.credential = Some(Arc::new(requests::digests(value)));
        self
    }

    /// The next request of this operation that has no fault yet gets this one. Faults queue up.
    pub fn fault(&self, operation: Operation, fault: Fault) {
        let mut world = self.world();
        world.faults.entry(operation).or_default().push_back(fault);
    }

    /// Asks this function about every request, before the queued faults.
    pub fn hook(&self, hook: impl Fn(&Request, u32) -> Option<Fault> + Send + Sync + 'static) {
        self.world().hook = Some(Arc::new(hook));
    }

    /// Every request fails so, until `None` ends it.
    pub fn outage(&self, kind: Option<ErrorKind>) {
        self.world().outage = kind;
    }

    /// From now on every listing shows a token only this long after its mint.
    pub fn listing_lag(&self, lag: SignedDuration) {
        self.world().listing_lag = Some(lag);
    }

    /// The credential is somebody else from now on, with the same tokens in sight.
    pub fn become_identity(&self, identity: Option<Identity>) {
        self.world().identity = Some(identity);
    }

    /// Takes back all faults, hooks, outages and lags that lie ahead; effects on their way still land.
    pub fn calm(&self) {
        let mut world = self.world();
        world.faults.clear();
        world.hook = None;
        world.outage = None;
        world.listing_lag = None;
    }

    /// Stops the `nth` request of this operation, counted from 1 over the life of this world.
    #[must_use]
    pub fn hold(&self, operation: Operation, nth: u32, moment: Moment) -> Hold {
        let (stop, hold) = Stop::new(operation, nth, moment);
        self.world().stops.push(stop);
        hold
    }

    /// Stops the next request of this operation.
    #[must_use]
    pub fn hold_next(&self, operation: Operation, moment: Moment) -> Hold {
        let nth = self
            .world()
            .counts
            .get(&operation)
            .copied()
            .unwrap_or(0)
            .saturating_add(1);
        self.hold(operation, nth, moment)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryIssuer")
            .field("profile", &self.settings.profile)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
