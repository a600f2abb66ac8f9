//! A complete listing: what an issuer shows, found by whose it is.

use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::OnceLock;

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::{ManagerId, Marker, Parameters, TokenId};

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
    /// Thousands of managers ask the same listing, each for its own two.
    by_manager: OnceLock<Places>,
    by_id: OnceLock<Places>,
}

/// Where tokens are in a listing, in the order of the numbers that stand for what they are found by.
#[derive(Debug, Clone)]
struct Places(Vec<(u32, u32)>);

impl Places {
    fn by(numbered: impl Iterator<Item = (u32, u32)>) -> Self {
        let mut places: Vec<_> = numbered.map(|(at, number)| (number, at)).collect();
        places.sort_unstable();
        places.shrink_to_fit();
        Self(places)
    }

    /// Where something may be: another one may be stood for by the same number.
    fn of(&self, sought: &impl Hash) -> impl Iterator<Item = usize> {
        let sought = stands_for(sought);
        let from = self.0.partition_point(|(number, _)| *number < sought);
        let same = self.0.get(from..).unwrap_or_default().iter();
        let same = same.take_while(move |(number, _)| *number == sought);
        same.filter_map(|(_, at)| usize::try_from(*at).ok())
    }
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

    /// The token of this id, where it shows one.
    #[must_use]
    pub fn find(&self, id: &TokenId) -> Option<&Token> {
        let by_id = self.by_id.get_or_init(|| {
            let tokens = (0..).zip(&self.tokens);
            Places::by(tokens.map(|(at, token)| (at, stands_for(&token.id))))
        });
        let mut found = by_id.of(id).filter_map(|at| self.tokens.get(at));
        found.find(|token| token.id == *id)
    }

    /// Whether it shows a token of this id.
    #[must_use]
    pub fn shows(&self, id: &TokenId) -> bool {
        self.find(id).is_some()
    }

    /// The tokens that carry a marker of this manager, of whatever origin, in the order of the listing.
    pub fn of_manager(&self, manager: &ManagerId) -> impl Iterator<Item = (&Token, Marker)> {
        let by_manager = self.by_manager.get_or_init(|| {
            let tokens = (0..).zip(&self.tokens);
            Places::by(
                tokens.filter_map(|(at, token)| Some((at, stands_for(&token.marker()?.manager)))),
            )
        });
        let own = by_manager.of(manager).filter_map(|at| {
            let token = self.tokens.get(at)?;
            Some((token, token.marker()?))
        });
        own.filter(|(_, marker)| marker.manager == *manager)
    }
}

/// A number in place of what is sought: each listing has thousands.
fn stands_for(sought: &impl Hash) -> u32 {
    let mut hasher = DefaultHasher::new();
    sought.hash(&mut hasher);
    let [a, b, c, d, ..] = hasher.finish().to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
