//! What tests and the demo run against: real servers, and doubles of them.
//!
//! No product crate depends on it.

pub mod bench;
pub mod browser;
pub mod chart;
mod clock;
mod component;
pub mod conformance;
pub mod control_plane;
mod crypto;
pub mod demo;
pub mod go;
pub mod kstatus;
pub mod memory;
pub mod network;
pub mod newcomer;
pub mod programs;
pub mod quickstart;
pub mod servers;
pub mod tools;

pub use crypto::crypto;
