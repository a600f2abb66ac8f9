//! What a configuration, or the configured part of a state, wants of a token.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use tfplugin::{AttributePath, Diagnostics, Value};
use tokenwright_core::{
    DefaultOverlap, Deletion, DeletionPolicy, Held, Inputs, InvalidSpec, Lifetime, OnLoss,
    RenewBefore, Rotation, Spec, WantedState, duration,
};

use super::output::{Output, word};
use super::until::{Until, check_choice};
use crate::diagnostics;
use crate::values::{parameters, span, texts};

/// The default of `timeouts.read`: a minute that an issuer asks for is waited for, an hour is not.
pub(super) const READ_TIMEOUT: SignedDuration = SignedDuration::from_mins(2);
/// The default of each other one of `timeouts`.
const TIMEOUT: SignedDuration = SignedDuration::from_mins(5);

/// The attributes that are configured, in the order of the schema.
pub(super) const CONFIGURED: [&str; 13] = [
    "issuer",
    "name",
    "scopes",
    "parameters",
    "lifetime",
    "rotation",
    "enabled",
    "on_loss",
    "on_missing_value",
    "on_destroy",
    "secret_output",
    "recipients",
    "timeouts",
];

/// Those of them that decide about mints, updates and switches.
const DECIDING: [&str; 11] = [
    "issuer",
    "name",
    "scopes",
    "parameters",
    "lifetime",
    "rotation",
    "enabled",
    "on_loss",
    "on_missing_value",
    "secret_output",
    "recipients",
];

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
    /// What cannot be is an error at its attribute, and reads as absent, too.
    pub(super) fn read(
        value: &Value,
        request_timeout: SignedDuration,
        diags: &mut Diagnostics,
    ) -> Self {
        let rotation = value.get("rotation");
        let triggers: BTreeMap<_, _> = texts(rotation.get("triggers")).collect();
        let timeouts = value.get("timeouts");
        let mut timeout = |name: &str| span(timeouts.get(name), name, diags).unwrap_or(TIMEOUT);
        let (create, update, delete) = (timeout("create"), timeout("update"), timeout("delete"));
        let read = span(timeouts.get("read"), "read", diags).unwrap_or(READ_TIMEOUT);
        let until = Until::read(value, diags);
        let spec = Spec {
            inputs: inputs(value, diags),
            rotation: match rotation {
                // A successor would end at the same instant.
                _ if until.is_some() => None,
                Value::Object(_) => Some(Rotation {
                    renew_before: renew_before(rotation.get("renew_before"), diags),
                    every: span(rotation.get("every"), "every", diags),
                }),
                _ => None,
            },
            // Whoever runs an apply chooses its hour.
            windows: Vec::new(),
            overlap: span(rotation.get("overlap"), "overlap", diags),
            allow_gap: rotation.get("allow_gap").as_bool() == Some(true),
            default_overlap: DefaultOverlap::UntilExpiryOrRenewal,
            trigger: (!triggers.is_empty()).then(|| format!("{triggers:?}")),
            state: match value.get("enabled").as_bool() {
                None => WantedState::Follow,
                Some(true) => WantedState::EnabledExplicitly,
                Some(false) => WantedState::Disabled,
            },
            written: None,
            acknowledged: Default::default(),
            revoke_previous: None,
            suspend: false,
            on_loss: match word(value, "on_loss", ["remint", "report"], diags) {
                "report" => OnLoss::Report,
                _ => OnLoss::Remint,
            },
            deletion: Deletion {
                policy: match word(value, "on_destroy", ["revoke", "retain"], diags) {
                    "retain" => DeletionPolicy::Retain,
                    _ => DeletionPolicy::Revoke,
                },
                since: None,
                timeout: delete,
            },
            request_timeout,
        };
        Self {
            issuer: value.get("issuer").as_str().map(str::to_owned),
            spec,
            triggers,
            until,
            output: Output::read(value, diags),
            create,
            read,
            update,
            delete,
            rotates_without_value: word(value, "on_missing_value", ["keep", "rotate"], diags)
                == "rotate",
            unknown: DECIDING
                .iter()
                .any(|name| !value.get(name).is_wholly_known())
                || value.get("lifetime").is_null() && value.get("expires_at").is_unknown(),
        }
    }

    /// What is wrong with it whatever the system is. Nothing is said about what is not known yet.
    pub(super) fn check(&self, value: &Value, diags: &mut Diagnostics) {
        check_choice(value, self.until.as_ref(), diags);
        self.output.check(value, diags);
        check_texts(value, diags);
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
                "enabled",
                "must not be false: this system cannot disable tokens",
            )),
            false => Ok(()),
        };
        // A system judges them together.
        if ["name", "scopes", "parameters", "lifetime"]
            .iter()
            .all(|field| diagnostics::known(value, field))
        {
            outcome = issuer.validate(&self.spec.inputs).and(outcome);
        }
        if ["lifetime", "rotation"]
            .iter()
            .all(|field| diagnostics::known(value, field))
        {
            let can = issuer.capabilities();
            outcome = outcome.and_then(|()| self.spec.validate_at(can));
        }
        if let Err(error) = outcome {
            diagnostics::invalid(diags, &self.named(error));
        }
    }

    /// An error about the lifetime, at the attribute that it was made of.
    fn named(&self, error: InvalidSpec) -> InvalidSpec {
        match (&self.until, error.field) {
            (Some(_), "lifetime") => InvalidSpec::new(
                "expires_at",
                format!("stands for a lifetime from now on, which {}", error.message),
            ),
            _ => error,
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

    /// The attribute that says when its tokens end.
    pub(super) fn end(&self) -> &'static str {
        match self.until {
            Some(_) => "expires_at",
            None => "lifetime",
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
            AttributePath::new("expires_at"),
            "expires_at lies behind",
            format!(
                "No token can be minted that ended at {}. Set a later instant, or a lifetime.",
                until.text
            ),
        );
        None
    }
}

