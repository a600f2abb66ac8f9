//! The ephemeral `tokenwright_api_token`: a token for one run, minted when the run needs it and revoked at
//! its end. It stands in no state and no plan.
//!
//! Its marker is of a kind of its own, so that nobody takes it for a resource's. What a killed run leaves
//! ends by itself, soon; what has expired is removed by the next run.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tfplugin::{Connection, Diagnostics, Ephemeral, Opened, Value, async_trait};
use tokenwright_client::RevokeError;
use tokenwright_core::{
    Ended, Held, Inputs, Lifetime, ManagerId, Marker, Parameters, Reason, TokenId, TokenRef,
};

use super::apply::Work;
use super::present::Present;
use super::revoke::Ending;
use super::state::Stored;
use super::steps::Step;
use super::wanted::Wanted;
use crate::connect::{Connected, Purpose};
use crate::diagnostics;
use crate::schema::TIMEOUT;
use crate::schema::names::*;
use crate::session::{Session, Sessions, ready};
use crate::values::time;

/// A token of one run lives no longer, unless the system knows no time so short.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// Whether a marker is that of an ephemeral token.
pub(super) fn of_one_run(marker: &Marker) -> bool {
    marker.manager == ManagerId::of(ManagerId::EPHEMERAL)
}

/// The ephemeral resource.
#[derive(Debug, Default)]
pub(crate) struct EphemeralToken {
    pub(crate) sessions: Sessions,
    /// What this process minted, and so needs no other proof.
    minted: Mutex<BTreeSet<TokenId>>,
}

/// What the end of the run needs to revoke the token. Nothing in it is secret.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    issuer: Option<String>,
    token: TokenRef,
    minted_at: Timestamp,
    expires_at: Option<Timestamp>,
}

impl EphemeralToken {
    pub(crate) fn new(sessions: Sessions) -> Self {
        Self {
            sessions,
            ..Self::default()
        }
    }

    async fn end(&self, session: &Session, kept: &Kept) -> Result<Ended, RevokeError> {
        match self.was_minted_here(&kept.token.id) {
            true => session.take_back(&kept.token, None).await,
            false => session.end(kept.ending(session.now())).await,
        }
    }

    fn was_minted_here(&self, id: &TokenId) -> bool {
        let minted = self.minted.lock().unwrap_or_else(PoisonError::into_inner);
        minted.contains(id)
    }
}

#[async_trait]
impl Ephemeral for EphemeralToken {
    async fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        let wanted = Wanted::read(config, crate::config::REQUEST_TIMEOUT);
        wanted.check(config, diags);
        let known = !config.get(LIFETIME).is_unknown();
        if known && !diags.has_errors() && wanted.spec.inputs.lifetime == Lifetime::Never {
            too_long(diags);
        }
    }

    async fn open(
        &self,
        config: Value,
        connection: Connection,
        diags: &mut Diagnostics,
    ) -> Option<Opened> {
        let connected = self.sessions.connected(&config, Purpose::Mint, diags);
        let connected = ready(connected, diags)?;
        let wanted = Wanted::read(&config, connected.request_timeout);
        wanted.check_at(&config, &*connected.issuer, diags);
        if !diags.has_errors() && !is_short(&wanted.spec.inputs, &connected) {
            too_long(diags);
        }
        if diags.has_errors() {
            return None;
        }
        wanted.advise_at(&config, &*connected.issuer, None, diags);
        let session = self.sessions.open(&connected, connection.clone(), TIMEOUT);
        remove_expired(&session, &wanted.spec.inputs.parameters).await;
        let stored = Stored {
            instance: ManagerId::EPHEMERAL.to_owned(),
            ..Stored::default()
        };
        let mut work = Work::new(&session, &wanted, stored);
        let mint = (Step::Mint(1), Reason::FirstMint);
        let done = work.perform(&[mint], diags).await;
        if !done && work.stored.lost_until.is_some() {
            work.look_for_lost(diags).await;
        }
        if connection.is_gone() {
            work.take_back().await;
            return None;
        }
        let (Some(held), Some(delivered)) = (&work.stored.record.current, &work.minted) else {
            return None;
        };
        let id = held.token.id.clone();
        let mut minted = self.minted.lock().unwrap_or_else(PoisonError::into_inner);
        minted.insert(id);
        Some(opened(
            config,
            held,
            delivered,
            work.stored.remote_name.as_deref(),
        ))
    }

    async fn close(&self, private: Vec<u8>, diags: &mut Diagnostics) {
        let Ok(kept) = serde_json::from_slice::<Kept>(&private) else {
            diags.error(
                "An ephemeral token was not revoked",
                "What was kept of it cannot be read. It ends by itself.",
            );
            return;
        };
        let issuer = kept.issuer.as_deref();
        let connected = self.sessions.named(issuer, Purpose::Mint, diags);
        let Some(connected) = ready(connected, diags) else {
            return;
        };
        let session = self
            .sessions
            .open(&connected, Connection::default(), TIMEOUT);
        let mut ended = self.end(&session, &kept).await;
        // The end of a run that was interrupted, be it meanwhile, may still wait, and not for long.
        if ended.is_err() && session.stopped() {
            ended = self.end(&session.to_the_end(), &kept).await;
        }
        connected.changed(&kept.token.parameters);
        if let Err(error) = ended {
            let until = match kept.expires_at {
                Some(at) => format!("It ends by itself at {at}."),
                None => "Revoke it at the issuer.".to_owned(),
            };
            diags.warning(
                format!("Token {} of this run was not revoked", kept.token.id),
                format!("{} {until}", diagnostics::not_revoked(&error)),
            );
        }
    }
}

