//! The sandbox through HTTP, as its users meet it.
//!
//! Each test starts its own sandbox on free loopback ports and shares nothing with the others.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "helpers of tests fail as tests do, and real expiries are compared with the real clock"
)]

mod by_hand;
mod faults;
mod grafana;
mod ledger;
mod program;
mod recorded;
mod rollbar;
mod scaleway;
mod seeme;
mod signed;
mod support;
mod terrakube;
mod wire;