fn inputs(value: &Value, diags: &mut Diagnostics) -> Inputs {
    let lifetime = match value.get("lifetime").as_str().map(str::parse::<Lifetime>) {
        Some(Ok(lifetime)) => lifetime,
        Some(Err(error)) => {
            let detail = format!("{}, or never.", diagnostics::capital(&error.to_string()));
            diags.error_at(
                diagnostics::path("lifetime"),
                "lifetime is no duration",
                detail,
            );
            Lifetime::Never
        }
        None => Lifetime::Never,
    };
    let scopes = value.get("scopes").as_slice().unwrap_or_default();
    let scopes: BTreeSet<_> = scopes
        .iter()
        .filter_map(|scope| scope.as_str().map(str::to_owned))
        .collect();
    Inputs {
        name: value.get("name").as_str().unwrap_or_default().to_owned(),
        scopes,
        parameters: parameters(value),
        lifetime,
    }
}

fn renew_before(value: &Value, diags: &mut Diagnostics) -> Option<RenewBefore> {
    let text = value.as_str()?;
    let read = match text.strip_suffix('%') {
        Some(percent) => percent.parse().ok().map(RenewBefore::Percent),
        None => duration::parse(text).ok().map(RenewBefore::Duration),
    };
    if read.is_none() {
        diags.error_at(
            diagnostics::path("renew_before"),
            "rotation.renew_before is neither a duration nor a percentage",
            "Write a duration such as 14d, or a part of the lifetime such as 25%.",
        );
    }
    read
}

/// Texts that no system means: a name that breaks its line, a scope that says nothing.
fn check_texts(value: &Value, diags: &mut Diagnostics) {
    let name = value.get("name").as_str().unwrap_or_default();
    if name.chars().any(char::is_control) {
        let message = "must not contain control characters, such as line ends";
        diagnostics::invalid(diags, &InvalidSpec::new("name", message));
    }
    let scopes = value.get("scopes").as_slice().unwrap_or_default();
    let mut scopes = scopes.iter().filter_map(Value::as_str);
    if scopes.any(|scope| scope.trim().is_empty()) {
        let message = "must not contain an empty scope";
        diagnostics::invalid(diags, &InvalidSpec::new("scopes", message));
    }
}
