//! What is done about a current token that something speaks against: its value is asked about, and
//! taken for ours where nothing else is against it.

use k8s_openapi::api::core::v1::Secret;
use tokenwright_api::names::event;
use tokenwright_client::About;
use tokenwright_core::{Checked, Destination, Intact, Liveness, Reason};

use crate::cluster::calls::CallError;
use crate::cluster::events::{Event, send};
use crate::minted::managed::{Beside, Managed};
use crate::minted::seen::Said;
use crate::secret::parts::Parts;

/// The value that a Secret holds, without all else that may stand there, for as long as an issuer takes.
pub(super) fn held(managed: &Managed, secret: Option<Secret>) -> Parts {
    let parts = secret.as_ref().map(Parts::held_by).unwrap_or_default();
    parts.within(&managed.handle.parts())
}

/// Whether the value that the Secret holds authenticates.
pub(super) async fn ask(managed: &Managed, parts: &Parts) -> Liveness {
    match parts.value(managed.handle.issuer.value_parts()) {
        Some(value) => {
            let public = parts.public(&managed.handle.public_parts);
            let about = About {
                parameters: &managed.spec.inputs.parameters,
                id: managed.record.current.as_ref().map(|held| &held.token.id),
                public: Some(&public),
            };
            managed.handle.issuer.check_with(&value, about).await
        }
        None => Liveness::Unknown,
    }
}

/// Asks about the value as the Secret holds it now; the answer is remembered, not recorded.
pub(super) async fn check(managed: &mut Managed) -> Result<(), CallError> {
    let look = managed.look_now().await?;
    let of = look.version();
    let parts = held(managed, look.secret);
    let liveness = ask(managed, &parts).await;
    let at = managed.context.clock.now();
    let said = Said {
        checked: Checked { liveness, at },
        of,
    };
    managed.remember(|seen| seen.said = Some(Box::new(said)));
    Ok(())
}

/// Makes the digest anew, of the value that was just asked about.
pub(super) async fn trust(managed: &mut Managed) -> Result<(), CallError> {
    let look = managed.look_now().await?;
    let unchanged = managed.remember(|seen| {
        let of = seen.said.as_ref().map(|said| &said.of);
        of.is_none_or(|of| *of == look.version())
    });
    let Some(secret) = look.secret.as_ref().filter(|_| unchanged) else {
        return Ok(());
    };
    let beside = Beside {
        digest: Some(Parts::held_by(secret).sealed(&managed.key)),
        ..Beside::default()
    };
    let mut destination = look.destination.clone();
    if let Destination::Present { intact, .. } = &mut destination {
        *intact = Intact::Yes;
    }
    managed.saw(Some(secret), &destination);
    let record = managed.record.clone();
    managed.write(record, destination, &beside).await?;
    let note = format!(
        "{} It was made anew, and nothing was minted.",
        Reason::DigestKeyChanged.sentence()
    );
    let event = Event::warning(event::DIGEST_KEY_CHANGED, "Compare", note);
    send(&managed.context, &managed.object, &event).await;
    Ok(())
}
