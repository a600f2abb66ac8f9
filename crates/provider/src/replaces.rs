//! What makes another token of a resource altogether: another issuer, or other parameters.
//!
//! The key of an issuer in the provider block is a name for people, and may have been changed; a state knows
//! the endpoint, too.

use std::sync::Arc;

use tfplugin::{AttributePath, Diagnostics, Value};

use crate::connect::{Connected, Purpose};
use crate::schema::names::*;
use crate::session::Sessions;
use crate::values::same_parameters;

impl Sessions {
    /// What of a configuration asks for another token than that of a state.
    pub(crate) fn replaces(&self, config: &Value, state: &Value) -> Vec<AttributePath> {
        let mut paths = Vec::new();
        if !self.same_issuer(config, state) {
            paths.push(ISSUER.path());
        }
        if !same_parameters(config, state) {
            paths.push(PARAMETERS.path());
        }
        paths
    }

    /// Whether a configuration names the issuer that minted the token of a state, by whatever key.
    fn same_issuer(&self, config: &Value, state: &Value) -> bool {
        let [new, old] = [config, state].map(|resource| self.issuer_of(resource));
        let unnamed = new.is_null() || old.is_null();
        let known = self.connections().is_some_and(|all| all.known());
        let renamed = || {
            let mut renamed = self.renamed(state).into_iter();
            renamed.any(|connected| Some(connected.name.as_str()) == new.as_str())
        };
        new == old || unnamed && !known || renamed()
    }

    /// The issuers at the endpoint of a state whose own key leads nowhere any more, or elsewhere.
    pub(crate) fn renamed(&self, state: &Value) -> Vec<Arc<Connected>> {
        let (Some(connections), Some(endpoint)) =
            (self.connections(), state.get(ENDPOINT).as_str())
        else {
            return Vec::new();
        };
        let mut wrong = Diagnostics::new();
        let leads = match self.connected(state, Purpose::Mint, &mut wrong) {
            Some(connected) => connected.issuer.endpoint() == endpoint,
            // Without an error, it is not known yet where it leads; one that stands there is to be mended.
            None => {
                let key = self.issuer_of(state);
                !wrong.has_errors() || key.as_str().is_some_and(|key| connections.has(key))
            }
        };
        match leads {
            true => Vec::new(),
            false => connections.at(endpoint, Purpose::Mint),
        }
    }
}
