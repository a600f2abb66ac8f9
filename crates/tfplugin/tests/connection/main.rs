//! The provider process as a host sees it, without Terraform in between.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

#[macro_use]
mod host;

mod by_hand;
mod calls;
mod certificates;
mod framework;
mod services;
#[path = "../support/mod.rs"]
mod support;
