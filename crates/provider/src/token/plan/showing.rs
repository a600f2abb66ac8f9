//! What an update will do, as the plan shows it: which attributes it sets, and which only the apply can tell.

use jiff::SignedDuration;
use tfplugin::{AnyName, Value};
use tokenwright_core::{Change, Marker, Origin, Reason, Revision, UpdateKind};

use crate::schema::names::*;
use crate::token::state::Stored;
use crate::token::steps::Ahead;
use crate::token::wanted::Wanted;
use crate::token::why::rotation_reason;
use crate::value_version;

/// What every mint decides, and nobody can know before.
pub(super) const MINTED: [AnyName; 10] = [
    &VALUE,
    &ENCRYPTED_VALUE,
    &PUBLIC_PARTS,
    &TOKEN_ID,
    &CREATED_AT,
    &EXPIRES_AT,
    &ROTATED_AT,
    &RENEW_AT,
    &RETIRING,
    &RECORD,
];
/// What a first mint decides beside that, and any mint that may or may not happen.
pub(super) const FIRST: [AnyName; 8] = [
    &REMOTE_NAME,
    &STATUS,
    &GRANTED_SCOPES,
    &OWNER,
    &IDENTITY,
    &REVISION,
    &VALUE_VERSION,
    &ROTATION_REASON,
];
const REVOKED: [AnyName; 3] = [&RETIRING, &ORPHANS, &RECORD];

/// What an update will do, as the plan shows it: what stays and what is known already is not open.
pub(super) struct Showing<'a> {
    pub(super) ahead: &'a Ahead,
    pub(super) stored: &'a Stored,
    pub(super) wanted: &'a Wanted,
    pub(super) prior: &'a Value,
    /// The overlap that there was before.
    pub(super) overlap: Option<SignedDuration>,
}

impl Showing<'_> {
    pub(super) fn mark(&self, origin: Option<&Origin>, config: &Value, planned: &mut Value) {
        if let Some((revision, reason)) = self.ahead.mints() {
            self.mark_mint((revision, reason), origin, planned);
            // It stays as it is: a suspension outlives the rotation.
            let known = self.prior.read(ENABLED).is_some();
            if config.get(ENABLED).is_null() && !known {
                planned.set(ENABLED, Value::Unknown);
            }
        }
        // What a mint promises is not about the token that an update changes.
        if self.ahead.mints().is_none() {
            for change in self.ahead.updates() {
                self.mark_update(change, planned);
            }
        }
        if self.ahead.switches().is_some() {
            planned.open(&[&STATUS]);
        }
        if self.ahead.revokes() {
            planned.open(&REVOKED);
        }
        if self.wanted.spec.overlap != self.overlap && !planned.get(RETIRING).is_unknown() {
            planned.set(RETIRING, self.stored.retiring());
        }
    }

    /// No read judges by a schedule that only this plan knows, so the clock does, in both plans of one change:
    /// what comes due between them is open in the first.
    pub(super) fn open_what_comes(&self, then: &Ahead, config: &Value, planned: &mut Value) {
        let mints = [self.ahead, then].map(Ahead::mints);
        match mints {
            [None, Some(_)] => everything_open(config, planned),
            [Some(now), Some(then)] if now != then => planned.open(&[&ROTATION_REASON]),
            _ => {}
        }
        if self.ahead.revokes() != then.revokes() {
            planned.open(&REVOKED);
        }
    }

    fn mark_mint(
        &self,
        (revision, reason): (Revision, Reason),
        origin: Option<&Origin>,
        planned: &mut Value,
    ) {
        let Self {
            stored,
            wanted,
            prior,
            ..
        } = self;
        planned.open(&MINTED);
        if wanted.spec.rotation.is_none() {
            planned.set(RENEW_AT, Value::Null);
        }
        planned.set(REVISION, i64::from(revision));
        planned.set(ROTATION_REASON, rotation_reason(reason, stored, wanted));
        planned.set(STATUS, "active");
        match stored.value_version {
            Some(version) => planned.set(VALUE_VERSION, value_version::next(version)),
            None => planned.open(&[&VALUE_VERSION]),
        }
        let named = origin.zip(stored.next_nonce.as_ref());
        match named {
            Some((origin, nonce)) => {
                let marker = Marker {
                    origin: origin.clone(),
                    manager: stored.manager(),
                    revision,
                    nonce: nonce.clone(),
                };
                planned.set(REMOTE_NAME, marker.remote_name(&wanted.spec.inputs.name))
            }
            None => planned.open(&[&REMOTE_NAME]),
        }
        if stored.endpoint.is_none() {
            planned.open(&[&ENDPOINT]);
        }
        // What the issuer said of the former token holds for the next one until a refresh says otherwise.
        if stored.record.current.is_none() {
            planned.open(&[&OWNER, &IDENTITY, &GRANTED_SCOPES]);
        }
        if prior.get(SCOPES) != planned.get(SCOPES) {
            planned.open(&[&GRANTED_SCOPES]);
        }
    }

    fn mark_update(&self, change: &Change, planned: &mut Value) {
        for kind in &change.kinds {
            match kind {
                UpdateKind::Name => {
                    let held = self.stored.record.current.as_ref();
                    let name = held.map(|held| held.token.marker.remote_name(&change.inputs.name));
                    planned.set(REMOTE_NAME, name);
                }
                UpdateKind::Scopes => planned.open(&[&GRANTED_SCOPES]),
                UpdateKind::AddExpiry | UpdateKind::ExtendExpiry | UpdateKind::ShortenExpiry => {
                    planned.open(&[&EXPIRES_AT, &RENEW_AT]);
                }
            }
        }
    }
}

/// Whether a token is minted is not known: everything that a mint would change is open.
pub(super) fn everything_open(config: &Value, planned: &mut Value) {
    planned.open(&MINTED);
    planned.open(&REVOKED);
    planned.open(&FIRST);
    if config.get(ENABLED).is_null() {
        planned.set(ENABLED, Value::Unknown);
    }
}
