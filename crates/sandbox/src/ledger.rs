//! The ledger: what happened to every token that was minted through the API, or made by a person in
//! the console.
//!
//! It does not count the management credential, nor the key of a login.
//! Expiry is no event that anybody causes; it is computed when the ledger is read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::{Db, StoreError, Token};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The token was minted, or made in the console.
    Mint,
    /// Its value authenticated a request.
    Use,
    /// Its value was presented after it had stopped to authenticate.
    Refused,
    /// Its description, expiry or scopes were changed.
    Update,
    /// It was disabled.
    Disable,
    /// It was enabled again.
    Enable,
    /// It was revoked by a request.
    Revoke,
    /// Its expiry passed before anybody revoked it.
    Expire,
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// The system's name.
    pub system: String,
    /// What happened.
    pub what: What,
    /// The token's id.
    pub id: String,
    /// The token's name or description now.
    pub name: String,
    /// The token's scopes; null where the system has none.
    pub scopes: Option<Vec<String>>,
    /// The SHA-256 of the value, in hex.
    pub sha256: String,
    /// `credential`, `console`, or the id of the token whose value authenticated the request; null for an expiry.
    pub by: Option<String>,
    /// The operation that caused it; null for an expiry.
    pub operation: Option<String>,
}

/// One token from birth to end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Life {
    /// The system's name.
    pub system: String,
    /// The token's id.
    pub id: String,
    /// The token's name or description.
    pub name: String,
    /// The SHA-256 of the value, in hex.
    pub sha256: String,
    /// When it was minted.
    pub minted_at: Timestamp,
    /// When it expires or expired; null is never.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it stopped to exist, by whichever came first; null while it lives.
    pub ended_at: Option<Timestamp>,
    /// Whether it is disabled.
    pub disabled: bool,
    /// Whether a person made it in the console; all others were minted through the API.
    #[serde(default)]
    pub by_hand: bool,
}

/// The ledger in numbers; `minted` is always `revoked` plus `live`, and knows only the API.
///
/// What people made in the console is counted apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Tokens minted through the API.
    pub minted: usize,
    /// Tokens that ended, those that expired included.
    pub revoked: usize,
    /// Tokens that ended because their expiry passed.
    pub expired: usize,
    /// Tokens that were neither revoked nor expired; disabled ones live.
    pub live: usize,
    /// Tokens that people made in the console.
    #[serde(default)]
    pub made_by_hand: usize,
    /// Those of them that were neither revoked nor expired.
    #[serde(default)]
    pub made_by_hand_live: usize,
}

/// Every event, every life and the numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// What happened, oldest first.
    pub events: Vec<Entry>,
    /// The tokens, oldest first.
    pub tokens: Vec<Life>,
    /// The numbers.
    pub summary: Summary,
}

impl Ledger {
    pub(crate) fn read(db: &Db<'_>, systems: &[&str], now: Timestamp) -> Result<Self, StoreError> {
        let mut ledger = Self::default();
        for system in systems {
            for stored in db.events(system)? {
                if let Some(what) = what(&stored.what) {
                    let mut entry = entry(&stored.token, what, stored.at);
                    entry.by = Some(stored.actor);
                    entry.operation = Some(stored.operation);
                    ledger.events.push(entry);
                }
            }
            for token in db.all(system)?.into_iter().filter(Token::counts) {
                ledger.count(&token, now);
            }
        }
        // Stable: what happened within one microsecond keeps the order in which it was written.
        ledger.events.sort_by_key(|entry| entry.at);
        ledger.tokens.sort_by_key(|life| life.minted_at);
        Ok(ledger)
    }

    fn count(&mut self, token: &Token, now: Timestamp) {
        let expired = token
            .expires
            .filter(|expires| *expires <= token.deleted.unwrap_or(now));
        let ended = expired.or(token.deleted);
        let summary = &mut self.summary;
        if token.by_hand {
            summary.made_by_hand += 1;
            summary.made_by_hand_live += usize::from(ended.is_none());
        } else {
            summary.minted += 1;
            summary.revoked += usize::from(ended.is_some());
            summary.live += usize::from(ended.is_none());
            summary.expired += usize::from(expired.is_some());
        }
        if let Some(at) = expired {
            self.events.push(entry(token, What::Expire, at));
        }
        self.tokens.push(Life {
            system: token.system.clone(),
            id: token.id.clone(),
            name: token.name.clone(),
            sha256: token.sha256.clone(),
            minted_at: token.created,
            expires_at: token.expires,
            revoked_at: token.deleted,
            ended_at: ended,
            disabled: token.disabled,
            by_hand: token.by_hand,
        });
    }
}

fn entry(token: &Token, what: What, at: Timestamp) -> Entry {
    Entry {
        at,
        system: token.system.clone(),
        what,
        id: token.id.clone(),
        name: token.name.clone(),
        scopes: token.scopes.clone(),
        sha256: token.sha256.clone(),
        by: None,
        operation: None,
    }
}

impl What {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mint => "mint",
            Self::Use => "use",
            Self::Refused => "refused",
            Self::Update => "update",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Revoke => "revoke",
            Self::Expire => "expire",
        }
    }
}

fn what(name: &str) -> Option<What> {
    [
        What::Mint,
        What::Use,
        What::Refused,
        What::Update,
        What::Disable,
        What::Enable,
        What::Revoke,
        What::Expire,
    ]
    .into_iter()
    .find(|what| what.name() == name)
}
