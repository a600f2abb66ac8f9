//! The condition of an issuer whose tokens vanished at once, and a person's word that ends it.

use kube::ResourceExt as _;
use tokenwright_api::names::{annotation, condition};
use tokenwright_core::Reason;

use crate::cluster::calls::CallError;
use crate::cluster::conditions::{Fact, updated, without};
use crate::cluster::context::Context;
use crate::issuer::losses::{Losses, Noted};
use crate::issuer::object::IssuerObject;
use crate::issuer::status::write;

/// Takes the annotation up and says how the issuer stands; nothing is sent where nothing would change.
///
/// # Errors
///
/// If the API server does not answer clearly.
pub(super) async fn tell<K: IssuerObject>(
    context: &Context,
    object: &K,
    losses: &Losses,
    listed: bool,
) -> Result<K, CallError> {
    let noted = object.annotations().get(annotation::ACKNOWLEDGE_LOSS);
    let before = object.status();
    let now = context.clock.now();
    let noted = Noted {
        text: noted.map(String::as_str),
        handled: before.acknowledged_loss.as_deref(),
        listed,
    };
    let acknowledged_loss = losses.note(noted, now);
    let generation = object.meta().generation.unwrap_or_default();
    let conditions = match losses.unacknowledged() {
        Some(vanished) => {
            let reason = Reason::IssuerSuspect;
            let message = format!(
                "{vanished} current tokens are not listed. {} {}",
                reason.sentence(),
                reason.advice()
            );
            let fact = Fact::new(condition::SUSPECT, true, reason.name(), message);
            updated(&before.conditions, &[fact], generation, now)
        }
        None => without(before.conditions.clone(), &[condition::SUSPECT]),
    };
    if conditions == before.conditions && acknowledged_loss == before.acknowledged_loss {
        return Ok(object.clone());
    }
    let status = tokenwright_api::TokenIssuerStatus {
        conditions,
        acknowledged_loss,
        ..before
    };
    write(context, object, status).await
}
