//! What is on loan, and how the issuer stands after it.

use std::time::Duration;

use tokenwright_client::{Gate, Issuer};
use tokenwright_core::{Inputs, Marker, TokenId};

use super::report::Report;
use crate::signals::Signals;

/// The longest that an issuer which asks for patience is obeyed.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// One token on loan.
pub(crate) struct Loan<'a> {
    pub(crate) issuer: &'a dyn Issuer,
    /// What its requests pass.
    pub(crate) gate: &'a Gate,
    pub(crate) inputs: Inputs,
    pub(crate) marker: Marker,
    pub(crate) report: &'a Report,
    pub(crate) signals: Signals,
}

/// How the issuer stands after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Left {
    /// Nothing of this run is alive.
    Nothing,
    /// A token may be: one of these, where ids are known.
    MayBeAlive(Vec<TokenId>),
}

impl Left {
    /// Both together: one token that may be alive is one too many.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, left) | (left, Self::Nothing) => left,
            (Self::MayBeAlive(mut ids), Self::MayBeAlive(others)) => {
                ids.extend(others);
                Self::MayBeAlive(ids)
            }
        }
    }
}
