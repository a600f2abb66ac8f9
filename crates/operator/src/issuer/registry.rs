//! The issuers that can be used now, by namespace and name.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokenwright_client::{Inventory, Issuer};
use tokenwright_core::{Identity, IssuerSeen};

use crate::issuer::factory::IssuerFactory;
use crate::issuer::hosts::AllowedHost;
use crate::issuer::losses::Losses;
use crate::issuer::scheduler::Scheduler;
use crate::secret::parts::LONGEST_PUBLIC_PART;
use parking_lot::Mutex;

/// One issuer, ready to be asked.
#[derive(Debug)]
pub(crate) struct Handle {
    /// Who is asked.
    pub(crate) issuer: Arc<dyn Issuer>,
    /// What is delivered beside the secret parts of a value.
    pub(crate) public_parts: Vec<String>,
    /// The version of the Secret that the credential was read from.
    pub(crate) credential: Option<String>,
    /// Who the credential is there.
    pub(crate) identity: Option<Identity>,
    /// How long one request may take.
    pub(crate) request_timeout: SignedDuration,
    /// How often its list is compared with the records.
    pub(crate) recheck: SignedDuration,
    /// Who may ask next.
    pub(crate) scheduler: Arc<Scheduler>,
    /// What it shows.
    pub(crate) inventory: Inventory,
    /// How many of its current tokens it does not show.
    pub(crate) losses: Arc<Losses>,
    /// When the last complete listing was started.
    pub(crate) listed_at: Mutex<Option<Timestamp>>,
}

impl Handle {
    /// The issuer as references are compared with it.
    pub(crate) fn seen(&self) -> IssuerSeen {
        IssuerSeen {
            credential: self.credential.clone(),
            endpoint: self.issuer.endpoint().to_owned(),
            identity: self.identity.clone(),
        }
    }

    /// All parts of a value, secret and public, and the most bytes of each.
    pub(crate) fn parts(&self) -> BTreeMap<String, usize> {
        let public = self.public_parts.iter().cloned();
        let mut parts: BTreeMap<_, _> = public.map(|name| (name, LONGEST_PUBLIC_PART)).collect();
        parts.extend(self.issuer.value_parts().clone());
        parts
    }
}

/// Why an issuer cannot be used.
#[derive(Debug, Clone)]
pub(crate) struct Obstacle {
    /// One word.
    pub(crate) reason: &'static str,
    /// One sentence.
    pub(crate) message: String,
    /// Whether only a person can change that.
    pub(crate) stalled: bool,
}

impl Obstacle {
    /// An obstacle that only a person can remove.
    pub(crate) fn stalled(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            stalled: true,
        }
    }
}

/// How a `TokenIssuer` stands.
#[derive(Debug, Clone)]
pub(crate) enum IssuerState {
    /// It can be used.
    Ready(Arc<Handle>),
    /// It cannot, and this is why.
    NotReady(Obstacle),
}

/// All issuers that were looked at, by namespace and name.
#[derive(Debug)]
pub(crate) struct Issuers {
    /// Makes them.
    pub(crate) factory: Arc<dyn IssuerFactory>,
    /// The hosts that the administrator allows beside the profiles' own.
    pub(crate) allow_hosts: Vec<AllowedHost>,
    known: Mutex<HashMap<(String, String), IssuerState>>,
    losses: Mutex<HashMap<(String, String), Arc<Losses>>>,
}

impl Issuers {
    /// Those that `factory` makes; none was looked at yet.
    pub(crate) fn new(factory: Arc<dyn IssuerFactory>, allow_hosts: Vec<AllowedHost>) -> Self {
        Self {
            factory,
            allow_hosts,
            known: Mutex::default(),
            losses: Mutex::default(),
        }
    }

    /// How one stands; `None` if it was not looked at yet, or is not there.
    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<IssuerState> {
        self.known
            .lock()
            .get(&(namespace.to_owned(), name.to_owned()))
            .cloned()
    }

    /// Remembers how one stands.
    pub(crate) fn set(&self, namespace: &str, name: &str, state: IssuerState) {
        self.known
            .lock()
            .insert((namespace.to_owned(), name.to_owned()), state);
    }

    /// How many of the current tokens of one its listings do not show, whatever handle it has.
    pub(crate) fn losses(&self, namespace: &str, name: &str) -> Arc<Losses> {
        let mut losses = self.losses.lock();
        let key = (namespace.to_owned(), name.to_owned());
        Arc::clone(losses.entry(key).or_default())
    }

    /// Forgets one.
    pub(crate) fn remove(&self, namespace: &str, name: &str) {
        let key = (namespace.to_owned(), name.to_owned());
        self.known.lock().remove(&key);
        self.losses.lock().remove(&key);
    }
}
