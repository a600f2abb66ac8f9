//! What an issuer says about itself.

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use tokenwright_api::TokenIssuerStatus;
use tokenwright_api::names::{condition, reason};
use tokenwright_client::account::{Pause, Why};

use crate::cluster::calls::CallError;
use crate::cluster::conditions::{Fact, Trouble, reconciling, stalled, updated, without};
use crate::cluster::contest::{Digest, Told, rival};
use crate::cluster::context::Context;
use crate::cluster::events::{Event, send};
use crate::issuer::object::IssuerObject;
use crate::issuer::obstacle::Obstacle;
use crate::issuer::registry::{Handle, IssuerState};

/// What an operator does that only looks.
pub(crate) const ONLY_OBSERVED: &str =
    "The operator only observes: nothing is minted, revoked or written.";

/// A shorter pause is over before anybody has read of it.
const TOLD_FROM: SignedDuration = SignedDuration::from_secs(5);

/// What the last answer says against an issuer, where that is worth telling: until another answer comes, be
/// its pause over or not.
pub(crate) fn standing(handle: &Handle) -> Option<Pause> {
    let pause = handle.account.gate.standing();
    pause.filter(|pause| pause.length >= TOLD_FROM)
}

/// A pause as an obstacle: why, and until when.
pub(crate) fn paused(pause: &Pause) -> Obstacle {
    let (reason, stalled) = match pause.why {
        Why::CredentialRefused => (reason::CREDENTIAL_REFUSED, true),
        Why::Asked | Why::Unreachable | Why::Busy => (reason::ISSUER_PAUSED, false),
    };
    Obstacle {
        reason,
        message: format!(
            "No request is sent before {:.0}: {}.",
            pause.until, pause.why
        ),
        stalled,
        again: None,
    }
}

/// That the list of tokens was none in the issuer's own shape, or had no room.
fn misread(handle: &Handle) -> Option<Obstacle> {
    let kind = (*handle.misread.lock())?;
    Some(Obstacle {
        reason: reason::ISSUER_NOT_READY,
        message: format!(
            "The list of tokens cannot be read: {} ({}). {} It is asked for again by itself.",
            kind.sentence(),
            kind.name(),
            kind.advice()
        ),
        stalled: false,
        again: None,
    })
}

/// Writes how an issuer stands, and gives the object as it is then; `trouble` is what keeps a new
/// credential from taking effect.
pub(crate) async fn say<K: IssuerObject>(
    context: &Context,
    object: &K,
    state: &IssuerState,
    trouble: Option<&Obstacle>,
) -> Result<K, CallError> {
    let before = object.status();
    let (handle, obstacle) = match state {
        IssuerState::Ready(handle) => {
            let pause = standing(handle).as_ref().map(paused);
            let obstacle = trouble.cloned().or(pause).or_else(|| misread(handle));
            (Some(handle), obstacle)
        }
        IssuerState::NotReady(obstacle) => (None, Some(obstacle.clone())),
    };
    let ahead = handle.map(|handle| handle.account.gate.ahead());
    let usable = usable(ahead.unwrap_or_default());
    let mut facts = facts(obstacle.as_ref(), &usable).to_vec();
    if object.meta().deletion_timestamp.is_some() && obstacle.is_none() {
        let needed = format!(
            "It is deleted, and stays until the last ApiToken that names it is gone: `kubectl get apitokens --all-namespaces --field-selector spec.issuerRef.name={}` shows them.",
            object.name_any()
        );
        facts.retain(|fact| fact.type_ != condition::RECONCILING);
        facts.push(reconciling(Some(Trouble::new(reason::DELETING, needed))));
    }
    let mut conditions = before.conditions.clone();
    match context.observe_only {
        true => facts.push(Fact::new(
            condition::OBSERVE_ONLY,
            true,
            reason::OBSERVE_ONLY,
            ONLY_OBSERVED,
        )),
        false => conditions = without(conditions, &[condition::OBSERVE_ONLY]),
    }
    let uid = object.uid().unwrap_or_default();
    let contested = |told: &Told| told.contest.about_status(context.clock.now());
    let now = context.clock.now();
    let of_marks = || context.marks.known(&uid, |marks| marks.contested(now));
    match context
        .issuers_told
        .known(&uid, contested)
        .or_else(of_marks)
    {
        Some(contested) => facts.push(contested),
        None => conditions = without(conditions, &[condition::CONTESTED]),
    }
    let generation = object.meta().generation.unwrap_or_default();
    let identity = handle.and_then(|handle| handle.account.seen().identity);
    // A digest of the credential says nothing to people.
    let identity = identity.filter(|identity| !identity.is_of_credential());
    let listed_at = handle.and_then(|handle| *handle.listed_at.lock());
    let status = TokenIssuerStatus {
        observed_generation: Some(generation),
        conditions: updated(&conditions, &facts, generation, context.clock.now()),
        identity: identity
            .map(|identity| identity.to_string())
            .or_else(|| before.identity.clone()),
        last_inventory: listed_at.or(before.last_inventory).map(whole_seconds),
        acknowledged_loss: before.acknowledged_loss.clone(),
    };
    if status == before {
        return Ok(object.clone());
    }
    write(context, object, status).await
}

