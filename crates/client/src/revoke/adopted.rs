//! The end of a token that a person made: on the word of its own value alone.

use tokenwright_core::{Ended, Liveness, Parameters, TokenId};

use super::{NotSeen, Proof};
use crate::error::Error;
use crate::issuer::{About, Issuer};
use crate::secret::SecretValue;

/// Why an adopted token was not ended.
#[derive(Debug, thiserror::Error)]
pub enum LeftToPerson {
    /// Its value does not say that it is this token.
    #[error("the adopted value does not show that it is token {id}")]
    OtherValue {
        /// The named id.
        id: TokenId,
    },
    /// The issuer does not say whether the value authenticates.
    #[error("nobody says whether the adopted value of token {id} authenticates")]
    NotChecked {
        /// The named id.
        id: TokenId,
    },
    /// The issuer said that it revoked it, and the value does not say so.
    #[error(transparent)]
    NotSeen(#[from] NotSeen),
    /// The issuer was asked and failed.
    #[error(transparent)]
    Issuer(#[from] Error),
}

/// Ends a token that a person made and named, if the value itself shows that it is this token: it says
/// so, and the issuer lets it in.
///
/// # Errors
/// Nothing was sent but the question, or the issuer answered with this.
pub async fn revoke_adopted(
    issuer: &dyn Issuer,
    named: &TokenId,
    value: &SecretValue,
    parameters: &Parameters,
) -> Result<Ended, LeftToPerson> {
    let id = named.clone();
    if issuer.own_id(value).as_ref() != Some(named) {
        return Err(LeftToPerson::OtherValue { id });
    }
    match issuer
        .check_with(value, About::token(named, parameters))
        .await
    {
        Liveness::Alive => {}
        Liveness::Dead => return Ok(Ended::Gone),
        Liveness::Unknown => return Err(LeftToPerson::NotChecked { id }),
    }
    let proof = Proof::of_adopted(named, value, parameters);
    issuer.revoke(proof).await?;
    let id = named.to_string();
    match issuer
        .check_with(value, About::token(named, parameters))
        .await
    {
        Liveness::Dead => Ok(Ended::Revoked),
        Liveness::Alive => Err(NotSeen::StillAlive { id }.into()),
        Liveness::Unknown => Err(NotSeen::NotChecked { id }.into()),
    }
}
