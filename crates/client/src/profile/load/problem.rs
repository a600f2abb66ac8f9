//! What is wrong with a profile, and where.

use std::fmt;

use crate::profile::yaml::{Place, Unreadable};
use crate::text::InvalidExpression;

/// The most bytes of a profile: the longest so far has 4 KiB.
pub(super) const FILE_MAX: usize = 256 * 1024;

/// A profile that cannot be used. What is wrong with it is its source.
#[derive(Debug, thiserror::Error)]
pub struct InvalidProfile(#[from] Problem);

impl InvalidProfile {
    /// The line, from 1, where it is known.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.0.place().map(|place| place.line)
    }

    /// The column in characters, from 1, where the line is known.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        self.0.place().map(|place| place.column)
    }
}

impl fmt::Display for InvalidProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.place() {
            Some(place) => write!(f, "profile is wrong at {place}"),
            None => f.write_str("profile is wrong"),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error(transparent)]
    Yaml(#[from] Unreadable),
    #[error("{problem}")]
    Expression {
        place: Option<Place>,
        problem: InvalidExpression,
    },
    #[error("{field}: {problem}")]
    Field {
        place: Option<Place>,
        field: String,
        problem: String,
    },
    #[error("it is longer than {FILE_MAX} bytes")]
    TooLong,
}

impl Problem {
    fn place(&self) -> Option<Place> {
        match self {
            Self::Yaml(error) => error.place,
            Self::Expression { place, .. } | Self::Field { place, .. } => *place,
            Self::TooLong => None,
        }
    }
}
