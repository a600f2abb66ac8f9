//! An issuer at its first use: made of its settings (`make`), one account for the whole run, and one
//! limiter for all issuers at one host.
//!
//! Asks nobody: requests are made by whoever uses the connection.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tfplugin::Diagnostics;
use tokenwright_client::account::{RECHECK, SecretDigests};
use tokenwright_client::{Account, Clock, Error, ErrorKind, Gate, Issuer, Limiter, Rate};
use tokenwright_core::instant::before;
use tokenwright_core::{Identity, LostAnswer, Marker, Origin, Parameters, TokenId, TokenRef};

use crate::config::{Given, IssuerSettings, Settings};
use crate::schema::names::*;

mod claims;
mod make;

pub(crate) use claims::{Claim, Claims, Fingerprint, Fresh, run_of};
pub(crate) use make::{by_profile, check};

/// A listing is evidence for a destroy that was planned for so long; later ones are listed anew.
const PLANNED: SignedDuration = SignedDuration::from_secs(60);

/// What one host is asked at most. The bound is Terraform's own, which starts ten resources at once unless told
/// otherwise; an issuer that wants fewer requests says so, and is waited for.
const RATE: Rate = Rate {
    per_minute: 60_000,
    concurrency: 64,
};

/// What an issuer is made of.
pub(crate) struct MadeIssuer {
    /// Its requests pass the gate.
    pub(crate) issuer: Arc<dyn Issuer>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) credential: Given<SecretDigests>,
    /// What would be a credential where there is none.
    pub(crate) credential_hint: String,
    /// The names of the parameters that it knows.
    pub(crate) parameters: Vec<String>,
    /// The names of the parts that are delivered beside the secret ones.
    pub(crate) public_parts: Vec<String>,
}

/// What came of the settings of one issuer.
pub(crate) struct FromSettings {
    /// Why nothing can be minted there, whatever else is given.
    pub(crate) only_by_hand: Option<String>,
    pub(crate) made: Result<MadeIssuer, Refusal>,
}

/// Makes an issuer of its settings: by profile, or in memory for tests.
pub(crate) type Maker = dyn Fn(&IssuerSettings, &Hosts) -> FromSettings + Send + Sync;

/// One limiter for each host, whatever issuers of a provider block are there.
pub(crate) struct Hosts {
    limiters: Mutex<BTreeMap<String, Arc<Limiter>>>,
    clock: Clock,
}

impl Hosts {
    /// The gate of an issuer at this endpoint.
    pub(crate) fn gate(&self, endpoint: &str) -> Arc<Gate> {
        let host = endpoint.split('/').nth(2).unwrap_or(endpoint).to_owned();
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        let limiter = limiters.entry(host).or_insert_with(|| Limiter::new(RATE));
        Gate::new(Arc::clone(limiter), self.clock.clone())
    }
}

/// What an issuer is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Its tokens are minted and managed, which needs a credential.
    Mint,
    /// Values that people made are checked; each authenticates itself.
    Adopt,
}

/// Settings of an issuer that make none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A value is not known before something else is applied.
    Unknown,
    /// The field of the issuer, and what is wrong with it.
    Invalid(&'static str, String),
}

/// An issuer that was asked for, or why there is none, for each purpose.
#[derive(Debug, Clone)]
struct Available {
    only_by_hand: Option<String>,
    connected: Result<Arc<Connected>, Refusal>,
}

/// All issuers of the provider block.
pub(crate) struct Connections {
    settings: Settings,
    maker: Arc<Maker>,
    hosts: Hosts,
    clock: Clock,
    claims: Arc<Claims>,
    made: Mutex<BTreeMap<String, Arc<OnceLock<Available>>>>,
}

/// One issuer, with what all resources share.
#[derive(Debug)]
pub(crate) struct Connected {
    /// The key in `issuers`.
    pub(crate) name: String,
    /// Who is asked, its listings, and who the credential is.
    account: Account,
    pub(crate) request_timeout: SignedDuration,
    /// The name of this Terraform state, if it has one.
    pub(crate) manager: Given<String>,
    pub(crate) origin: Origin,
    pub(crate) claims: Arc<Claims>,
    /// `None` while the credential is not known yet, and where there is none.
    pub(crate) credential: Option<SecretDigests>,
    /// Where there is none: what would be one.
    no_credential: Option<String>,
    /// The names of the parameters that it knows.
    pub(crate) parameters: Vec<String>,
    /// The names of the parts that are delivered beside the secret ones.
    pub(crate) public_parts: Vec<String>,
    pub(crate) clock: Clock,
    /// When this process met the issuer, or last minted there.
    quiet_since: Mutex<Timestamp>,
    /// What was told at a read already: kinds of refusal, and the clock.
    told: Mutex<BTreeSet<&'static str>>,
}

