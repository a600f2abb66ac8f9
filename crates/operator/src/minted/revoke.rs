//! The end of one token: sent once the issuer shows that it is ours, and believed once it shows it no more.
//!
//! Whatever comes of it is recorded, so that each token waits by itself; a failure ends no reconcile.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use tokenwright_api::names::event;
use tokenwright_client::{
    Evidence, Nomination, Operation, RevokeError, Revoked, SecretValue, revoke,
};
use tokenwright_core::{Destination, Ended, Obstacle, Outcome, Record, Retiring, TokenRef};

use crate::cluster::calls::CallError;
use crate::cluster::cause;
use crate::cluster::events::{Event, send};
use crate::cluster::metrics;
use crate::issuer::object::place_of;
use crate::minted::after::After;
use crate::minted::managed::{Beside, Managed};
use crate::minted::mint::{Over, Unrehearsed, rehearsed};
use crate::minted::observe::Look;
use crate::minted::unended::sentence;
use crate::secret::delivery::carried;
use crate::secret::parts::Parts;

/// Ends a token that nothing depends on any more.
pub(crate) async fn end(
    managed: &mut Managed,
    token: TokenRef,
    look: Look,
) -> Result<After, CallError> {
    let look = match settled(managed, &token, &look) {
        true => {
            let namespace = &managed.manager.namespace;
            managed.context.calls.store_goes_on(namespace).await?;
            look
        }
        false => live(managed).await?,
    };
    let user = used_by(managed, &token).or_else(|| secret_s(managed, &token, &look));
    revoked(managed, token, (look.without_secret().destination, user)).await
}

/// Ends the token that is in use, since its place is needed for the next one. That the next one could be
/// delivered is tried first; a Secret that names another token means another writer.
pub(crate) async fn make_room(managed: &mut Managed, token: TokenRef) -> Result<After, CallError> {
    let Look {
        secret,
        destination,
    } = live(managed).await?;
    let says = secret
        .as_ref()
        .and_then(|secret| carried(secret, &managed.manager));
    let other = says.is_some_and(|says| !says.current.token.is(&token));
    let user =
        used_by(managed, &token).or(other.then_some("the Secret names another one as valid"));
    let held = managed.record.current.clone().filter(|_| user.is_none());
    if let Some(held) = held {
        // Where a token is ended by its value, it is that of the Secret.
        if let Some(secret) = &secret {
            keep_value(managed, secret);
        }
        let lost = secret.is_none();
        let over = Over::of(managed, secret);
        match rehearsed(managed, &over, &held, lost).await {
            Ok(()) => {}
            Err(Unrehearsed::Build(error)) => {
                managed.cannot(error.as_invalid());
                return Ok(After::Again);
            }
            Err(Unrehearsed::Call(error)) => return Err(error),
        }
    }
    revoked(managed, token, (destination, user)).await
}

