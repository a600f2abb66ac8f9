//! Servers for tests and for the demo, and what drives them. No product crate depends on it.

pub mod conformance;
pub mod memory;
