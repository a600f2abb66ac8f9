//! The Secret of a deleted object: it is removed or released, or it is told what refuses that.
//!
//! A Secret that refuses to go keeps alive what it names, and nothing else.

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use tokenwright_api::names::reason;

use crate::cluster::calls::CallError;
use crate::cluster::conditions::Trouble;
use crate::cluster::events::{Event, send};
use crate::cluster::pace;
use crate::minted::after::After;
use crate::minted::managed::Managed;
use crate::minted::revoke;
use crate::minted::seen::Refusal;
use crate::secret::credential::still_credential;
use crate::secret::delivery::let_go;

/// Removes the Secret, and keeps its value until the token is seen to end.
///
/// # Errors
///
/// If there was no clear answer.
pub(super) async fn remove(managed: &mut Managed, secret: &Secret) -> Result<After, CallError> {
    if let Some(held) = still_credential(secret) {
        return Ok(After::Held(held));
    }
    revoke::keep_value(managed, secret);
    if secret.metadata.deletion_timestamp.is_some() {
        let keep = secret.finalizers().join(", ");
        let why = format!("the Secret is deleted, and stays until these finalizers go: {keep}");
        return refused(managed, why).await;
    }
    let removed = managed.context.calls.remove_secret(secret).await;
    if let Ok(true) = removed {
        managed.removed();
    }
    closed(managed, removed.map(|_| ())).await
}

/// Takes our metadata off the Secret, which stays with its value.
///
/// # Errors
///
/// If there was no clear answer.
pub(super) async fn release(managed: &Managed, secret: &Secret) -> Result<After, CallError> {
    let released = managed.context.calls.patch_secret(secret, let_go()).await;
    closed(managed, released.map(|_| ())).await
}

async fn closed(managed: &Managed, done: Result<(), CallError>) -> Result<After, CallError> {
    match done {
        Err(error @ CallError::Refused { .. }) => refused(managed, error.to_string()).await,
        Err(error) => Err(error),
        Ok(()) => {
            managed.remember(|seen| seen.refusal = None);
            Ok(After::Again)
        }
    }
}

async fn refused(managed: &Managed, why: String) -> Result<After, CallError> {
    let now = managed.context.clock.now();
    let before = managed.remember(|seen| seen.refusal.take());
    let times = before.map_or(0, |before| before.times).saturating_add(1);
    let until = pace::after_failures(times, now);
    let message = format!("{why}. Tried again at {until:.0}.");
    let first = !managed.says(&Trouble::new(reason::SECRET_REFUSED, why));
    let why = Trouble::new(reason::SECRET_REFUSED, message.clone());
    managed.remember(|seen| seen.refusal = Some(Box::new(Refusal { times, until, why })));
    if first && times == 1 {
        let event = Event::warning(reason::SECRET_REFUSED, "Delete", message);
        send(&managed.context, &managed.object, &event).await;
    }
    Ok(After::Again)
}
