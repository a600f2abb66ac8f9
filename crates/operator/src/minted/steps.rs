//! What a decision asks for, done once: everything but a mint.
//!
//! No policy is added here. A step that fails is an error, and the next reconcile decides again.

use tokenwright_api::names::event;
use tokenwright_client::ErrorKind;
use tokenwright_core::{
    AtDestination, AtIssuer, DeletionPolicy, Destination, Disable, Note, Outcome, Reason, Record,
    Switch, TokenRef,
};

use crate::cluster::calls::CallError;
use crate::cluster::deletion;
use crate::cluster::events::{Event, send};
use crate::issuer::abandoned::abandon;
use crate::minted::after::After;
use crate::minted::doubt;
use crate::minted::leave;
use crate::minted::managed::{Beside, Managed};
use crate::minted::observe::Look;
use crate::minted::revoke;
use crate::minted::suspects;
use crate::minted::unended;
use crate::minted::unmade::{not_vouched, refused};
use crate::minted::update::update;
use crate::secret::delivery::fingerprint;
use crate::secret::parts::Parts;
use crate::secret::taken;

/// Asks the issuer, and records what came of it.
///
/// # Errors
///
/// If it was not done, or could not be recorded.
pub(crate) async fn ask(
    managed: &mut Managed,
    request: AtIssuer,
    look: Look,
) -> Result<After, CallError> {
    // Only what ends a token looks into the Secret; nobody holds it while an issuer takes its time.
    let look = match request {
        AtIssuer::Revoke(_) => look,
        _ => look.without_secret(),
    };
    match request {
        AtIssuer::Revoke(token) => revoke::end(managed, token, look).await,
        AtIssuer::MakeRoom(token) => revoke::make_room(managed, token).await,
        AtIssuer::SetEnabled(token, switch) => switch_token(managed, &token, switch, look).await,
        AtIssuer::Update(token, change) => update(managed, &token, change, look).await,
        AtIssuer::Prove(_) => prove(managed).await,
        AtIssuer::Check(_) => {
            doubt::check(managed).await?;
            Ok(After::Again)
        }
    }
}

/// Writes something down.
///
/// # Errors
///
/// If it could not be recorded.
pub(crate) async fn record(
    managed: &mut Managed,
    note: Note,
    look: Look,
) -> Result<After, CallError> {
    if let Note::RevokeClosed { token, ended } = note {
        return revoke::close(managed, token, ended, look).await;
    }
    let beside = match (&note, &look.secret) {
        // Somebody may have changed the value since it was delivered.
        (Note::Published(_), Some(secret)) => Beside {
            digest: fingerprint(secret, &managed.key)
                .or_else(|| Some(Parts::held_by(secret).sealed(&managed.key))),
            ..Beside::default()
        },
        _ => Beside::default(),
    };
    let now = managed.context.clock.now();
    let record = managed.evolve(note.into(), now);
    write(managed, record, look.destination, &beside).await
}

/// Does something to the Secret.
///
/// # Errors
///
/// If it was not done.
pub(crate) async fn at_destination(
    managed: &mut Managed,
    step: AtDestination,
    look: Look,
) -> Result<After, CallError> {
    match (step, &look.secret) {
        (AtDestination::Trust(_), _) => doubt::trust(managed).await?,
        (AtDestination::Remove, Some(secret)) => return leave::remove(managed, secret).await,
        (AtDestination::Release, Some(secret)) => return leave::release(managed, secret).await,
        (AtDestination::Remove | AtDestination::Release, None) => {}
    }
    Ok(After::Again)
}

async fn write(
    managed: &mut Managed,
    record: Record,
    destination: Destination,
    beside: &Beside,
) -> Result<After, CallError> {
    managed.write(record, destination, beside).await?;
    Ok(After::Again)
}

async fn switch_token(
    managed: &mut Managed,
    token: &TokenRef,
    switch: Switch,
    look: Look,
) -> Result<After, CallError> {
    if !managed.vouches(token) {
        let outcome = Outcome::NotSwitched {
            switch,
            definite: true,
            retry_after: None,
        };
        return not_vouched(managed, token, outcome, look).await;
    }
    let now = managed.context.clock.now();
    let record = managed.evolve(Outcome::Switching(switch), now);
    managed
        .write_between(record, look.destination.clone())
        .await?;
    let switched = managed
        .handle
        .issuer
        .set_enabled(&token.id, &token.parameters, switch)
        .await;
    let now = managed.context.clock.now();
    managed.remember(|seen| seen.touched_at = Some(now));
    let outcome = match switched {
        Ok(()) => Outcome::Switched(switch),
        Err(error) => Outcome::NotSwitched {
            switch,
            definite: is_definite(&error.kind, managed.can().disable),
            retry_after: refused(&error),
        },
    };
    let record = managed.evolve(outcome, now);
    write(managed, record, look.destination, &Beside::default()).await
}

/// Whether nothing was switched. A toggle was flipped, where the look after it shows what was before.
fn is_definite(kind: &ErrorKind, disable: Disable) -> bool {
    match kind {
        ErrorKind::OutcomeUnknown | ErrorKind::AnswerNotUnderstood | ErrorKind::NoRoom => false,
        ErrorKind::Conflict => disable != Disable::BlindToggle,
        _ => true,
    }
}

async fn prove(managed: &mut Managed) -> Result<After, CallError> {
    let Look {
        secret,
        destination,
    } = managed.look_now().await?;
    let parts = doubt::held(managed, secret);
    let liveness = doubt::ask(managed, &parts).await;
    let now = managed.context.clock.now();
    let record = managed.evolve(Outcome::Proved(liveness), now);
    write(managed, record, destination, &Beside::default()).await
}

/// Says what stays alive and lets the object go.
///
/// # Errors
///
/// If it stays.
pub(crate) async fn finish(
    managed: &mut Managed,
    reason: Reason,
    look: Look,
) -> Result<After, CallError> {
    if look.destination == Destination::Foreign {
        let secret = match look.secret {
            Some(secret) => Some(secret),
            None => managed.look_now().await?.secret,
        };
        if let Some(secret) = secret {
            taken::disowned(&managed.context, &managed.manager, &secret).await?;
        }
    }
    let (context, object, record) = (&managed.context, &managed.object, &managed.record);
    let left: Vec<_> = unended::left(record)
        .map(|token| token.id.as_str())
        .collect();
    if reason == Reason::DeletionTimedOut {
        let unknown = (record.attempts.len(), record.suspects);
        let (alive, event) = unended::gave_up(left.into_iter(), unknown);
        abandon(context, object, alive, &event).await;
    } else {
        if managed.spec.deletion.policy == DeletionPolicy::Retain && !left.is_empty() {
            let left = left.join(", ");
            let note = format!("Token {left} stays alive, as the deletion policy Retain says.");
            let event = Event::normal(event::LEFT_BEHIND, "Delete", note);
            send(context, object, &event).await;
        }
        if let Some((alive, event)) = suspects::left(record) {
            abandon(context, object, alive, &event).await;
        }
    }
    deletion::let_go(context, object).await?;
    Ok(After::Gone)
}