impl std::ops::Deref for Connected {
    type Target = Account;

    fn deref(&self) -> &Account {
        &self.account
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Connections {
    pub(crate) fn new(settings: Settings, maker: Arc<Maker>, clock: Clock) -> Self {
        Self {
            settings,
            maker,
            hosts: Hosts {
                limiters: Mutex::default(),
                clock: clock.clone(),
            },
            clock,
            claims: Arc::new(Claims::new()),
            made: Mutex::default(),
        }
    }

    /// The name that stands for an absent `issuer`: the only one there is.
    pub(crate) fn sole(&self) -> Option<&str> {
        let issuers = self.settings.issuers.as_ref()?;
        match issuers.len() {
            1 => issuers.keys().next().map(String::as_str),
            _ => None,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether it is known which issuers there are.
    pub(crate) fn known(&self) -> bool {
        self.settings.issuers.is_some()
    }

    /// Whether there is an issuer of this key.
    pub(crate) fn has(&self, name: &str) -> bool {
        let issuers = self.settings.issuers.as_ref();
        issuers.is_some_and(|issuers| issuers.contains_key(name))
    }

    /// The issuers at an endpoint, by whatever keys. Those that cannot be used are left out.
    pub(crate) fn at(&self, endpoint: &str, purpose: Purpose) -> Vec<Arc<Connected>> {
        let usable = self.usable(purpose);
        usable
            .filter(|connected| connected.issuer.endpoint() == endpoint)
            .collect()
    }

    /// Where there are issuers that can be used.
    pub(crate) fn endpoints(&self, purpose: Purpose) -> Vec<String> {
        let usable = self.usable(purpose);
        usable
            .map(|connected| connected.issuer.endpoint().to_owned())
            .collect()
    }

    fn usable(&self, purpose: Purpose) -> impl Iterator<Item = Arc<Connected>> {
        let issuers = self.settings.issuers.iter().flatten();
        issuers
            .filter_map(move |(name, settings)| self.available(name, settings).serve(purpose).ok())
    }

    /// What the resources of this run say is theirs.
    pub(crate) fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The issuer of a resource. `None` without an error means that it is not known yet.
    pub(crate) fn issuer(
        &self,
        name: Option<&str>,
        purpose: Purpose,
        diags: &mut Diagnostics,
    ) -> Option<Arc<Connected>> {
        let issuers = self.settings.issuers.as_ref()?;
        let path = ISSUER.path();
        if issuers.is_empty() {
            let detail = "The provider configures none. Add one to its issuers, such as issuers = { seeme = { profile = \"seeme\" } }.";
            diags.error_at(path, "There is no issuer", detail);
            return None;
        }
        let known = || issuers.keys().cloned().collect::<Vec<_>>().join(", ");
        let Some(name) = name.or_else(|| self.sole()) else {
            let detail = format!(
                "The provider configures several issuers ({}); name one of them.",
                known()
            );
            diags.error_at(path, "The issuer is missing", detail);
            return None;
        };
        let Some(settings) = issuers.get(name) else {
            let detail = format!(
                "The provider configures no issuer {name:?}; it knows {}.",
                known()
            );
            diags.error_at(path, "The issuer is not known", detail);
            return None;
        };
        match self.available(name, settings).serve(purpose) {
            Ok(connected) => Some(connected),
            Err(Refusal::Unknown) => None,
            Err(Refusal::Invalid(field, message)) => {
                let summary = format!("Issuer {name:?} cannot be used");
                let detail = format!("issuers[{name:?}].{field}: {message}");
                diags.error_at(path, summary, detail);
                None
            }
        }
    }

    fn available(&self, name: &str, settings: &IssuerSettings) -> Available {
        let cell = {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(made.entry(name.to_owned()).or_default())
        };
        let make = || {
            let FromSettings { only_by_hand, made } = (self.maker)(settings, &self.hosts);
            Available {
                only_by_hand,
                connected: made.map(|made| Arc::new(self.connect(name, settings, made))),
            }
        };
        cell.get_or_init(make).clone()
    }

    fn connect(&self, name: &str, settings: &IssuerSettings, made: MadeIssuer) -> Connected {
        let (credential, no_credential) = match made.credential {
            Given::Known(credential) => (Some(credential), None),
            Given::Unknown => (None, None),
            Given::Absent => (None, Some(made.credential_hint)),
        };
        Connected {
            name: name.to_owned(),
            account: Account::new(made.issuer, made.gate, RECHECK, self.clock.clone()),
            request_timeout: settings.request_timeout,
            manager: self.settings.manager.clone(),
            origin: self.settings.origin(),
            claims: Arc::clone(&self.claims),
            credential,
            no_credential,
            parameters: made.parameters,
            public_parts: made.public_parts,
            clock: self.clock.clone(),
            quiet_since: Mutex::new(self.clock.now()),
            told: Mutex::default(),
        }
    }
}

impl Available {
    fn serve(self, purpose: Purpose) -> Result<Arc<Connected>, Refusal> {
        match (purpose, self.only_by_hand) {
            (Purpose::Mint, Some(message)) => {
                return Err(Refusal::Invalid(PROFILE.as_str(), message));
            }
            (Purpose::Mint, None) | (Purpose::Adopt, _) => {}
        }
        let connected = self.connected?;
        match (purpose, &connected.no_credential) {
            (Purpose::Mint, Some(hint)) => Err(Refusal::Invalid(CREDENTIAL.as_str(), hint.clone())),
            (Purpose::Mint, None) | (Purpose::Adopt, _) => Ok(connected),
        }
    }
}

impl Connected {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Who the credential is, in the issuer's own words; asked once in a run.
    pub(crate) async fn identity(&self) -> Result<Option<Identity>, Error> {
        self.account.named_identity().await
    }

    /// A token of this issuer.
    pub(crate) fn reference(
        &self,
        id: TokenId,
        marker: Marker,
        parameters: &Parameters,
    ) -> TokenRef {
        TokenRef {
            id,
            marker,
            parameters: parameters.clone(),
            endpoint: self.issuer.endpoint().to_owned(),
            identity: None,
        }
    }

    /// Whether this run's requests authenticate with a token, as far as a resource of this run tells.
    pub(crate) fn is_credential(&self, id: &TokenId) -> bool {
        let fingerprint = self.claims.fingerprint(id);
        fingerprint.is_some_and(|fingerprint| self.authenticates_with(&fingerprint))
    }

    /// Whether this run's requests authenticate with the token of this fingerprint.
    pub(crate) fn authenticates_with(&self, fingerprint: &Fingerprint) -> bool {
        let own = self.credential.as_ref();
        own.is_some_and(|own| fingerprint.is_of(own))
    }

    /// Whether tokens of this state can be told from those of others.
    pub(crate) fn tells_states_apart(&self) -> bool {
        let named = self.manager.known().is_some();
        named && self.issuer.capabilities().lost_answer == LostAnswer::FindByMarker
    }

    /// From when on a listing shows what a destroy was decided about: it was planned before this process
    /// began, so that one listing serves all that are destroyed in a run.
    pub(crate) fn planned_at(&self) -> Timestamp {
        let quiet = *self
            .quiet_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        quiet.max(before(self.now(), PLANNED))
    }

    /// Whether a refusal of this kind is told now for the first time in this run. A pause is what came of an issuer
    /// that asked for fewer requests, and is told as that.
    pub(crate) fn tells(&self, kind: ErrorKind) -> bool {
        let kind = match kind {
            ErrorKind::Paused { .. } => ErrorKind::RateLimited { retry_after: None },
            other => other,
        };
        self.says_first(kind.name())
    }

    /// How far the clock here is ahead of the issuer's, as its latest answer in this run tells; `None` where none told.
    pub(crate) fn ahead(&self) -> Option<SignedDuration> {
        let apart = self.account.gate.apart();
        apart.map(|apart| apart.max(SignedDuration::ZERO))
    }

    /// The same, and negative where it is behind, if that is told now for the first time in this run.
    pub(crate) fn tells_of_clock(&self) -> Option<SignedDuration> {
        let apart = self.account.gate.apart()?;
        (!apart.is_zero() && self.says_first("clock")).then_some(apart)
    }

    fn says_first(&self, what: &'static str) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(what)
    }

    /// Something was minted.
    pub(crate) fn minted(&self, parameters: &Parameters) {
        *self
            .quiet_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = self.now();
        self.changed(parameters);
    }

    /// Something was minted or changed.
    pub(crate) fn changed(&self, parameters: &Parameters) {
        self.inventory.forget(parameters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_issuers_at_one_host_share_its_limiter() {
        let hosts = Hosts {
            limiters: Mutex::default(),
            clock: Clock::new(Timestamp::default),
        };
        let gates = ["a.example/one", "a.example/two", "a.example:8443/one"]
            .map(|endpoint| hosts.gate(&format!("https://{endpoint}")));
        let limiters = hosts.limiters.lock().unwrap();
        let used = limiters.values().map(Arc::strong_count);
        // The one that stands here, and that of each gate.
        assert_eq!(used.collect::<Vec<_>>(), [3, 2]);
        drop(gates);
    }
}
