//! The switches of online-net: how a token ends.

use serde::{Deserialize, Serialize};

use super::by_hand::DeadAs;

/// The switches of online-net.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OnlineNetSettings {
    /// With which status a dead token is refused.
    pub dead_as: DeadAs,
    /// How long a token lives that was made to expire.
    pub expires_in_seconds: f64,
}

impl Default for OnlineNetSettings {
    fn default() -> Self {
        Self {
            dead_as: DeadAs::default(),
            // A change of a token pushed its expiry out by thirty minutes; how long a new one lived is unknown.
            expires_in_seconds: 1800.0,
        }
    }
}
