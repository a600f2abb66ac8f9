//! Which tokens it was we who named, where the issuer shows no names: an id on record is all that their end rests
//! on there, and whoever may edit a status or a Secret could name anybody's.
//!
//! A token is sealed once it is minted, and whatever names it later carries the seal on.

use k8s_openapi::api::core::v1::Secret;
use tokenwright_core::{Carried, Record, TokenRef};

use crate::minted::managed::Managed;
use crate::minted::seen::{Seals, Seen};
use crate::minted::unended::left;
use crate::secret::delivery::{carried, vouches};

/// The most seals that a status keeps, as its definition says: of whom more are alive, a person ends.
const MOST: usize = 1024;

/// The most that nobody knows whose they are: those of the tokens of one manager before its key was lost.
const MOST_UNKNOWN: usize = 32;

/// The most that one process remembers, where no status keeps them.
const MOST_REMEMBERED: usize = 32;

impl Managed {
    /// Whether nobody else can have named this token. Where the issuer shows names, it tells itself.
    pub(crate) fn vouches(&self, token: &TokenRef) -> bool {
        if self.lists() {
            return true;
        }
        let seal = self.key.seal(token);
        let remembers = |seen: &mut Seen| {
            let seals = seen.seals.as_ref();
            seals.is_some_and(|seals| seals.0.contains(&seal))
        };
        self.known_seals().contains(&seal) || self.remember(remembers)
    }

    /// Whether the current token on record may be one that somebody else named.
    pub(crate) fn is_unsealed(&self) -> bool {
        let current = self.record.current.as_ref();
        current.is_some_and(|held| !self.vouches(&held.token))
    }

    /// What the Secret says under our seal of the token whose value it holds, where the record names another one
    /// for that value, and without a seal: somebody edited the status.
    pub(crate) fn denied(&self, secret: Option<&Secret>) -> Option<Carried> {
        let secret = secret.filter(|_| self.is_unsealed())?;
        let says = carried(secret, &self.manager)?;
        let sealed = vouches(secret, &says.current.token, &self.key);
        (sealed && self.holds_the_recorded(&self.parts_in(secret))).then_some(says)
    }

    /// Remembers that this process minted a token, or read in a Secret that one before it did.
    pub(crate) fn sealed(&self, token: &TokenRef) {
        if self.vouches(token) {
            return;
        }
        let seal = self.key.seal(token);
        self.remember(|seen| {
            let Seals(seals) = &mut **seen.seals.get_or_insert_default();
            // What a status keeps needs no memory.
            seals.retain(|seal| !self.known_seals().contains(seal));
            seals.push(seal);
            let older = seals.len().saturating_sub(MOST_REMEMBERED);
            seals.drain(..older);
        });
    }

    /// The same of each token that a Secret names under a seal.
    pub(crate) fn sealed_in(&self, secret: &Secret) {
        if self.lists() {
            return;
        }
        let says = carried(secret, &self.manager);
        let says = says.as_ref();
        let current = says.map(|says| &says.current.token);
        let retiring = says.iter().flat_map(|says| &says.retiring);
        let named = current.into_iter().chain(retiring.map(|old| &old.token));
        named
            .filter(|token| vouches(secret, token, &self.key))
            .for_each(|token| self.sealed(token));
    }

    /// What shows of those of these tokens that were sealed that they were.
    pub(crate) fn seals<'a>(&self, tokens: impl Iterator<Item = &'a TokenRef>) -> Vec<String> {
        if self.lists() {
            return Vec::new();
        }
        let sealed = tokens.filter(|token| self.vouches(token));
        sealed.map(|token| self.key.seal(token)).collect()
    }

    /// The seals of a status that remembers this record. Those of another key stay while there is a token that they
    /// may be of: it may be the right key.
    pub(crate) fn seals_of(&self, record: &Record) -> Vec<String> {
        let mut seals = self.seals(left(record));
        if !left(record).all(|token| self.vouches(token)) {
            let known: Vec<_> = left(&self.record).map(|t| self.key.seal(t)).collect();
            let unknown = self.known_seals().iter();
            let unknown = unknown.filter(|seal| !known.contains(seal));
            seals.extend(unknown.take(MOST_UNKNOWN).cloned());
        }
        seals.truncate(MOST);
        seals
    }

    fn known_seals(&self) -> &[String] {
        let status = self.object.status.as_ref();
        status.map_or(&[], |status| status.seals.as_slice())
    }
}
