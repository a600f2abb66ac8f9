//! `TokenIssuer`s and `ClusterTokenIssuer`s: from their specification and credential to something that can
//! be asked, who may ask it at all, and who may ask it next.

pub(crate) mod abandoned;
pub(crate) mod allowance;
pub(crate) mod at_start;
pub(crate) mod credential;
pub(crate) mod described;
mod factory;
mod grants;
pub(crate) mod holds;
pub(crate) mod hosts;
pub(crate) mod listers;
pub(crate) mod load;
pub(crate) mod losses;
mod make;
pub(crate) mod object;
pub(crate) mod obstacle;
pub(crate) mod outside;
mod profiles;
mod proven;
pub(crate) mod reconcile;
pub(crate) mod registry;
pub(crate) mod scheduler;
pub(crate) mod slots;
pub(crate) mod status;
mod suspicion;

pub use factory::{IssuerFactory, Setup, SetupError, System};
pub use profiles::Profiles;
