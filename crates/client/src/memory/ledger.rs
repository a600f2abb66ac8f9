//! The issuer's own books, and the hand of a person at the vendor's console.

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokenwright_core::TokenId;

use super::entry::Entry;
use super::world::World;
use super::{MemoryIssuer, MintedToken, Request};
use crate::error::Operation;

impl MemoryIssuer {
    /// Every token ever minted, in order.
    #[must_use]
    pub fn minted(&self) -> Vec<MintedToken> {
        self.books(|_| true)
    }

    /// The tokens that are neither revoked nor expired; disabled ones are among them.
    #[must_use]
    pub fn live(&self) -> Vec<MintedToken> {
        let now = self.clock.now();
        self.books(|entry| entry.is_live(now))
    }

    /// The tokens that were revoked, by request or by hand.
    #[must_use]
    pub fn revoked(&self) -> Vec<MintedToken> {
        self.books(|entry| entry.revoked_at.is_some())
    }

    /// Every request, in the order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.world().requests.clone()
    }

    /// How many requests of one operation arrived.
    #[must_use]
    pub fn count(&self, operation: Operation) -> u32 {
        self.world().counts.get(&operation).copied().unwrap_or(0)
    }

    /// The token whose value has a part with this text, dead or alive.
    #[must_use]
    pub fn owner_of(&self, part: &str) -> Option<MintedToken> {
        let parts = &self.settings.value_parts;
        let mut owners = self.books(|entry| parts.keys().any(|name| entry.secret(name) == part));
        owners.pop()
    }

    /// Whether this text, as a part of a value, authenticates now.
    #[must_use]
    pub fn accepts(&self, part: &str) -> bool {
        let (now, world) = (self.clock.now(), self.settled());
        let names = || self.settings.value_parts.keys();
        let mut entries = world.entries.iter();
        entries.any(|e| e.authenticates(now) && names().any(|name| e.secret(name) == part))
    }

    /// A person revokes a token; whether there was one.
    pub fn revoke_by_hand(&self, id: &TokenId) -> bool {
        let now = self.clock.now();
        self.by_hand(id, |entry| entry.revoked_at = Some(now))
    }

    /// A person switches a token; whether there was one.
    pub fn enable_by_hand(&self, id: &TokenId, enabled: bool) -> bool {
        self.by_hand(id, |entry| entry.token.enabled = Some(enabled))
    }

    /// A person renames a token; whether there was one.
    pub fn rename_by_hand(&self, id: &TokenId, name: &str) -> bool {
        self.by_hand(id, |entry| entry.token.name = Some(name.to_owned()))
    }

    /// A person grants a token other scopes; whether there was one.
    pub fn grant_by_hand(&self, id: &TokenId, scopes: &[&str]) -> bool {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned());
        self.by_hand(id, |entry| entry.token.details.scopes = scopes.collect())
    }

    /// A value stops to authenticate though its token is shown as before; whether there was one.
    pub fn kill_value(&self, id: &TokenId) -> bool {
        self.by_hand(id, |entry| entry.born_dead = true)
    }

    fn by_hand(&self, id: &TokenId, hand: impl FnOnce(&mut Entry)) -> bool {
        self.settled().entry(id).map(hand).is_some()
    }

    fn books(&self, keep: impl Fn(&Entry) -> bool) -> Vec<MintedToken> {
        let world = self.settled();
        let kept = world.entries.iter().filter(|entry| keep(entry));
        kept.map(|entry| MintedToken {
            token: entry.token.clone(),
            marker: entry.marker.clone(),
            parameters: entry.parameters.clone(),
            minted_at: entry.minted_at,
            revoked_at: entry.revoked_at,
            born_dead: entry.born_dead,
        })
        .collect()
    }

    /// The world after everything landed whose time has come.
    pub(super) fn settled(&self) -> std::sync::MutexGuard<'_, World> {
        let now: Timestamp = self.clock.now();
        let mut world = self.world();
        world.settle(&self.settings, now);
        world
    }
}

impl World {
    /// The entry whose value these are the digests of.
    pub(super) fn entry_of(&self, digests: &[(String, [u8; 32])]) -> Option<&Entry> {
        let is_of = |entry: &&Entry| {
            let mut parts = digests.iter();
            parts.all(|(name, digest)| {
                let secret: [u8; 32] = Sha256::digest(entry.secret(name)).into();
                secret == *digest
            })
        };
        match digests.is_empty() {
            true => None,
            false => self.entries.iter().find(is_of),
        }
    }
}
