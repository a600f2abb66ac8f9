//! The sandbox's ledger, as its admin API tells it.

use jiff::Timestamp;
use serde::Deserialize;

/// Every token that was minted, and the numbers.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Ledger {
    pub(super) tokens: Vec<Life>,
    pub(super) summary: Summary,
}

/// One token from mint to end.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Life {
    pub(super) system: String,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) minted_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) revoked_at: Option<Timestamp>,
}

/// The ledger in four numbers.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Summary {
    pub(super) minted: usize,
    pub(super) revoked: usize,
    pub(super) expired: usize,
    pub(super) live: usize,
}

impl Ledger {
    /// How many tokens of a system were minted.
    pub(super) fn minted(&self, system: &str) -> usize {
        self.of(system).count()
    }

    /// The tokens of a system that have not ended.
    pub(super) fn live(&self, system: &str) -> Vec<&Life> {
        self.of(system)
            .filter(|life| life.ended_at.is_none())
            .collect()
    }

    fn of<'a>(&'a self, system: &str) -> impl Iterator<Item = &'a Life> {
        self.tokens.iter().filter(move |life| life.system == system)
    }
}
