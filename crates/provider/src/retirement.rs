//! The resource `tokenwright_retirement`: ends what a token was before, once all that it depends on is done.
//!
//! Its state names one token with its whole marker. When `token_id` names another, the former is revoked by
//! the same proofs as at the end of an overlap, and the latter takes its place.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tfplugin::{
    Apply, ApplyResult, ChangeKind, Diagnostics, Plan, PlanResult, RawState, Read, ReadResult,
    Resource, Value, async_trait,
};
use tokenwright_client::{NotProven, RevokeError};
use tokenwright_core::instant::after;
use tokenwright_core::{Marker, TokenId, TokenRef};

use crate::connect::{Connected, Fingerprint, Purpose};
use crate::data::{are_known, show};
use crate::diagnostics;
use crate::private_state::PrivateState;
use crate::schema::{self, TIMEOUT, names::*};
use crate::session::{Session, Sessions};
use crate::token::Ending;
use crate::values::parameters;

/// The resource.
#[derive(Debug, Default)]
pub(crate) struct Retirement {
    pub(crate) sessions: Sessions,
}

#[async_trait]
impl Resource for Retirement {
    async fn upgrade(&self, version: i64, state: RawState, diags: &mut Diagnostics) -> Value {
        schema::upgrade(schema::RETIREMENT, version, &state, diags)
    }

    /// What it names is looked after by the resource of the token, which is read before. An apply in which that
    /// rests does not tell of it: what such an apply needs is kept here, and not before the token is superseded,
    /// since a refresh would be news by that alone.
    async fn read(&self, request: Read, _diags: &mut Diagnostics) -> ReadResult {
        let Read { state, private } = request;
        let private = match self.names_current(&state) {
            true => private,
            false => self.kept(&state, private),
        };
        ReadResult { state, private }
    }

    async fn plan(&self, request: Plan, diags: &mut Diagnostics) -> PlanResult {
        let kind = request.kind();
        let mut planned = request.proposed;
        let mut requires_replace = Vec::new();
        if kind != ChangeKind::Destroy
            && let Some(connected) = self.connected(&request.config, diags)
        {
            are_known(&parameters(&request.config), &connected, diags);
            let kept = Kept::read(&request.private);
            kept.is_told((&request.prior, &planned), &connected, diags);
        }
        match kind {
            ChangeKind::Create => promise_nothing(&mut planned),
            ChangeKind::Update => {
                requires_replace = self.sessions.replaces(&request.config, &request.prior);
                if request.prior.get(TOKEN_ID) != planned.get(TOKEN_ID) {
                    // It may turn out that it is not for this resource to end it.
                    planned.open(&[&REMOTE_NAME, &REVOKED_TOKEN_ID, &REVOKED_AT]);
                }
                if !requires_replace.is_empty() {
                    promise_nothing(&mut planned);
                }
            }
            ChangeKind::Destroy => {}
        }
        PlanResult {
            planned,
            requires_replace,
            private: request.private,
        }
    }

    async fn apply(&self, request: Apply, diags: &mut Diagnostics) -> ApplyResult {
        let state = match request.kind() {
            ChangeKind::Destroy => Value::Null,
            ChangeKind::Create | ChangeKind::Update => {
                let done = self.retire(&request, diags).await;
                done.unwrap_or_else(|| request.prior.clone())
            }
        };
        ApplyResult {
            private: self.kept(&state, request.private),
            state,
        }
    }
}

/// What a later run needs to know of the token that is named.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    #[serde(rename = "i")]
    id: String,
    #[serde(rename = "f", skip_serializing_if = "Option::is_none")]
    fingerprint: Option<Fingerprint>,
}

impl PrivateState for Kept {}

impl Kept {
    /// Whether this run's requests authenticate with the token.
    fn is_credential(&self, id: &TokenId, connected: &Connected) -> bool {
        let fingerprint = self.fingerprint.as_ref().filter(|_| self.id == id.as_str());
        fingerprint.is_some_and(|fingerprint| connected.authenticates_with(fingerprint))
    }
}

