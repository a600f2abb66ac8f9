//! The watches: what changed, whom it concerns, and which reconcile that is for.

mod dispatch;
mod feeds;
mod mappers;
pub(crate) mod serve;

pub(crate) use dispatch::Dispatch;
