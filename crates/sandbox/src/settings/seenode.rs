//! The switches of seenode: how a key ends, which nobody documents.

use serde::{Deserialize, Serialize};

use super::by_hand::DeadAs;

/// The switches of seenode.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeenodeSettings {
    /// With which status a dead key is refused.
    pub dead_as: DeadAs,
    /// How many days a key lives that is made from now on; null: for ever.
    pub expires_in_days: Option<f64>,
}
