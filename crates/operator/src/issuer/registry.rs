//! The issuers that can be used now, by namespace, name and UID: a handle goes with its object, so that
//! nobody ever mints with the credential of a former tenant.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokenwright_api::ApiToken;
use tokenwright_api::names::reason;
use tokenwright_client::account::SecretDigests;
use tokenwright_client::profile::MOST_OF_ID;
use tokenwright_client::{Account, ErrorKind, Rate, SecretText, SecretValue};
use tokenwright_core::{IssuerSeen, TokenId};

use crate::issuer::allowance::Allowances;
use crate::issuer::described::Described;
use crate::issuer::factory::IssuerFactory;
use crate::issuer::holds::Holds;
use crate::issuer::hosts::AllowedHost;
use crate::issuer::listers::Listers;
use crate::issuer::losses::Losses;
use crate::issuer::obstacle::Obstacle;
use crate::issuer::scheduler::Scheduler;
use crate::secret::limits::SecretLimits;
use crate::secret::parts::DigestKey;
use parking_lot::Mutex;

/// One issuer, ready to be asked.
#[derive(Debug)]
pub(crate) struct Handle {
    /// Who is asked, and with what: who the credential is, its listings, its gate.
    pub(crate) account: Account,
    /// The token whose value is the credential, where an `ApiToken` delivers it. It is never revoked
    /// with this handle.
    pub(crate) authenticates_by: Option<TokenId>,
    /// The digests of the credential's parts.
    pub(crate) authenticates_with: Vec<SecretDigests>,
    /// What is delivered beside the secret parts of a value.
    pub(crate) public_parts: Vec<String>,
    /// The version of the Secret that the credential was read from.
    pub(crate) credential: Option<String>,
    /// How long one request may take.
    pub(crate) request_timeout: SignedDuration,
    /// How often its list is compared with the records.
    pub(crate) recheck: SignedDuration,
    /// Who may ask next.
    pub(crate) scheduler: Arc<Scheduler>,
    /// How many of its current tokens it does not show.
    pub(crate) losses: Arc<Losses>,
    /// How much it is asked at most.
    pub(crate) rate: Rate,
    /// Who may ask it for what.
    pub(crate) allowances: Arc<Allowances>,
    /// How much of the rate its `ApiToken`s need, once that was foretold.
    pub(crate) load: Mutex<Option<f64>>,
    /// When the last complete listing was started.
    pub(crate) listed_at: Mutex<Option<Timestamp>>,
    /// Who lists it.
    pub(crate) listers: Listers,
    /// Whether it serves on though a newer credential or specification is there, which is not taken up.
    pub(crate) outlasts: Mutex<bool>,
    /// Why the latest listing could not be read, if it could not.
    pub(crate) misread: Arc<Mutex<Option<ErrorKind>>>,
}

impl std::ops::Deref for Handle {
    type Target = Account;

    fn deref(&self) -> &Account {
        &self.account
    }
}

impl Handle {
    /// The issuer as references are compared with it.
    pub(crate) fn seen(&self) -> IssuerSeen {
        IssuerSeen {
            credential: self.credential.clone(),
            ..self.account.seen()
        }
    }

    /// Whether this value is the credential: one of them has all parts of the other.
    pub(crate) fn authenticates_with(&self, value: &SecretValue) -> bool {
        let value: Vec<_> = value.parts().map(|(_, text)| digest(text)).collect();
        let own = &self.authenticates_with;
        let within = |few: &[_], all: &[_]| {
            !few.is_empty() && few.iter().all(|part: &SecretDigests| all.contains(part))
        };
        within(&value, own) || within(own, &value)
    }

    /// An `ApiToken` is gone: it waits for nothing, and its token is no loss.
    pub(crate) fn forget(&self, uid: &str) {
        self.scheduler.forget(uid);
        self.losses.forget(uid);
    }

    /// Whether an `ApiToken` may have what it asks for.
    pub(crate) fn permits(&self, token: &ApiToken) -> Result<(), Obstacle> {
        let allowed = self.allowances.check(token);
        allowed.map_err(|missing| Obstacle::stalled(reason::NOT_ALLOWED, missing.to_string()))
    }

