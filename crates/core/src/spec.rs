//! What is wanted of a token.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::duration::Lifetime;
use crate::marker::Revision;
use crate::token::{TokenId, TokenStatus};
use crate::window::Window;

mod rules;

/// What mint and paths of a system need beside name, scopes and lifetime: team, application, user …
pub type Parameters = BTreeMap<String, String>;

/// What is asked of the issuer at mint. Only a change of these mints again,
/// and only where the system cannot change them on the living token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Inputs {
    /// The wanted name, without the marker.
    pub name: String,
    /// Permission strings, verbatim; a set, so that order means nothing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub scopes: BTreeSet<String>,
    /// The profile's parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: Parameters,
    /// How long the token shall live.
    pub lifetime: Lifetime,
}

/// Everything that decides about one manager's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// The minting inputs.
    pub inputs: Inputs,
    /// The schedule; `None` rotates only when asked for.
    pub rotation: Option<Rotation>,
    /// When scheduled rotations may go ahead; without any, at all times.
    pub windows: Vec<Window>,
    /// Whether the old token may end before there is a new one, where a system keeps one at a time.
    pub allow_gap: bool,
    /// How long the previous revision stays valid; `None` is [`Spec::default_overlap`].
    pub overlap: Option<SignedDuration>,
    /// What an absent `overlap` means.
    pub default_overlap: DefaultOverlap,
    /// Which version of what a person wrote this is, where the front end knows; another one ends a wait.
    pub written: Option<String>,
    /// A wish to rotate: a value other than the record's `handled_trigger` asks for one rotation.
    pub trigger: Option<String>,
    /// The wanted state of the current token.
    pub state: WantedState,
    /// Tokens of another writer that a person looked at: they are left alone, and hold nothing up.
    pub acknowledged: BTreeSet<TokenId>,
    /// The superseded token of this revision ends now, whatever its overlap: a person asks for it.
    pub revoke_previous: Option<Revision>,
    /// Start no new attempt. Open ones finish, retiring goes on.
    pub suspend: bool,
    /// What follows when the token is revoked or missing at the issuer.
    pub on_loss: OnLoss,
    /// What deletion of the manager does to its tokens.
    pub deletion: Deletion,
    /// The longest a request to the issuer may take.
    pub request_timeout: SignedDuration,
}

/// When to rotate on schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rotation {
    /// How long before the issued expiry; absent = one third of the issued lifetime.
    pub renew_before: Option<RenewBefore>,
    /// Rotate at this age, whatever the expiry.
    pub every: Option<SignedDuration>,
}

/// How long before the expiry a rotation is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewBefore {
    /// A fixed time.
    Duration(SignedDuration),
    /// This part of the issued lifetime, 1 to 99.
    Percent(u8),
}

/// What an absent overlap means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultOverlap {
    /// This long; the operator's 24 h.
    For(SignedDuration),
    /// Until the old token's own expiry or the next scheduled rotation, whichever is first;
    /// Terraform's, since nobody may run the second apply. 24 h where there is neither.
    UntilExpiryOrRenewal,
}

/// The wanted state of the current token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedState {
    /// Whatever the issuer says.
    Follow,
    /// Enabled, but what somebody else disabled stays so.
    Enabled,
    /// Enabled, also where somebody else disabled it.
    EnabledExplicitly,
    /// Disabled.
    Disabled,
}

/// What follows when the token is revoked or missing at the issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnLoss {
    /// Mint the next revision.
    Remint,
    /// Say so, and do nothing.
    Report,
}

/// What deletion of the manager does to its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deletion {
    /// Whether the current token ends with its manager.
    pub policy: DeletionPolicy,
    /// When deletion was asked for; `None` while the manager lives.
    pub since: Option<jiff::Timestamp>,
    /// How long deletion tries before it gives up loudly.
    pub timeout: SignedDuration,
}

/// Whether the current token ends with its manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeletionPolicy {
    /// It is revoked.
    Revoke,
    /// It stays alive and is named.
    Retain,
}

/// A spec that cannot be carried out, with the field at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct InvalidSpec {
    /// The field, in the words of [`Inputs`] and [`Spec`] (`name`, `lifetime`, `overlap` …).
    pub field: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

impl InvalidSpec {
    /// An error about one field.
    pub fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self {
            field,
            message: message.into(),
        }
    }
}

impl Spec {
    /// What is wanted of the tokens to come where the issuer is followed: a suspension outlives a rotation,
    /// since nobody said that it ends.
    #[must_use]
    pub fn following(&self, seen: TokenStatus) -> Self {
        let suspended = self.state == WantedState::Follow && seen == TokenStatus::Disabled;
        let mut spec = self.clone();
        if suspended {
            spec.state = WantedState::Disabled;
        }
        spec
    }
}

#[cfg(test)]
mod tests;
