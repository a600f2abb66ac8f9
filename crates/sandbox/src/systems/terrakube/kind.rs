//! The two kinds of token, and the paths by which they are told apart.

/// The two kinds of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    Team,
}

impl Kind {
    /// How a stored token remembers its kind.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Team => "team",
        }
    }

    /// The kind that a path's tokens have, and what follows in the path.
    pub(super) fn of<'p>(path: &'p [&'p str]) -> Option<(Self, &'p [&'p str])> {
        match path {
            ["pat", "v1", rest @ ..] => Some((Self::User, rest)),
            ["access-token", "v1", "teams", rest @ ..] => Some((Self::Team, rest)),
            _ => None,
        }
    }
}
