//! What people look for: the heading under which the guide shows a system.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A group of systems.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Group {
    /// Clouds and hosting.
    Cloud,
    /// Where source code and its builds live.
    Forge,
    /// Packages and images.
    Registry,
    /// Builds, deployments, infrastructure as code.
    Delivery,
    /// Metrics, logs, errors.
    Observability,
    /// Databases and streams.
    Data,
    /// Networks and content delivery.
    Network,
    /// Secrets, identities, findings.
    Security,
    /// Mail, chat, telephony.
    Messages,
    /// Models and notebooks.
    Learning,
}

impl Group {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 10] = [
        Self::Cloud,
        Self::Forge,
        Self::Registry,
        Self::Delivery,
        Self::Observability,
        Self::Data,
        Self::Network,
        Self::Security,
        Self::Messages,
        Self::Learning,
    ];
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cloud => "Clouds and hosting",
            Self::Forge => "Source forges",
            Self::Registry => "Registries of packages and images",
            Self::Delivery => "Builds, deployments and infrastructure as code",
            Self::Observability => "Observability",
            Self::Data => "Databases and streams",
            Self::Network => "Networks and content delivery",
            Self::Security => "Secrets, identities and findings",
            Self::Messages => "Mail, chat and telephony",
            Self::Learning => "Models and notebooks",
        })
    }
}
