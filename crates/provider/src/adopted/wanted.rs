//! What a configuration, or the configured part of a state, wants of an adopted token.

use jiff::{SignedDuration, Timestamp};
use tfplugin::{AnyName, Diagnostics, Value};
use tokenwright_core::{AdoptSpec, Deletion, DeletionPolicy, Parameters, adopt};

use crate::connect::Connected;
use crate::diagnostics;
use crate::schema::names::*;
use crate::values::{check_name, parameters, span};

/// The default of each of `timeouts`: an issuer that works answers at once, and the next plan asks again.
const PATIENCE: SignedDuration = SignedDuration::from_secs(15);

/// The attributes that are configured and stored, in the order of the schema.
pub(super) const CONFIGURED: [AnyName; 7] = [
    &ISSUER,
    &NAME,
    &VALUE_WO_VERSION,
    &PARAMETERS,
    &EXPIRES_AT,
    &WARN_BEFORE,
    &TIMEOUTS,
];

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// For people.
    pub(super) name: String,
    pub(super) parameters: Parameters,
    pub(super) spec: AdoptSpec,
    pub(super) create: SignedDuration,
    pub(super) update: SignedDuration,
}

impl Wanted {
    /// Reads a configuration or state; unknown values read as absent ones.
    /// What cannot be is an error at its attribute, and reads as absent, too.
    pub(super) fn read(value: &Value, diags: &mut Diagnostics) -> Self {
        let timeouts = value.get(TIMEOUTS);
        let mut timeout = |name| span(timeouts, name, diags).unwrap_or(PATIENCE);
        let (create, update) = (timeout(CREATE), timeout(UPDATE));
        let warn_before = span(value, WARN_BEFORE, diags);
        Self {
            name: value.read(NAME).unwrap_or_default(),
            parameters: parameters(value),
            spec: AdoptSpec {
                token_id: None,
                expires_at: instant(value, diags),
                warn_before: warn_before.unwrap_or(adopt::WARN_BEFORE),
                // A value that nobody holds between two runs is not checked again.
                recheck: SignedDuration::MAX,
                suspend: false,
                deletion: Deletion {
                    policy: DeletionPolicy::Retain,
                    since: None,
                    timeout: SignedDuration::ZERO,
                },
            },
            create,
            update,
        }
    }

    /// What is wrong with it whatever the system is. Nothing is said about what is not known yet.
    pub(super) fn check(&self, config: &Value, diags: &mut Diagnostics) {
        if !config.get(NAME).is_unknown() && self.name.trim().is_empty() {
            diags.error_at(
                NAME.path(),
                "The name is empty",
                "Messages name the token so; give it the name that people know it by.",
            );
        }
        check_name(config, diags);
        // What is not known yet may turn out to be null.
        let given = |name: AnyName| !config.get(name).is_null() && !config.get(name).is_unknown();
        // No value offered is none to take up: what was accepted stays.
        if given(&VALUE_WO) && given(&VALUES_WO) {
            diags.error_at(
                VALUES_WO.path(),
                "The value is given twice",
                "Set either value_wo or values_wo.",
            );
        }
        if given(&WARN_BEFORE) && config.get(EXPIRES_AT).is_null() {
            diags.error_at(
                WARN_BEFORE.path(),
                "Nothing ends that could be warned of",
                "warn_before counts back from expires_at, which is not set.",
            );
        }
    }

    /// A first value must be offered; afterwards the accepted one stays where there is none.
    pub(super) fn check_first(config: &Value, diags: &mut Diagnostics) {
        if !offered(config) {
            diags.error_at(
                VALUE_WO.path(),
                "The value is missing",
                "Set value_wo; or values_wo, where a value has several parts.",
            );
        }
    }

    /// What is wrong with it at this issuer.
    pub(super) fn check_at(&self, config: &Value, at: &Connected, diags: &mut Diagnostics) {
        if config.get(PARAMETERS).is_wholly_known()
            && let Err(error) = at.issuer.validate_adopted(&self.parameters)
        {
            diagnostics::invalid(diags, &error);
        }
    }
}

/// Whether a configuration offers a value. A plan sees none where `ignore_changes` hides it.
pub(super) fn offered(config: &Value) -> bool {
    !config.get(VALUE_WO).is_null() || !config.get(VALUES_WO).is_null()
}

fn instant(value: &Value, diags: &mut Diagnostics) -> Option<Timestamp> {
    let text = value.get(EXPIRES_AT).as_str()?;
    let instant = text.parse().ok();
    if instant.is_none() {
        diags.error_at(
            EXPIRES_AT.path(),
            "expires_at is no instant",
            "Write date, time and zone, such as 2027-01-31T00:00:00Z.",
        );
    }
    instant
}
