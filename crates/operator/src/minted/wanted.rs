//! What an `ApiToken` asks for, and what of it can be carried out here.

use jiff::SignedDuration;
use kube::ResourceExt as _;
use tokenwright_api::ApiToken;
use tokenwright_api::token::State;
use tokenwright_api::wanted::{acknowledged, deletion, overlap, read, revoke_previous, with_path};
use tokenwright_core::{DefaultOverlap, Inputs, OnLoss, Record, Spec, WantedState, schedule};

use crate::issuer::obstacle::Obstacle;
use crate::issuer::registry::Handle;
use crate::minted::seen::Impossible;
use crate::secret::limits::SecretLimits;

/// What is wanted, and what of it cannot be carried out.
///
/// Where something cannot, what exists is tended as it is, and nothing new is begun. `impossible` is
/// what the Secret was found not to be able to look like.
pub(crate) fn of(
    object: &ApiToken,
    record: &Record,
    handle: &Handle,
    limits: &SecretLimits,
    impossible: Option<Impossible>,
) -> (Spec, Option<Obstacle>) {
    let spec = read(
        object,
        record.handled_trigger.as_deref(),
        handle.request_timeout,
    );
    let valid = spec.map_err(Obstacle::from).and_then(|spec| {
        let issuer = &handle.issuer;
        issuer.validate(&spec.inputs).map_err(with_path)?;
        spec.validate_at(issuer.capabilities()).map_err(with_path)?;
        limits.check(&object.spec.secret)?;
        handle.permits(object)?;
        let generation = object.metadata.generation;
        let impossible = impossible.and_then(|found| found.still(generation, handle));
        impossible.map_or(Ok(spec), |invalid| Err(invalid.into()))
    });
    match valid {
        Ok(spec) => (spec, None),
        Err(invalid) => {
            let current = record.current.as_ref().map(|held| &held.inputs);
            let spec = only_tend(object, current, handle.request_timeout);
            let deleting = spec.deletion.since.is_some();
            (spec, (!deleting).then_some(invalid))
        }
    }
}

/// What is wanted when only the fate of what exists matters: nothing new is begun.
pub(crate) fn only_tend(
    object: &ApiToken,
    current: Option<&Inputs>,
    request_timeout: SignedDuration,
) -> Spec {
    let asked = object.spec.token.as_ref();
    let inputs = current.cloned().unwrap_or_else(|| Inputs {
        name: asked.map_or_else(|| object.name_any(), |token| token.name.clone()),
        scopes: asked
            .map(|token| token.scopes.iter().cloned().collect())
            .unwrap_or_default(),
        parameters: asked
            .map(|token| token.parameters.clone())
            .unwrap_or_default(),
        lifetime: tokenwright_core::Lifetime::Never,
    });
    Spec {
        inputs,
        rotation: None,
        windows: Vec::new(),
        allow_gap: false,
        overlap: overlap(object),
        default_overlap: DefaultOverlap::For(schedule::OVERLAP),
        trigger: None,
        // Whoever may have nothing new may still cut off what there is; nothing is enabled for them.
        state: match object.spec.state {
            State::Disabled => WantedState::Disabled,
            State::Enabled => WantedState::Follow,
        },
        written: None,
        acknowledged: acknowledged(object),
        revoke_previous: revoke_previous(object),
        suspend: true,
        on_loss: OnLoss::Report,
        deletion: deletion(object),
        request_timeout,
    }
}
