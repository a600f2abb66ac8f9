//! Data sources: what an issuer shows and who the credential is, for reading. Nothing is changed.
//!
//! They answer from the listing that all resources of the run share.

mod filters;
mod identity;
mod row;
mod token;
mod tokens;

use std::sync::Arc;

use jiff::Timestamp;
use tfplugin::{Connection, Diagnostics, Value};
use tokenwright_client::{Error, Token};
use tokenwright_core::{Look, Parameters, TokenId};

pub(crate) use self::filters::Filters;
pub(crate) use self::identity::IdentityData;
pub(crate) use self::row::wanted_name;
pub(crate) use self::token::TokenData;
pub(crate) use self::tokens::TokensData;
use crate::connect::{Connected, Purpose};
use crate::diagnostics;
use crate::schema::READ_TIMEOUT;
use crate::session::{Session, Sessions, ready};
use crate::values::parameters;

/// The issuer that a data source names, to be asked now.
pub(crate) fn open(
    sessions: &Sessions,
    config: &Value,
    diags: &mut Diagnostics,
) -> Option<(Arc<Connected>, Session)> {
    let connected = sessions.connected(config, Purpose::Mint, diags);
    let connected = ready(connected, diags)?;
    if !are_known(&parameters(config), &connected, diags) {
        return None;
    }
    let session = sessions.open(&connected, Connection::default(), READ_TIMEOUT);
    Some((connected, session))
}

/// Whether the system knows these parameters: a mistyped one would show other tokens.
pub(crate) fn are_known(
    parameters: &Parameters,
    connected: &Connected,
    diags: &mut Diagnostics,
) -> bool {
    // What is there already needs none of them, as an adopted token.
    let judged = connected.issuer.validate_adopted(parameters);
    if let Err(error) = &judged {
        diagnostics::invalid(diags, error);
    }
    judged.is_ok()
}

/// One token, as the issuer shows it now.
pub(crate) async fn show(
    connected: &Connected,
    id: &TokenId,
    resource: &Value,
    now: Timestamp,
) -> Result<Option<Token>, Error> {
    let parameters = parameters(resource);
    match connected.issuer.capabilities().look {
        Look::Listing => {
            let listing = connected.inventory.since(&parameters, now).await?;
            Ok(listing.tokens.iter().find(|token| token.id == *id).cloned())
        }
        Look::Alone | Look::Nothing => connected.issuer.get(id, &parameters).await,
    }
}

/// Everything that the issuer shows with these parameters.
pub(crate) async fn listing(
    session: &Session,
    parameters: &Parameters,
    diags: &mut Diagnostics,
) -> Option<Arc<tokenwright_client::Listing>> {
    let inventory = &session.connected.inventory;
    let listing = session.patiently(|| inventory.recent(parameters)).await;
    match listing {
        Ok(listing) => Some(listing),
        Err(error) => {
            let summary = format!(
                "Issuer {:?} did not show its tokens",
                session.connected.name
            );
            diagnostics::issuer_error(diags, &summary, &error, "Nothing was read.");
            None
        }
    }
}
