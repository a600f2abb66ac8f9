//! What tests and the demo run against: real servers, and doubles of them.
//!
//! No product crate depends on it.

pub mod conformance;
pub mod control_plane;
mod crypto;
pub mod memory;
pub mod tools;

pub use crypto::crypto;
