//! What an `ApiToken` asks for, in the words of the lifecycle.

use tokenwright_api::ApiToken;
use tokenwright_api::names::annotation;
use tokenwright_api::text::DurationOrPercent;
use tokenwright_api::token::State;
use tokenwright_core::{
    DefaultOverlap, Inputs, InvalidSpec, OnLoss, Record, RenewBefore, Rotation, Spec, WantedState,
    duration, schedule,
};

use jiff::SignedDuration;
use kube::ResourceExt as _;

use crate::cluster::deletion;
use crate::issuer::obstacle::Obstacle;
use crate::issuer::registry::Handle;
use crate::secret::limits::SecretLimits;

/// What is wanted, and what of it cannot be carried out.
///
/// Where something cannot, what exists is tended as it is, and nothing new is begun. `impossible` is
/// what the Secret was found not to be able to look like, at which generation.
pub(crate) fn of(
    object: &ApiToken,
    record: &Record,
    handle: &Handle,
    limits: &SecretLimits,
    impossible: Option<(Option<i64>, InvalidSpec)>,
) -> (Spec, Option<Obstacle>) {
    let spec = read(
        object,
        record.handled_trigger.as_deref(),
        handle.request_timeout,
    );
    let valid = spec.map_err(Obstacle::from).and_then(|spec| {
        handle.issuer.validate(&spec.inputs).map_err(with_path)?;
        limits.check(&object.spec.secret)?;
        handle.permits(object)?;
        match impossible {
            Some((generation, invalid)) if generation == object.metadata.generation => {
                Err(invalid.into())
            }
            Some(_) | None => Ok(spec),
        }
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

/// What is wanted of `object`, whose last handled trigger is `handled`.
///
/// # Errors
///
/// The first field that cannot be carried out, with its path.
pub(crate) fn read(
    object: &ApiToken,
    handled: Option<&str>,
    request_timeout: SignedDuration,
) -> Result<Spec, InvalidSpec> {
    let wanted = &object.spec;
    // The API server asks for exactly one of the two.
    let token = wanted
        .token
        .as_ref()
        .ok_or_else(|| InvalidSpec::new("spec.token", "one of token and adopt is required"))?;
    let inputs =
        Inputs {
            name: token.name.clone(),
            scopes: token.scopes.iter().cloned().collect(),
            parameters: token.parameters.clone(),
            lifetime: token.lifetime.as_str().parse().map_err(
                |error: duration::InvalidDuration| {
                    InvalidSpec::new("spec.token.lifetime", error.to_string())
                },
            )?,
        };
    let rotation = &wanted.rotation;
    let spec = Spec {
        inputs,
        rotation: Some(Rotation {
            renew_before: rotation
                .renew_before
                .as_ref()
                .map(renew_before)
                .transpose()?,
            every: rotation
                .every
                .as_ref()
                .map(|text| span("spec.rotation.every", text.as_str()))
                .transpose()?,
        }),
        overlap: rotation
            .overlap
            .as_ref()
            .map(|text| span("spec.rotation.overlap", text.as_str()))
            .transpose()?,
        default_overlap: DefaultOverlap::For(schedule::OVERLAP),
        trigger: trigger(object, handled),
        state: match wanted.state {
            State::Enabled => WantedState::Enabled,
            State::Disabled => WantedState::Disabled,
        },
        written: object
            .metadata
            .generation
            .map(|generation| generation.to_string()),
        suspend: wanted.suspend,
        on_loss: OnLoss::Remint,
        deletion: deletion::wanted(object),
        request_timeout,
    };
    spec.validate().map_err(with_path)?;
    Ok(spec)
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
        overlap: None,
        default_overlap: DefaultOverlap::For(schedule::OVERLAP),
        trigger: None,
        state: WantedState::Follow,
        written: None,
        suspend: true,
        on_loss: OnLoss::Report,
        deletion: deletion::wanted(object),
        request_timeout,
    }
}

/// The field as the user knows it.
pub(crate) fn with_path(invalid: InvalidSpec) -> InvalidSpec {
    let field = match invalid.field {
        "name" => "spec.token.name",
        "scopes" => "spec.token.scopes",
        "parameters" => "spec.token.parameters",
        "lifetime" => "spec.token.lifetime",
        "renew_before" => "spec.rotation.renewBefore",
        "every" => "spec.rotation.every",
        "overlap" => "spec.rotation.overlap",
        other => other,
    };
    InvalidSpec { field, ..invalid }
}

fn span(field: &'static str, text: &str) -> Result<SignedDuration, InvalidSpec> {
    duration::parse(text).map_err(|error| InvalidSpec::new(field, error.to_string()))
}

fn renew_before(text: &DurationOrPercent) -> Result<RenewBefore, InvalidSpec> {
    match text.as_str().strip_suffix('%') {
        Some(percent) => match percent.parse() {
            Ok(percent) => Ok(RenewBefore::Percent(percent)),
            Err(_) => Err(InvalidSpec::new(
                "spec.rotation.renewBefore",
                "must be a duration, or between 1% and 99%",
            )),
        },
        None => span("spec.rotation.renewBefore", text.as_str()).map(RenewBefore::Duration),
    }
}

/// Two places can ask for a rotation: a field and an annotation. What is remembered names both, so
/// that taking one away again asks for nothing.
fn trigger(object: &ApiToken, handled: Option<&str>) -> Option<String> {
    let one_line = |text: &str| text.replace('\n', " ");
    let field = one_line(&object.spec.rotation.trigger);
    let noted = object
        .annotations()
        .get(annotation::ROTATE)
        .map(|text| one_line(text))
        .unwrap_or_default();
    let (old_field, old_noted) = handled.map_or(("", ""), |handled| {
        handled.split_once('\n').unwrap_or((handled, ""))
    });
    let new = |text: &str, old: &str| !text.is_empty() && text != old;
    if !new(&field, old_field) && !new(&noted, old_noted) {
        return handled.map(ToOwned::to_owned);
    }
    let kept = |text: String, old: &str| {
        if text.is_empty() {
            old.to_owned()
        } else {
            text
        }
    };
    let (field, noted) = (kept(field, old_field), kept(noted, old_noted));
    Some(if noted.is_empty() {
        field
    } else {
        format!("{field}\n{noted}")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const TIMEOUT: SignedDuration = SignedDuration::from_secs(30);

    fn object(rotation: Value, rotate: Option<&str>) -> ApiToken {
        serde_json::from_value(json!({
            "apiVersion": "tokenwright.dev/v1alpha1",
            "kind": "ApiToken",
            "metadata": { "name": "ci", "annotations": rotate.map(|text| json!({ annotation::ROTATE: text })) },
            "spec": {
                "issuerRef": { "name": "scaleway" },
                "token": { "name": "ci", "lifetime": "90d" },
                "rotation": rotation,
                "secret": { "name": "ci-token" },
            },
        }))
        .unwrap()
    }

    fn trigger_of(field: &str, rotate: Option<&str>, handled: Option<&str>) -> Option<String> {
        trigger(&object(json!({ "trigger": field }), rotate), handled)
    }

    #[test]
    fn each_new_text_asks_for_one_rotation_and_taking_it_away_for_none() {
        assert_eq!(trigger_of("", None, None), None);
        assert_eq!(trigger_of("1", None, None).as_deref(), Some("1"));
        assert_eq!(trigger_of("1", None, Some("1")).as_deref(), Some("1"));
        assert_eq!(
            trigger_of("1", Some("now"), Some("1")).as_deref(),
            Some("1\nnow")
        );
        assert_eq!(
            trigger_of("1", None, Some("1\nnow")).as_deref(),
            Some("1\nnow")
        );
        assert_eq!(
            trigger_of("", None, Some("1\nnow")).as_deref(),
            Some("1\nnow")
        );
        assert_eq!(
            trigger_of("2", Some("now"), Some("1\nnow")).as_deref(),
            Some("2\nnow")
        );
        assert_eq!(trigger_of("", Some("now"), None).as_deref(), Some("\nnow"));
        assert_eq!(
            trigger_of("", Some("now"), Some("\nnow")).as_deref(),
            Some("\nnow")
        );
    }

    #[test]
    fn what_cannot_be_carried_out_is_named_by_its_path() {
        for (rotation, field) in [
            (json!({ "renewBefore": "91d" }), "spec.rotation.renewBefore"),
            (
                json!({ "renewBefore": "100%" }),
                "spec.rotation.renewBefore",
            ),
            (json!({ "overlap": "80d" }), "spec.rotation.overlap"),
            (json!({ "every": "0s" }), "spec.rotation.every"),
        ] {
            assert_eq!(
                read(&object(rotation, None), None, TIMEOUT)
                    .unwrap_err()
                    .field,
                field
            );
        }
    }

    #[test]
    fn a_schedule_is_read() {
        let spec = read(
            &object(json!({ "renewBefore": "25%", "overlap": "2d" }), None),
            None,
            TIMEOUT,
        )
        .unwrap();
        assert_eq!(
            spec.rotation.unwrap().renew_before,
            Some(RenewBefore::Percent(25))
        );
        assert_eq!(spec.overlap, Some(SignedDuration::from_hours(48)));
    }
}
