//! The switches of AWS IAM.

use serde::{Deserialize, Serialize};

/// The switches of AWS IAM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AwsIamSettings {
    /// The quota of access keys of one user, inactive ones included. It is two, and cannot be raised there.
    pub keys_max: usize,
}

impl Default for AwsIamSettings {
    fn default() -> Self {
        Self { keys_max: 2 }
    }
}
