//! The Kubernetes operator of Tokenwright.
//!
//! It observes `ApiToken`s, asks `tokenwright-core` what to do next, performs it at the issuer and
//! at the Secret, and records the outcome. It decides nothing itself.
//!
//! In layers, each of which knows only those below it: [`run()`] (everything together), `watch` (what
//! changed, and whom it concerns), `minted` and `adopted` (one `ApiToken`, by what it asks for; they do
//! not know each other), `issuer` (one `TokenIssuer`, and who may ask it next), `secret` (what is
//! delivered), `cluster` (the API server).

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod adopted;
mod cluster;
pub mod crds;
pub mod health;
mod issuer;
mod minted;
pub mod options;
mod run;
mod secret;
pub mod served;
mod watch;

pub use cluster::lease::LeaseLost;
pub use cluster::metrics::names as metrics;
pub use cluster::rights;
pub use cluster::traces;
pub use issuer::{IssuerFactory, Profiles, Setup, SetupError, System};
pub use options::Options;
pub use run::{Clients, RunError, run};