/// The only place of the operator that revokes, beside the mint's own withdrawal.
async fn revoked(
    managed: &mut Managed,
    token: TokenRef,
    (destination, user): (Destination, Option<&'static str>),
) -> Result<After, CallError> {
    let decided_at = managed.context.clock.now();
    let outcome = match user {
        Some(user) => in_use(token.clone(), user),
        None => ask(managed, &token, decided_at).await,
    };
    let now = managed.context.clock.now();
    let before = obstacle(&managed.record, &token);
    let record = managed.evolve(outcome, now);
    managed.write_between(record, destination).await?;
    tell(managed, &token, before).await;
    Ok(After::Again)
}

/// Whether nothing that another process could have done meanwhile would speak against the end of a token:
/// one that was superseded never becomes current again, and one whose Secret is removed is used by nobody.
/// What else is to end, the token of a lost answer above all, another process may be publishing just now.
fn settled(managed: &Managed, token: &TokenRef, look: &Look) -> bool {
    let superseded = |old: &Retiring| old.token == *token;
    match &look.destination {
        Destination::Present { carried, .. } => {
            carried.is_some() && managed.record.retiring.iter().any(superseded)
        }
        Destination::Absent => managed.spec.deletion.since.is_some() && managed.watched.is_none(),
        Destination::NotLooked | Destination::Refuses { .. } | Destination::Foreign => false,
    }
}

async fn ask(managed: &Managed, token: &TokenRef, decided_at: Timestamp) -> Outcome {
    if obstacle(&managed.record, token).is_some() {
        managed.retries(Operation::Revoke);
    }
    let value = kept_value(managed, token);
    let nomination = Nomination {
        value: value.as_deref(),
        unsealed: !managed.vouches(token),
        ..nominated(&managed.record, token, decided_at)
    };
    let issuer = Arc::clone(&managed.handle.issuer);
    let now = managed.context.clock.now();
    let revoked = revoke(issuer.as_ref(), nomination, Evidence::Look, now).await;
    outcome(token.clone(), revoked, issuer.capabilities().settle)
}

/// Who would lose what it works with, if this token ended now.
fn used_by(managed: &Managed, token: &TokenRef) -> Option<&'static str> {
    let handle = &managed.handle;
    if handle.authenticates_by.as_ref() == Some(&token.id) && handle.endpoint == token.endpoint {
        return Some("it is the credential of its own issuer");
    }
    None
}

/// Whether the Secret says that its value still works.
fn secret_s(managed: &Managed, token: &TokenRef, look: &Look) -> Option<&'static str> {
    let foreign = look.destination == Destination::Foreign;
    let says = match &look.secret {
        // Nobody finds our token there any more, whatever it still says.
        Some(secret) if foreign && managed.holds_another(secret) => return None,
        Some(secret) => carried(secret, &managed.manager)?,
        None => look.destination.carried()?.clone(),
    };
    let now = managed.context.clock.now();
    let waits = |old: &Retiring| old.token.id == token.id && old.not_before > now;
    let named = says.current.token.id == token.id || says.retiring.iter().any(waits);
    named.then_some("the Secret names it as valid")
}

fn in_use(token: TokenRef, user: &str) -> Outcome {
    tracing::warn!(token = %token.id, "a token is not revoked: {user}");
    Outcome::NotRevoked {
        token,
        obstacle: Obstacle::InUse,
        said: Some(user.to_owned()),
        retry_after: None,
    }
}

/// The end of a token was seen, or nothing can look.
pub(crate) async fn close(
    managed: &mut Managed,
    token: TokenRef,
    ended: Ended,
    look: Look,
) -> Result<After, CallError> {
    let now = managed.context.clock.now();
    let before = obstacle(&managed.record, &token);
    let outcome = Outcome::Ended {
        token: token.clone(),
        ended,
    };
    let record = managed.evolve(outcome, now);
    managed
        .write(record, look.destination, &Beside::default())
        .await?;
    tell(managed, &token, before).await;
    Ok(After::Again)
}

/// Keeps the value of a Secret that is about to go: what still authenticates has not ended.
pub(crate) fn keep_value(managed: &Managed, secret: &Secret) {
    let current = managed.record.current.as_ref().map(|held| &held.token);
    let says = carried(secret, &managed.manager);
    if says.map(|says| says.current.token).as_ref() == current {
        let value = Parts::held_by(secret).value(managed.handle.issuer.value_parts());
        managed.remember(|seen| seen.kept = value.map(Arc::new));
    }
}

fn kept_value(managed: &Managed, token: &TokenRef) -> Option<Arc<SecretValue>> {
    let current = managed.record.current.as_ref()?;
    let kept = managed.remember(|seen| seen.kept.clone());
    kept.filter(|_| current.token == *token)
}

