//! Import: a living token with our marker comes under a resource again, by its id.
//!
//! Its value cannot be had; nothing is forced by that. What has no marker is a person's, and nothing would
//! prove later that it may be revoked.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tfplugin::{Connection, Diagnostics, Import, Imported, Value};
use tokenwright_client::{Listing, Token};
use tokenwright_core::instant::after;
use tokenwright_core::{
    Held, Identity, LostAnswer, Marker, Proven, Retiring, TokenId, TokenRef, TokenStatus, schedule,
};

use super::apply::{draw, draw_instance};
use super::ephemeral::of_one_run;
use super::owner::digest_of;
use super::present::Present;
use super::state::{Bookkeeping, Stored};
use super::wanted::Wanted;
use super::{ApiToken, Private};
use crate::connect::{Connected, Purpose};
use crate::data::are_known;
use crate::diagnostics;
use crate::private_state::PrivateState as _;
use crate::schema::{self, READ_TIMEOUT, names::*};
use crate::session::{Session, ready};
use crate::value_version;

mod asked;
mod end;
mod identity;

use self::asked::cannot;
use self::end::End;
pub(super) use asked::Asked;
pub(super) use identity::{identity_of, named};

/// What an import without their number does to them.
const CONSUMERS: &str = " What follows value_version would be told of another value and get none: import with the number that it has, {\"token_id\": \"…\", \"value_version\": …}.";

impl ApiToken {
    /// Two resources that have one token would rotate and revoke it each for itself. An import is refused where its run tells of
    /// the other one before.
    pub(super) fn is_alone(&self, state: &Value, diags: &mut Diagnostics) {
        let kept = Bookkeeping::read(state.get(RECORD));
        let (Some(connections), Some(kept)) = (self.sessions.connections(), kept) else {
            return;
        };
        if connections.claims().shared(&kept.manager(), &kept.instance) {
            let id = state.read::<String>(TOKEN_ID).unwrap_or_default();
            diags.error(
                format!("Token {id} is in the state twice"),
                "Another resource has it, too, as after an import: each of them would rotate and revoke it. \
                 Remove the one that was imported from the state, with terraform state rm.",
            );
        }
    }

    /// Finds a token at its issuer, as the state of a resource.
    pub(super) async fn find(&self, import: Import, diags: &mut Diagnostics) -> Option<Imported> {
        let asked = match import.identity.is_null() {
            true => Asked::read(&import.id, diags)?,
            false => self.asked_by(&import.identity, diags).await?,
        };
        let issuer = asked.issuer.as_deref();
        let connected = self.sessions.named(issuer, Purpose::Mint, diags);
        let connected = ready(connected, diags)?;
        if !are_known(&asked.parameters, &connected, diags) {
            return None;
        }
        let session = (self.sessions).open(&connected, Connection::default(), READ_TIMEOUT);
        let (token, listing) = shown(&session, &asked, diags).await?;
        own_marker(&connected, &token, diags)?;
        let state = state_of(&session, &asked, (&token, listing.as_deref()), diags).await?;
        diags.warning(
            format!("The value of token {} is not in the state", token.id),
            format!(
                "It was shown once, at its mint, and cannot be had again. Set on_missing_value = \"rotate\" to mint the next token, whose value the state will have.{}",
                match asked.value_version {
                    Some(_) => "",
                    None => CONSUMERS,
                }
            ),
        );
        Some(Imported {
            state,
            private: Private::at(Present::of(&session.connected)).write(),
        })
    }
}