impl Kept {
    /// Nobody tells an apply in which its resource rests of a token but what a refresh kept: a plan without one does
    /// not end the credential of its run.
    fn is_told(
        &self,
        (prior, planned): (&Value, &Value),
        connected: &Connected,
        diags: &mut Diagnostics,
    ) {
        let claims = &connected.claims;
        let (Some(before), Some(next)) = (token_id(prior), token_id(planned)) else {
            return;
        };
        let rests = before != next && claims.fresh(&next).is_none();
        if rests
            && !claims.is_current(&before)
            && connected.is_credential(&before)
            && !self.is_credential(&before, connected)
        {
            diags.error(
                "The token is this run's own credential",
                format!(
                    "Token {before} authenticates the requests of this very run, and no refresh told its retirement of that. \
                     Give issuer {:?} another credential, or plan with a refresh.",
                    connected.name
                ),
            );
        }
    }
}

impl Retirement {
    /// What is kept beside a state: what its token's resource says in this run, or what was kept before.
    fn kept(&self, state: &Value, before: Vec<u8>) -> Vec<u8> {
        let connections = self.sessions.connections();
        let named = connections.zip(token_id(state));
        let told = named.and_then(|(connections, id)| {
            let fingerprint = connections.claims().fingerprint(&id)?;
            Some(Kept {
                id: id.to_string(),
                fingerprint: Some(fingerprint),
            })
        });
        told.map_or(before, |kept| kept.write())
    }

    /// Whether a state names the current token of a resource of this run.
    fn names_current(&self, state: &Value) -> bool {
        let named = self.sessions.connections().zip(token_id(state));
        named.is_some_and(|(connections, id)| connections.claims().is_current(&id))
    }

    fn connected(&self, resource: &Value, diags: &mut Diagnostics) -> Option<Arc<Connected>> {
        self.sessions.connected(resource, Purpose::Mint, diags)
    }

    /// Ends the token that was named before, and remembers the one that is named now.
    async fn retire(&self, request: &Apply, diags: &mut Diagnostics) -> Option<Value> {
        let connected = self.connected(&request.planned, diags)?;
        let session = (self.sessions).open(&connected, request.connection.clone(), TIMEOUT);
        let mut state = request.planned.clone();
        let named = token_id(&state)?;
        let before = token_id(&request.prior).filter(|before| *before != named);
        let remote_name = match &before {
            None if !request.prior.is_null() => request.prior.get(REMOTE_NAME).clone(),
            _ => Value::from(name_of(&session, &named, &state, diags).await?),
        };
        let revoked = match &before {
            Some(before) => {
                let next = remote_name.as_str().and_then(Marker::of_name);
                let kept = Kept::read(&request.private);
                end(&session, (before, next), (&request.prior, &kept), diags).await?
            }
            None => false,
        };
        let (id, at) = match before.filter(|_| revoked) {
            Some(before) => (Some(before.to_string()), Some(session.now().to_string())),
            None => {
                let prior = &request.prior;
                (prior.read(REVOKED_TOKEN_ID), prior.read(REVOKED_AT))
            }
        };
        let done = Value::empty()
            .with(REMOTE_NAME, remote_name)
            .with(ENDPOINT, connected.issuer.endpoint())
            .with(REVOKED_TOKEN_ID, id)
            .with(REVOKED_AT, at);
        state.fill(&done);
        Some(state)
    }
}

/// What only the apply can tell; nothing is revoked by a create.
fn promise_nothing(planned: &mut Value) {
    planned.open(&[&REMOTE_NAME, &ENDPOINT]);
    planned.set(REVOKED_TOKEN_ID, Value::Null);
    planned.set(REVOKED_AT, Value::Null);
}

fn token_id(resource: &Value) -> Option<TokenId> {
    resource.read(TOKEN_ID).map(TokenId::new)
}

