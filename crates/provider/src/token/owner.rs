//! Whose the credential is, and where: compared before anything is concluded from an answer.

use tfplugin::Diagnostics;
use tokenwright_client::account::is_of_credential;

use super::state::{Stored, name};
use crate::connect::Connected;
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
