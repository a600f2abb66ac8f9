//! The only place of the in-memory API that reads the time.
//! It stamps `creationTimestamp` and `deletionTimestamp`; waiting is done on tokio's clock.

use jiff::Timestamp;

#[expect(
    clippy::disallowed_methods,
    reason = "the server's own clock, as on a real one"
)]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

/// How Kubernetes writes an instant: whole seconds, in UTC.
pub(super) fn stamp(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