    /// All parts of a value, secret and public, and the most bytes of each.
    pub(crate) fn parts(&self) -> BTreeMap<String, usize> {
        let public = self.public_parts.iter().cloned();
        let mut parts: BTreeMap<_, _> = public.map(|name| (name, MOST_OF_ID)).collect();
        parts.extend(self.issuer.value_parts().clone());
        parts
    }
}

/// What a part of a credential or of a value is recognised by.
pub(crate) fn digest(part: &SecretText) -> SecretDigests {
    SecretDigests::new([part.sha256()])
}

/// How an issuer stands.
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
    /// Which Secrets are left to others.
    pub(crate) limits: Arc<SecretLimits>,
    /// Who may ask those of the cluster for what.
    pub(crate) allowances: Arc<Allowances>,
    /// The token systems that an administrator describes.
    pub(crate) described: Described,
    /// The key of the digests that stand for accounts.
    pub(crate) key: DigestKey,
    /// Which of them stay for as long as they are needed.
    pub(crate) holds: Holds,
    known: Mutex<HashMap<(String, String), Known>>,
    losses: Mutex<HashMap<(String, String), Arc<Losses>>>,
}

/// What is known of one issuer.
#[derive(Debug)]
struct Known {
    /// The object that it was made from.
    uid: String,
    state: IssuerState,
    /// The last handle that could be used.
    last_good: Option<Arc<Handle>>,
}

/// Which issuer: another object of the same name is another issuer. Those of the cluster have no namespace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) uid: &'a str,
}

impl Key<'_> {
    fn place(self) -> (String, String) {
        (self.namespace.to_owned(), self.name.to_owned())
    }
}

impl Issuers {
    /// Those that `factory` makes; none was looked at yet.
    pub(crate) fn new(
        factory: Arc<dyn IssuerFactory>,
        (allow_hosts, limits): (Vec<AllowedHost>, SecretLimits),
        key: DigestKey,
    ) -> Self {
        Self {
            factory,
            allow_hosts,
            limits: Arc::new(limits),
            allowances: Arc::default(),
            described: Described::default(),
            key,
            holds: Holds::default(),
            known: Mutex::default(),
            losses: Mutex::default(),
        }
    }

    /// How one stands; `None` if it was not looked at yet, or is not there.
    pub(crate) fn get(&self, key: Key<'_>) -> Option<IssuerState> {
        self.read(key, |known| known.state.clone())
    }

    /// The last handle of one that could be used: enough to end what was minted with it.
    pub(crate) fn last_good(&self, key: Key<'_>) -> Option<Arc<Handle>> {
        self.read(key, |known| known.last_good.clone()).flatten()
    }

    /// The last handle of whoever is at a place.
    pub(crate) fn last_at(&self, place: (String, String)) -> Option<Arc<Handle>> {
        let known = self.known.lock();
        known.get(&place)?.last_good.clone()
    }

    fn read<T>(&self, key: Key<'_>, read: impl FnOnce(&Known) -> T) -> Option<T> {
        let all = self.known.lock();
        let known = all.get(&key.place())?;
        (known.uid == key.uid).then(|| read(known))
    }

    /// Remembers how one stands.
    pub(crate) fn set(&self, key: Key<'_>, state: IssuerState) {
        let before = self.last_good(key);
        let last_good = match &state {
            IssuerState::Ready(handle) => Some(Arc::clone(handle)),
            IssuerState::NotReady(_) => before,
        };
        let known = Known {
            uid: key.uid.to_owned(),
            state,
            last_good,
        };
        self.known.lock().insert(key.place(), known);
    }

    /// How each stands, by namespace and name.
    pub(crate) fn all(&self) -> Vec<((String, String), IssuerState)> {
        let known = self.known.lock();
        let all = known
            .iter()
            .map(|(place, known)| (place.clone(), known.state.clone()));
        all.collect()
    }

    /// How many of the current tokens of one its listings do not show, whatever handle it has.
    pub(crate) fn losses(&self, namespace: &str, name: &str) -> Arc<Losses> {
        let mut losses = self.losses.lock();
        let key = (namespace.to_owned(), name.to_owned());
        Arc::clone(losses.entry(key).or_default())
    }

    /// Forgets whatever issuer was there.
    pub(crate) fn remove(&self, namespace: &str, name: &str) {
        let key = (namespace.to_owned(), name.to_owned());
        self.known.lock().remove(&key);
        self.losses.lock().remove(&key);
    }
}
