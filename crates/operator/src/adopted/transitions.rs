//! What is new between two statuses of an `ApiToken` that adopts: one event per transition.

use tokenwright_api::ApiTokenStatus;
use tokenwright_api::adopt::AdoptedToken;
use tokenwright_api::names::{condition, event, reason};
use tokenwright_core::Reason;

use crate::cluster::events::Event;

/// Reasons to be stalled that no step tells of.
const STALLS: [Reason; 2] = [Reason::DestinationForeign, Reason::IssuerIdentityChanged];

/// The events between two statuses, each with the sentence of its condition.
pub(super) fn transitions(before: &ApiTokenStatus, after: &ApiTokenStatus) -> Vec<Event> {
    let begins = |type_, reason| {
        let reason = Reason::name(reason);
        is(after, type_, reason) && !is(before, type_, reason)
    };
    let refused = |status: &ApiTokenStatus| {
        let offered = status.adopted.as_ref()?.offered.as_ref()?;
        (offered.liveness == "Dead").then(|| offered.fingerprint.clone())
    };
    let dead = |status: &ApiTokenStatus| {
        let adopted: &AdoptedToken = status.adopted.as_ref()?;
        let dead = adopted.liveness.as_deref() == Some("Dead");
        adopted.fingerprint.clone().filter(|_| dead)
    };
    let told = |reason: &'static str, of: &str| Event::warning(reason, "Check", said(after, of));
    let mut events = Vec::new();
    if refused(after).is_some() && refused(after) != refused(before) {
        events.push(told(event::VALUE_REFUSED, condition::ACCEPTED));
    }
    if dead(after).is_some() && dead(after) != dead(before) {
        events.push(told(event::TOKEN_DEAD, condition::READY));
    }
    for reason in STALLS {
        if begins(condition::STALLED, reason) {
            let note = said(after, condition::STALLED);
            events.push(Event::warning(reason.name(), "Compare", note));
        }
    }
    let vain = reason::INVALID_SPEC;
    for type_ in [condition::ROTATING, condition::REVOKE_FAILED] {
        if is(after, type_, vain) && !is(before, type_, vain) {
            events.push(Event::warning(vain, "Compare", said(after, type_)));
        }
    }
    if begins(condition::EXPIRES_SOON, Reason::ExpiresSoon) {
        events.push(told(event::EXPIRES_SOON, condition::EXPIRES_SOON));
    }
    if begins(condition::READY, Reason::TokenExpired) {
        events.push(told(event::TOKEN_EXPIRED, condition::READY));
    }
    for reason in [Reason::RevokeFailed, Reason::RevokeInUse] {
        if begins(condition::REVOKE_FAILED, reason) {
            let note = said(after, condition::REVOKE_FAILED);
            events.push(Event::warning(event::REVOKE_FAILED, "Revoke", note));
        }
    }
    events
}

fn is(status: &ApiTokenStatus, type_: &str, reason: &str) -> bool {
    let mut conditions = status.conditions.iter();
    conditions.any(|condition| condition.type_ == type_ && condition.reason == reason)
}

fn said(status: &ApiTokenStatus, type_: &str) -> String {
    let mut conditions = status.conditions.iter();
    let found = conditions.find(|condition| condition.type_ == type_);
    found
        .map(|condition| condition.message.clone())
        .unwrap_or_default()
}
