//! What is wrong with a profile, and where.

use std::fmt;

use serde_saphyr::{DefaultMessageFormatter, MessageFormatter as _};

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
            Some(Place { line, column }) => {
                write!(f, "profile is wrong at line {line} column {column}")
            }
            None => f.write_str("profile is wrong"),
        }
    }
}

/// Line and column, both from 1 and in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    // Its own text would name the place a second time.
    #[error("{}", DefaultMessageFormatter.format_message(.0.without_snippet()))]
    Yaml(Box<serde_saphyr::Error>),
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
            Self::Yaml(error) => {
                let at = error.location()?;
                let line = usize::try_from(at.line()).ok()?;
                let column = usize::try_from(at.column()).ok()?;
                // Zero stands for a place that the parser has lost.
                (line > 0 && column > 0).then_some(Place { line, column })
            }
            Self::Expression { place, .. } | Self::Field { place, .. } => *place,
            Self::TooLong => None,
        }
    }
}
