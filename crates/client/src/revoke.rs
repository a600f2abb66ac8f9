//! The one way to end a token.
//!
//! Rotation, healing, sweeping, deletion and the command line all go through [`revoke()`]. A record, a
//! Secret, a state or a person only *nominates* a token; a request is sent only on evidence that the
//! issuer itself gave: our whole marker on that very id; where it shows no names, an id that nobody else can have
//! written into the record. A success is a claim: the token is looked for
//! afterwards, by [`seen_to_end`] or by a listing that is due anyhow. A token that a person made has no marker; it is
//! ended by [`revoke_adopted`] alone, on the word of its own value.

use futures::future::join;
use jiff::{SignedDuration, Timestamp};
use tokenwright_core::instant::after;
use tokenwright_core::{
    Ended, Identity, Liveness, Look, LostAnswer, Marker, Obstacle, Sameness, TokenRef,
};

use crate::error::{Error, ErrorKind};
use crate::issuer::{About, Issuer, Token};
use crate::secret::SecretValue;

mod adopted;
mod listing;
pub mod proof;

pub use adopted::{LeftToPerson, revoke_adopted};
pub use listing::Listing;
pub use proof::Proof;

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
    /// The issuer shows no names, and somebody else may have written the id into the record.
    #[error("token {id} is named by a record without our seal, and the issuer shows no names")]
    NotSealed {
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

/// Why an end that the issuer tells of is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSeen {
    /// The revoke was accepted, and the token is shown as before.
    #[error("token {id} was said to be revoked and is still shown")]
    StillShown {
        /// The nominated id.
        id: String,
    },
    /// The token is not shown, or its revoke was accepted, and its value lets whoever has it in.
    #[error("token {id} was said to be gone, and its value still authenticates")]
    StillAlive {
        /// The nominated id.
        id: String,
    },
    /// The token is not shown, and nobody revoked it that we know.
    #[error("token {id} is not shown, and nobody says whether its value still authenticates")]
    NotChecked {
        /// The nominated id.
        id: String,
    },
    /// One look does not show it, nobody revoked it that we know, and nothing else can tell.
    #[error("token {id} was not shown when it was looked for once")]
    MissedOnce {
        /// The nominated id.
        id: String,
    },
    /// The revoke was accepted, and the issuer failed when it was asked what came of it.
    #[error("token {id} was said to be revoked, and the issuer did not say what came of it")]
    NotTold {
        /// The nominated id.
        id: String,
    },
}

/// What came of a revoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// The token is ended: that was seen, or nothing can look.
    Ended(Ended),
    /// The issuer says that it did it, or that the token is not there; that is still to be seen.
    Sent,
}

