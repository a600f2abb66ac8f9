//! The program as its users meet it, against a sandbox on free loopback ports.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod claims;
mod clusters;
mod files;
mod installed;
mod lives;
mod lost;
mod mistakes;
mod pictures;
mod refusals;
mod reports;
mod rotates;
mod runs;
mod samples;
mod signals;
mod support;
mod tokens;
