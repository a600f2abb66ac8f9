//! What `spec.adopt` asks for, in the words of the lifecycle.

use jiff::{SignedDuration, Timestamp};
use tokenwright_api::ApiToken;
use tokenwright_api::adopt::AdoptRequest;
use tokenwright_api::wanted;
use tokenwright_core::adopt::{AdoptSpec, WARN_BEFORE};
use tokenwright_core::{InvalidSpec, TokenId, duration};

use crate::issuer::obstacle::Obstacle;
use crate::issuer::registry::Handle;
use crate::secret::limits::SecretLimits;

/// No issuer, no question: only the fate of what was delivered is decided then.
const NO_RECHECK: SignedDuration = SignedDuration::from_mins(10);

/// What is wanted, and what of it cannot be carried out.
///
/// Where something cannot, nothing new is taken up, and what was delivered is tended.
pub(super) fn read(
    object: &ApiToken,
    request: &AdoptRequest,
    handle: Option<&Handle>,
    limits: &SecretLimits,
) -> (AdoptSpec, Option<Obstacle>) {
    let mut invalid = None;
    let mut note = |fault: InvalidSpec| {
        invalid.get_or_insert(fault);
    };
    let expires_at = request.expires_at.as_ref().and_then(|text| {
        text.as_str().parse::<Timestamp>().ok().or_else(|| {
            let message = format!("{text:?} is no instant such as 2027-03-31T00:00:00Z");
            note(InvalidSpec::new("spec.adopt.expiresAt", message));
            None
        })
    });
    let warn_before = duration::parse(request.warn_before.as_str()).unwrap_or_else(|error| {
        note(InvalidSpec::new("spec.adopt.warnBefore", error.to_string()));
        WARN_BEFORE
    });
    if let Err(refused) = limits.check(&object.spec.secret) {
        note(refused);
    }
    if let Some(handle) = handle {
        if let Err(unknown) = handle.issuer.validate_adopted(&request.parameters) {
            note(InvalidSpec::new("spec.adopt.parameters", unknown.message));
        }
        let parts = handle.parts();
        let keys = request.value_from.secret_ref.keys.keys();
        if let Some(unknown) = keys.into_iter().find(|part| !parts.contains_key(*part)) {
            let known: Vec<&str> = parts.keys().map(String::as_str).collect();
            let message = format!(
                "the value has no part {unknown:?}; it has {}",
                known.join(", ")
            );
            note(InvalidSpec::new(
                "spec.adopt.valueFrom.secretRef.keys",
                message,
            ));
        }
    }
    let mut invalid = invalid.map(Obstacle::from);
    if let (None, Some(Err(refused))) = (&invalid, handle.map(|handle| handle.permits(object))) {
        invalid = Some(refused);
    }
    let mut deletion = wanted::deletion(object);
    // When it began, the API server's clock said: one here that is ahead ends nothing early.
    let ahead = handle.map(|handle| handle.account.gate.ahead());
    deletion.timeout = deletion.timeout.saturating_add(ahead.unwrap_or_default());
    let spec = AdoptSpec {
        token_id: request.token_id.as_ref().map(TokenId::new),
        expires_at,
        warn_before,
        recheck: handle.map_or(NO_RECHECK, |handle| handle.recheck),
        suspend: object.spec.suspend || invalid.is_some(),
        deletion,
    };
    (spec, invalid)
}