/// The state of a resource that manages a token, but for its value.
pub(super) async fn state_of(
    session: &Session,
    asked: &Asked,
    (token, listing): (&Token, Option<&Listing>),
    diags: &mut Diagnostics,
) -> Option<Value> {
    let connected = &session.connected;
    let marker = token.marker()?;
    let end = end::of(asked, token, diags)?;
    let identity = match session.patiently(|| connected.identity()).await {
        Ok(identity) => identity,
        Err(error) => {
            let summary = format!("Issuer {:?} did not answer", connected.name);
            diagnostics::issuer_error(diags, &summary, &error, "Nothing was imported.");
            return None;
        }
    };
    let mut state = blank();
    configure(&mut state, asked, token, end);
    let now = session.now();
    let wanted = Wanted::read(&state, connected.request_timeout);
    let made_at = token.details.created_at.unwrap_or(now);
    let wanted = wanted.ending_from(made_at);
    has_parameters(&wanted, session, token, diags)?;
    let version = asked
        .value_version
        .unwrap_or_else(|| value_version::after(None, now));
    let found = Found {
        token,
        version,
        marker,
        listing,
        identity,
    };
    let stored = found.record(session, &wanted, diags)?;
    end::check(asked, &stored, &*connected.issuer, diags)?;
    stored.write(&mut state, &wanted.spec);
    Some(state)
}

/// Whoever configures what the profile requires would have the token replaced, and the imported one revoked.
fn has_parameters(
    wanted: &Wanted,
    session: &Session,
    token: &Token,
    diags: &mut Diagnostics,
) -> Option<()> {
    let judged = session.connected.issuer.validate(&wanted.spec.inputs).err();
    let Some(lacks) = judged.filter(|error| error.field == PARAMETERS.as_str()) else {
        return Some(());
    };
    let detail = format!(
        "Of its parameters, {}. Name them beside it: {{\"token_id\": \"…\", \"parameters\": {{…}}}}; or in the identity, or in the list.",
        lacks.message
    );
    diags.error(cannot(&token.id), detail);
    None
}

/// What an import found.
struct Found<'a> {
    token: &'a Token,
    version: i64,
    marker: Marker,
    listing: Option<&'a Listing>,
    identity: Option<Identity>,
}

impl Found<'_> {
    /// The record of the token: as if it had been minted here, but for the value.
    fn record(
        &self,
        session: &Session,
        wanted: &Wanted,
        diags: &mut Diagnostics,
    ) -> Option<Stored> {
        let Self { token, marker, .. } = self;
        let (connected, now) = (&session.connected, session.now());
        let mut stored = Stored {
            instance: draw_instance(diags)?,
            manager: Some(marker.manager.clone()),
            next_nonce: draw(diags),
            status: Some(match token.enabled {
                Some(false) => TokenStatus::Disabled,
                _ => TokenStatus::Active,
            }),
            remote_name: token.name.clone(),
            value_version: Some(self.version),
            granted_scopes: Some(token.details.scopes.clone()),
            owner: token.details.owner.clone(),
            endpoint: Some(connected.issuer.endpoint().to_owned()),
            identity: self.identity.as_ref().map(ToString::to_string),
            valueless: true,
            until: wanted.until.clone(),
            ..Stored::default()
        };
        stored.identity = stored
            .identity
            .take()
            .or_else(|| digest_of(connected, &stored));
        stored.record.current = Some(Held {
            token: self.reference(session, wanted, (token, marker)),
            inputs: wanted.spec.inputs.clone(),
            created_at: token.details.created_at.unwrap_or(now),
            expires_at: token.expires_at,
            proven: Proven::Yes,
            wished_end: None,
            disabled_by_us: false,
        });
        for (earlier, its) in earlier(self.listing, marker, now).into_values() {
            let end = after(now, schedule::OVERLAP);
            stored.record.retiring.push(Retiring {
                token: self.reference(session, wanted, (earlier, &its)),
                not_before: earlier.expires_at.map_or(end, |at| at.min(end)),
                expires_at: earlier.expires_at,
            });
            let name = earlier.name.clone().unwrap_or_default();
            stored.names.insert(earlier.id.clone(), name);
        }
        Some(stored)
    }

    fn reference(
        &self,
        session: &Session,
        wanted: &Wanted,
        (token, marker): (&Token, &Marker),
    ) -> TokenRef {
        let parameters = &wanted.spec.inputs.parameters;
        let connected = &session.connected;
        TokenRef {
            identity: self.identity.clone(),
            ..connected.reference(token.id.clone(), marker.clone(), parameters)
        }
    }
}

