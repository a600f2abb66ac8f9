//! What a configuration, or the configured part of a state, wants of an adopted token.

use jiff::SignedDuration;
use tfplugin::{AnyName, Diagnostics, Value};
use tokenwright_core::{AdoptSpec, Deletion, DeletionPolicy, Parameters, adopt};

use crate::connect::Connected;
use crate::diagnostics;
use crate::schema::adopted_limit;
use crate::schema::names::*;
use crate::values::{check_name, instant, parameters, span};

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
    pub(super) fn read(value: &Value) -> Self {
        let warn_before = span(value, WARN_BEFORE);
        Self {
            name: value.read(NAME).unwrap_or_default(),
            parameters: parameters(value),
            spec: AdoptSpec {
                token_id: None,
                expires_at: instant(value, EXPIRES_AT),
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
            create: adopted_limit(value, CREATE),
            update: adopted_limit(value, UPDATE),
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
