//! What is worth an event when a status follows on another: each thing once, when it begins.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use tokenwright_api::ApiTokenStatus;
use tokenwright_api::names::{condition, reason};
use tokenwright_core::Reason;

use crate::cluster::events::Event;

/// Reasons to be stalled that no step tells of. A Secret of somebody else the first mint tells of, and none
/// after it.
const STALLS: [Reason; 2] = [Reason::AccountUnknown, Reason::IssuerIdentityChanged];

/// What begins with `after`.
pub(super) fn transitions(before: &ApiTokenStatus, after: &ApiTokenStatus) -> Vec<Event> {
    let told = |known: &Condition| {
        let mut former = before.conditions.iter();
        former
            .any(|c| c.type_ == known.type_ && c.status == known.status && c.reason == known.reason)
    };
    let tells = |known: &&Condition| match known.type_.as_str() {
        _ if known.status != "True" || told(known) => false,
        condition::FOREIGN_ACTIVITY => true,
        // What stands in the way of a revoke its step tells of.
        condition::REVOKE_FAILED => known.reason == reason::INVALID_SPEC,
        condition::STALLED if known.reason == Reason::DestinationForeign.name() => {
            before.current.is_some()
        }
        condition::STALLED => STALLS.iter().any(|reason| reason.name() == known.reason),
        _ => false,
    };
    let begun = after.conditions.iter().filter(tells);
    let event =
        |known: &Condition| Event::warning(known.reason.clone(), "Compare", known.message.clone());
    begun.map(event).collect()
}
