//! The watches: what changed, whom it concerns, and which reconcile that is for.

mod called;
mod dispatch;
mod feeds;
mod herald;
mod in_turn;
mod index;
mod mappers;
pub(crate) mod measured;
mod of_cluster;
mod readable;
pub(crate) mod serve;
mod sieve;
mod stream;
mod tidings;
mod trouble;
mod turns;

pub(crate) use dispatch::Dispatch;
