//! What a configuration, or the configured part of a state, wants of a token.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tfplugin::{AnyName, Diagnostics, Value};
use tokenwright_core::{
    DefaultOverlap, Deletion, DeletionPolicy, Held, Inputs, InvalidSpec, Lifetime, OnLoss,
    Rotation, Spec, WantedState,
};

use super::output::Output;
use super::until::{Until, check_choice, same_length};
use crate::diagnostics;
use crate::schema::names::*;
use crate::schema::token_limit;
use crate::values::{check_name, is, parameters, read_renew_before, span};

/// The attributes that decide about mints, updates and switches.
const DECIDING: [AnyName; 11] = [
    &ISSUER,
    &NAME,
    &SCOPES,
    &PARAMETERS,
    &LIFETIME,
    &ROTATION,
    &ENABLED,
    &ON_LOSS,
    &ON_MISSING_VALUE,
    &SECRET_OUTPUT,
    &RECIPIENTS,
];

/// What an issuer judges together.
const INPUTS: [AnyName; 4] = [&NAME, &SCOPES, &PARAMETERS, &LIFETIME];

/// The attributes that are configured.
pub(super) fn configured() -> impl Iterator<Item = AnyName> {
    let others: [AnyName; 2] = [&ON_DESTROY, &TIMEOUTS];
    DECIDING.into_iter().chain(others)
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) issuer: Option<String>,
    pub(super) spec: Spec,
    pub(super) triggers: BTreeMap<String, String>,
    /// The wanted end of its tokens, in place of a lifetime.
    pub(super) until: Option<Until>,
    /// In which form the state has the value.
    pub(super) output: Output,
    pub(super) create: SignedDuration,
    pub(super) read: SignedDuration,
    pub(super) update: SignedDuration,
    pub(super) delete: SignedDuration,
    /// A token whose value the state has not is rotated.
    pub(super) rotates_without_value: bool,
    /// Something that decides is not known before another resource is applied.
    pub(super) unknown: bool,
}

impl Wanted {
    /// Reads a configuration or state; unknown values read as absent ones.
    pub(super) fn read(value: &Value, request_timeout: SignedDuration) -> Self {
        let rotation = value.get(ROTATION);
        let triggers = rotation.read(TRIGGERS).unwrap_or_default();
        let [create, read, update, delete] =
            [CREATE, READ, UPDATE, DELETE].map(|operation| token_limit(value, operation));
        let until = Until::read(value);
        let spec = Spec {
            inputs: inputs(value),
            // A successor of one with a fixed end would end at the same instant.
            rotation: match (rotation, &until) {
                (Value::Object(_), None) => Some(Rotation {
                    renew_before: rotation
                        .get(RENEW_BEFORE)
                        .as_str()
                        .and_then(read_renew_before),
                    every: span(rotation, EVERY),
                }),
                _ => None,
            },
            // Whoever runs an apply chooses its hour.
            windows: Vec::new(),
            overlap: span(rotation, OVERLAP),
            allow_gap: rotation.read(ALLOW_GAP) == Some(true),
            default_overlap: DefaultOverlap::UntilExpiryOrRenewal,
            trigger: (!triggers.is_empty()).then(|| format!("{triggers:?}")),
            state: state(value),
            written: None,
            acknowledged: Default::default(),
            revoke_previous: None,
            suspend: false,
            on_loss: match is(value, ON_LOSS, "report") {
                true => OnLoss::Report,
                false => OnLoss::Remint,
            },
            deletion: Deletion {
                policy: match is(value, ON_DESTROY, "retain") {
                    true => DeletionPolicy::Retain,
                    false => DeletionPolicy::Revoke,
                },
                since: None,
                timeout: delete,
            },
            request_timeout,
        };
        Self {
            issuer: value.read(ISSUER),
            spec,
            triggers,
            until,
            output: Output::read(value),
            create,
            read,
            update,
            delete,
            rotates_without_value: is(value, ON_MISSING_VALUE, "rotate"),
            unknown: DECIDING
                .iter()
                .any(|name| !value.get(name).is_wholly_known())
                || value.get(LIFETIME).is_null() && value.get(EXPIRES_AT).is_unknown(),
        }
    }

    /// What is wrong with it whatever the system is. Nothing is said about what is not known yet.
    pub(super) fn check(&self, value: &Value, diags: &mut Diagnostics) {
        check_choice(value, self.until.as_ref(), diags);
        self.output.check(value, diags);
        check_name(value, diags);
        check_scopes(value, diags);
        if diags.has_errors() {
            return;
        }
        let known = |field: &str| diagnostics::known(value, field);
        if let Err(error) = self.spec.validate_known(known) {
            diagnostics::invalid(diags, &self.named(error));
        }
    }

