//! `tokenwright_identity`: who the credential of an issuer is, and what the issuer can do.

use tfplugin::{DataSource, Diagnostics, Value, async_trait};
use tokenwright_core::{Disable, Look};

use super::open;
use crate::diagnostics;
use crate::schema::names::*;
use crate::session::Sessions;

/// The data source.
#[derive(Debug, Default)]
pub(crate) struct IdentityData {
    pub(crate) sessions: Sessions,
}

#[async_trait]
impl DataSource for IdentityData {
    async fn read(&self, state: Value, diags: &mut Diagnostics) -> Value {
        let Some((connected, session)) = open(&self.sessions, &state, diags) else {
            return state;
        };
        let identity = match session.patiently(|| connected.identity()).await {
            Ok(identity) => identity.map(|identity| identity.to_string()),
            Err(error) => {
                let summary = format!(
                    "Issuer {:?} did not say who the credential is",
                    connected.name
                );
                diagnostics::issuer_error(diags, &summary, &error, "Nothing was read.");
                return state;
            }
        };
        let issuer = &connected.issuer;
        let can = issuer.capabilities();
        state
            .with(IDENTITY, identity)
            .with(PROFILE, issuer.profile())
            .with(ENDPOINT, issuer.endpoint())
            .with(ORIGIN, connected.origin.to_string())
            .with(MANUAL, issuer.manual())
            .with(CAN_CHECK, can.check)
            .with(CAN_LIST, can.look == Look::Listing)
            .with(CAN_DISABLE, can.disable != Disable::Unsupported)
            .with(CAN_REVOKE, can.revoke)
    }
}
