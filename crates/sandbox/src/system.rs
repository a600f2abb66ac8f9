//! What every played system is able to do, whatever its vendor.
//!
//! A system knows its vendor's paths, bodies and rules. It does not know of listeners or time on
//! the wall, and of faults only what a mint must carry out itself.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use crate::asked::{Asked, Route};
use crate::desk::{Desk, Form};
use crate::http::{Answer, Request};
use crate::settings::Settings;
use crate::store::{Db, Standing, StoreError, Token};

/// What a caller needs to begin with.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) credential: String,
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Account {
    /// The account whose management credential this token is.
    pub(crate) fn of(
        db: &Db<'_>,
        mut token: Token,
        credential: String,
        parameters: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<Self, StoreError> {
        "management".clone_into(&mut token.name);
        db.insert(&mut token)?;
        let parameters = parameters.into_iter();
        let parameters = parameters.map(|(name, text)| (name.to_owned(), text));
        Ok(Self {
            credential,
            parameters: parameters.collect(),
        })
    }
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
