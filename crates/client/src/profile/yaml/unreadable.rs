//! What cannot be read, and where it stands.

use std::fmt;

use serde::de;
use serde_saphyr::{DefaultMessageFormatter, Location, MessageFormatter as _};

/// Line and column, both from 1 and in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::profile) struct Place {
    pub(in crate::profile) line: usize,
    pub(in crate::profile) column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} column {}", self.line, self.column)
    }
}

impl Place {
    /// Nothing where the parser has lost it, which it tells by zero.
    pub(super) fn of(location: &Location) -> Option<Self> {
        let line = usize::try_from(location.line()).ok()?;
        let column = usize::try_from(location.column()).ok()?;
        (line > 0 && column > 0).then_some(Self { line, column })
    }
}

/// A text that is no YAML, or means something else than was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(in crate::profile) struct Unreadable {
    message: String,
    pub(in crate::profile) place: Option<Place>,
}

impl Unreadable {
    /// The same, told at this place unless the place is known better.
    pub(super) fn at(mut self, location: &Location) -> Self {
        self.place = self.place.or_else(|| Place::of(location));
        self
    }

    /// What and where, for whoever has no place to tell it at.
    pub(in crate::profile) fn told(&self) -> String {
        match self.place {
            Some(place) => format!("{place}: {self}"),
            None => self.to_string(),
        }
    }
}

impl de::Error for Unreadable {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            message: message.to_string(),
            place: None,
        }
    }
}

impl From<serde_saphyr::Error> for Unreadable {
    fn from(error: serde_saphyr::Error) -> Self {
        // Its own text would name the place a second time.
        let message = DefaultMessageFormatter.format_message(error.without_snippet());
        Self {
            message: message.into_owned(),
            place: error.location().as_ref().and_then(Place::of),
        }
    }
}
