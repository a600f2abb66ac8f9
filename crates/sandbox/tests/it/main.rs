//! The sandbox through HTTP, as its users meet it.
//!
//! Each test starts its own sandbox on free loopback ports and shares nothing with the others.

mod faults;
mod ledger;
mod program;
mod scaleway;
mod seeme;
mod support;
