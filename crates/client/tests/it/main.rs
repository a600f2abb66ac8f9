//! The client against servers: the sandbox, and one that answers anything.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests; clippy knows only the test functions themselves"
)]

mod bad_input;
mod contract;
mod every_line;
mod features;
mod quirks;
mod runtimes;
mod support;
mod tiny;
