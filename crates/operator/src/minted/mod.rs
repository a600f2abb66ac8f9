//! An `ApiToken` whose tokens we mint: observe, decide, perform, record.

mod doubt;
mod listing;
pub(crate) mod managed;
mod mint;
mod observe;
pub(crate) mod reconcile;
pub(crate) mod record;
mod restore;
pub(crate) mod seen;
mod status;
mod steps;
mod unserved;
mod wanted;
