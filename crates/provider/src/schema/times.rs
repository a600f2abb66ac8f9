//! How long the operations of resources may take.

use std::time::Duration;

use jiff::SignedDuration;
use tfplugin::timeouts::{CREATE, DELETE, READ, Timeouts, UPDATE};
use tfplugin::{Name, Value};
use tokenwright_core::duration;

use crate::diagnostics::capital;

/// As long as a look at an issuer may take: a minute that it asks for is waited for, an hour is not.
pub(crate) const READ_TIMEOUT: SignedDuration = SignedDuration::from_mins(2);
/// As long as a create, an update or a delete may take where nothing else is said.
pub(crate) const TIMEOUT: SignedDuration = SignedDuration::from_mins(5);
/// As long as an adopted token is asked about: an issuer that works answers at once, and the next plan asks again.
const PATIENCE: SignedDuration = SignedDuration::from_secs(15);

pub(super) const OF_TOKEN: Timeouts = Timeouts::new(&[
    (CREATE, TIMEOUT.unsigned_abs()),
    (READ, READ_TIMEOUT.unsigned_abs()),
    (UPDATE, TIMEOUT.unsigned_abs()),
    (DELETE, TIMEOUT.unsigned_abs()),
])
.written(read);

pub(super) const OF_ADOPTED: Timeouts = Timeouts::new(&[
    (CREATE, PATIENCE.unsigned_abs()),
    (UPDATE, PATIENCE.unsigned_abs()),
])
.written(read);

/// How long an operation of a token may take by its configuration or state.
pub(crate) fn token_limit(resource: &Value, operation: Name<String>) -> SignedDuration {
    signed(OF_TOKEN.of(resource, operation))
}

/// The same of an adopted token.
pub(crate) fn adopted_limit(resource: &Value, operation: Name<String>) -> SignedDuration {
    signed(OF_ADOPTED.of(resource, operation))
}

fn signed(limit: Duration) -> SignedDuration {
    SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX)
}

fn read(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Ok(read) => Ok(read.unsigned_abs()),
        Err(error) => Err(format!("{}.", capital(&error.to_string()))),
    }
}
