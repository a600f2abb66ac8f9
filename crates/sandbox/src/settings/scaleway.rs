//! The switches of Scaleway: what is disputed, and what an organization can set.

use serde::{Deserialize, Serialize};

/// What a `PATCH` may do with `expires_at`; the vendor's client and its documentation disagree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiryUpdate {
    /// Set one where there is none, as the documentation says.
    #[default]
    AddOnly,
    /// Change any, as the field of the vendor's client suggests.
    Any,
}

/// How the filter `description` compares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DescriptionFilter {
    /// The whole text.
    #[default]
    Exact,
    /// Any part of it.
    Partial,
}

/// What the policies of the applications let their keys do with IAM.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationRights {
    /// Nothing: 403 for every call.
    Nothing,
    /// Read API keys.
    #[default]
    Read,
    /// Manage them.
    Manage,
}

/// The switches of Scaleway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScalewaySettings {
    /// What a `PATCH` may do with an expiry.
    pub expiry_update: ExpiryUpdate,
    /// The organization's `max_api_key_expiration_duration`; 0 is no limit.
    pub max_api_key_expiration_seconds: u64,
    /// The quota of API keys; expired ones count until they are deleted.
    pub keys_max: usize,
    /// How the filter `description` compares.
    pub description_filter: DescriptionFilter,
    /// What keys of applications may do with IAM.
    pub application_rights: ApplicationRights,
}

impl Default for ScalewaySettings {
    fn default() -> Self {
        Self {
            expiry_update: ExpiryUpdate::default(),
            max_api_key_expiration_seconds: 0,
            // The documented quota of an organization.
            keys_max: 100,
            description_filter: DescriptionFilter::default(),
            application_rights: ApplicationRights::default(),
        }
    }
}