impl Kept {
    fn ending(&self, now: Timestamp) -> Ending<'_> {
        Ending {
            minted_at: Some(self.minted_at),
            expires_at: self.expires_at,
            ..Ending::of(&self.token, now)
        }
    }
}

fn opened(config: Value, held: &Held, delivered: &Value, remote_name: Option<&str>) -> Opened {
    let kept = Kept {
        issuer: config.read(ISSUER),
        token: held.token.clone(),
        minted_at: held.created_at,
        expires_at: held.expires_at,
    };
    let result = config
        .with(TOKEN_ID, held.token.id.as_str())
        .with(REMOTE_NAME, remote_name)
        .with(EXPIRES_AT, time(held.expires_at))
        .with(VALUE, delivered.get(VALUE).clone())
        .with(PUBLIC_PARTS, delivered.get(PUBLIC_PARTS).clone());
    Opened {
        result,
        private: serde_json::to_vec(&kept).unwrap_or_default(),
        renew_at: None,
    }
}

fn too_long(diags: &mut Diagnostics) {
    diags.error_at(
        LIFETIME.path(),
        "The lifetime is too long for one run",
        "An ephemeral token lives for at most 24h, so that what a killed run leaves ends soon.",
    );
}

/// Whether the token ends soon by itself; a system that knows no time of a day or less may give its own.
fn is_short(inputs: &Inputs, connected: &Connected) -> bool {
    let a_day = Inputs {
        lifetime: Lifetime::For(LONGEST),
        ..inputs.clone()
    };
    match inputs.lifetime {
        Lifetime::For(lifetime) => {
            lifetime <= LONGEST || connected.issuer.validate(&a_day).is_err()
        }
        Lifetime::Never => false,
    }
}

/// Ephemeral tokens of earlier runs of this state that have expired: nobody can use them any more.
async fn remove_expired(session: &Session, parameters: &Parameters) {
    let connected = &session.connected;
    if !connected.tells_states_apart() {
        return;
    }
    let Ok(listing) = connected.inventory.recent(parameters).await else {
        return;
    };
    let now = Present::of(connected);
    let ours = |marker: &Marker| of_one_run(marker) && marker.origin == connected.origin;
    for shown in &listing.tokens {
        let expired = shown.expires_at.is_some_and(|at| now.is_past(at));
        let Some(marker) = shown.marker().filter(|marker| expired && ours(marker)) else {
            continue;
        };
        let token = connected.reference(shown.id.clone(), marker, parameters);
        if let Err(error) = session.end(Ending::of(&token, listing.started_at)).await {
            tracing::warn!(token = %token.id, "{}", diagnostics::not_revoked(&error));
        }
    }
}
