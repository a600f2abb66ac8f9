//! What the systems share whose tokens only a person can make: seenode, Transiyzi and online-net.
//!
//! They have one call each that proves a value; everything else happens in the console.

use jiff::{SignedDuration, Timestamp};

use crate::asked::Asked;
use crate::random;
use crate::store::{Db, Standing, StoreError, Token};
use crate::system::Account;

/// A first token, as if a person had made it before the sandbox began.
pub(super) fn open(
    db: &Db<'_>,
    now: Timestamp,
    system: &str,
    (value, scopes): (String, Option<&[&str]>),
) -> Result<Account, StoreError> {
    let mut token = Token::new(system, random::uuid()?, &value, now);
    token.scopes = scopes.map(|scopes| scopes.iter().map(|&scope| scope.to_owned()).collect());
    Account::of(db, token, value, [])
}

/// The caller, if the value still authenticates.
pub(super) fn live<'a>(asked: &'a Asked<'_>) -> Option<&'a Token> {
    match &asked.caller {
        Some((caller, Standing::Live)) => Some(caller),
        Some((
            _,
            Standing::Expired | Standing::Disabled | Standing::Revoked | Standing::BornDead,
        ))
        | None => None,
    }
}

/// The end of a token that is made now and lives for so many seconds.
pub(super) fn expiry(now: Timestamp, seconds: Option<f64>) -> Option<Timestamp> {
    let length = SignedDuration::try_from_secs_f64(seconds?).ok()?;
    now.checked_add(length).ok()
}
