//! A complete listing: what an issuer shows, found by whose it is.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::OnceLock;

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::{ManagerId, Parameters, TokenId};

use crate::issuer::Token;

/// A complete listing, as evidence.
#[derive(Debug, Clone)]
pub struct Listing {
    /// When it was started.
    pub started_at: Timestamp,
    /// How long it took, its turns at the issuer among it.
    pub took: SignedDuration,
    /// The parameters that it was asked with.
    pub parameters: Parameters,
    /// Every token that it shows.
    pub tokens: Vec<Token>,
    /// Where in `tokens` those of a manager are, in the order of what stands for managers. Thousands of managers
    /// ask the same listing, each for its own two.
    by_manager: OnceLock<Vec<(u64, usize)>>,
    /// Where each is, in the order of their ids.
    by_id: OnceLock<Vec<usize>>,
}

impl Listing {
    /// What an issuer showed.
    #[must_use]
    pub fn new(started_at: Timestamp, parameters: Parameters, tokens: Vec<Token>) -> Self {
        Self {
            started_at,
            took: SignedDuration::ZERO,
            parameters,
            tokens,
            by_manager: OnceLock::new(),
            by_id: OnceLock::new(),
        }
    }

    /// The same, which took so long.
    #[must_use]
    pub fn taking(self, took: SignedDuration) -> Self {
        Self { took, ..self }
    }

    /// Whether it shows a token of this id.
    #[must_use]
    pub fn shows(&self, id: &TokenId) -> bool {
        let id_at = |at: &usize| self.tokens.get(*at).map(|token| &token.id);
        let by_id = self.by_id.get_or_init(|| {
            let mut all: Vec<_> = (0..self.tokens.len()).collect();
            all.sort_by(|one, other| id_at(one).cmp(&id_at(other)));
            all
        });
        by_id
            .binary_search_by(|at| id_at(at).cmp(&Some(id)))
            .is_ok()
    }

    /// The tokens that carry a marker of this manager, of whatever origin, in the order of the listing.
    pub fn of_manager(&self, manager: &ManagerId) -> impl Iterator<Item = &Token> {
        let all = self.by_manager.get_or_init(|| self.managers());
        let sought = stands_for(manager);
        let from = all.partition_point(|(other, _)| *other < sought);
        let own = all.get(from..).unwrap_or_default().iter();
        let own = own.take_while(move |(other, _)| *other == sought);
        let own = own.filter_map(|(_, at)| self.tokens.get(*at));
        // Two managers may be stood for by the same number.
        own.filter(|token| {
            token
                .marker()
                .is_some_and(|marker| marker.manager == *manager)
        })
    }

    fn managers(&self) -> Vec<(u64, usize)> {
        let tokens = self.tokens.iter().enumerate();
        let managers =
            tokens.filter_map(|(at, token)| Some((stands_for(&token.marker()?.manager), at)));
        let mut managers: Vec<_> = managers.collect();
        managers.sort_unstable();
        managers
    }
}

/// A number in place of a manager: each listing has thousands.
fn stands_for(manager: &ManagerId) -> u64 {
    let mut hasher = DefaultHasher::new();
    manager.hash(&mut hasher);
    hasher.finish()
}
