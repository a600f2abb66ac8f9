//! Who in this run says of a token: that one is mine.
//!
//! A listing shows tokens of all resources of a Terraform state; one that no resource claims may be left of
//! a create that was killed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokenwright_client::account::SecretDigests;
use tokenwright_core::{ManagerId, Nonce, TokenId};

/// So many characters of a first nonce are those of its run.
const RUN: usize = 3;

/// What the calls of one run told.
#[derive(Debug)]
pub(crate) struct Claims {
    /// The first nonces of this run begin so.
    run: [u8; 2],
    claimed: Mutex<BTreeMap<ManagerId, Claim>>,
    /// Tokens without a resource that a message of this run named.
    named: Mutex<BTreeSet<TokenId>>,
    /// Tokens that this run minted.
    minted: Mutex<BTreeMap<TokenId, Fresh>>,
}

/// How a token came that this run minted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fresh {
    /// As the first of its resource.
    First,
    /// In place of another.
    Successor,
}

/// A resource of this state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Claim {
    /// What tells it from another resource that has the same tokens, as after an import.
    pub(crate) instance: String,
    /// The wanted name of its tokens.
    pub(crate) name: String,
    /// What the first nonces of the run that created it begin with.
    pub(crate) run: Option<String>,
    /// Its current token; none where it has no token, or is gone.
    pub(crate) current: Option<TokenId>,
    /// The names at the issuer of its tokens.
    pub(crate) names: BTreeMap<TokenId, String>,
    /// By which a run knows whether one of them is its own credential.
    pub(crate) fingerprints: BTreeMap<TokenId, Fingerprint>,
}

/// A keyed digest of a token's value, by which a credential is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    #[serde(rename = "k")]
    key: String,
    #[serde(rename = "d")]
    digest: String,
}

impl Fingerprint {
    pub(crate) fn new(key: &str, digest: String) -> Self {
        let key = key.to_owned();
        Self { key, digest }
    }

    pub(crate) fn is_of(&self, credential: &SecretDigests) -> bool {
        credential.keyed(self.key.as_bytes()) == self.digest
    }
}

impl Claims {
    pub(crate) fn new() -> Self {
        let mut run = [0; 2];
        // Without randomness nothing can be minted either.
        let _ = getrandom::fill(&mut run);
        Self {
            run,
            claimed: Mutex::default(),
            named: Mutex::default(),
            minted: Mutex::default(),
        }
    }

    pub(crate) fn claim(&self, manager: ManagerId, claim: Claim) {
        let claimed = self.claimed.lock();
        claimed
            .unwrap_or_else(PoisonError::into_inner)
            .insert(manager, claim);
    }

    /// Whether another resource of this run has the tokens of this manager, too.
    pub(crate) fn shared(&self, manager: &ManagerId, instance: &str) -> bool {
        let claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        let claim = claimed.get(manager).filter(|claim| claim.current.is_some());
        claim.is_some_and(|claim| claim.instance != instance)
    }

    /// The resource is gone, and its tokens are nobody's.
    pub(crate) fn gone(&self, manager: &ManagerId) {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(claim) = claimed.get_mut(manager) {
            claim.current = None;
        }
    }

    /// The name at the issuer of a token of a resource of this run.
    pub(crate) fn name_of(&self, id: &TokenId) -> Option<String> {
        self.find(|claim| claim.names.get(id).cloned())
    }

    /// Whether a token is the current one of a resource of this run.
    pub(crate) fn is_current(&self, id: &TokenId) -> bool {
        let current = |claim: &Claim| (claim.current.as_ref() == Some(id)).then_some(());
        self.find(current).is_some()
    }

    /// This run minted a token.
    pub(crate) fn mints(&self, id: TokenId, how: Fresh) {
        let mut minted = self.minted.lock().unwrap_or_else(PoisonError::into_inner);
        minted.insert(id, how);
    }

    /// Whether this run minted a token, so that nobody can mean to end it, and how it came.
    pub(crate) fn fresh(&self, id: &TokenId) -> Option<Fresh> {
        let minted = self.minted.lock().unwrap_or_else(PoisonError::into_inner);
        minted.get(id).copied()
    }

    /// By which a token of a resource of this run is known where it is a credential.
    pub(crate) fn fingerprint(&self, id: &TokenId) -> Option<Fingerprint> {
        self.find(|claim| claim.fingerprints.get(id).cloned())
    }

    fn find<T>(&self, of: impl Fn(&Claim) -> Option<T>) -> Option<T> {
        let claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.values().find_map(of)
    }

    pub(crate) fn claimed(&self, manager: &ManagerId) -> bool {
        let claimed = self.claimed.lock();
        claimed
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(manager)
    }

    /// Whether the run of this first mint left a resource with tokens of this name: one that was killed
    /// leaves none, and where there are several of one name, not all may have spoken yet.
    pub(crate) fn lived(&self, first: &Nonce, name: &str) -> bool {
        let claimed = self.claimed.lock();
        let claimed = claimed.unwrap_or_else(PoisonError::into_inner);
        let mut same = claimed.values().filter(|claim| claim.name == name);
        same.any(|claim| claim.run.as_deref() == Some(run_of(first)))
    }

    /// Whether it is the first time in this run that this token is named.
    pub(crate) fn first_named(&self, id: &TokenId) -> bool {
        let named = self.named.lock();
        named
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.clone())
    }

    /// The nonce of a first mint, which tells tokens of this run from those of another.
    pub(crate) fn first_nonce(&self, random: [u8; 3]) -> Nonce {
        let ([a, b], [c, d, e]) = (self.run, random);
        Nonce::from_bytes([a, b, c, d, e])
    }
}

/// The run that a first nonce is of.
pub(crate) fn run_of(nonce: &Nonce) -> &str {
    nonce.as_str().get(..RUN).unwrap_or_default()
}
