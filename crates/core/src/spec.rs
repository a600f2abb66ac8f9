//! What is wanted of a token.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::bounds;
use crate::duration::{self, Lifetime};
use crate::instant;
use crate::marker::Marker;

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
    /// How long the previous revision stays valid; `None` is [`Spec::default_overlap`].
    pub overlap: Option<SignedDuration>,
    /// What an absent `overlap` means.
    pub default_overlap: DefaultOverlap,
    /// A wish to rotate: a value other than the record's `handled_trigger` asks for one rotation.
    pub trigger: Option<String>,
    /// The wanted state of the current token.
    pub state: WantedState,
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
    /// Everything that is wrong with a spec whatever the system is.
    /// What depends on the system (name limit, units, scopes) its issuer checks.
    ///
    /// # Errors
    /// The first field that cannot be carried out.
    pub fn validate(&self) -> Result<(), InvalidSpec> {
        let Inputs { name, lifetime, .. } = &self.inputs;
        if name.trim().is_empty() {
            return Err(InvalidSpec::new("name", "must not be empty"));
        }
        if Marker::occurs_in(name) {
            return Err(InvalidSpec::new(
                "name",
                "must not contain a tokenwright marker (tw1-…)",
            ));
        }
        if let Some(lifetime) = lifetime.duration()
            && !bounds::LIFETIME.contain(lifetime)
        {
            let sentence = bounds::LIFETIME.sentence(lifetime);
            let message = format!("{sentence}; write never for no expiry");
            return Err(InvalidSpec::new("lifetime", message));
        }
        bounds::REQUEST_TIMEOUT.check("request_timeout", self.request_timeout)?;
        bounds::DELETION_TIMEOUT.check("deletion.timeout", self.deletion.timeout)?;
        if let Some(overlap) = self.overlap {
            bounds::OVERLAP.check("overlap", overlap)?;
        }
        self.validate_schedule()
    }

    fn validate_schedule(&self) -> Result<(), InvalidSpec> {
        let Some(rotation) = self.rotation else {
            return Ok(());
        };
        let lifetime = self.inputs.lifetime.duration();
        let renew_before = match (rotation.renew_before, lifetime) {
            (Some(RenewBefore::Percent(percent)), _) if !(1..=99).contains(&percent) => {
                return Err(InvalidSpec::new(
                    "renew_before",
                    "must be between 1% and 99%",
                ));
            }
            (Some(_), None) => {
                return Err(InvalidSpec::new(
                    "renew_before",
                    "needs a lifetime other than never",
                ));
            }
            (Some(RenewBefore::Duration(before)), Some(lifetime))
                if before >= lifetime || before <= SignedDuration::ZERO =>
            {
                return Err(InvalidSpec::new(
                    "renew_before",
                    "must be longer than zero and shorter than the lifetime",
                ));
            }
            (Some(RenewBefore::Duration(before)), Some(_)) => Some(before),
            (Some(RenewBefore::Percent(percent)), Some(lifetime)) => {
                Some(instant::percent(lifetime, percent))
            }
            (None, Some(lifetime)) => Some(instant::part(lifetime, 3)),
            (None, None) => None,
        };
        if let Some(every) = rotation.every {
            bounds::BETWEEN_ROTATIONS.check("every", every)?;
        }
        let between = lifetime.zip(renew_before);
        let between = between.map(|(lifetime, before)| lifetime.saturating_sub(before));
        let least = bounds::BETWEEN_ROTATIONS.least;
        if rotation.renew_before.is_some() && between.is_some_and(|between| between < least) {
            let least = duration::format(least);
            let message = format!("must leave at least {least} of the lifetime");
            return Err(InvalidSpec::new("renew_before", message));
        }
        let Some(overlap) = self.overlap else {
            return Ok(());
        };
        if rotation.every.is_some_and(|every| overlap > every) {
            return Err(InvalidSpec::new(
                "overlap",
                "must not be longer than rotation every",
            ));
        }
        if between.is_some_and(|between| overlap > between) {
            return Err(InvalidSpec::new(
                "overlap",
                "must not be longer than the lifetime less renew_before",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
