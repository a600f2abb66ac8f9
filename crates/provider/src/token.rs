//! The resource `tokenwright_api_token`: Terraform's calls, answered by the steps of `core`.
//!
//! In reading order: `wish` (what is configured), `state` (the state as the record), `steps` (what a plan
//! shows and an apply does), `read`, `apply` with `mint`, `destroy`. `hands` is what they all work with.

mod apply;
mod destroy;
mod hands;
mod mint;
mod plan;
mod read;
mod state;
mod steps;
mod wish;

use std::sync::{Arc, RwLock};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tfplugin::{
    Apply, ApplyResult, ChangeKind, Connection, Diagnostics, Import, Imported, Plan, PlanResult,
    RawState, Read, ReadResult, Resource, Value, async_trait,
};
use tokenwright_client::SecretValue;
use tokenwright_core::TokenStatus;
use tokio_util::sync::CancellationToken;

use self::apply::{Work, random};
use self::hands::Hands;
use self::read::look;
use self::state::{Orphan, Stored};
use self::steps::{Ahead, changed};
use self::wish::Wish;
use crate::config::REQUEST_TIMEOUT;
use crate::connect::{Connected, Connections};
use crate::say;
use crate::schema;
use crate::secrets::decode;

/// The resource.
#[derive(Debug, Default)]
pub(crate) struct ApiToken {
    /// Set by Configure.
    pub(crate) connections: Arc<RwLock<Option<Arc<Connections>>>>,
    /// Cancelled by StopProvider.
    pub(crate) stop: CancellationToken,
}

/// What is kept beside the state and may be lost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Private {
    /// The instant of the last read: a plan's present.
    read_at: Option<Timestamp>,
    /// A mint lost its answer; after this instant a listing must show its token.
    lost_until: Option<Timestamp>,
}

