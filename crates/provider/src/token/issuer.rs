//! The issuer of a state: the key in the provider block is a name for people, and may have been changed.
//!
//! A state knows the endpoint that minted its token, and whose account that was.

use std::sync::Arc;

use tfplugin::{Connection, Diagnostics, Value};
use tokenwright_client::Error;

use super::ApiToken;
use super::owner::digest_of;
use super::state::Stored;
use crate::connect::Connected;
use crate::diagnostics;
use crate::schema::TIMEOUT;
use crate::schema::names::*;

impl ApiToken {
    /// The issuer that minted the token of a state, by whatever key it stands in the provider block.
    pub(super) async fn minted_at(
        &self,
        state: &Value,
        diags: &mut Diagnostics,
    ) -> Option<Arc<Connected>> {
        let mut renamed = self.sessions.renamed(state);
        let owner = match renamed.len() {
            0 | 1 => renamed.pop(),
            _ => self.owner_among(renamed, state).await,
        };
        match owner {
            Some(connected) => Some(connected),
            None => self.connected(state, diags),
        }
    }

    /// Whether a configuration names another account than that which minted the token of a state, where several are
    /// at its endpoint and its own key does not tell. Where the issuers do not tell either, that is an error: a change
    /// would end a token that works, or forget it alive.
    pub(super) async fn is_of_another(
        &self,
        config: &Value,
        state: &Value,
        diags: &mut Diagnostics,
    ) -> bool {
        let mut renamed = self.sessions.renamed(state);
        let issuer = config.get(ISSUER).as_str();
        let stored = Stored::read(state, &mut Diagnostics::new());
        let (Some(issuer), Some(stored)) = (issuer.filter(|_| renamed.len() > 1), stored) else {
            return false;
        };
        // The one that is named comes first: several keys may stand for one account.
        renamed.sort_by_key(|connected| connected.name != issuer);
        let mut silent = None;
        for connected in renamed {
            let named = connected.name == issuer;
            match self.owns(&connected, &stored).await {
                Ok(true) => return !named,
                Ok(false) => {}
                Err(error) if named => {
                    silent = Some((connected, error));
                    break;
                }
                Err(error) if error.kind.is_transient() => silent = Some((connected, error)),
                Err(_) => {}
            }
        }
        if let Some((connected, error)) = silent {
            let summary = format!("Issuer {:?} did not answer", connected.name);
            let next = "Whether its account minted the token is not known, so nothing was planned.";
            diagnostics::issuer_error(diags, &summary, &error, next);
        }
        false
    }

    /// Of several accounts of one system, that which minted a token, as far as they answer.
    async fn owner_among(
        &self,
        accounts: Vec<Arc<Connected>>,
        state: &Value,
    ) -> Option<Arc<Connected>> {
        let stored = Stored::read(state, &mut Diagnostics::new())?;
        for connected in accounts {
            if self.owns(&connected, &stored).await.unwrap_or_default() {
                return Some(connected);
            }
        }
        None
    }

    /// Whether an account minted a token: it is asked for by its identity.
    async fn owns(&self, connected: &Arc<Connected>, stored: &Stored) -> Result<bool, Error> {
        let session = (self.sessions).open(connected, Connection::default(), TIMEOUT);
        let said = session.patiently(|| connected.identity()).await?;
        let now = said.map(|identity| identity.to_string());
        Ok(stored.identity == now.or_else(|| digest_of(connected, stored)))
    }
}
