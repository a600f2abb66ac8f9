//! The resource `tokenwright_api_token`: Terraform's calls, answered by the steps of `core`.
//!
//! In reading order: `wanted` (what is configured) with `until`, `output` and `advice`, `state` (the state as the
//! record), `steps` (what a plan shows and an apply does) with `present`, `why` and `overlap`, `plan`, `read` with
//! `recover`, `owner` and `orphans`, `lifecycle` (create, update, delete), `apply` with `mint` and `failure`, `revoke`
//! (all endings); then what comes by other ways: `import`, `list`, `moved`, and `ephemeral`. `issuer` says who is asked.

mod advice;
mod apply;
mod ephemeral;
mod failure;
mod import;
mod issuer;
mod lifecycle;
mod list;
mod mint;
mod moved;
mod orphans;
mod output;
mod overlap;
mod owner;
mod plan;
mod present;
mod read;
mod recover;
mod revoke;
mod state;
mod steps;
mod until;
mod wanted;
mod why;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tfplugin::{
    Apply, ApplyResult, ChangeKind, Connection, Diagnostics, Import, Imported, Move, Plan,
    PlanResult, RawState, Read, ReadResult, Resource, Value, async_trait,
};
use tokenwright_client::SecretValue;
use tokenwright_core::TokenId;

pub(crate) use self::ephemeral::EphemeralToken;
pub(crate) use self::list::TokenList;
use self::present::Present;
use self::read::look;
pub(crate) use self::revoke::Ending;
#[cfg(test)]
pub(crate) use self::state::Bookkeeping;
use self::state::Stored;
use self::steps::Ahead;
use self::wanted::Wanted;
use crate::config::REQUEST_TIMEOUT;
use crate::connect::{Claim, Connected, Fresh, Purpose};
use crate::private_state::PrivateState;
use crate::schema::{self, names::*};
use crate::secrets::decode;
use crate::session::Sessions;

/// The resource.
#[derive(Debug, Default)]
pub(crate) struct ApiToken {
    pub(crate) sessions: Sessions,
}

/// What is kept beside the state and may be lost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Private {
    /// A plan's present: the instant of the last read that saw something new, or of the last apply.
    #[serde(
        rename = "r",
        alias = "read_at",
        skip_serializing_if = "Option::is_none"
    )]
    read_at: Option<Timestamp>,
    /// How far the clock here was ahead of the issuer's then.
    #[serde(rename = "a", skip_serializing_if = "SignedDuration::is_zero")]
    ahead: SignedDuration,
    /// A mint lost its answer: an earlier release kept that here, and not in the state.
    #[serde(
        rename = "l",
        alias = "lost_until",
        skip_serializing_if = "Option::is_none"
    )]
    lost_until: Option<Timestamp>,
}

impl PrivateState for Private {}

impl Private {
    /// With this instant as the present.
    const fn at(now: Present) -> Self {
        Self {
            read_at: Some(now.at),
            ahead: now.ahead,
            lost_until: None,
        }
    }

    /// A state as the record, with what an earlier release kept beside it.
    fn beside(&self, state: &Value, diags: &mut Diagnostics) -> Option<Stored> {
        let mut stored = Stored::read(state, diags)?;
        stored.lost_until = stored.lost_until.or(self.lost_until);
        Some(stored)
    }
}

impl ApiToken {
    /// The issuer that a configuration or state names; `None` without an error means that it is not
    /// known yet.
    fn connected(&self, resource: &Value, diags: &mut Diagnostics) -> Option<Arc<Connected>> {
        self.sessions.connected(resource, Purpose::Mint, diags)
    }

    /// Says to all other calls of this run that the tokens of this state have a resource.
    fn claim(&self, state: &Value) {
        let stored = Stored::read(state, &mut Diagnostics::new());
        let (Some(connections), Some(stored)) = (self.sessions.connections(), stored) else {
            return;
        };
        let connected = self.connected(state, &mut Diagnostics::new());
        let value = connected.and_then(|connected| value_of(state, &connected));
        let claim = Claim {
            name: state.read(NAME).unwrap_or_default(),
            fingerprints: stored.all_fingerprints(value.as_ref()),
            ..stored.claim()
        };
        connections.claims().claim(stored.manager(), claim);
    }

    /// Says to all other calls of this run that a token was minted.
    fn tell_of_mint(&self, before: &Value, after: &Value) {
        let id = |state: &Value| state.read(TOKEN_ID).map(TokenId::new);
        let (Some(current), Some(connections)) = (id(after), self.sessions.connections()) else {
            return;
        };
        let how = match id(before) {
            Some(former) if former == current => return,
            Some(_) => Fresh::Successor,
            None => Fresh::First,
        };
        connections.claims().mints(current, how);
    }

