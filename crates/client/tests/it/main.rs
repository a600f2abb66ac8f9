//! The client against servers: the sandbox, and one that answers anything.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy knows only the test functions themselves"
)]

mod bad_input;
mod contract;
mod support;
