//! What a memory issuer is told to be, and what it tells of its requests.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::{
    Capabilities, Disable, Identity, Look, LostAnswer, Parameters, TokenId, UpdateKind, schedule,
};

use super::fault::Fault;
use crate::error::Operation;
use crate::limits::{Limits, NameUnit, ScopesRule};

/// What a memory issuer is and can do. Start from the default and change fields.
#[derive(Debug, Clone)]
pub struct MemorySettings {
    /// The profile's name.
    pub profile: String,
    /// The endpoint that references record.
    pub endpoint: String,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Who the credential is.
    pub identity: Option<Identity>,
    /// The secret parts of each value, with the most bytes of each.
    pub value_parts: BTreeMap<String, usize>,
    /// Whether the id is delivered as public part `id`.
    pub public_id: bool,
    /// Whether a value says which token it is, as a JWT does.
    pub values_name_ids: bool,
    /// Whether the ids are the secrets themselves, so that a digest is shown in their place, and a token ends by
    /// its value alone: the one that is given, or the one that a listing shows.
    pub secret_ids: bool,
    /// What it accepts.
    pub limits: Limits,
    /// It gives no longer lifetime than this, whatever is asked.
    pub cuts_lifetimes_to: Option<SignedDuration>,
    /// It tells the expiry of each token so much later than that is, as a text without its time zone does.
    pub tells_expiry_late_by: SignedDuration,
    /// It keeps no more characters of a name than these, whatever is asked.
    pub cuts_names_to: Option<usize>,
    /// A listing shows a token only this long after its mint.
    pub listing_lag: SignedDuration,
    /// A listing shows no more tokens than these on each of its pages, which are asked for one after the other.
    pub on_a_page: Option<usize>,
    /// No request takes longer (tokio time).
    pub request_timeout: Duration,
    /// The sentence for what only a person can do.
    pub manual: Option<String>,
}

impl Default for MemorySettings {
    /// A system that can do everything: finds by marker, checks, switches, updates.
    fn default() -> Self {
        Self {
            profile: "memory".to_owned(),
            endpoint: "memory://issuer".to_owned(),
            capabilities: Capabilities {
                lost_answer: LostAnswer::FindByMarker,
                check: true,
                revoke: true,
                look: Look::Alone,
                disable: Disable::SetState,
                update: [UpdateKind::Name, UpdateKind::AddExpiry].into(),
                settle: schedule::SETTLE,
                one: false,
                lifetime_ignored: false,
            },
            identity: Some(Identity::new("account-1")),
            value_parts: BTreeMap::from([("token".to_owned(), 64)]),
            public_id: false,
            values_name_ids: false,
            secret_ids: false,
            limits: Limits {
                name_max: 255,
                name_unit: NameUnit::Characters,
                name_forbidden: String::new(),
                name_ascii: false,
                name_allowed: None,
                scopes: ScopesRule::Optional,
                scope_separators: BTreeSet::new(),
                parameters: None,
                exactly_one: Vec::new(),
                lifetime_unit: SignedDuration::from_secs(1),
                lifetime_max: None,
                never: true,
                expiry: true,
                lost_answer: LostAnswer::FindByMarker,
                lost_by_hand: false,
                only_by_hand: None,
            },
            cuts_lifetimes_to: None,
            tells_expiry_late_by: SignedDuration::ZERO,
            cuts_names_to: None,
            listing_lag: SignedDuration::ZERO,
            on_a_page: None,
            request_timeout: Duration::from_secs(30),
            manual: None,
        }
    }
}

impl MemorySettings {
    /// What it keeps of a name.
    pub(super) fn keeps_of(&self, name: &str) -> String {
        let kept = self.cuts_names_to.unwrap_or(usize::MAX);
        name.chars().take(kept).collect()
    }
}

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What was asked.
    pub operation: Operation,
    /// When.
    pub at: Timestamp,
    /// About which token.
    pub id: Option<TokenId>,
    /// The name that a mint or an update gave.
    pub name: Option<String>,
    /// The parameters of a listing.
    pub listed_with: Parameters,
    /// What went wrong with it.
    pub fault: Option<Fault>,
}

/// Decides about the fault of each request as it arrives; the number counts the operation from 1.
pub type Hook = dyn Fn(&Request, u32) -> Option<Fault> + Send + Sync;
