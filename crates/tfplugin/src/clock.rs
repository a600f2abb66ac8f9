//! The only place that reads the clock: log lines carry the time.

/// Now, as go-plugin wants it in a log line: RFC 3339, six decimals, UTC.
#[expect(
    clippy::disallowed_methods,
    reason = "a log line's timestamp is the time at which it is written"
)]
pub(crate) fn log_timestamp() -> String {
    format!("{:.6}", jiff::Timestamp::now())
}