    /// What is wrong with it at this issuer.
    pub(super) fn check_at(
        &self,
        value: &Value,
        issuer: &dyn tokenwright_client::Issuer,
        diags: &mut Diagnostics,
    ) {
        self.check(value, diags);
        if diags.has_errors() {
            return;
        }
        let cannot = issuer.capabilities().disable == tokenwright_core::Disable::Unsupported;
        let mut outcome = match self.spec.state == WantedState::Disabled && cannot {
            true => Err(InvalidSpec::new(
                ENABLED.as_str(),
                "must not be false: this system cannot disable tokens",
            )),
            false => Ok(()),
        };
        // A system judges them together.
        let known = |name: &AnyName| value.get(name).is_wholly_known();
        if INPUTS.iter().all(known) {
            outcome = issuer.validate(&self.spec.inputs).and(outcome);
        }
        if value.get(LIFETIME).is_wholly_known() && value.get(ROTATION).is_wholly_known() {
            let can = issuer.capabilities();
            outcome = outcome.and_then(|()| self.spec.validate_at(can));
        }
        if let Err(error) = outcome {
            diagnostics::invalid(diags, &self.named(error));
        }
    }

    /// An error about the lifetime, at the attribute that it was made of.
    fn named(&self, error: InvalidSpec) -> InvalidSpec {
        match self.until.is_some() && error.field == LIFETIME.as_str() {
            true => InvalidSpec::new(
                EXPIRES_AT.as_str(),
                format!("stands for a lifetime from now on, which {}", error.message),
            ),
            false => error,
        }
    }
}

impl Wanted {
    /// With the lifetime that leads to the wanted end: from the mint of the current token, or from now.
    pub(super) fn settled(mut self, current: Option<&Held>, now: Timestamp) -> Self {
        if let Some(until) = &self.until {
            let minted_at = current.map_or(now, |held| held.created_at);
            self.spec.inputs.lifetime = until.lifetime(minted_at);
            // What has ended as wished is not lost.
            if until.at <= now {
                self.spec.on_loss = OnLoss::Report;
            }
        }
        self
    }

    /// With the lifetime that led from this mint to the wanted end.
    pub(super) fn ending_from(mut self, minted_at: Timestamp) -> Self {
        if let Some(until) = &self.until {
            self.spec.inputs.lifetime = until.lifetime(minted_at);
        }
        self
    }

    /// An import does not know in which words the end of its token was wished: the same end in the other words
    /// is no other one.
    pub(super) fn agreed(
        mut self,
        before: Option<&Until>,
        current: Option<&Held>,
        issuer: &dyn tokenwright_client::Issuer,
    ) -> Self {
        let Some(held) = current else { return self };
        let kept = held.inputs.lifetime;
        let agrees = match (before, &self.until) {
            (None, Some(until)) => until.is_end_of(held, issuer),
            (Some(_), None) => same_length(kept, self.spec.inputs.lifetime),
            _ => false,
        };
        if agrees {
            self.spec.inputs.lifetime = kept;
        }
        self
    }

    /// The attribute that says when its tokens end.
    pub(super) fn end(&self) -> &'static str {
        match self.until {
            Some(_) => EXPIRES_AT.as_str(),
            None => LIFETIME.as_str(),
        }
    }

    /// What a mint is asked for now. `None` after an error: the wanted end lies behind.
    pub(super) fn at_mint(&self, now: Timestamp, diags: &mut Diagnostics) -> Option<Spec> {
        let mut spec = self.spec.clone();
        if let Some(until) = &self.until {
            self.check_end(now, diags)?;
            spec.inputs.lifetime = until.lifetime(now);
        }
        Some(spec)
    }

    /// A token cannot end before it begins.
    pub(super) fn check_end(&self, now: Timestamp, diags: &mut Diagnostics) -> Option<()> {
        let behind = self.until.as_ref().filter(|until| until.at <= now);
        let Some(until) = behind else {
            return Some(());
        };
        diags.error_at(
            EXPIRES_AT.path(),
            "expires_at lies behind",
            format!(
                "No token can be minted that ended at {}. Set a later instant, or a lifetime.",
                until.text
            ),
        );
        None
    }
}

/// What somebody would write who wants what a state has: nothing that goes without saying, and of the two that
/// say when a token ends the lifetime, where there is one.
pub(super) fn written(mut config: Value) -> Value {
    if config.read(ENABLED) == Some(true) {
        config.insert(ENABLED, Value::Null);
    }
    if !config.get(LIFETIME).is_null() {
        config.insert(EXPIRES_AT, Value::Null);
    }
    config
}

fn state(value: &Value) -> WantedState {
    match value.read(ENABLED) {
        None => WantedState::Follow,
        Some(true) => WantedState::EnabledExplicitly,
        Some(false) => WantedState::Disabled,
    }
}

fn inputs(value: &Value) -> Inputs {
    let lifetime = value.get(LIFETIME).as_str().map(str::parse);
    Inputs {
        name: value.read(NAME).unwrap_or_default(),
        scopes: value.read(SCOPES).unwrap_or_default(),
        parameters: parameters(value),
        lifetime: lifetime.and_then(Result::ok).unwrap_or(Lifetime::Never),
    }
}

/// A scope that says nothing is none.
fn check_scopes(value: &Value, diags: &mut Diagnostics) {
    let mut scopes = value.read(SCOPES).into_iter().flatten();
    if scopes.any(|scope| scope.trim().is_empty()) {
        let message = "must not contain an empty scope";
        diagnostics::invalid(diags, &InvalidSpec::new(SCOPES.as_str(), message));
    }
}
