//! The one way to end a token.
//!
//! Rotation, healing, sweeping, deletion and the command line all go through [`revoke()`]. A record, a
//! Secret, a state or a person only *nominates* a token; a request is sent only on evidence that the
//! issuer itself gave: our whole marker on that very id. A token that a person made has no marker; it is
//! ended by [`revoke_adopted`] alone, on the word of its own value.

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::instant::after;
use tokenwright_core::{Ended, Liveness, LostAnswer, Marker, Parameters, TokenId, TokenRef};

use crate::error::Error;
use crate::issuer::{Issuer, Token};
use crate::secret::SecretValue;

/// Permission to end one token. Nothing outside this module can make one.
#[derive(Debug)]
pub struct Proof {
    id: TokenId,
    parameters: Parameters,
}

impl Proof {
    fn of(token: &TokenRef) -> Self {
        Self {
            id: token.id.clone(),
            parameters: token.parameters.clone(),
        }
    }

    /// The token that may be ended.
    #[must_use]
    pub fn id(&self) -> &TokenId {
        &self.id
    }

    /// The parameters that it was minted or adopted with.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }
}

/// A complete listing, as evidence.
#[derive(Debug, Clone)]
pub struct Listing {
    /// When it was started.
    pub started_at: Timestamp,
    /// The parameters that it was asked with.
    pub parameters: Parameters,
    /// Every token that it shows.
    pub tokens: Vec<Token>,
}

/// What a revoke rests on.
#[derive(Debug)]
pub enum Evidence<'a> {
    /// The mint's own answer, in this process.
    Minted,
    /// A complete listing that started after the revoke was decided.
    Listing(&'a Listing),
    /// A fresh look, made by [`revoke()`] itself.
    Look,
}

/// Why nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotProven {
    /// The issuer shows the id without our whole marker.
    #[error("token {id} carries another name than the one it was minted with")]
    OtherMarker {
        /// The nominated id.
        id: String,
    },
    /// The endpoint or account is not the one that the token was minted with.
    #[error("token {id} was minted at another endpoint or account")]
    OtherIssuer {
        /// The nominated id.
        id: String,
    },
    /// The listing is too old, or was asked with other parameters.
    #[error("the listing says nothing about token {id}")]
    ListingDoesNotCover {
        /// The nominated id.
        id: String,
    },
    /// The token is not there, but so young that a listing may lag.
    #[error("token {id} is not shown yet")]
    TooYoung {
        /// The nominated id.
        id: String,
    },
}

/// Why a token was not ended.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// Nothing was sent.
    #[error(transparent)]
    NotProven(#[from] NotProven),
    /// The issuer was asked and failed.
    #[error(transparent)]
    Issuer(#[from] Error),
}

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
    /// The issuer was asked and failed.
    #[error(transparent)]
    Issuer(#[from] Error),
}

/// What is nominated for a revoke, and when that was decided.
#[derive(Debug, Clone, Copy)]
pub struct Nomination<'a> {
    /// The token.
    pub token: &'a TokenRef,
    /// When it was minted, as far as the record knows; absence is believed only `settle` later.
    pub minted_at: Option<Timestamp>,
    /// Its own expiry.
    pub expires_at: Option<Timestamp>,
    /// When the revoke was decided; an older listing is no evidence.
    pub decided_at: Timestamp,
}

/// Ends the nominated token, if the evidence shows that it is ours.
///
/// # Errors
/// [`NotProven`], and nothing was sent; or what the issuer answered.
pub async fn revoke(
    issuer: &dyn Issuer,
    nomination: Nomination<'_>,
    evidence: Evidence<'_>,
    now: Timestamp,
) -> Result<Ended, RevokeError> {
    let Nomination { token, .. } = nomination;
    let id = || token.id.to_string();
    same_issuer(issuer, token).await?;
    let shown = match evidence {
        Evidence::Minted => {
            issuer.revoke(Proof::of(token)).await?;
            return Ok(Ended::Revoked);
        }
        Evidence::Look => issuer.get(&token.id, &token.parameters).await?,
        Evidence::Listing(listing)
            if listing.started_at < nomination.decided_at
                || listing.parameters != issuer.list_parameters(&token.parameters) =>
        {
            return Err(NotProven::ListingDoesNotCover { id: id() }.into());
        }
        Evidence::Listing(listing) => listing
            .tokens
            .iter()
            .find(|shown| shown.id == token.id)
            .cloned(),
    };
    match shown {
        Some(shown) if carries(issuer, &shown, &token.marker) => {
            issuer.revoke(Proof::of(token)).await?;
            Ok(Ended::Revoked)
        }
        Some(_) => Err(NotProven::OtherMarker { id: id() }.into()),
        None => gone(nomination, issuer.capabilities().settle, now),
    }
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
    match issuer.check_with(value, parameters).await {
        Liveness::Alive => {}
        Liveness::Dead => return Ok(Ended::Gone),
        Liveness::Unknown => return Err(LeftToPerson::NotChecked { id }),
    }
    let parameters = parameters.clone();
    let proof = Proof { id, parameters };
    issuer.revoke(proof).await?;
    Ok(Ended::Revoked)
}

async fn same_issuer(issuer: &dyn Issuer, token: &TokenRef) -> Result<(), RevokeError> {
    let other = || NotProven::OtherIssuer {
        id: token.id.to_string(),
    };
    if token.endpoint != issuer.endpoint() {
        return Err(other().into());
    }
    if let Some(minted_by) = &token.identity
        && let Some(now) = issuer.identity().await?
        && *minted_by != now
    {
        return Err(other().into());
    }
    Ok(())
}

/// Whether the issuer shows our *whole* marker on a token.
///
/// A system that shows no names on any token leaves the id alone as evidence.
fn carries(issuer: &dyn Issuer, shown: &Token, marker: &Marker) -> bool {
    match &shown.name {
        Some(name) => Marker::of_name(name).as_ref() == Some(marker),
        None => issuer.capabilities().lost_answer == LostAnswer::CannotAttribute,
    }
}

/// Absence is believed only once a listing must show the token.
fn gone(
    nomination: Nomination<'_>,
    settle: SignedDuration,
    now: Timestamp,
) -> Result<Ended, RevokeError> {
    if nomination.expires_at.is_some_and(|at| at <= now) {
        return Ok(Ended::Expired);
    }
    match nomination.minted_at {
        Some(minted_at) if now < after(minted_at, settle) => Err(NotProven::TooYoung {
            id: nomination.token.id.to_string(),
        }
        .into()),
        Some(_) | None => Ok(Ended::Gone),
    }
}

#[cfg(test)]
mod tests;
