//! The resource `tokenwright_adopted_token`: a value that a person made is checked, followed and announced.
//!
//! Nothing is minted or revoked, and the value is nowhere but in the configuration: between two runs only
//! its fingerprint is known. A plan asks nobody, and neither does a read.
//!
//! In reading order: `wanted` (what is configured), `offer` (the value), `state`, `plan`, `take_up` (create
//! and update), `announce` (what a person must hear).

mod announce;
mod offer;
mod plan;
mod state;
mod take_up;
mod wanted;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tfplugin::{
    Apply, ApplyResult, ChangeKind, Diagnostics, Import, Imported, Plan, PlanResult, RawState,
    Read, ReadResult, Resource, Value, async_trait,
};

use self::state::{Stored, status};
use self::wanted::Wanted;
use crate::connect::{Connected, Purpose};
use crate::private_state::PrivateState;
use crate::schema::{self, names::*};
use crate::session::Sessions;

/// The resource.
#[derive(Debug, Default)]
pub(crate) struct AdoptedToken {
    pub(crate) sessions: Sessions,
}

/// What is kept beside the state and may be lost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Private {
    /// The key of the fingerprint. Without it, every value counts as another one.
    salt: Option<String>,
}

impl PrivateState for Private {}

impl AdoptedToken {
    /// The issuer of a configuration or state; `None` without an error means that it is not known yet.
    fn connected(&self, resource: &Value, diags: &mut Diagnostics) -> Option<Arc<Connected>> {
        self.sessions.connected(resource, Purpose::Adopt, diags)
    }

    /// The same for messages alone: where it is gone, they say less.
    fn connected_quietly(&self, state: &Value) -> Option<Arc<Connected>> {
        self.connected(state, &mut Diagnostics::new())
    }
}

#[async_trait]
impl Resource for AdoptedToken {
    async fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        Wanted::read(config).check(config, diags);
    }

    async fn upgrade(&self, version: i64, state: RawState, diags: &mut Diagnostics) -> Value {
        schema::upgrade(schema::ADOPTED_TOKEN, version, &state, diags)
    }

    /// Only time has passed: there is no value here that anybody could be asked about.
    async fn read(&self, request: Read, diags: &mut Diagnostics) -> ReadResult {
        let Read { mut state, private } = request;
        if let Some(connections) = self.sessions.connections() {
            let now = connections.now();
            let wanted = Wanted::read(&state);
            let verified_at = Stored::read(&state).verified_at;
            state.set(STATUS, status(&wanted.spec, verified_at, now));
            let connected = self.connected_quietly(&state);
            announce::term(&wanted, connected.as_deref(), now, diags);
        }
        ReadResult { state, private }
    }

    async fn plan(&self, request: Plan, diags: &mut Diagnostics) -> PlanResult {
        match request.kind() {
            ChangeKind::Create => self.plan_create(request, diags),
            ChangeKind::Update => self.plan_update(request, diags),
            ChangeKind::Destroy => PlanResult {
                planned: Value::Null,
                requires_replace: Vec::new(),
                private: request.private,
            },
        }
    }

    async fn apply(&self, request: Apply, diags: &mut Diagnostics) -> ApplyResult {
        match request.kind() {
            ChangeKind::Create => self.create(&request, diags).await,
            ChangeKind::Update => self.update(&request, diags).await,
            ChangeKind::Destroy => {
                let connected = self.connected_quietly(&request.prior);
                let wanted = Wanted::read(&request.prior);
                announce::lives_on(&wanted, connected.as_deref(), diags);
                ApplyResult {
                    state: Value::Null,
                    private: Vec::new(),
                }
            }
        }
    }

    async fn import(&self, _request: Import, diags: &mut Diagnostics) -> Option<Imported> {
        diags.error(
            "Adopted tokens cannot be imported",
            "Nothing at the issuer shows them. Declare the token with its value, and it is adopted.",
        );
        None
    }
}

#[cfg(test)]
mod tests;
