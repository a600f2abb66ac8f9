//! What is told of a token beside which one it is, and how long it lives.

use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};

use jiff::Timestamp;

/// What a brief listing leaves out: where nothing is told, it takes no room.
#[derive(Debug, Clone, Default)]
pub struct Details(Option<Box<Told>>);

/// The details themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The scopes as the system made them, which may be more than was asked.
    pub scopes: BTreeSet<String>,
    /// Who owns it, in the system's own words.
    pub owner: Option<String>,
    /// When it was minted.
    pub created_at: Option<Timestamp>,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

static NOTHING: Told = Told {
    scopes: BTreeSet::new(),
    owner: None,
    created_at: None,
    last_used_at: None,
};

impl Details {
    /// About how many bytes they take beside their texts.
    pub(super) fn weight(&self) -> usize {
        self.0
            .as_ref()
            .map_or(0, |_| size_of::<Told>().saturating_add(16))
    }
}

impl From<Told> for Details {
    fn from(told: Told) -> Self {
        Self(Some(Box::new(told)))
    }
}

impl Deref for Details {
    type Target = Told;

    fn deref(&self) -> &Told {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for Details {
    fn deref_mut(&mut self) -> &mut Told {
        self.0.get_or_insert_default()
    }
}

impl PartialEq for Details {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Details {}
