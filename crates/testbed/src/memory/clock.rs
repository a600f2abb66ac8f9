//! How the in-memory API takes and writes instants.
//! They stamp `creationTimestamp` and `deletionTimestamp`; waiting is done on tokio's clock.

use jiff::Timestamp;

/// The server's own clock, as on a real one.
pub(super) use crate::clock::now;

/// How Kubernetes writes an instant: whole seconds, in UTC.
pub(super) fn stamp(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