/// The token, and the listing that shows it where that is how the issuer shows tokens.
async fn shown(
    session: &Session,
    asked: &Asked,
    diags: &mut Diagnostics,
) -> Option<(Token, Option<Arc<Listing>>)> {
    let connected = &session.connected;
    let (id, parameters) = (TokenId::new(&asked.token_id), &asked.parameters);
    let found = match connected.issuer.capabilities().lost_answer {
        LostAnswer::FindByMarker => {
            let listing = session
                .patiently(|| connected.inventory.recent(parameters))
                .await;
            listing.map(|listing| {
                let token = listing.tokens.iter().find(|token| token.id == id).cloned();
                token.map(|token| (token, Some(listing)))
            })
        }
        LostAnswer::Replay | LostAnswer::CannotAttribute | LostAnswer::CannotList => {
            let token = session
                .patiently(|| connected.issuer.get(&id, parameters))
                .await;
            token.map(|token| token.map(|token| (token, None)))
        }
    };
    match found {
        Ok(Some(found)) => return Some(found),
        Ok(None) => diags.error(
            "There is no such token",
            format!(
                "Issuer {:?} does not show token {:?} with this credential and these parameters.",
                connected.name, asked.token_id
            ),
        ),
        Err(error) => {
            let summary = format!("Issuer {:?} did not answer", connected.name);
            diagnostics::issuer_error(diags, &summary, &error, "Nothing was imported.");
        }
    }
    None
}

/// The marker by which the token will be revoked one day.
fn own_marker(connected: &Connected, token: &Token, diags: &mut Diagnostics) -> Option<()> {
    let summary = cannot(&token.id);
    let Some(marker) = token.marker() else {
        diags.error(
            summary,
            "Its name carries no marker, so Tokenwright did not mint it, and nothing would prove later that it may be revoked. \
             Declare a token in its place, or follow its value with tokenwright_adopted_token.",
        );
        return None;
    };
    if of_one_run(&marker) {
        diags.error(
            summary,
            "It is an ephemeral token: it ends with the run that it was minted for, or by itself.",
        );
        return None;
    }
    if connected.claims.is_current(&token.id) {
        diags.error(
            summary,
            "It is the current token of another resource of this state.",
        );
        return None;
    }
    if marker.origin != connected.origin {
        diags.warning(
            format!("Token {} was minted elsewhere", token.id),
            "Its marker is of another `manager`, or of a cluster. Whoever manages it there must let go of it first, or both will rotate and revoke it.",
        );
    }
    Some(())
}

/// Earlier tokens of the same manager that live on: their overlap ends in a day.
fn earlier<'a>(
    listing: Option<&'a Listing>,
    current: &Marker,
    now: Timestamp,
) -> BTreeMap<u32, (&'a Token, Marker)> {
    let tokens = listing.into_iter().flat_map(|listing| &listing.tokens);
    let found = tokens.filter_map(|token| {
        let marker = token.marker()?;
        let same = marker.origin == current.origin && marker.manager == current.manager;
        let lives = token.expires_at.is_none_or(|at| now < at);
        let before = marker.revision < current.revision;
        (same && lives && before).then_some((marker.revision, (token, marker)))
    });
    found.collect()
}

/// A state with the defaults and nothing else.
pub(super) fn blank() -> Value {
    let schema = schema::schema().resources.remove(schema::API_TOKEN);
    let schema = schema.unwrap_or_default();
    let mut state = schema.empty();
    schema.set_defaults(&Value::Null, &mut state);
    state
}

/// What would be configured to get such a token.
fn configure(state: &mut Value, asked: &Asked, token: &Token, end: End) {
    let name = token.name.as_deref().and_then(|name| name.rsplit_once(' '));
    state.set(ISSUER, asked.issuer.clone());
    state.set(NAME, name.map(|(name, _)| name));
    match end {
        End::After(lifetime) => state.set(LIFETIME, lifetime.to_string()),
        End::At(text) => state.set(EXPIRES_AT, text),
    }
    state.set(ENABLED, token.enabled.unwrap_or(true));
    if !token.details.scopes.is_empty() {
        state.set(SCOPES, token.details.scopes.clone());
    }
    if !asked.parameters.is_empty() {
        state.set(PARAMETERS, asked.parameters.clone());
    }
}
