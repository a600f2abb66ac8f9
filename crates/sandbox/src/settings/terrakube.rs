//! The switches of Terrakube: what depends on the server's surroundings, and how long a test waits.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The OIDC server beside it, which is asked about every token that is not Terrakube's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dex {
    /// It answers, and knows none of them: 401.
    #[default]
    Reachable,
    /// It does not answer: 500.
    Unreachable,
}

/// The length of the secret that signs tokens, which chooses the algorithm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatSecret {
    /// Too short: every mint, and every use of a signed token, is 500.
    Bytes16,
    /// HS256, as it should be.
    #[default]
    Bytes32,
    /// HS384, which the server itself does not accept.
    Bytes48,
    /// HS512, the same.
    Bytes64,
}

/// The switches of Terrakube, for both kinds of token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TerrakubeSettings {
    /// How long an expired token still authenticates.
    pub grace_seconds: u64,
    /// How many seconds a minute of a team token lasts; an hour is sixty of them, and days follow `seconds_per_day`.
    pub seconds_per_minute: f64,
    /// Whether the OIDC server answers.
    pub dex: Dex,
    /// The length of the server's secret.
    pub pat_secret: PatSecret,
}

impl Default for TerrakubeSettings {
    fn default() -> Self {
        Self {
            // Measured: the last use was answered well 60.04 s after the expiry.
            grace_seconds: 60,
            seconds_per_minute: 60.0,
            dex: Dex::default(),
            pat_secret: PatSecret::default(),
        }
    }
}

impl TerrakubeSettings {
    pub(crate) fn grace(&self) -> Duration {
        Duration::from_secs(self.grace_seconds)
    }
}
