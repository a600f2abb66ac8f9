//! What an `ApiToken` asks for, in the words of the lifecycle.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use tokenwright_core::{
    DefaultOverlap, Deletion, DeletionPolicy, Inputs, InvalidSpec, InvalidWindow, Longest, OnLoss,
    RenewBefore, Revision, Rotation, Spec, TokenId, WantedState, Window, bounds, duration,
    schedule,
};

use crate::names::annotation;
use crate::text::DurationOrPercent;
use crate::token::{self, ApiToken, State};

/// What is wanted of `object`, whose last handled trigger is `handled`.
///
/// # Errors
///
/// The first field that cannot be carried out, with its path.
pub fn read(
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
        windows: rotation
            .windows
            .iter()
            .map(window)
            .collect::<Result<_, _>>()?,
        overlap: rotation
            .overlap
            .as_ref()
            .map(|text| span("spec.rotation.overlap", text.as_str()))
            .transpose()?,
        allow_gap: rotation.allow_gap,
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
        acknowledged: acknowledged(object),
        revoke_previous: revoke_previous(object),
        suspend: wanted.suspend,
        on_loss: OnLoss::Remint,
        deletion: deletion(object),
        request_timeout,
    };
    spec.validate().map_err(with_path)?;
    Ok(spec)
}

/// How long what was begun for `object` takes at most, where an attempt takes so long.
#[must_use]
pub fn longest(object: &ApiToken, attempt: SignedDuration) -> Longest {
    Longest {
        attempt,
        overlap: overlap(object).unwrap_or(schedule::OVERLAP),
        ended: revoke_previous(object),
    }
}

/// The overlap that is asked for, where it can be read.
#[must_use]
pub fn overlap(object: &ApiToken) -> Option<SignedDuration> {
    let overlap = object.spec.rotation.overlap.as_ref()?;
    duration::parse(overlap.as_str()).ok()
}

/// The field as the user knows it.
#[must_use]
pub fn with_path(invalid: InvalidSpec) -> InvalidSpec {
    let field = match invalid.field {
        "name" => "spec.token.name",
        "scopes" => "spec.token.scopes",
        "parameters" => "spec.token.parameters",
        "lifetime" => "spec.token.lifetime",
        "renew_before" => "spec.rotation.renewBefore",
        "every" => "spec.rotation.every",
        "overlap" => "spec.rotation.overlap",
        "allow_gap" => "spec.rotation.allowGap",
        other => other,
    };
    InvalidSpec { field, ..invalid }
}

/// What deletion of `object` does.
#[must_use]
pub fn deletion(object: &ApiToken) -> Deletion {
    let wanted = &object.spec.deletion;
    Deletion {
        policy: match wanted.policy {
            token::DeletionPolicy::Revoke => DeletionPolicy::Revoke,
            token::DeletionPolicy::Retain => DeletionPolicy::Retain,
        },
        since: deleted_at(object),
        timeout: match duration::parse(wanted.timeout.as_str()) {
            Ok(timeout) => timeout,
            // Whoever would wait for ever has no token left alive after a day.
            Err(duration::InvalidDuration::TooLong(_)) => bounds::DELETION_TIMEOUT.greatest,
            // One that cannot be read must not end a deletion at once.
            Err(duration::InvalidDuration::Grammar(_)) => schedule::OVERLAP,
        },
    }
}

/// When the deletion of an object was asked for.
#[must_use]
pub fn deleted_at(object: &ApiToken) -> Option<Timestamp> {
    let metadata = &object.metadata;
    metadata.deletion_timestamp.as_ref().map(|time| time.0)
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

fn window(window: &token::RotationWindow) -> Result<Window, InvalidSpec> {
    let days = window.days.iter().map(|day| day.weekday()).collect();
    Window::new(
        days,
        window.from.as_str(),
        window.to.as_str(),
        &window.time_zone,
    )
    .map_err(|error| {
        let field = match error {
            InvalidWindow::From(_) => "spec.rotation.windows.from",
            InvalidWindow::To(_) => "spec.rotation.windows.to",
            InvalidWindow::TimeZone(_) => "spec.rotation.windows.timeZone",
        };
        InvalidSpec::new(field, error.to_string())
    })
}

/// The tokens of another writer that a person looked at, by their ids.
#[must_use]
pub fn acknowledged(object: &ApiToken) -> BTreeSet<TokenId> {
    let noted = object.annotations().get(annotation::ACKNOWLEDGE_FOREIGN);
    let ids = noted.iter().flat_map(|text| text.split(','));
    let ids = ids.map(str::trim).filter(|id| !id.is_empty());
    ids.map(TokenId::new).collect()
}

/// The revisions of lost answers that left nothing, as a person says; what is no number says nothing.
#[must_use]
pub fn ended_suspects(object: &ApiToken) -> BTreeSet<Revision> {
    let noted = object.annotations().get(annotation::ACKNOWLEDGE_SUSPECTS);
    let revisions = noted.iter().flat_map(|text| text.split(','));
    revisions
        .filter_map(|text| text.trim().parse().ok())
        .collect()
}

/// The revision of a superseded token that a person ends now; what is no number asks for nothing.
#[must_use]
pub fn revoke_previous(object: &ApiToken) -> Option<Revision> {
    let noted = object.annotations().get(annotation::REVOKE_PREVIOUS)?;
    noted.trim().parse().ok()
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
    fn a_window_of_an_unknown_zone_or_hour_is_named_by_its_path() {
        let window = |from: &str, to: &str, zone: &str| json!({ "windows": [{ "from": from, "to": to, "timeZone": zone }] });
        for (windows, field) in [
            (
                window("22:00", "04:00", "Mars/Olympus"),
                "spec.rotation.windows.timeZone",
            ),
            (
                window("24:00", "04:00", "UTC"),
                "spec.rotation.windows.from",
            ),
            (window("22:00", "4", "UTC"), "spec.rotation.windows.to"),
        ] {
            let refused = read(&object(windows, None), None, TIMEOUT).unwrap_err();
            assert_eq!(refused.field, field);
        }
        let berlin = object(window("22:00", "04:00", "Europe/Berlin"), None);
        assert_eq!(read(&berlin, None, TIMEOUT).unwrap().windows.len(), 1);
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