/// Writes a status of an issuer, and gives the object as it is then; not in a race with another writer.
pub(super) async fn write<K: IssuerObject>(
    context: &Context,
    object: &K,
    status: TokenIssuerStatus,
) -> Result<K, CallError> {
    let (uid, now) = (object.uid().unwrap_or_default(), context.clock.now());
    let generation = object.meta().generation;
    let before = object.status();
    let waits = |told: &mut Told| {
        let undone = told.undone(Digest::of(&before));
        let waits = told.contest.waits(generation, now).filter(|_| undone);
        (undone, waits.is_some())
    };
    let (undone, waits) = context.issuers_told.of(&uid, waits);
    if waits {
        return Ok(object.clone());
    }
    let next = object.clone().with_status(status.clone());
    let written = context.calls.write_status(next).await?;
    let begun = context.issuers_told.of(&uid, |told| {
        told.said(Digest::of(&status), None);
        let rival = rival(written.meta(), Some("status"));
        let begins = undone && told.contest.written(generation, rival, now);
        told.contest.about_status(now).filter(|_| begins)
    });
    if let Some(told) = begun {
        let event = Event::warning(told.reason, "Record", told.message);
        send(context, &written, &event).await;
    }
    Ok(written)
}

/// Whether somebody else has undone what the status of an issuer said.
pub(super) fn undone<K: IssuerObject>(context: &Context, object: &K) -> bool {
    let uid = object.uid().unwrap_or_default();
    let undone = |told: &Told| Some(told.undone(Digest::of(&object.status())));
    context.issuers_told.known(&uid, undone).unwrap_or_default()
}

fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// That nothing keeps the issuer from being used, with what a person should know all the same. How far the
/// clock is ahead is not said to the second, since it would be another sentence each time.
fn usable(clock_ahead: SignedDuration) -> String {
    let clock = match clock_ahead.is_positive() {
        true => {
            " The clock of the operator's node is ahead of the issuer's: superseded tokens are kept for that much longer. Set the clock."
        }
        false => "",
    };
    format!("The issuer can be used.{clock}")
}

fn facts(obstacle: Option<&Obstacle>, usable: &str) -> [Fact; 3] {
    let Some(obstacle) = obstacle else {
        let ready = Fact::new(condition::READY, true, reason::READY, usable);
        return [ready, reconciling(None), stalled(None)];
    };
    let why = obstacle.reason;
    let message = obstacle.in_full();
    let ready = Fact::new(condition::READY, false, why, message.clone());
    let trouble = Some(Trouble::new(why, message));
    match obstacle.stalled {
        true => [ready, reconciling(None), stalled(trouble)],
        false => [ready, reconciling(trouble), stalled(None)],
    }
}