/// Revokes the token that a state names. `None` after an error: then the state still names it. `false`
/// where it is not for this resource to end it.
async fn end(
    session: &Session,
    (id, next): (&TokenId, Option<Marker>),
    (prior, kept): (&Value, &Kept),
    diags: &mut Diagnostics,
) -> Option<bool> {
    let claims = &session.connected.claims;
    let summary = format!("Token {id} was not revoked");
    if session.connected.is_credential(id) || kept.is_credential(id, &session.connected) {
        let detail = "It is this run's own credential: it authenticates the requests of this very run. Give the issuer another credential; the end of its overlap revokes it.";
        diags.warning(summary, detail);
        return Some(false);
    }
    if claims.is_current(id) {
        let detail =
            "It is the current token of a resource, which ends it when it is rotated or destroyed.";
        diags.warning(summary, detail);
        return Some(false);
    }
    let endpoint = prior.read(ENDPOINT).unwrap_or_default();
    let marker = prior.get(REMOTE_NAME).as_str().and_then(Marker::of_name);
    let Some(marker) = marker else {
        let detail = "The state has no marker of it, so nothing would prove that it is ours. Revoke it at the issuer if nobody needs it.";
        diags.warning(summary, detail);
        return Some(false);
    };
    if !is_superseded(&marker, next.as_ref()) && !claims.claimed(&marker.manager) {
        let detail = "The token that is named now is no successor of it, and no resource of this run says whose it is: it may be the current token of its resource, which ends it when it is rotated or destroyed. Revoke it at the issuer if nobody needs it.";
        diags.warning(summary, detail);
        return Some(false);
    }
    let token = TokenRef {
        id: id.clone(),
        marker,
        parameters: parameters(prior),
        endpoint,
        identity: None,
    };
    match session.end(Ending::of(&token, session.now())).await {
        Ok(_) => Some(true),
        Err(error) => {
            let why = diagnostics::not_revoked(&error);
            let own = matches!(
                error,
                RevokeError::NotProven(
                    NotProven::OtherMarker { .. } | NotProven::OtherIssuer { .. }
                )
            );
            match own {
                // It would be tried for ever: from now on it is a person's.
                true => {
                    let detail = format!("{why} Revoke it at the issuer if nobody needs it.");
                    diags.warning(summary, detail);
                    Some(false)
                }
                false => {
                    diags.error(summary, format!("{why} The next plan shows it again."));
                    None
                }
            }
        }
    }
}

/// Whether a token was minted in place of another: later, for the same resource.
fn is_superseded(before: &Marker, next: Option<&Marker>) -> bool {
    next.is_some_and(|next| {
        let same = next.origin == before.origin && next.manager == before.manager;
        same && next.revision > before.revision
    })
}

/// The name at the issuer of the token that is named now: as its resource says, else as the issuer does.
async fn name_of(
    session: &Session,
    id: &TokenId,
    resource: &Value,
    diags: &mut Diagnostics,
) -> Option<String> {
    let connected = &session.connected;
    if let Some(name) = connected.claims.name_of(id) {
        return Some(name);
    }
    let settled = after(session.now(), connected.issuer.capabilities().settle);
    let mut failures = 0_u32;
    let shown = loop {
        let shown = session
            .patiently(|| show(connected, id, resource, session.now()))
            .await
            .map(|token| token.map(|token| token.name.unwrap_or_default()));
        let again = matches!(shown, Ok(None)) && session.now() < settled;
        match session.after(failures).filter(|_| again) {
            Some(at) => session.sleep_until(at.min(settled)).await,
            None => break shown,
        }
        failures = failures.saturating_add(1);
    };
    // What the issuer does not show may be anything that somebody wrote there, a value even.
    let named = match shown {
        Ok(Some(_)) => format!("Token {id}"),
        Ok(None) | Err(_) => "The token".to_owned(),
    };
    let summary = format!("{named} cannot be retired later");
    match shown {
        Ok(Some(name)) if Marker::of_name(&name).is_some() => return Some(name),
        Ok(Some(_)) => diags.error_at(
            TOKEN_ID.path(),
            summary,
            "The issuer shows it without a marker, so it is none that Tokenwright minted.",
        ),
        Ok(None) => diags.error_at(
            TOKEN_ID.path(),
            summary,
            "The issuer does not show it. Is it of another issuer, or has it other parameters?",
        ),
        Err(error) => {
            diagnostics::issuer_error(diags, &summary, &error, "The next apply asks again.");
        }
    }
    None
}

#[cfg(test)]
mod tests;
