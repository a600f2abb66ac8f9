//! What Grafana and its first account are called.

pub(super) const NAME: &str = "grafana";
/// The number of the account that is there from the beginning.
pub(super) const FIRST: u64 = 1;
