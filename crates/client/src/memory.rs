//! An issuer in memory, for tests and examples: the outside world, with everything that can go wrong.
//!
//! Clones share one world, which outlives whoever talks to it: drop the operator, keep the issuer.
//! [`MemoryIssuer`] is the issuer's API; what an API would not offer (faults, holds, the ledger, the hand
//! of a person at the vendor's console) are its inherent methods.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::{
    Capabilities, Disable, Identity, Look, LostAnswer, Marker, Parameters, TokenId, UpdateKind,
    schedule,
};

use crate::account::Gate;
use crate::clock::Clock;
use crate::error::{ErrorKind, Operation};
use crate::issuer::Token;
use crate::limits::{Limits, NameUnit, ScopesRule};
use crate::secret::SecretValue;

mod ask;
mod effect;
mod entry;
mod fault;
mod ledger;
mod requests;
mod world;

use fault::Stop;
pub use fault::{Fault, Hold, Moment};
use world::World;

/// What a memory issuer is and can do. Start from the default and change fields.
#[derive(Debug, Clone)]
pub struct MemorySettings {
    /// The profile's name.
    pub profile: String,
    /// The endpoint that references record.
    pub endpoint: String,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Who the credential is.
    pub identity: Option<Identity>,
    /// The secret parts of each value, with the most bytes of each.
    pub value_parts: BTreeMap<String, usize>,
    /// Whether the id is delivered as public part `id`.
    pub public_id: bool,
    /// Whether a value says which token it is, as a JWT does.
    pub values_name_ids: bool,
    /// What it accepts.
    pub limits: Limits,
    /// It gives no longer lifetime than this, whatever is asked.
    pub cuts_lifetimes_to: Option<SignedDuration>,
    /// It keeps no more characters of a name than these, whatever is asked.
    pub cuts_names_to: Option<usize>,
    /// A listing shows a token only this long after its mint.
    pub listing_lag: SignedDuration,
    /// No request takes longer (tokio time).
    pub request_timeout: Duration,
    /// The sentence for what only a person can do.
    pub manual: Option<String>,
}

impl Default for MemorySettings {
    /// A system that can do everything: finds by marker, checks, switches, updates.
    fn default() -> Self {
        Self {
            profile: "memory".to_owned(),
            endpoint: "memory://issuer".to_owned(),
            capabilities: Capabilities {
                lost_answer: LostAnswer::FindByMarker,
                check: true,
                revoke: true,
                look: Look::Alone,
                disable: Disable::SetState,
                update: [UpdateKind::Name, UpdateKind::AddExpiry].into(),
                settle: schedule::SETTLE,
                lifetime_ignored: false,
            },
            identity: Some(Identity::new("account-1")),
            value_parts: BTreeMap::from([("token".to_owned(), 64)]),
            public_id: false,
            values_name_ids: false,
            limits: Limits {
                name_max: 255,
                name_unit: NameUnit::Characters,
                name_forbidden: String::new(),
                name_ascii: false,
                name_allowed: None,
                scopes: ScopesRule::Optional,
                parameters: None,
                exactly_one: Vec::new(),
                lifetime_unit: SignedDuration::from_secs(1),
                lifetime_max: None,
                never: true,
                expiry: true,
                lost_answer: LostAnswer::FindByMarker,
                lost_by_hand: false,
                only_by_hand: None,
            },
            cuts_lifetimes_to: None,
            cuts_names_to: None,
            listing_lag: SignedDuration::ZERO,
            request_timeout: Duration::from_secs(30),
            manual: None,
        }
    }
}

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

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What was asked.
    pub operation: Operation,
    /// When.
    pub at: Timestamp,
    /// About which token.
    pub id: Option<TokenId>,
    /// The name that a mint or an update gave.
    pub name: Option<String>,
    /// What went wrong with it.
    pub fault: Option<Fault>,
}

/// Decides about the fault of each request as it arrives; the number counts the operation from 1.
pub type Hook = dyn Fn(&Request, u32) -> Option<Fault> + Send + Sync;

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
