//! Whose the credential is, and where: compared before anything is concluded from an answer.

use tfplugin::Diagnostics;
use tokenwright_client::account::is_of_credential;

use super::state::{Stored, name, name_within};
use crate::connect::Connected;
use crate::diagnostics;
use crate::session::Session;

/// Whether the credential is of the account that minted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CredentialOwner {
    /// It is, or the issuer itself is asked.
    Same,
    /// The issuer cannot say, and the credential is not the one that was last seen.
    Unknown,
}

/// Endpoints are compared, never used: nothing is asked of one that did not mint the token.
pub(super) fn same_endpoint(session: &Session, stored: &Stored, diags: &mut Diagnostics) -> bool {
    let now = session.connected.issuer.endpoint();
    match &stored.endpoint {
        Some(before) if before != now => {
            diags.error(
                "The issuer has another endpoint than the token",
                format!(
                    "{} was minted at {before}, and issuer {:?} is at {now}. Nothing was asked of it. \
                     Set the endpoint back; or revoke the token by hand and remove it from the state.",
                    name(stored),
                    session.connected.name
                ),
            );
            false
        }
        Some(_) | None => true,
    }
}

/// Where an issuer says whose its credential is, nothing else is asked of another account than that which minted.
/// `false` after an error.
pub(super) async fn same_account(
    session: &Session,
    stored: &Stored,
    diags: &mut Diagnostics,
) -> bool {
    let named = stored.identity.as_ref();
    let Some(before) = named.filter(|before| !is_of_credential(before)) else {
        return true;
    };
    let issuer = &session.connected.name;
    match session.patiently(|| session.connected.identity()).await {
        Ok(Some(now)) if now.to_string() != *before => {
            diags.error(
                "The credential belongs to another account than the token",
                format!(
                    "{} was minted by another account than that of the credential which issuer {issuer:?} has now. Nothing was done. \
                     Give the issuer a credential of the account that owns the token; \
                     or revoke the token by hand and remove it from the state.",
                    name(stored)
                ),
            );
            false
        }
        Ok(_) => true,
        Err(error) => {
            let summary = format!("Issuer {issuer:?} did not answer");
            let next = format!(
                "Nothing was done, and {} stays in the state as it is.",
                name_within(stored)
            );
            diagnostics::issuer_error(diags, &summary, &error, &next);
            false
        }
    }
}

/// What stands for the account where the issuer cannot say whose a credential is.
pub(super) fn digest_of(connected: &Connected, stored: &Stored) -> Option<String> {
    let credential = connected.credential.as_ref()?;
    Some(credential.identity(stored.instance.as_bytes()).to_string())
}

/// Whether the credential is still the one that the state was last read with, where only that tells.
pub(super) fn account(session: &Session, stored: &Stored) -> CredentialOwner {
    match &stored.identity {
        Some(before)
            if is_of_credential(before)
                && digest_of(&session.connected, stored).as_ref() != Some(before) =>
        {
            CredentialOwner::Unknown
        }
        Some(_) | None => CredentialOwner::Same,
    }
}
