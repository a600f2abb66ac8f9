//! The sandbox's ledger, as its admin API tells it.

use jiff::Timestamp;
use serde::Deserialize;

/// Every token that was minted, and the numbers.
#[derive(Debug, Clone, Deserialize)]
pub struct Ledger {
    /// Every minted token, oldest first.
    pub tokens: Vec<Life>,
    /// The numbers.
    pub summary: Summary,
}

/// One token from mint to end.
#[derive(Debug, Clone, Deserialize)]
pub struct Life {
    /// Which system it belongs to.
    pub system: String,
    /// Its id.
    pub id: String,
    /// Its name, marker included.
    pub name: String,
    /// When it was minted.
    pub minted_at: Timestamp,
    /// When it stopped to exist.
    pub ended_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// The ledger in four numbers.
#[derive(Debug, Clone, Deserialize)]
pub struct Summary {
    /// Minted through the API.
    pub minted: usize,
    /// Ended, expired ones included.
    pub revoked: usize,
    /// Ended by expiry.
    pub expired: usize,
    /// Not ended.
    pub live: usize,
}

impl Ledger {
    /// How many tokens of a system were minted.
    #[must_use]
    pub fn minted(&self, system: &str) -> usize {
        self.of(system).count()
    }

    /// The tokens of a system that have not ended.
    #[must_use]
    pub fn live(&self, system: &str) -> Vec<&Life> {
        self.of(system)
            .filter(|life| life.ended_at.is_none())
            .collect()
    }

    fn of<'a>(&'a self, system: &str) -> impl Iterator<Item = &'a Life> {
        self.tokens.iter().filter(move |life| life.system == system)
    }
}
