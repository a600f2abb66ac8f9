//! An `ApiToken` that adopts: a token that a person made is checked, delivered, followed and announced.
//! Nothing is minted here.

mod basis;
mod conditions;
mod deletion;
pub(crate) mod managed;
mod observe;
pub(crate) mod reconcile;
mod record;
pub(crate) mod release;
mod source;
mod status;
mod steps;
mod transitions;
mod wanted;
