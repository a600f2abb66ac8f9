//! The issuer of a state: the key in the provider block is a name for people, and may have been changed.
//!
//! A state knows the endpoint that minted its token, and whose account that was.

use std::sync::Arc;

use tfplugin::{Diagnostics, Value};

use super::ApiToken;
use super::owner::digest_of;
use super::state::Stored;
use crate::connect::{Connected, Purpose};
use crate::schema::names::*;

impl ApiToken {
    /// The issuer that minted the token of a state, by whatever key it stands in the provider block.
    pub(super) async fn minted_at(
        &self,
        state: &Value,
        diags: &mut Diagnostics,
    ) -> Option<Arc<Connected>> {
        let mut renamed = self.renamed(state);
        if renamed.len() > 1 {
            // Several accounts of one system: the one that minted it is asked for by its identity.
            let stored = Stored::read(state, &mut Diagnostics::new())?;
            let mut owner = None;
            for connected in renamed {
                if owner.is_none() && owns(&connected, &stored).await {
                    owner = Some(connected);
                }
            }
            renamed = owner.into_iter().collect();
        }
        match renamed.pop() {
            Some(connected) => Some(connected),
            None => self.connected(state, diags),
        }
    }

    /// Whether a configuration names the issuer that minted the token of a state, by whatever key.
    pub(super) fn same_issuer(&self, config: &Value, state: &Value) -> bool {
        let [new, old] = [config, state].map(|resource| self.sessions.issuer_of(resource));
        let unnamed = new.is_null() || old.is_null();
        let known = self.sessions.connections().is_some_and(|all| all.known());
        let renamed = || {
            let mut renamed = self.renamed(state).into_iter();
            renamed.any(|connected| Some(connected.name.as_str()) == new.as_str())
        };
        new == old || unnamed && !known || renamed()
    }

    /// The issuers at the endpoint of a state whose own key leads nowhere any more, or elsewhere.
    fn renamed(&self, state: &Value) -> Vec<Arc<Connected>> {
        let (Some(connections), Some(endpoint)) =
            (self.sessions.connections(), state.get(ENDPOINT).as_str())
        else {
            return Vec::new();
        };
        let mut wrong = Diagnostics::new();
        let leads = match self.connected(state, &mut wrong) {
            Some(connected) => connected.issuer.endpoint() == endpoint,
            // Without an error, it is not known yet where it leads; one that stands there is to be mended.
            None => {
                let key = self.sessions.issuer_of(state);
                !wrong.has_errors() || key.as_str().is_some_and(|key| connections.has(key))
            }
        };
        match leads {
            true => Vec::new(),
            false => connections.at(endpoint, Purpose::Mint),
        }
    }
}

async fn owns(connected: &Connected, stored: &Stored) -> bool {
    match connected.identity().await {
        Ok(Some(identity)) => stored.identity == Some(identity.to_string()),
        Ok(None) => stored.identity == digest_of(connected, stored),
        Err(_) => false,
    }
}
