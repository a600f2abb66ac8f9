//! The change of a living token in place, which keeps the marker that shows whose it is.

use tokenwright_core::{Change, Held, Inputs, LostAnswer, UpdateKind};

use crate::error::{Error, ErrorKind, Operation};
use crate::issuer::{Issuer, Token};

/// Why a token was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The issuer was asked and failed.
    #[error(transparent)]
    Issuer(#[from] Error),
    /// It keeps the new name without the marker.
    #[error(transparent)]
    MarkerNotKept(Error),
}

impl ChangeError {
    /// The same as an answer of the issuer.
    #[must_use]
    pub fn into_error(self) -> Error {
        match self {
            Self::Issuer(error) | Self::MarkerNotKept(error) => error,
        }
    }
}

/// Changes a token in place, where the issuer shows that it is ours: an id on record is anybody's word, and a name of
/// ours on somebody else's token would have it revoked. A name comes alone and first: where the issuer keeps it without
/// the marker, by which alone the token is found and revoked, the former one is put back and nothing else is changed.
/// A lifetime counts from the mint, as that of a new token does: no change lets a token live longer than it says.
///
/// # Errors
/// What the issuer answered, that it shows no marker of ours, or that it does not keep it.
pub async fn change(
    issuer: &dyn Issuer,
    held: &Held,
    change: &Change,
) -> Result<Token, ChangeError> {
    let named = |name: &str| held.token.marker.remote_name(name);
    let name = named(&change.inputs.name);
    let since = held.created_at;
    let proves = issuer.capabilities().lost_answer == LostAnswer::FindByMarker;
    if proves {
        let shown = issuer.get(&held.token.id, &held.token.parameters).await?;
        if shown.and_then(|shown| shown.carries(&held.token.marker)) != Some(true) {
            return Err(not_ours(issuer).into());
        }
    }
    if proves && change.kinds.contains(&UpdateKind::Name) {
        let rename = |name: &str| Change {
            inputs: Inputs {
                name: name.to_owned(),
                ..change.inputs.clone()
            },
            kinds: vec![UpdateKind::Name],
        };
        let (id, former) = (&held.token.id, &held.inputs.name);
        let to = rename(&change.inputs.name);
        let shown = issuer.update(id, &name, &to, since).await?;
        if shown.carries(&held.token.marker) == Some(false) {
            let back = issuer
                .update(id, &named(former), &rename(former), since)
                .await;
            return Err(ChangeError::MarkerNotKept(marker_not_kept(issuer, back)));
        }
        if change.kinds.len() == 1 {
            return Ok(shown);
        }
    }
    Ok(issuer.update(&held.token.id, &name, change, since).await?)
}

fn not_ours(issuer: &dyn Issuer) -> Error {
    Error {
        detail: Some(
            "the issuer does not show the token with our marker, so it is not changed".to_owned(),
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
