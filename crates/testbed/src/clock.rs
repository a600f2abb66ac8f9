//! The only place of the testbed that reads the time.

use jiff::Timestamp;

#[expect(
    clippy::disallowed_methods,
    reason = "the time of this machine, as real servers take it"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
