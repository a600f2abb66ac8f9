//! The only place of this crate that reads the clock.

use jiff::Timestamp;

/// The present instant, cut to microseconds, the finest unit that a played system shows.
#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox is a server: its tokens expire in real time"
)]
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}
