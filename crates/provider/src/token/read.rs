//! Looking at the issuer. Never drops a token, never touches the value.
//!
//! Absence is believed only from a complete listing under the same credential or account; what nobody can
//! be sure of stays as it was, or is an error.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tfplugin::Diagnostics;
use tokenwright_client::{About, Error, Listing, SecretValue, Token};
use tokenwright_core::duration;
use tokenwright_core::instant::after;
use tokenwright_core::{
    Held, Liveness, Look, LostAnswer, Marker, Parameters, Proven, TokenId, TokenRef, TokenStatus,
};

use super::orphans;
use super::owner::{digest_of, same_endpoint};
use super::recover::lost;
use super::state::{Stored, name, name_within};
use super::wanted::Wanted;
use crate::connect::Connected;
use crate::diagnostics;
use crate::session::Session;

/// Answers of a mint and of a listing may differ in fractions of a second.
const SAME_INSTANT: SignedDuration = SignedDuration::from_secs(1);

/// Brings what is stored up to date. `false` after an error: then nothing was concluded.
pub(super) async fn look(
    session: &Session,
    stored: &mut Stored,
    wanted: &Wanted,
    value: Option<SecretValue>,
    diags: &mut Diagnostics,
) -> bool {
    let connected = &session.connected;
    if !same_endpoint(session, stored, diags) {
        return false;
    }
    let identity = match session.patiently(|| connected.identity()).await {
        Ok(identity) => identity.map(|identity| identity.to_string()),
        Err(error) => return failed(diags, session, stored, &error),
    };
    let digest = digest_of(connected, stored);
    let same_account = match (&stored.identity, &identity) {
        (None, _) => true,
        (Some(before), Some(now)) => {
            if before != now {
                return other_account(diags, session, stored);
            }
            true
        }
        (Some(before), None) => Some(before) == digest.as_ref(),
    };
    let parameters = &wanted.spec.inputs.parameters;
    if let Some(held) = stored
        .record
        .current
        .as_ref()
        .filter(|_| shows_nothing(session))
    {
        let about = about(held, &stored.public);
        ask_value(session, (held, about), value.as_ref(), &mut stored.status).await;
        stored.identity = identity.or(digest).or_else(|| stored.identity.take());
        tell_of_clock(connected, diags);
        return true;
    }
    let shown = match what_it_shows(session, stored, parameters).await {
        Ok(shown) => shown,
        Err(error) => return failed(diags, session, stored, &error),
    };
    if !current(session, stored, &shown, (same_account, value), diags).await {
        return false;
    }
    stored.identity = identity.or(digest).or_else(|| stored.identity.take());
    // A token that was moved from another provider's resource does not say where it was minted.
    let endpoint = || connected.issuer.endpoint().to_owned();
    stored.endpoint.get_or_insert_with(endpoint);
    match &shown {
        Shown::All(listing) => {
            lost(session, stored, wanted, listing, diags).await;
            orphans::look(session, stored, wanted, listing).await;
        }
        Shown::One(..) | Shown::Nothing => stored.forget(None),
    }
    orphans::name_all(stored, &wanted.spec.inputs.name, &connected.claims, diags);
    tell_of_clock(connected, diags);
    true
}

/// Whether an issuer has no way to show a token.
fn shows_nothing(session: &Session) -> bool {
    let can = session.connected.issuer.capabilities();
    match can.lost_answer {
        LostAnswer::FindByMarker | LostAnswer::CannotAttribute => false,
        LostAnswer::Replay | LostAnswer::CannotList => can.look == Look::Nothing,
    }
}

/// What the issuer shows now of the tokens of a state.
async fn what_it_shows(
    session: &Session,
    stored: &Stored,
    parameters: &Parameters,
) -> Result<Shown, Error> {
    let connected = &session.connected;
    match connected.issuer.capabilities().lost_answer {
        LostAnswer::FindByMarker | LostAnswer::CannotAttribute => {
            let listing = session.patiently(|| connected.inventory.recent(parameters));
            Ok(Shown::All(listing.await?))
        }
        LostAnswer::Replay | LostAnswer::CannotList => {
            let Some(held) = &stored.record.current else {
                return Ok(Shown::Nothing);
            };
            let token = session.patiently(|| connected.issuer.get(&held.token.id, parameters));
            Ok(Shown::One(token.await?, session.now()))
        }
    }
}

