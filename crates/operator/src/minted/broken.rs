//! What is told of a token, a value or a Secret that is lost or was edited, once, before a new token repairs it.

use k8s_openapi::api::core::v1::Secret;
use tokenwright_core::Reason;

use crate::cluster::events::{Event, send};
use crate::minted::managed::Managed;
use crate::secret::delivery::other_manager;
use crate::secret::parts::Parts;

/// Tells what was seen, where `reason` is that something is broken; not again at each further try.
pub(super) async fn tell(managed: &Managed, reason: Reason, secret: Option<&Secret>) {
    let tried = managed.record.failures > 0 || !managed.record.attempts.is_empty();
    let Some(note) = note(managed, reason, secret).filter(|_| !tried) else {
        return;
    };
    let event = Event::warning(reason.name(), "Repair", note);
    send(&managed.context, &managed.object, &event).await;
}

fn note(managed: &Managed, reason: Reason, secret: Option<&Secret>) -> Option<String> {
    let held = managed.record.current.as_ref()?;
    let (id, revision) = (&held.token.id, held.token.marker.revision);
    let seen = match reason {
        Reason::ValueModified => in_secret(managed, secret),
        Reason::DestinationLost | Reason::TokenMissing | Reason::TokenDead => String::new(),
        _ => return None,
    };
    Some(format!(
        "{} It is about revision {revision}, token {id}, in the Secret {}.{seen} A new token is minted.",
        reason.sentence(),
        managed.object.spec.secret.name,
    ))
}

/// Which keys somebody emptied or took away; which of the others were edited, a digest of all does not tell.
fn in_secret(managed: &Managed, secret: Option<&Secret>) -> String {
    let other = secret.and_then(|secret| other_manager(secret, &managed.manager));
    if let Some(other) = other {
        return format!(" {}", other.exchanged());
    }
    let parts = managed.handle.issuer.value_parts();
    let missing = secret.map(|secret| Parts::missing_in(secret, parts));
    match missing.unwrap_or_default().as_slice() {
        [] => " The value under its keys is another one.".to_owned(),
        missing => format!(" Nothing stands there under: {}.", missing.join(", ")),
    }
}
