//! An `ApiToken` whose tokens we mint: observe, decide, perform, record.

mod after;
mod broken;
mod doubt;
mod judge;
mod leave;
mod listing;
pub(crate) mod managed;
mod mint;
mod observe;
mod only_observed;
pub(crate) mod reconcile;
mod rest;
mod restore;
mod revoke;
mod sealed;
pub(crate) mod seen;
mod status;
pub(crate) mod step;
mod steps;
mod suspects;
mod transitions;
mod unended;
mod unmade;
mod unserved;
mod update;
mod wanted;