impl Private {
    fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl ApiToken {
    fn connections(&self) -> Option<Arc<Connections>> {
        let connections = self.connections.read();
        let connections = connections.unwrap_or_else(std::sync::PoisonError::into_inner);
        connections.clone()
    }

    /// The issuer of a resource; `None` without an error means that it is not known yet.
    fn connected(&self, wish: &Wish, diags: &mut Diagnostics) -> Option<Arc<Connected>> {
        self.connections()?.issuer(wish.issuer.as_deref(), diags)
    }

    fn hands(
        &self,
        connected: &Arc<Connected>,
        connection: Connection,
        patience: SignedDuration,
    ) -> Hands {
        Hands {
            connected: Arc::clone(connected),
            connection,
            stop: self.stop.clone(),
            deadline: connected.now() + patience,
        }
    }

    /// The issuer of an apply, which must be known.
    fn ready(&self, wish: &Wish, diags: &mut Diagnostics) -> Option<Arc<Connected>> {
        let connected = self.connected(wish, diags);
        let ready = connected.filter(|connected| connected.credential.is_some());
        if ready.is_none() && !diags.has_errors() {
            diags.error(
                "The issuer is not known yet",
                "Profile, endpoint and credential of the issuer must be known when a token is applied.",
            );
        }
        ready
    }

    async fn create(&self, request: &Apply, diags: &mut Diagnostics) -> ApplyResult {
        let nothing = ApplyResult {
            state: Value::Null,
            private: Vec::new(),
        };
        let wish = Wish::read(&request.config, REQUEST_TIMEOUT, diags);
        let Some(connected) = self.ready(&wish, diags) else {
            return nothing;
        };
        let wish = Wish::read(&request.config, connected.request_timeout, diags);
        wish.check_at(&request.config, &*connected.issuer, diags);
        let mut instance = [0; 16];
        if diags.has_errors() || !random(&mut instance, diags) {
            return nothing;
        }
        let hands = self.hands(&connected, request.connection.clone(), wish.create);
        let stored = Stored {
            instance: instance.iter().map(|byte| format!("{byte:02x}")).collect(),
            ..Stored::default()
        };
        let Some(orphans) = leftovers(&hands, &wish, diags).await else {
            return nothing;
        };
        let mut work = Work {
            hands: &hands,
            wish: &wish,
            stored: Stored { orphans, ..stored },
            old_value: None,
            minted: None,
            lost_until: None,
        };
        let origin = connected.origin.clone();
        let ahead = Ahead::of(
            &Stored::default(),
            &wish,
            (&*connected.issuer, &origin),
            hands.now(),
            true,
        );
        let done = work.perform(&ahead.steps, diags).await;
        if request.connection.is_gone() {
            work.take_back().await;
            return nothing;
        }
        if !done && work.minted.is_none() && work.lost_until.is_none() {
            return nothing;
        }
        if !done && work.minted.is_none() {
            work.look_for_lost(diags).await;
        }
        self.applied(request, &work, done)
    }

    async fn update(&self, request: &Apply, diags: &mut Diagnostics) -> ApplyResult {
        let unchanged = ApplyResult {
            state: request.prior.clone(),
            private: request.private.clone(),
        };
        let wish = Wish::read(&request.config, REQUEST_TIMEOUT, diags);
        let Some(connected) = self.ready(&wish, diags) else {
            return unchanged;
        };
        let wish = Wish::read(&request.config, connected.request_timeout, diags);
        let Some(stored) = Stored::read(&request.prior, diags) else {
            return unchanged;
        };
        let private = Private::read(&request.private);
        let ahead = Ahead::of(
            &stored,
            &wish,
            (&*connected.issuer, &connected.origin),
            present(&private, &stored),
            changed(&request.prior, &request.planned),
        );
        let hands = self.hands(&connected, request.connection.clone(), wish.update);
        let mut work = Work {
            hands: &hands,
            wish: &wish,
            stored,
            old_value: value_of(&request.prior, &connected),
            minted: None,
            lost_until: private.lost_until,
        };
        let done = work.perform(&ahead.steps, diags).await;
        if request.connection.is_gone() {
            work.take_back().await;
            return unchanged;
        }
        self.applied(request, &work, done)
    }

    /// The state after an apply: what was planned with its unknowns filled, or, after an error, what was
    /// before with what was done.
    fn applied(&self, request: &Apply, work: &Work<'_>, done: bool) -> ApplyResult {
        let mut written = request.planned.clone();
        work.stored.write(&mut written, &work.wish.spec);
        let (value, values) = match &work.minted {
            Some((value, values)) => (value.clone(), values.clone()),
            None => (
                request.prior.get("value").clone(),
                request.prior.get("values").clone(),
            ),
        };
        written.set("value", value);
        written.set("values", values);
        let enabled = match work.stored.status {
            Some(TokenStatus::Active) => Value::from(true),
            Some(TokenStatus::Disabled) => Value::from(false),
            _ => Value::Null,
        };
        if written.get("enabled").is_unknown() {
            written.set("enabled", enabled);
        }
        let keeps_wishes = done || work.minted.is_some() || request.prior.is_null();
        if keeps_wishes {
            // Only what the plan left open: everything else is promised.
            let mut state = request.planned.clone();
            if let Some(entries) = written.as_map() {
                for (name, value) in entries {
                    if state.get(name).is_unknown() {
                        state.set(name.clone(), value.clone());
                    }
                }
            }
            written = state;
        } else {
            // What was not done is still wanted: the next plan shows it again.
            for name in wish::WANTED {
                written.set(name, request.prior.get(name).clone());
            }
        }
        let lost_until = work.lost_until.filter(|_| work.minted.is_none());
        let private = Private {
            read_at: Some(work.hands.now()),
            lost_until,
        };
        ApplyResult {
            state: written,
            private: private.write(),
        }
    }

    async fn delete(&self, request: &Apply, diags: &mut Diagnostics) -> ApplyResult {
        let kept = |state: Value| ApplyResult {
            state,
            private: request.private.clone(),
        };
        let wish = Wish::read(
            &request.prior,
            REQUEST_TIMEOUT,
            &mut Diagnostics::new(),
        );
        let Some(connected) = self.ready(&wish, diags) else {
            return kept(request.prior.clone());
        };
        let wish = Wish::read(
            &request.prior,
            connected.request_timeout,
            &mut Diagnostics::new(),
        );
        let Some(mut stored) = Stored::read(&request.prior, diags) else {
            return kept(request.prior.clone());
        };
        let hands = self.hands(&connected, request.connection.clone(), wish.delete);
        let value = value_of(&request.prior, &connected);
        let lost_until = Private::read(&request.private).lost_until;
        let about = (value, lost_until);
        if destroy::destroy(&hands, &mut stored, &wish, about, diags).await {
            return kept(Value::Null);
        }
        let mut state = request.prior.clone();
        stored.write(&mut state, &wish.spec);
        kept(state)
    }
}

/// A plan's present: the last read; without one, so early that nothing is due.
fn present(private: &Private, stored: &Stored) -> Timestamp {
    let current = stored.record.current.as_ref();
    let created_at = current.map(|held| held.created_at);
    private.read_at.or(created_at).unwrap_or_default()
}

fn value_of(state: &Value, connected: &Connected) -> Option<SecretValue> {
    decode(state.get("values"), connected.issuer.value_parts().keys())
}

/// Tokens of our name in this state's origin that no state may know: a create may have been killed.
/// `None` after an error; then nothing was minted.
async fn leftovers(hands: &Hands, wish: &Wish, diags: &mut Diagnostics) -> Option<Vec<Orphan>> {
    let connected = &hands.connected;
    let inputs = &wish.spec.inputs;
    if connected.issuer.capabilities().lost_answer != tokenwright_core::LostAnswer::FindByMarker {
        return Some(Vec::new());
    }
    let listing = hands
        .patiently(|| connected.leftovers(&inputs.parameters))
        .await;
    let listing = match listing {
        Ok(listing) => listing,
        Err(error) => {
            let summary = format!("Issuer {:?} did not answer", connected.name);
            say::issuer_error(diags, &summary, &error, "Nothing was minted.");
            return None;
        }
    };
    let now = hands.now();
    let found = listing.tokens.iter().filter_map(|token| {
        let marker = token.marker()?;
        let remote_name = token.name.clone()?;
        let same =
            marker.origin == connected.origin && remote_name == marker.remote_name(&inputs.name);
        let lives = token.expires_at.is_none_or(|at| now < at);
        (same && lives).then(|| Orphan {
            id: token.id.clone(),
            remote_name,
        })
    });
    let found: Vec<_> = found.collect();
    if !found.is_empty() {
        let names = found
            .iter()
            .map(|orphan| format!("{} ({:?})", orphan.id, orphan.remote_name));
        diags.warning(
            format!("There are other tokens named {:?}", inputs.name),
            format!(
                "If no other resource or state manages them, they are left of an apply that was killed, and nobody has their values: \
                 revoke them at the issuer. They are listed in orphans: {}.",
                names.collect::<Vec<_>>().join(", ")
            ),
        );
    }
    Some(found)
}

#[async_trait]
impl Resource for ApiToken {
    async fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        Wish::read(config, REQUEST_TIMEOUT, diags).check(config, diags);
    }

