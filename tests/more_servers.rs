//! The profiles on real servers that take longer to get: `cargo xtask test --servers` runs these, the
//! usual run does not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy tells test functions from others, but not what they share"
)]

#[path = "servers/client.rs"]
mod client;

mod more_servers {
    mod contract;
}
