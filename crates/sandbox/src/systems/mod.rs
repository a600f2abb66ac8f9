//! The systems that can be played: one file each, and one line each in the three matches below. Their
//! switches are in `settings`, which all of them know.

mod aws_iam;
mod by_hand;
mod google;
mod grafana;
mod online_net;
mod rollbar;
mod scaleway;
mod seeme;
mod seenode;
mod terrakube;
mod transiyzi;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::terrakube::{Kind, Terrakube};
use crate::system::System;

/// The name of a system that the sandbox plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SystemName {
    /// AWS IAM's access keys: signed requests, and answers in XML.
    AwsIam,
    /// Google Cloud's service account keys, which are files that sign.
    GoogleServiceAccount,
    /// Grafana's service accounts and their tokens.
    Grafana,
    /// The tokens of the retired cloud.online.net API.
    OnlineNet,
    /// Rollbar's project access tokens, whose ids are the tokens themselves.
    Rollbar,
    /// Scaleway IAM API keys.
    Scaleway,
    /// SeeMe.ai API keys.
    Seeme,
    /// seenode's API keys.
    Seenode,
    /// Terrakube's team tokens.
    TerrakubeTeam,
    /// Terrakube's user tokens (PATs).
    TerrakubeUser,
    /// Transiyzi's access tokens.
    Transiyzi,
}

impl SystemName {
    /// Every system, in alphabetical order.
    pub const ALL: [Self; 11] = [
        Self::AwsIam,
        Self::GoogleServiceAccount,
        Self::Grafana,
        Self::OnlineNet,
        Self::Rollbar,
        Self::Scaleway,
        Self::Seeme,
        Self::Seenode,
        Self::TerrakubeTeam,
        Self::TerrakubeUser,
        Self::Transiyzi,
    ];

    /// The name as it is written on the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwsIam => "aws-iam",
            Self::GoogleServiceAccount => "google-service-account",
            Self::Grafana => "grafana",
            Self::OnlineNet => "online-net",
            Self::Rollbar => "rollbar",
            Self::Scaleway => "scaleway",
            Self::Seeme => "seeme",
            Self::Seenode => "seenode",
            Self::TerrakubeTeam => "terrakube-team",
            Self::TerrakubeUser => "terrakube-user",
            Self::Transiyzi => "transiyzi",
        }
    }

    pub(crate) fn system(self) -> Arc<dyn System> {
        match self {
            Self::AwsIam => aws_iam::AwsIam::played(),
            Self::GoogleServiceAccount => google::Google::played(),
            Self::Grafana => grafana::Grafana::played(),
            Self::OnlineNet => online_net::OnlineNet::played(),
            Self::Rollbar => rollbar::Rollbar::played(),
            Self::Seenode => seenode::Seenode::played(),
            Self::Transiyzi => transiyzi::Transiyzi::played(),
            Self::Scaleway => Arc::new(scaleway::Scaleway),
            Self::Seeme => Arc::new(seeme::Seeme),
            Self::TerrakubeTeam => Arc::new(Terrakube::playing(Kind::Team)),
            Self::TerrakubeUser => Arc::new(Terrakube::playing(Kind::User)),
        }
    }
}

impl fmt::Display for SystemName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A system that the sandbox does not play.
#[derive(Debug, thiserror::Error)]
#[error("{name} is not played here; the systems are {}", SystemName::ALL.map(SystemName::as_str).join(", "))]
pub struct UnknownSystem {
    name: String,
}

impl FromStr for SystemName {
    type Err = UnknownSystem;

    fn from_str(name: &str) -> Result<Self, UnknownSystem> {
        Self::ALL
            .into_iter()
            .find(|system| system.as_str() == name)
            .ok_or_else(|| UnknownSystem {
                name: name.to_owned(),
            })
    }
}