    /// Says that a resource is gone.
    fn disclaim(&self, state: &Value) {
        let kept = state::Bookkeeping::read(state.get(RECORD));
        if let (Some(connections), Some(kept)) = (self.sessions.connections(), kept) {
            connections.claims().gone(&kept.manager());
        }
    }
}

/// A plan's present; without one, so early that nothing is due.
fn present(private: &Private, stored: &Stored) -> Present {
    let current = stored.record.current.as_ref();
    let created_at = current.map(|held| held.created_at);
    Present {
        at: private.read_at.or(created_at).unwrap_or_default(),
        ahead: private.ahead,
    }
}

/// Whether a read saw what was known, and at most an owner that the answer to the mint did not tell: that
/// comes into the state with the next thing that is new.
fn says_nothing_new(before: &Value, after: &Value) -> bool {
    let mut told = after.clone();
    if before.get(OWNER).is_null() {
        told.set(OWNER, Value::Null);
    }
    told == *before
}

fn value_of(state: &Value, connected: &Connected) -> Option<SecretValue> {
    decode(state.get(VALUE), connected.issuer.value_parts().keys())
}

#[async_trait]
impl Resource for ApiToken {
    async fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        let wanted = Wanted::read(config, REQUEST_TIMEOUT);
        wanted.check(config, diags);
        wanted.advise(config, diags);
    }

    async fn upgrade(&self, version: i64, state: RawState, diags: &mut Diagnostics) -> Value {
        let state = state::upgraded(version, state);
        schema::upgrade(schema::API_TOKEN, version, &state, diags)
    }

    fn meet(&self, state: &Value) {
        self.claim(state);
    }

    async fn read(&self, request: Read, diags: &mut Diagnostics) -> ReadResult {
        let Read { mut state, private } = request;
        self.claim(&state);
        let before = (state.clone(), Private::read(&private));
        let unchanged = |state: Value| ReadResult { state, private };
        let Some(connected) = self.minted_at(&state, diags).await else {
            return unchanged(state);
        };
        let wanted = Wanted::read(&state, connected.request_timeout);
        let stored = before.1.beside(&state, diags);
        let (Some(mut stored), Some(_)) = (stored, &connected.credential) else {
            return unchanged(state);
        };
        let session = self
            .sessions
            .open(&connected, Connection::default(), wanted.read);
        let value = value_of(&state, &connected);
        if !look(&session, &mut stored, &wanted, value, diags).await {
            return unchanged(state);
        }
        stored.write(&mut state, &wanted.spec);
        if let Some(enabled) = stored.enabled() {
            state.set(ENABLED, enabled);
        }
        let (seen, known) = before;
        let now = Present::after(&connected, known.ahead);
        let then = present(&known, &stored);
        let wanted = wanted.settled(stored.record.current.as_ref(), now.at);
        if says_nothing_new(&seen, &state)
            && now.believes_as(then)
            && !Ahead::differs(&stored, &wanted, &connected, [then, now])
        {
            return unchanged(seen);
        }
        ReadResult {
            state,
            private: Private::at(now).write(),
        }
    }

    async fn plan(&self, request: Plan, diags: &mut Diagnostics) -> PlanResult {
        if request.kind() == ChangeKind::Update {
            self.is_alone(&request.prior, diags);
        }
        self.claim(&request.prior);
        match request.kind() {
            ChangeKind::Create => self.plan_create(request, diags),
            ChangeKind::Update => self.plan_update(request, diags).await,
            ChangeKind::Destroy => PlanResult {
                planned: Value::Null,
                requires_replace: Vec::new(),
                private: request.private,
            },
        }
    }

    async fn apply(&self, request: Apply, diags: &mut Diagnostics) -> ApplyResult {
        self.claim(&request.prior);
        let result = match request.kind() {
            ChangeKind::Create => self.create(&request, diags).await,
            ChangeKind::Update => self.update(&request, diags).await,
            ChangeKind::Destroy => self.delete(&request, diags).await,
        };
        match result.state.is_null() {
            true => self.disclaim(&request.prior),
            false => {
                self.claim(&result.state);
                self.tell_of_mint(&request.prior, &result.state);
            }
        }
        result
    }

    async fn import(&self, request: Import, diags: &mut Diagnostics) -> Option<Imported> {
        self.find(request, diags).await
    }

    async fn take_over(&self, request: Move, diags: &mut Diagnostics) -> Option<Imported> {
        self.moved(&request, diags)
    }

    fn identity(&self, state: &Value) -> Value {
        import::identity_of(state)
    }

    fn configuration(&self, config: Value) -> Value {
        wanted::written(config)
    }
}

#[cfg(test)]
mod tests;
