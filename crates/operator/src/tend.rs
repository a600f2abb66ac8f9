//! Restores the Secret where somebody changed what is not the value, and renders it anew where the
//! user wants it to look different. Mints nothing.

use k8s_openapi::api::core::v1::Secret;
use tokenwright_api::names::annotation;
use tokenwright_core::{Destination, InvalidSpec};

use crate::calls::CallError;
use crate::parts::Parts;
use crate::secret::{BuildError, Delivery, Token, carried};
use crate::subject::{Look, Subject};

/// Brings the Secret that `look` shows into its wanted form, if it is ours and holds our value.
///
/// # Errors
///
/// If the API server does not answer clearly. What the specification makes impossible is put into
/// `subject.invalid`.
pub async fn tend(subject: &mut Subject, look: Look) -> Result<Look, CallError> {
    let (Some(secret), Some(current)) = (&look.secret, &subject.record.current) else {
        return Ok(look);
    };
    let Destination::Present {
        carried: says,
        intact: true,
        ..
    } = &look.destination
    else {
        return Ok(look);
    };
    let settled = subject.record.attempts.is_empty() && subject.spec.deletion.since.is_none();
    let ours = says
        .as_ref()
        .is_none_or(|says| says.current.token == current.token);
    let mut parts = Parts::held_by(secret);
    if parts.is_empty() {
        parts = subject.unlabelled_parts(secret);
    }
    // A Secret that is only about to be taken over holds nothing of ours yet.
    let delivered = subject
        .object
        .status
        .as_ref()
        .and_then(|status| status.digest.clone());
    let holds = delivered == Some(parts.digest(&subject.context.key));
    if !settled || !ours || !holds {
        return Ok(look);
    }
    let retiring = says
        .as_ref()
        .map_or(&subject.record.retiring, |says| &says.retiring);
    let delivery = Delivery {
        manager: &subject.manager,
        template: &subject.object.spec.secret,
        token: Token::Minted { current, retiring },
        parts: &parts,
        previous: &Parts::previous_in(secret),
    };
    let wanted = match delivery.build(Some(secret)) {
        Ok(wanted) => wanted,
        Err(error) => {
            subject.cannot(impossible(&error));
            return Ok(look);
        }
    };
    let says_the_same = carried(secret, &subject.manager) == carried(&wanted, &subject.manager);
    if says_the_same && same_object(secret, &wanted) {
        return Ok(look);
    }
    tracing::info!(
        secret = subject.object.spec.secret.name,
        "the Secret is brought into its wanted form"
    );
    let secret = subject.context.calls.deliver(&wanted, false).await?;
    let destination = subject.judge(Some(&secret));
    subject.saw(Some(&secret), &destination);
    Ok(Look {
        secret: Some(secret),
        destination,
    })
}

/// A Secret that cannot be built, as a fault of the specification.
#[must_use]
pub fn impossible(error: &BuildError) -> InvalidSpec {
    let cause = std::error::Error::source(error)
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    InvalidSpec::new("spec.secret.data", format!("{error}{cause}"))
}

/// Whether two Secrets look the same; what is said as JSON is to be compared by meaning, so that a new
/// version of the operator rewrites nothing.
#[must_use]
pub fn same_object(is: &Secret, wanted: &Secret) -> bool {
    let plain = |secret: &Secret| {
        let mut annotations = secret.metadata.annotations.clone().unwrap_or_default();
        annotations.remove(annotation::CURRENT);
        annotations.remove(annotation::RETIRING);
        annotations
    };
    is.data == wanted.data
        && is.metadata.labels == wanted.metadata.labels
        && plain(is) == plain(wanted)
}