fn nominated<'a>(record: &Record, token: &'a TokenRef, decided_at: Timestamp) -> Nomination<'a> {
    let current = record.current.as_ref().filter(|held| held.token == *token);
    let retiring = record.retiring.iter().find(|old| old.token == *token);
    let open = record.open_revoke(&token.id, &token.marker);
    let met = |obstacle| open.is_some_and(|open| open.obstacle == Some(obstacle));
    Nomination {
        minted_at: current.map(|held| held.created_at),
        expires_at: retiring
            .and_then(|old| old.expires_at)
            .or(current.and_then(|held| held.expires_at)),
        sent_at: open.and_then(|open| open.sent_at),
        // It was put off by `settle` for that.
        missed_before: met(Obstacle::NotSeen),
        alive_before: met(Obstacle::StillAlive),
        ..Nomination::of(token, decided_at)
    }
}

fn outcome(
    token: TokenRef,
    revoked: Result<Revoked, RevokeError>,
    settle: SignedDuration,
) -> Outcome {
    let error = match revoked {
        Ok(Revoked::Sent) => return Outcome::RevokeSent(token),
        Ok(Revoked::Ended(ended)) => return Outcome::NotThere { token, ended },
        Err(error) => error,
    };
    tracing::warn!(
        token = %token.id,
        error = cause::chain(&error),
        "a token is not revoked"
    );
    let (said, retry_after) = match &error {
        RevokeError::Issuer(error) => (error.kind.sentence().to_owned(), error.kind.retry_after()),
        RevokeError::NotProven(why) => (why.to_string(), Some(settle)),
        // What one listing misses is asked for again when another can tell.
        RevokeError::NotSeen(why) => (why.to_string(), Some(settle)),
    };
    Outcome::NotRevoked {
        token,
        obstacle: error.obstacle(),
        said: Some(said),
        retry_after,
    }
}

fn obstacle(record: &Record, token: &TokenRef) -> Option<Obstacle> {
    let open = record.open_revoke(&token.id, &token.marker);
    open.and_then(|open| open.obstacle)
}

/// One event when a token ends, and one when something new stands in its way.
async fn tell(managed: &Managed, token: &TokenRef, before: Option<Obstacle>) {
    let record = &managed.record;
    let result = match record.open_revoke(&token.id, &token.marker) {
        Some(open) => open.obstacle.filter(|now| Some(*now) != before).map(word),
        None => match record.ended(&token.marker.nonce) {
            Some(Ended::Expired) => Some("Expired"),
            Some(Ended::Gone) => Some("Gone"),
            _ => Some(event::REVOKED),
        },
    };
    if let Some(result) = result {
        let issuer = metrics::issuer(place_of(&managed.object));
        managed.context.metrics.revoked(&issuer, result);
    }
    let news = match record.open_revoke(&token.id, &token.marker) {
        Some(open) => match open.obstacle.filter(|now| Some(*now) != before) {
            Some(obstacle) => Event::warning(word(obstacle), "Revoke", sentence(open)),
            None => return,
        },
        None => {
            let ended = record.ended(&token.marker.nonce);
            let how = match ended {
                Some(Ended::Expired) => "has expired",
                Some(Ended::Gone) => "was gone already",
                _ => "is revoked",
            };
            Event::normal(
                event::REVOKED,
                "Revoke",
                format!("Token {} {how}.", token.id),
            )
        }
    };
    send(&managed.context, &managed.object, &news).await;
}

fn word(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::Failed | Obstacle::InUse => event::REVOKE_FAILED,
        Obstacle::NotProven => event::NOT_PROVEN,
        Obstacle::StillAlive | Obstacle::NotSeen => event::REVOKE_NOT_SEEN,
    }
}

/// Object and Secret as they are now.
async fn live(managed: &Managed) -> Result<Look, CallError> {
    let manager = &managed.manager;
    let live = managed
        .context
        .calls
        .token(&manager.namespace, &manager.name)
        .await?;
    let same =
        live.is_some_and(|live| live.resource_version() == managed.object.resource_version());
    if !same {
        return Err(CallError::Conflict("comparing the ApiToken"));
    }
    managed.look_now().await
}
