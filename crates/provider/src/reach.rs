//! The way from a resource to its issuer: what Configure set, and the end of the run.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use tfplugin::{Connection, Diagnostics, Value};
use tokio_util::sync::CancellationToken;

use crate::connect::{Connected, Connections, Purpose};
use crate::hands::Hands;

/// Shared by all resources. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reach {
    /// Set by Configure.
    connections: Arc<RwLock<Option<Arc<Connections>>>>,
    /// Cancelled by StopProvider.
    stop: CancellationToken,
}

impl Reach {
    pub(crate) fn configure(&self, connections: Connections) {
        let kept = self.connections.write();
        *kept.unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(connections));
    }

    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    pub(crate) fn connections(&self) -> Option<Arc<Connections>> {
        let connections = self.connections.read();
        connections.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The issuer that a configuration or state names; `None` without an error means that it is not
    /// known yet.
    pub(crate) fn connected(
        &self,
        resource: &Value,
        purpose: Purpose,
        diags: &mut Diagnostics,
    ) -> Option<Arc<Connected>> {
        let issuer = resource.get("issuer");
        if issuer.is_unknown() {
            return None;
        }
        self.connections()?.issuer(issuer.as_str(), purpose, diags)
    }

    /// The issuer by its name: an absent `issuer` is the only one there is.
    pub(crate) fn issuer_of(&self, resource: &Value) -> Value {
        match resource.get("issuer") {
            Value::Null => {
                let connections = self.connections();
                let sole = connections.as_ref().and_then(|all| all.sole());
                Value::from(sole.map(str::to_owned))
            }
            named => named.clone(),
        }
    }

    pub(crate) fn hands(
        &self,
        connected: &Arc<Connected>,
        connection: Connection,
        patience: SignedDuration,
    ) -> Hands {
        let deadline = connected.now().saturating_add(patience);
        Hands {
            connected: Arc::clone(connected),
            connection,
            stop: self.stop.clone(),
            deadline: deadline.unwrap_or(Timestamp::MAX),
        }
    }
}
