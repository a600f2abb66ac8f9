//! One request to a played system, with all that is needed to answer it, and what it does to tokens.

use jiff::Timestamp;

use crate::faults::Operation;
use crate::http::Request;
use crate::ledger::What;
use crate::settings::Settings;
use crate::store::{Db, Standing, StoreError, Token};

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
