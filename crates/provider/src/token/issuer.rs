//! The issuer of a state: the key in the provider block is a name for people, and may have been changed.
//!
//! A state knows the endpoint that minted its token, and whose account that was.

use std::sync::Arc;

use tfplugin::{Diagnostics, Value};

use super::ApiToken;
use super::owner::digest_of;
use super::state::Stored;
use crate::connect::Connected;

impl ApiToken {
    /// The issuer that minted the token of a state, by whatever key it stands in the provider block.
    pub(super) async fn minted_at(
        &self,
        state: &Value,
        diags: &mut Diagnostics,
    ) -> Option<Arc<Connected>> {
        let mut renamed = self.sessions.renamed(state);
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
}

async fn owns(connected: &Connected, stored: &Stored) -> bool {
    match connected.identity().await {
        Ok(Some(identity)) => stored.identity == Some(identity.to_string()),
        Ok(None) => stored.identity == digest_of(connected, stored),
        Err(_) => false,
    }
}
