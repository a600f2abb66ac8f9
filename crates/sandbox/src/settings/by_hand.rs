//! The switches that the systems share whose tokens only a person can make.

use http::StatusCode;
use serde::{Deserialize, Serialize};

/// With which status a value is refused that authenticates no more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadAs {
    /// 401.
    #[default]
    Unauthorized,
    /// 403.
    Forbidden,
}

impl DeadAs {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
        }
    }
}
