//! The change of a living token in place, which keeps the marker that shows whose it is.

use jiff::Timestamp;
use tokenwright_core::instant::after;
use tokenwright_core::{Change, Held, Inputs, Look, LostAnswer, UpdateKind};

use crate::account::Account;
use crate::error::{Error, ErrorKind, Operation};
use crate::issuer::{Issuer, Token};

/// Why a token was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The issuer was asked and failed.
    #[error(transparent)]
    Issuer(#[from] Error),
    /// It shows the token under another name than ours, so that nothing was sent.
    #[error(transparent)]
    NotOurs(Error),
    /// It keeps the new name without the marker.
    #[error(transparent)]
    MarkerNotKept(Error),
}

impl ChangeError {
    /// The same as an answer of the issuer.
    #[must_use]
    pub fn into_error(self) -> Error {
        match self {
            Self::Issuer(error) | Self::NotOurs(error) | Self::MarkerNotKept(error) => error,
        }
    }

    /// Whether the token may be another one now than was known of it.
    #[must_use]
    pub fn is_unsure(&self) -> bool {
        match self {
            Self::Issuer(error) => matches!(
                error.kind,
                ErrorKind::OutcomeUnknown | ErrorKind::AnswerNotUnderstood | ErrorKind::NoRoom
            ),
            Self::NotOurs(_) => false,
            // Its former name could not be put back.
            Self::MarkerNotKept(error) => error.source.is_some(),
        }
    }
}

/// Changes a token in place, where the issuer shows that it is ours: an id on record is anybody's word, and a name of
/// ours on somebody else's token would have it revoked. Where the issuer keeps a new name without the marker, by which
/// alone the token is found and revoked, the former one is put back. `sent` is the name that this process gave it when
/// it could not find out what became of it: the token that has what is left of that name is the same one.
/// A lifetime counts from the mint, as that of a new token does: no change lets a token live longer than it says.
///
/// # Errors
/// What the issuer answered, that it shows no marker of ours, or that it does not keep it.
pub async fn change(
    account: &Account,
    (held, sent): (&Held, Option<&str>),
    change: &Change,
) -> Result<Token, ChangeError> {
    let issuer = account.issuer.as_ref();
    let (id, marker) = (&held.token.id, &held.token.marker);
    let since = held.created_at;
    let proves = issuer.capabilities().lost_answer == LostAnswer::FindByMarker;
    if proves {
        // Where it is shown by a listing alone, one of since its mint serves all.
        let known = after(held.created_at, issuer.capabilities().settle);
        let shown = shown(account, held, known).await?;
        let rest = shown.name.as_deref().filter(|name| !name.is_empty());
        let is_left = rest.is_some_and(|rest| sent.is_some_and(|sent| sent.starts_with(rest)));
        if shown.carries(marker) != Some(true) && !is_left {
            return Err(ChangeError::NotOurs(not_ours(issuer)));
        }
    }
    let name = marker.remote_name(&change.inputs.name);
    let shown = issuer.update(id, &name, change, since).await?;
    let renamed = proves && change.kinds.contains(&UpdateKind::Name);
    if !renamed || shown.carries(marker) != Some(false) {
        return Ok(shown);
    }
    let former = &held.inputs.name;
    let back = Change {
        inputs: Inputs {
            name: former.clone(),
            ..change.inputs.clone()
        },
        kinds: vec![UpdateKind::Name],
    };
    let name = marker.remote_name(former);
    let back = issuer.update(id, &name, &back, since).await;
    Err(ChangeError::MarkerNotKept(marker_not_kept(issuer, back)))
}

/// The token as it is now, where nobody knows what became of a change of it, and nothing of that can be made again.
///
/// # Errors
/// What the issuer answered, or that it shows no marker of ours.
pub async fn look(account: &Account, held: &Held, now: Timestamp) -> Result<Token, ChangeError> {
    let issuer = account.issuer.as_ref();
    let shown = shown(account, held, now).await?;
    let proves = issuer.capabilities().lost_answer == LostAnswer::FindByMarker;
    match proves && shown.carries(&held.token.marker) != Some(true) {
        true => Err(ChangeError::NotOurs(not_ours(issuer))),
        false => Ok(shown),
    }
}

/// The token as the issuer shows it; where it is shown by a listing alone, by one that began at this instant or later.
async fn shown(account: &Account, held: &Held, since: Timestamp) -> Result<Token, Error> {
    let issuer = account.issuer.as_ref();
    let (id, parameters) = (&held.token.id, &held.token.parameters);
    let shown = match issuer.capabilities().look {
        Look::Listing => {
            let listing = account.inventory.since(parameters, since).await?;
            listing.find(id).cloned()
        }
        Look::Alone | Look::Nothing => issuer.get(id, parameters).await?,
    };
    let missing = || Error::new(ErrorKind::NotFound, issuer.profile(), Operation::Update);
    shown.ok_or_else(missing)
}

fn not_ours(issuer: &dyn Issuer) -> Error {
    Error {
        detail: Some(
            "the issuer shows the token without our marker, so it is neither changed nor revoked"
                .to_owned(),
        ),
        ..Error::new(ErrorKind::Conflict, issuer.profile(), Operation::Update)
    }
}

fn marker_not_kept(issuer: &dyn Issuer, back: Result<Token, Error>) -> Error {
    let now = match &back {
        Ok(_) => "it has its former name again",
        Err(_) => "its former name could not be put back yet",
    };
    Error {
        detail: Some(format!(
            "the issuer keeps this name without the marker by which the token is found and revoked, and {now}; wish for a shorter name"
        )),
        source: back.err().map(|error| Box::new(error) as _),
        ..Error::new(ErrorKind::Invalid, issuer.profile(), Operation::Update)
    }
}
