//! Who in this run says of a token: that one is mine.
//!
//! A listing shows tokens of all resources of a Terraform state; one that no resource claims may be left of
//! a create that was killed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

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
}

/// A resource of this state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The wanted name of its tokens.
    pub(crate) name: String,
    /// What the first nonces of the run that created it begin with.
    pub(crate) run: Option<String>,
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
        }
    }

    pub(crate) fn claim(&self, manager: ManagerId, claim: Claim) {
        let claimed = self.claimed.lock();
        claimed
            .unwrap_or_else(PoisonError::into_inner)
            .insert(manager, claim);
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
