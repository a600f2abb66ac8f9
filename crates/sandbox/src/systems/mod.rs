//! The systems that can be played: one file each, and one line each in the three matches below.
//!
//! A system knows its vendor's paths, bodies and rules. It does not know of listeners or time on
//! the wall, and of faults only what a mint must carry out itself.

pub(crate) mod aws_iam;
pub(crate) mod by_hand;
pub(crate) mod google;
pub(crate) mod grafana;
pub(crate) mod online_net;
pub(crate) mod rollbar;
pub(crate) mod scaleway;
pub(crate) mod seeme;
pub(crate) mod seenode;
pub(crate) mod terrakube;
pub(crate) mod transiyzi;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::console::{Desk, Form};
use crate::faults::Operation;
use crate::http::{Answer, Request};
use crate::ledger::What;
use crate::settings::Settings;
use crate::store::{Db, Standing, StoreError, Token};
use crate::systems::terrakube::{Kind, Terrakube};

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

/// What a request is about.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) operation: Operation,
    /// The id of the token that the path names.
    pub(crate) id: Option<String>,
    /// The name that a mint asks for.
    pub(crate) name: Option<String>,
}

impl Route {
    /// A request that is about no token.
    pub(crate) fn other() -> Self {
        Self {
            operation: Operation::Other,
            id: None,
            name: None,
        }
    }
}

/// What a mint must do differently, by order of a fault.
#[derive(Debug, Default)]
pub(crate) struct MintFaults {
    pub(crate) born_dead: bool,
    pub(crate) listed_from: Option<Timestamp>,
    pub(crate) quota: Option<usize>,
}

/// One request with all that is needed to answer it.
pub(crate) struct Asked<'a> {
    pub(crate) system: &'static str,
    pub(crate) request: &'a Request,
    pub(crate) route: &'a Route,
    pub(crate) db: &'a Db<'a>,
    pub(crate) now: Timestamp,
    pub(crate) settings: &'a Settings,
    /// The token whose value was presented, if the system knows it.
    pub(crate) caller: Option<(Token, Standing)>,
    pub(crate) actor: String,
    /// A person asks, in the console.
    pub(crate) by_hand: bool,
    pub(crate) mint: MintFaults,
}

impl Asked<'_> {
    /// Writes a line of the ledger about `token`.
    pub(crate) fn record(&self, token: &Token, what: What) -> Result<(), StoreError> {
        self.db.event(
            token,
            what.name(),
            self.now,
            &self.actor,
            self.route.operation.name(),
        )
    }

    /// Stores a token that this request mints.
    pub(crate) fn minted(&self, token: &mut Token) -> Result<(), StoreError> {
        token.minted = !self.by_hand;
        token.by_hand = self.by_hand;
        token.born_dead |= self.mint.born_dead;
        token.listed_from = self.mint.listed_from;
        self.db.insert(token)?;
        let operation = Operation::Mint.name();
        self.db
            .event(token, What::Mint.name(), self.now, &self.actor, operation)
    }

    /// Ends a token.
    pub(crate) fn revoked(&self, token: &mut Token) -> Result<(), StoreError> {
        token.deleted = Some(self.now);
        self.db.update(token)?;
        self.record(token, What::Revoke)
    }
}

/// What a caller needs to begin with.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) credential: String,
    pub(crate) parameters: BTreeMap<String, String>,
}

/// A played system.
pub(crate) trait System: fmt::Debug + Send + Sync {
    fn name(&self) -> &'static str;

    /// What follows the address in the endpoint that a client is given.
    fn base_path(&self) -> &'static str;

    /// Makes or finds the account, and makes a management credential for it.
    /// Credentials of earlier starts stay good: their values are not known any more.
    fn open(&self, db: &Db<'_>, now: Timestamp) -> Result<Account, StoreError>;

    fn route(&self, request: &Request) -> Route;

    /// The value that the request authenticates with; none where it is signed.
    fn presented(&self, _request: &Request, _settings: &Settings) -> Option<String> {
        None
    }

    /// Whose request it is: that of the token whose value it presents, or that has signed it.
    fn caller(
        &self,
        db: &Db<'_>,
        request: &Request,
        settings: &Settings,
    ) -> Result<Option<Token>, StoreError> {
        let presented = self.presented(request, settings);
        let known = presented.map(|value| db.by_value(self.name(), &value));
        Ok(known.transpose()?.flatten())
    }

    /// Whether a stored token's value authenticates at `now`.
    fn standing(&self, token: &Token, now: Timestamp, _settings: &Settings) -> Standing {
        token.standing(now)
    }

    fn answer(&self, asked: &Asked<'_>) -> Result<Answer, StoreError>;

    /// The words of its console.
    fn desk(&self) -> &'static Desk;

    /// Finishes a token that a person makes where there is no API.
    fn made(&self, _token: &mut Token, _form: &Form, _settings: &Settings) {}

    /// The items of a listing's JSON answer.
    fn items<'a>(&self, body: &'a mut Value) -> Option<&'a mut Vec<Value>>;

    /// What every answer of this system carries.
    fn finish(&self, answer: Answer) -> Answer;
}
