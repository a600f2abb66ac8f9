//! Data sources: what an issuer shows and who the credential is, for reading. Nothing is changed.
//!
//! They answer from the listing that all resources of the run share.

mod filters;
mod identity;
mod row;
mod token;
mod tokens;

use std::sync::Arc;

use jiff::SignedDuration;
use tfplugin::{Connection, Diagnostics, Value};

pub(crate) use self::identity::IdentityData;
pub(crate) use self::token::TokenData;
pub(crate) use self::tokens::TokensData;
use crate::connect::{Connected, Purpose};
use crate::diagnostics;
use crate::session::{Session, Sessions, ready};
use crate::values::parameters;

/// As long as a refresh of a token may take.
const TIMEOUT: SignedDuration = SignedDuration::from_mins(2);

/// The issuer that a data source names, to be asked now.
fn open(
    sessions: &Sessions,
    config: &Value,
    diags: &mut Diagnostics,
) -> Option<(Arc<Connected>, Session)> {
    let connected = sessions.connected(config, Purpose::Mint, diags);
    let connected = ready(connected, diags)?;
    let session = sessions.open(&connected, Connection::default(), TIMEOUT);
    Some((connected, session))
}

/// Everything that the issuer shows with the parameters of a data source.
async fn listing(
    session: &Session,
    config: &Value,
    diags: &mut Diagnostics,
) -> Option<Arc<tokenwright_client::Listing>> {
    let parameters = parameters(config);
    let inventory = &session.connected.inventory;
    let listing = session.patiently(|| inventory.recent(&parameters)).await;
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
