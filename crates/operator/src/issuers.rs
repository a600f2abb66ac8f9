//! The issuers that can be used now, by namespace and name.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokenwright_client::{Inventory, Issuer};
use tokenwright_core::{Identity, IssuerSeen};

use crate::locked::Locked;
use crate::parts::LONGEST_PUBLIC_PART;
use crate::scheduler::Scheduler;

/// One issuer, ready to be asked.
#[derive(Debug)]
pub struct Handle {
    /// Who is asked.
    pub issuer: Arc<dyn Issuer>,
    /// What is delivered beside the secret parts of a value.
    pub public_parts: Vec<String>,
    /// Who the credential is there.
    pub identity: Option<Identity>,
    /// How long one request may take.
    pub request_timeout: SignedDuration,
    /// How often its list is compared with the records.
    pub recheck: SignedDuration,
    /// Who may ask next.
    pub scheduler: Arc<Scheduler>,
    /// What it shows.
    pub inventory: Inventory,
    /// When the last complete listing was started.
    pub listed_at: Locked<Option<Timestamp>>,
}

impl Handle {
    /// The issuer as references are compared with it.
    #[must_use]
    pub fn seen(&self) -> IssuerSeen {
        IssuerSeen {
            endpoint: self.issuer.endpoint().to_owned(),
            identity: self.identity.clone(),
        }
    }

    /// All parts of a value, secret and public, and the most bytes of each.
    #[must_use]
    pub fn parts(&self) -> BTreeMap<String, usize> {
        let public = self.public_parts.iter().cloned();
        let mut parts: BTreeMap<_, _> = public.map(|name| (name, LONGEST_PUBLIC_PART)).collect();
        parts.extend(self.issuer.value_parts().clone());
        parts
    }
}

/// Why an issuer cannot be used.
#[derive(Debug, Clone)]
pub struct Obstacle {
    /// One word.
    pub reason: &'static str,
    /// One sentence.
    pub message: String,
    /// Whether only a person can change that.
    pub stalled: bool,
}

impl Obstacle {
    /// An obstacle that only a person can remove.
    #[must_use]
    pub fn stalled(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            stalled: true,
        }
    }
}

/// How a `TokenIssuer` stands.
#[derive(Debug, Clone)]
pub enum Standing {
    /// It can be used.
    Ready(Arc<Handle>),
    /// It cannot, and this is why.
    NotReady(Obstacle),
}

/// All issuers that were looked at, by namespace and name.
#[derive(Debug, Default)]
pub struct Issuers {
    known: Locked<HashMap<(String, String), Standing>>,
}

impl Issuers {
    /// How one stands; `None` if it was not looked at yet, or is not there.
    #[must_use]
    pub fn get(&self, namespace: &str, name: &str) -> Option<Standing> {
        self.known
            .lock()
            .get(&(namespace.to_owned(), name.to_owned()))
            .cloned()
    }

    /// Remembers how one stands.
    pub fn set(&self, namespace: &str, name: &str, standing: Standing) {
        self.known
            .lock()
            .insert((namespace.to_owned(), name.to_owned()), standing);
    }

    /// Forgets one.
    pub fn remove(&self, namespace: &str, name: &str) {
        self.known
            .lock()
            .remove(&(namespace.to_owned(), name.to_owned()));
    }
}