/// Why a token was not ended.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// Nothing was sent.
    #[error(transparent)]
    NotProven(#[from] NotProven),
    /// The issuer tells of an end that is not believed.
    #[error(transparent)]
    NotSeen(#[from] NotSeen),
    /// The issuer was asked and failed.
    #[error(transparent)]
    Issuer(#[from] Error),
}

impl RevokeError {
    /// What stands in the way, as a record remembers it.
    #[must_use]
    pub fn obstacle(&self) -> Obstacle {
        match self {
            Self::NotProven(
                NotProven::OtherMarker { .. }
                | NotProven::NotSealed { .. }
                | NotProven::OtherIssuer { .. },
            ) => Obstacle::NotProven,
            Self::NotSeen(NotSeen::StillAlive { .. }) => Obstacle::StillAlive,
            Self::NotProven(NotProven::ListingDoesNotCover { .. } | NotProven::TooYoung { .. })
            | Self::NotSeen(_) => Obstacle::NotSeen,
            Self::Issuer(_) => Obstacle::Failed,
        }
    }
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
    /// When the issuer last said that it did it.
    pub sent_at: Option<Timestamp>,
    /// Whether a look of at least `settle` ago did not show it either.
    pub missed_before: bool,
    /// Whether its value let in when it was last asked about, after the issuer had told of its end: without the
    /// value at hand nothing tells then that it has ended.
    pub alive_before: bool,
    /// Its value, where it is at hand: what still authenticates has not ended.
    pub value: Option<&'a SecretValue>,
    /// Whether somebody else may have written its id into the record. Where the issuer shows no names, nothing is
    /// sent then.
    pub unsealed: bool,
}

impl<'a> Nomination<'a> {
    /// A token of which no more is known.
    #[must_use]
    pub fn of(token: &'a TokenRef, decided_at: Timestamp) -> Self {
        Self {
            token,
            minted_at: None,
            expires_at: None,
            decided_at,
            sent_at: None,
            missed_before: false,
            alive_before: false,
            value: None,
            unsealed: false,
        }
    }

    fn id(&self) -> String {
        self.token.id.to_string()
    }

    fn expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

/// Ends the nominated token, if the evidence shows that it is ours.
///
/// # Errors
/// [`NotProven`], and nothing was sent; [`NotSeen`], and its end is not believed; or what the issuer
/// answered.
pub async fn revoke(
    issuer: &dyn Issuer,
    nomination: Nomination<'_>,
    evidence: Evidence<'_>,
    now: Timestamp,
) -> Result<Revoked, RevokeError> {
    let Nomination { token, .. } = nomination;
    same_issuer(issuer, token).await?;
    let look = issuer.capabilities().look;
    let listed = matches!(evidence, Evidence::Listing(_));
    let mut shown = match evidence {
        // Where nothing can look, the id in our own record is all there is.
        Evidence::Look if look == Look::Nothing => {
            return match nomination.unsealed {
                true if nomination.expired(now) => Ok(Revoked::Ended(Ended::Expired)),
                true => Err(not_sealed(nomination)),
                false => sent_or_expired(issuer, nomination, now).await,
            };
        }
        Evidence::Minted => return send(issuer, nomination).await,
        Evidence::Look | Evidence::Listing(_) => find(issuer, nomination, evidence).await?,
    };
    if shown.is_none() && listed && look == Look::Alone && nomination.sent_at.is_none() {
        // Pages that shift under a reader can skip a token; a look at it alone cannot.
        let value = nomination.value.filter(|_| can_check(issuer, token));
        if value.is_none() {
            shown = issuer.get(&token.id, &token.parameters).await?;
        }
    }
    match shown {
        Some(shown) if !carries(issuer, &shown, &token.marker) => Err(NotProven::OtherMarker {
            id: nomination.id(),
        }
        .into()),
        Some(shown) if shown.name.is_none() && nomination.unsealed => Err(not_sealed(nomination)),
        Some(_) => send(issuer, nomination).await,
        None => Ok(Revoked::Ended(absent(issuer, nomination, now).await?)),
    }
}

/// A token whose value nobody has any more, and that only its value ends, is over with its own expiry.
async fn sent_or_expired(
    issuer: &dyn Issuer,
    nomination: Nomination<'_>,
    now: Timestamp,
) -> Result<Revoked, RevokeError> {
    let over = nomination.value.is_none() && nomination.expired(now);
    let sent = send(issuer, nomination).await;
    let in_vain = match &sent {
        Err(RevokeError::Issuer(error)) => error.kind == ErrorKind::Invalid,
        Err(RevokeError::NotSeen(why)) => matches!(why, NotSeen::StillAlive { .. }),
        _ => false,
    };
    match over && in_vain {
        true => Ok(Revoked::Ended(Ended::Expired)),
        false => sent,
    }
}

fn not_sealed(nomination: Nomination<'_>) -> RevokeError {
    let id = nomination.id();
    NotProven::NotSealed { id }.into()
}

/// The second look at a token that one look did not show, and how long after the first it may come.
///
/// Only two looks [`settle`](crate::Capabilities::settle) apart tell that a token is gone of which its value cannot tell,
/// but where listings show names: these find it again.
#[must_use]
pub fn second_look<'a, T>(
    issuer: &dyn Issuer,
    nomination: Nomination<'a>,
    first: &Result<T, RevokeError>,
) -> Option<(Nomination<'a>, SignedDuration)> {
    let Err(RevokeError::NotSeen(NotSeen::MissedOnce { .. })) = first else {
        return None;
    };
    let second = Nomination {
        missed_before: true,
        ..nomination
    };
    Some((second, issuer.capabilities().settle))
}

/// Whether a token whose revoke was sent is seen to have ended: it is shown no more, and its value, where
/// it is at hand, does not authenticate.
///
/// # Errors
/// [`NotSeen`], or what the issuer answered.
pub async fn seen_to_end(
    issuer: &dyn Issuer,
    nomination: Nomination<'_>,
    evidence: Evidence<'_>,
    now: Timestamp,
) -> Result<Ended, RevokeError> {
    let asked_now = matches!(evidence, Evidence::Look);
    let shows = async {
        match issuer.capabilities().look {
            Look::Nothing => Ok(None),
            Look::Alone | Look::Listing => find(issuer, nomination, evidence).await,
        }
    };
    let (shown, says) = match asked_now {
        // At once: mostly the token is gone, and then both answers are needed.
        true => {
            let (shown, says) = join(shows, says(issuer, nomination, now)).await;
            (shown?, Some(says))
        }
        false => (shows.await?, None),
    };
    // Another marker on the id: it is used again.
    if shown.is_some_and(|shown| carries(issuer, &shown, &nomination.token.marker)) {
        let id = nomination.id();
        return Err(NotSeen::StillShown { id }.into());
    }
    match says {
        Some(says) => gone(issuer, nomination, says, now),
        None => absent(issuer, nomination, now).await,
    }
}

/// What the evidence shows of the token.
async fn find(
    issuer: &dyn Issuer,
    nomination: Nomination<'_>,
    evidence: Evidence<'_>,
) -> Result<Option<Token>, RevokeError> {
    let Nomination { token, .. } = nomination;
    let Evidence::Listing(listing) = evidence else {
        return Ok(issuer.get(&token.id, &token.parameters).await?);
    };
    let asked_with = issuer.list_parameters(&token.parameters);
    if listing.started_at < nomination.decided_at || listing.parameters != asked_with {
        let id = nomination.id();
        return Err(NotProven::ListingDoesNotCover { id }.into());
    }
    Ok(listing.find(&token.id).cloned())
}

/// Sends it. A success is a claim; where nothing can look, a value at hand must be dead.
async fn send(issuer: &dyn Issuer, nomination: Nomination<'_>) -> Result<Revoked, RevokeError> {
    let proof = Proof::of(nomination.token, nomination.value);
    issuer.revoke(proof).await?;
    if issuer.capabilities().look != Look::Nothing {
        return Ok(Revoked::Sent);
    }
    let id = nomination.id();
    match authenticates(issuer, nomination).await {
        None | Some(Liveness::Dead) => Ok(Revoked::Ended(Ended::Revoked)),
        Some(Liveness::Alive) => Err(NotSeen::StillAlive { id }.into()),
        Some(Liveness::Unknown) => Err(NotSeen::NotChecked { id }.into()),
    }
}

/// What the value says, where it is at hand and can be asked about.
async fn authenticates(issuer: &dyn Issuer, nomination: Nomination<'_>) -> Option<Liveness> {
    let Nomination { token, value, .. } = nomination;
    let says = match value.filter(|_| can_check(issuer, token)) {
        Some(value) => Some(issuer.check_with(value, about(token)).await),
        None => None,
    };
    match says {
        // What it said last counts until it says otherwise.
        None | Some(Liveness::Unknown) if nomination.alive_before => Some(Liveness::Alive),
        says => says,
    }
}

fn can_check(issuer: &dyn Issuer, token: &TokenRef) -> bool {
    issuer.capabilities().check && issuer.can_check(about(token))
}

fn about(token: &TokenRef) -> About<'_> {
    About::token(&token.id, &token.parameters)
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
        && Identity::compare(Some(minted_by), Some(&now)) == Sameness::Other
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

/// Absence is believed only once a listing must show the token, and against no value that says otherwise.
async fn absent(
    issuer: &dyn Issuer,
    nomination: Nomination<'_>,
    now: Timestamp,
) -> Result<Ended, RevokeError> {
    let shown_from = |minted_at| after(minted_at, issuer.capabilities().settle);
    let young = nomination.minted_at.is_some_and(|at| now < shown_from(at));
    if young && nomination.sent_at.is_none() && !nomination.expired(now) {
        let id = nomination.id();
        return Err(NotProven::TooYoung { id }.into());
    }
    let says = says(issuer, nomination, now).await;
    gone(issuer, nomination, says, now)
}

/// What the value says of a token that has not ended by itself.
async fn says(issuer: &dyn Issuer, nomination: Nomination<'_>, now: Timestamp) -> Option<Liveness> {
    match nomination.expired(now) {
        true => None,
        false => authenticates(issuer, nomination).await,
    }
}

/// How a token ended that is not shown. Where no value tells, only two looks `settle` apart do: listings skip a token
/// whose pages shift, and a gateway says of anything that it is not there.
fn gone(
    issuer: &dyn Issuer,
    nomination: Nomination<'_>,
    says: Option<Liveness>,
    now: Timestamp,
) -> Result<Ended, RevokeError> {
    if nomination.expired(now) {
        return Ok(Ended::Expired);
    }
    let id = nomination.id();
    let sent = nomination.sent_at.is_some();
    let capabilities = issuer.capabilities();
    // What a look at it alone missed, a listing that shows names finds again.
    let one_look_tells =
        capabilities.look == Look::Alone && capabilities.lost_answer == LostAnswer::FindByMarker;
    match says {
        None if !one_look_tells && !sent && !nomination.missed_before => {
            Err(NotSeen::MissedOnce { id }.into())
        }
        Some(Liveness::Alive) => Err(NotSeen::StillAlive { id }.into()),
        Some(Liveness::Unknown) if !sent => Err(NotSeen::NotChecked { id }.into()),
        Some(Liveness::Dead | Liveness::Unknown) | None if sent => Ok(Ended::Revoked),
        Some(Liveness::Dead | Liveness::Unknown) | None => Ok(Ended::Gone),
    }
}

#[cfg(test)]
mod tests;
