//! The issuer of a state: the key in the provider block is a name for people, and may have been changed.
//!
//! A state knows the endpoint that minted its token, and whose account that was.

use std::sync::Arc;

use tfplugin::{Diagnostics, Value};

use super::ApiToken;
use super::owner::digest_of;
use super::state::Stored;
use crate::connect::Connected;
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
            _ => owner_among(renamed, state).await,
        };
        match owner {
            Some(connected) => Some(connected),
            None => self.connected(state, diags),
        }
    }

    /// Whether a configuration names another account than that which minted the token of a state, where several are
    /// at its endpoint and its own key does not tell.
    pub(super) async fn is_of_another(&self, config: &Value, state: &Value) -> bool {
        let mut renamed = self.sessions.renamed(state);
        let issuer = config.get(ISSUER).as_str();
        let Some(issuer) = issuer.filter(|_| renamed.len() > 1) else {
            return false;
        };
        // The one that is named comes first: several keys may stand for one account.
        renamed.sort_by_key(|connected| connected.name != issuer);
        let owner = owner_among(renamed, state).await;
        owner.is_some_and(|owner| owner.name != issuer)
    }
}

/// Of several accounts of one system, that which minted a token: it is asked for by its identity.
async fn owner_among(accounts: Vec<Arc<Connected>>, state: &Value) -> Option<Arc<Connected>> {
    let stored = Stored::read(state, &mut Diagnostics::new())?;
    for connected in accounts {
        if owns(&connected, &stored).await {
            return Some(connected);
        }
    }
    None
}

async fn owns(connected: &Connected, stored: &Stored) -> bool {
    match connected.identity().await {
        Ok(Some(identity)) => stored.identity == Some(identity.to_string()),
        Ok(None) => stored.identity == digest_of(connected, stored),
        Err(_) => false,
    }
}