/// Where nothing shows a token, its value is all that can be asked about; what it says of itself is no
/// conclusion while its issuer is not sure.
async fn ask_value(
    session: &Session,
    (held, about): (&Held, About<'_>),
    value: Option<&SecretValue>,
    status: &mut Option<TokenStatus>,
) {
    let issuer = &session.connected.issuer;
    let expired = held.expires_at.is_some_and(|at| at <= session.now());
    let Some(value) = value.filter(|_| issuer.capabilities().check && !expired) else {
        return;
    };
    match issuer.check_with(value, about).await {
        Liveness::Alive => *status = Some(TokenStatus::Active),
        Liveness::Dead => *status = Some(TokenStatus::Dead),
        Liveness::Unknown => {}
    }
}

/// What is known of a token whose value is asked about.
fn about<'a>(held: &'a Held, public: &'a BTreeMap<String, String>) -> About<'a> {
    About::token(&held.token.id, &held.token.parameters).beside(public)
}

/// What the issuer showed.
enum Shown {
    All(std::sync::Arc<Listing>),
    One(Option<Token>, Timestamp),
    Nothing,
}

impl Shown {
    fn find(&self, id: &TokenId) -> Option<&Token> {
        match self {
            Self::All(listing) => listing.tokens.iter().find(|token| token.id == *id),
            Self::One(token, _) => token.as_ref(),
            Self::Nothing => None,
        }
    }

    fn started_at(&self) -> Option<Timestamp> {
        match self {
            Self::All(listing) => Some(listing.started_at),
            Self::One(_, at) => Some(*at),
            Self::Nothing => None,
        }
    }
}

async fn current(
    session: &Session,
    stored: &mut Stored,
    shown: &Shown,
    (same_account, value): (bool, Option<SecretValue>),
    diags: &mut Diagnostics,
) -> bool {
    let Some(held) = stored.record.current.clone() else {
        return true;
    };
    let issuer = &session.connected.issuer;
    let Some(token) = shown.find(&held.token.id) else {
        return absent(
            session,
            stored,
            (&held, shown),
            (same_account, value),
            diags,
        )
        .await;
    };
    let shows_marker = match &token.name {
        Some(name) => Marker::of_name(name).as_ref() == Some(&held.token.marker),
        None => issuer.capabilities().lost_answer != LostAnswer::FindByMarker,
    };
    if !shows_marker {
        diags.warning(
            "The token carries another name at its issuer",
            format!(
                "{} is shown without its marker, so nothing proves that it is ours, and it would not be revoked. \
                 With the name {:?} it is ours, where the issuer can rename it.",
                name(stored),
                stored.remote_name.as_deref().unwrap_or_default()
            ),
        );
        return true;
    }
    stored.status = match (token.enabled, stored.status) {
        (Some(false), _) => Some(TokenStatus::Disabled),
        (Some(true), _) => Some(TokenStatus::Active),
        // The issuer does not tell; it is there, so it is not missing.
        (None, Some(TokenStatus::Dead)) => Some(TokenStatus::Dead),
        (None, _) => Some(TokenStatus::Active),
    };
    follow(stored, token);
    if held.proven != Proven::Yes
        && let Some(value) = &value
    {
        let liveness = issuer.check_with(value, about(&held, &stored.public)).await;
        if let Some(held) = &mut stored.record.current {
            held.proven = match liveness {
                Liveness::Alive => Proven::Yes,
                Liveness::Dead => Proven::No,
                Liveness::Unknown => held.proven,
            };
        }
    }
    true
}

/// A token that is not in an answer: nothing is concluded of one that has ended, that may be another account's, or
/// that is too young to be shown.
async fn absent(
    session: &Session,
    stored: &mut Stored,
    (held, shown): (&Held, &Shown),
    (same_account, value): (bool, Option<SecretValue>),
    diags: &mut Diagnostics,
) -> bool {
    let issuer = &session.connected.issuer;
    if held.expires_at.is_some_and(|at| at <= session.now()) {
        return true;
    }
    if !same_account {
        let dead = match &value {
            Some(value) => {
                issuer.check_with(value, about(held, &stored.public)).await == Liveness::Dead
            }
            None => false,
        };
        if !dead {
            return other_account(diags, session, stored);
        }
    }
    let settled = after(held.created_at, issuer.capabilities().settle);
    if shown.started_at().is_some_and(|at| at < settled) {
        return true;
    }
    missing(session, stored, held, value, diags).await
}

/// A token that one complete answer does not show: lost only if its value is dead, or, where nothing can
/// be asked about that, if a second answer `settle` later does not show it either.
async fn missing(
    session: &Session,
    stored: &mut Stored,
    held: &Held,
    value: Option<SecretValue>,
    diags: &mut Diagnostics,
) -> bool {
    let issuer = &session.connected.issuer;
    let disabled = held.disabled_by_us || stored.status == Some(TokenStatus::Disabled);
    let askable = value.filter(|_| issuer.capabilities().check && !disabled);
    let Some(value) = askable else {
        let again = after(session.now(), issuer.capabilities().settle);
        session.sleep_until(again).await;
        return match session.patiently(|| shows(session, held)).await {
            Ok(shown) => {
                if !shown {
                    stored.status = Some(TokenStatus::Missing);
                }
                true
            }
            Err(error) => failed(diags, session, stored, &error),
        };
    };
    let said = match issuer.check_with(&value, about(held, &stored.public)).await {
        Liveness::Dead => {
            stored.status = Some(TokenStatus::Missing);
            return true;
        }
        Liveness::Alive => "its value authenticates",
        Liveness::Unknown => "the issuer does not say whether its value authenticates",
    };
    diags.warning(
        "The issuer does not list the token",
        format!(
            "{} is not in the issuer's answer, but {said}, so it is not taken for lost. \
             If this goes on, look at what the credential may list.",
            name(stored)
        ),
    );
    true
}

/// Whether the issuer shows the token now.
async fn shows(session: &Session, held: &Held) -> Result<bool, Error> {
    let connected = &session.connected;
    let TokenRef { id, parameters, .. } = &held.token;
    match connected.issuer.capabilities().lost_answer {
        LostAnswer::FindByMarker | LostAnswer::CannotAttribute => {
            let now = session.now();
            let listing = connected.inventory.since(parameters, now).await?;
            Ok(listing.tokens.iter().any(|token| token.id == *id))
        }
        LostAnswer::Replay | LostAnswer::CannotList => {
            Ok(connected.issuer.get(id, parameters).await?.is_some())
        }
    }
}

/// What the issuer says of the token is what it is, whoever changed it.
fn follow(stored: &mut Stored, token: &Token) {
    if let Some(held) = &mut stored.record.current {
        let same = match (held.expires_at, token.expires_at) {
            (Some(a), Some(b)) => a.duration_since(b).abs() <= SAME_INSTANT,
            (a, b) => a == b,
        };
        if !same {
            held.expires_at = token.expires_at;
        }
    }
    stored.granted_scopes = Some(token.details.scopes.clone());
    if token.details.owner.is_some() {
        stored.owner.clone_from(&token.details.owner);
    }
}

fn failed(diags: &mut Diagnostics, session: &Session, stored: &Stored, error: &Error) -> bool {
    let summary = format!("Issuer {:?} did not answer", session.connected.name);
    let next = format!("{} stays in the state as it is.", name(stored));
    // The run has failed with the first; the same for each token of the issuer says nothing more.
    match session.connected.tells(error.kind) {
        true => diagnostics::issuer_error(diags, &summary, error, &next),
        false => tracing::warn!(token = name(stored), kind = error.kind.name(), "{summary}"),
    }
    false
}

fn tell_of_clock(connected: &Connected, diags: &mut Diagnostics) {
    let Some(ahead) = connected.tells_of_clock() else {
        return;
    };
    let issuer = &connected.name;
    let follows = match ahead.is_positive() {
        true => {
            "No overlap ends early for that: superseded tokens are kept for that much longer. But tokens are renewed that much early."
        }
        false => {
            "Tokens are renewed that much late, and an overlap that begins now is that much shorter to machines whose clock is right."
        }
    };
    diags.warning(
        format!(
            "The clock of this machine is {} the issuer's",
            duration::standing(ahead)
        ),
        format!(
            "By the dates of the answers of issuer {issuer:?} it is so by {}. {follows} Set the clock.",
            duration::about(ahead)
        ),
    );
}

fn other_account(diags: &mut Diagnostics, session: &Session, stored: &Stored) -> bool {
    diags.error(
        "The credential belongs to another account than the token",
        format!(
            "Issuer {:?} does not show {} under the credential it has now, and that credential is not the one it was last seen with. \
             Nothing was concluded from that. Give the issuer a credential of the account that owns the token; \
             or revoke the token by hand and remove it from the state.",
            session.connected.name,
            name_within(stored)
        ),
    );
    false
}
