//! What a profile is compiled to.

use std::collections::BTreeMap;

use http::{HeaderName, Method};
use jiff::SignedDuration;

use super::expression::{Compiled, Template, Tree};
use super::file::{self, Unit};
use crate::error::ErrorKind;

/// The compiled part of a profile.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) unit: Unit,
    pub(super) never: file::Never,
    pub(super) auth: AuthPlan,
    pub(super) token: TokenPlan,
    pub(super) value: Vec<(String, String, usize)>,
    pub(super) public: Vec<(String, Compiled)>,
    pub(super) check: Option<CheckPlan>,
    pub(super) identity: Option<(CallPlan, Compiled)>,
    pub(super) mint: MintPlan,
    pub(super) get: Option<CallPlan>,
    pub(super) list: Option<ListPlan>,
    pub(super) update: Option<CallPlan>,
    pub(super) toggle: Option<CallPlan>,
    pub(super) enable: Option<CallPlan>,
    pub(super) disable: Option<CallPlan>,
    pub(super) revoke: Option<CallPlan>,
    pub(super) errors: Option<(Compiled, BTreeMap<String, ErrorKind>)>,
}

#[derive(Debug)]
pub(super) enum AuthPlan {
    Header {
        name: HeaderName,
        prefix: String,
        part: String,
    },
    Basic {
        user: String,
        password: String,
    },
}

#[derive(Debug)]
pub(super) struct TokenPlan {
    pub(super) id: Compiled,
    pub(super) name: Option<Compiled>,
    pub(super) scopes: Option<Compiled>,
    pub(super) owner: Option<Compiled>,
    pub(super) created: Option<Compiled>,
    pub(super) expires: Option<Compiled>,
    pub(super) used: Option<Compiled>,
    pub(super) enabled: Option<Compiled>,
}

#[derive(Debug)]
pub(super) struct CallPlan {
    pub(super) method: Method,
    pub(super) path: Template,
    pub(super) query: Vec<(String, Tree)>,
    pub(super) body: Option<Tree>,
    pub(super) gone: Vec<u16>,
    pub(super) unsure: Vec<u16>,
}

#[derive(Debug)]
pub(super) struct CheckPlan {
    pub(super) call: CallPlan,
    pub(super) alive: Vec<u16>,
    pub(super) dead: Vec<u16>,
}

#[derive(Debug)]
pub(super) struct MintPlan {
    pub(super) call: CallPlan,
    pub(super) idempotency_header: Option<HeaderName>,
    pub(super) item: Option<Compiled>,
}

#[derive(Debug)]
pub(super) struct ListPlan {
    pub(super) call: CallPlan,
    pub(super) items: Option<Compiled>,
    pub(super) pages: Option<PagesPlan>,
}

#[derive(Debug)]
pub(super) struct PagesPlan {
    pub(super) page: String,
    pub(super) size: String,
    pub(super) max: usize,
    pub(super) total: Compiled,
}

impl Unit {
    /// How long one unit is.
    pub(super) fn length(self) -> SignedDuration {
        match self {
            Self::Instant | Self::Second => SignedDuration::from_secs(1),
            Self::Minute => SignedDuration::from_mins(1),
            Self::Hour => SignedDuration::from_hours(1),
            Self::Day => SignedDuration::from_hours(24),
        }
    }
}

impl file::Kind {
    pub(super) fn kind(self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Unauthenticated => ErrorKind::Unauthenticated,
            Self::Forbidden => ErrorKind::Forbidden,
            Self::Invalid => ErrorKind::Invalid,
            Self::Conflict => ErrorKind::Conflict,
            Self::LimitReached => ErrorKind::LimitReached,
            Self::RateLimited => ErrorKind::RateLimited { retry_after: None },
            Self::Unavailable => ErrorKind::Unavailable,
            Self::OutcomeUnknown => ErrorKind::OutcomeUnknown,
            Self::Unexpected => ErrorKind::Unexpected,
        }
    }
}
