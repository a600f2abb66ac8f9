//! `tokenwright_identity`: who the credential of an issuer is, and what the issuer can do.

use tfplugin::{DataSource, Diagnostics, Value, async_trait};
use tokenwright_core::{Disable, Look};

use super::open;
use crate::diagnostics;
use crate::session::Sessions;

/// The data source.
#[derive(Debug, Default)]
pub(crate) struct IdentityData {
    pub(crate) sessions: Sessions,
}

#[async_trait]
impl DataSource for IdentityData {
    async fn read(&self, config: Value, diags: &mut Diagnostics) -> Value {
        let mut state = config;
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
        let manual = issuer.manual().map(str::to_owned);
        for (name, value) in [
            ("identity", Value::from(identity)),
            ("profile", issuer.profile().into()),
            ("endpoint", issuer.endpoint().into()),
            ("origin", connected.origin.to_string().into()),
            ("manual", manual.into()),
            ("can_check", can.check.into()),
            ("can_list", (can.look == Look::Listing).into()),
            ("can_disable", (can.disable != Disable::Unsupported).into()),
            ("can_revoke", can.revoke.into()),
        ] {
            state.set(name, value);
        }
        state
    }
}
