//! The mint flow, performed: one task per manager that no cancelled reconcile ends.

mod outcome;
mod over;
mod publish;
mod task;

pub(crate) use over::{Over, Unrehearsed, rehearsed};
pub(crate) use task::Mint;
