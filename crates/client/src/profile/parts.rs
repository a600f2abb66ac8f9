//! The parts of a credential that a request needs.

use super::plan::{AuthPlan, User};

impl AuthPlan {
    /// The parts that it sends or signs with.
    pub(super) fn parts(&self) -> Vec<&str> {
        match self {
            Self::Header { part, .. } => vec![part],
            Self::Headers(headers) => headers.iter().map(|header| header.part.as_str()).collect(),
            Self::Basic { user, password, .. } => {
                user.part().into_iter().chain(password.as_deref()).collect()
            }
            Self::Digest { user, password } => {
                user.part().into_iter().chain([password.as_str()]).collect()
            }
            Self::Sigv4(plan) => vec![&plan.key_id, &plan.secret],
        }
    }
}

impl User {
    /// The part that it is.
    fn part(&self) -> Option<&str> {
        match self {
            Self::Part(part) => Some(part),
            Self::Text(_) => None,
        }
    }
}
