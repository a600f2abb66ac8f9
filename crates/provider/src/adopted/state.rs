//! The state: what is known of the value that was accepted.

use jiff::Timestamp;
use tfplugin::Value;
use tokenwright_core::{AdoptRecord, AdoptSpec, Fingerprint, Liveness, Term, Tried};

use crate::schema::names::*;
use crate::values::instant;

/// What a state says, beside what was configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) fingerprint: Option<String>,
    pub(super) verified_at: Option<Timestamp>,
    pub(super) value_version: Option<i64>,
}

impl Stored {
    /// Reads a state.
    pub(super) fn read(state: &Value) -> Self {
        Self {
            fingerprint: state.read(FINGERPRINT),
            verified_at: instant(state, VERIFIED_AT),
            value_version: state.read(VALUE_VERSION),
        }
    }

    /// The state as the record: what was accepted.
    pub(super) fn record(&self) -> AdoptRecord {
        let accepted = self.fingerprint.as_ref().map(|fingerprint| Tried {
            fingerprint: Fingerprint::new(fingerprint),
            liveness: match self.verified_at {
                Some(_) => Liveness::Alive,
                None => Liveness::Unknown,
            },
            asked_at: self.verified_at,
            alive_at: self.verified_at,
            failures: 0,
        });
        AdoptRecord {
            accepted,
            ..AdoptRecord::default()
        }
    }
}

/// The `status` of an accepted value. Time has the last word.
pub(super) fn status(
    spec: &AdoptSpec,
    verified_at: Option<Timestamp>,
    now: Timestamp,
) -> &'static str {
    match (spec.term(now), verified_at) {
        (Term::Ended(_), _) => "expired",
        (Term::EndsSoon(_), _) => "expires_soon",
        (Term::Open, Some(_)) => "alive",
        (Term::Open, None) => "unverified",
    }
}
