//! `TokenIssuer`s: from their specification and credential to something that can be asked, and who may
//! ask it next.

pub(crate) mod credential;
mod factory;
pub(crate) mod hosts;
pub(crate) mod losses;
mod make;
pub(crate) mod outside;
mod profiles;
pub(crate) mod reconcile;
pub(crate) mod registry;
pub(crate) mod scheduler;
pub(crate) mod status;
mod suspicion;

pub use factory::{IssuerFactory, Setup, SetupError};
pub use profiles::Profiles;
