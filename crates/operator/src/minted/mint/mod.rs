//! The mint flow, performed: one task per manager that no cancelled reconcile ends.

mod outcome;
mod publish;
mod task;

pub(crate) use publish::{Over, Unrehearsed, rehearsed};
pub(crate) use task::Mint;