    async fn upgrade(&self, version: i64, state: RawState, diags: &mut Diagnostics) -> Value {
        let ty = schema::schema()
            .resources
            .remove(schema::API_TOKEN)
            .unwrap_or_default()
            .ty();
        state.decode(&ty).unwrap_or_else(|error| {
            diags.error(
                "The state is of another version",
                format!("It has version {version}, and cannot be read: {error}. Is the provider older than the state?"),
            );
            Value::Null
        })
    }

    async fn read(&self, request: Read, diags: &mut Diagnostics) -> ReadResult {
        let Read { mut state, private } = request;
        let mut private = Private::read(&private);
        let unchanged = |state: Value, private: &Private| ReadResult {
            state,
            private: private.write(),
        };
        let quiet = &mut Diagnostics::new();
        let wish = Wish::read(&state, REQUEST_TIMEOUT, quiet);
        let Some(connected) = self.connected(&wish, diags) else {
            return unchanged(state, &private);
        };
        let wish = Wish::read(&state, connected.request_timeout, quiet);
        let stored = Stored::read(&state, diags);
        let (Some(mut stored), Some(_)) = (stored, &connected.credential) else {
            return unchanged(state, &private);
        };
        let hands = self.hands(&connected, Connection::default(), connected.request_timeout);
        let value = value_of(&state, &connected);
        if !look(&hands, &mut stored, &wish, value, diags).await {
            return unchanged(state, &private);
        }
        stored.write(&mut state, &wish.spec);
        match stored.status {
            Some(TokenStatus::Active) => state.set("enabled", true),
            Some(TokenStatus::Disabled) => state.set("enabled", false),
            _ => {}
        }
        private.read_at = Some(hands.now());
        private.lost_until = private.lost_until.filter(|at| *at > hands.now());
        unchanged(state, &private)
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
            ChangeKind::Destroy => self.delete(&request, diags).await,
        }
    }

    async fn import(&self, _request: Import, diags: &mut Diagnostics) -> Option<Imported> {
        diags.error(
            "Tokens cannot be imported",
            "The value of a token is shown once, at its mint, and cannot be had again. Declare the token, and a new one is minted.",
        );
        None
    }
}
