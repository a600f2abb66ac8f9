//! Restores the Secret where somebody changed what is not the value, and renders it anew where the
//! user wants it to look different. Mints nothing.

use tokenwright_core::{Destination, Intact, Retiring, schedule};

use crate::cluster::calls::CallError;
use crate::minted::managed::Managed;
use crate::minted::observe::Look;
use crate::secret::delivery::{Delivery, Token, carried, same_object};
use crate::secret::parts::Parts;

/// Brings the Secret that `look` shows into its wanted form, if it is ours and holds our value.
///
/// # Errors
///
/// If the API server does not answer clearly. What the specification makes impossible is put into
/// `managed.invalid`.
pub(crate) async fn restore(managed: &mut Managed, look: Look) -> Result<Look, CallError> {
    let (Some(secret), Some(current)) = (&look.secret, &managed.record.current) else {
        return Ok(look);
    };
    let Destination::Present {
        carried: says,
        intact: Intact::Yes,
        ..
    } = &look.destination
    else {
        return Ok(look);
    };
    let settled = managed.record.attempts.is_empty() && managed.spec.deletion.since.is_none();
    let ours = says
        .as_ref()
        .is_none_or(|says| says.current.token == current.token);
    let mut parts = Parts::held_by(secret);
    if parts.is_empty() {
        parts = managed.unlabelled_parts(secret);
    }
    // A Secret that is only about to be taken over holds nothing of ours yet.
    let delivered = managed
        .object
        .status
        .as_ref()
        .and_then(|status| status.digest.clone());
    let holds = delivered.is_some_and(|known| parts.compare(&known, &managed.key) == Intact::Yes);
    if !settled || !ours || !holds {
        return Ok(look);
    }
    let retiring = says
        .as_ref()
        .map_or(&managed.record.retiring, |says| &says.retiring);
    // An overlap that was lowered is shown before anything is ended by it.
    let lowered = |old: &Retiring| Retiring {
        not_before: schedule::lowered(&managed.spec, managed.can(), Some(current), old),
        ..old.clone()
    };
    let retiring: &Vec<_> = &retiring.iter().map(lowered).collect();
    let delivery = Delivery {
        manager: &managed.manager,
        template: &managed.object.spec.secret,
        token: Token::Minted { current, retiring },
        parts: &parts,
        previous: &Parts::previous_in(secret),
    };
    let wanted = match delivery.build(Some(secret)).await {
        Ok(wanted) => wanted,
        Err(error) => {
            managed.cannot(error.as_invalid());
            return Ok(look);
        }
    };
    let says_the_same = carried(secret, &managed.manager) == carried(&wanted, &managed.manager);
    if says_the_same && same_object(secret, &wanted) {
        return Ok(look);
    }
    tracing::info!(
        secret = managed.object.spec.secret.name,
        "the Secret is brought into its wanted form"
    );
    let secret = managed.context.calls.deliver(&wanted, false).await?;
    let destination = managed.judge(Some(&secret));
    managed.saw(Some(&secret), &destination);
    Ok(Look {
        secret: Some(secret),
        destination,
    })
}
