//! What a plan shows: the configured attributes, and which of the computed ones only the apply can tell.
//!
//! Pure: the present is the last read, and nobody is asked.

use jiff::{SignedDuration, Timestamp};
use tfplugin::{AnyName, Diagnostics, Plan, PlanResult, Value};
use tokenwright_core::instant::after;
use tokenwright_core::{
    Change, Marker, Origin, Reason, Revision, Switch, TokenStatus, UpdateKind, WantedState,
    schedule,
};

use super::orphans::name_all;
use super::output::keep_empty;
use super::state::Stored;
use super::state::name;
use super::steps::{Ahead, changed};
use super::wanted::{Wanted, defaults};
use super::why::rotation_reason;
use super::{ApiToken, Private, present};
use crate::config::{Given, REQUEST_TIMEOUT};
use crate::private_state::PrivateState as _;
use crate::schema::names::*;
use crate::value_version;

/// What every mint decides, and nobody can know before.
const MINTED: [AnyName; 10] = [
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
const FIRST: [AnyName; 8] = [
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
/// A plan that changes a schedule may be applied so much later.
const LATEST_APPLY: SignedDuration = SignedDuration::from_hours(12);

impl ApiToken {
    pub(super) fn plan_create(&self, request: Plan, diags: &mut Diagnostics) -> PlanResult {
        let mut planned = request.proposed;
        defaults(&request.config, &mut planned);
        let connected = self.connected(&request.config, diags);
        let request_timeout = connected.as_ref().map(|at| at.request_timeout);
        let timeout = request_timeout.unwrap_or(REQUEST_TIMEOUT);
        let wanted = Wanted::read(&request.config, timeout, diags);
        let now = connected.as_ref().map(|at| at.now());
        let wanted = match now {
            Some(now) => wanted.settled(None, now),
            None => wanted,
        };
        if let Some(now) = now {
            wanted.check_end(now, diags);
        }
        match &connected {
            Some(connected) => {
                wanted.check_at(&request.config, &*connected.issuer, diags);
                wanted.advise_at(&request.config, &*connected.issuer, now, diags);
            }
            None => wanted.check(&request.config, diags),
        }
        planned.open(&MINTED);
        planned.open(&FIRST);
        planned.open(&[&ENDPOINT, &ORPHANS]);
        let first = rotation_reason(Reason::FirstMint, &Stored::default(), &wanted);
        planned.set(ROTATION_REASON, first);
        if request.config.get(ENABLED).is_null() {
            planned.set(ENABLED, Value::Unknown);
        }
        keep_wish(&request.config, &mut planned);
        keep_empty(&request.config, &mut planned);
        PlanResult {
            planned,
            requires_replace: Vec::new(),
            private: request.private,
        }
    }

    pub(super) fn plan_update(&self, request: Plan, diags: &mut Diagnostics) -> PlanResult {
        let Plan {
            config,
            prior,
            proposed: mut planned,
            mut private,
        } = request;
        defaults(&config, &mut planned);
        let connected = self.connected(&config, diags);
        let request_timeout = match &connected {
            Some(connected) => connected.request_timeout,
            None => REQUEST_TIMEOUT,
        };
        let mut wanted = Wanted::read(&config, request_timeout, diags);
        wanted.unknown |= config.get(EXPIRES_AT).is_unknown();
        let before = Wanted::read(&prior, SignedDuration::ZERO, &mut Diagnostics::new());
        let lifetimes = [&before, &wanted].map(|wanted| wanted.spec.inputs.lifetime);
        let by_lifetime = before.until.is_none() && config.get(LIFETIME).as_str().is_some();
        if lifetimes[0] == lifetimes[1] && by_lifetime {
            planned.set(LIFETIME, prior.get(LIFETIME).clone());
        }
        let requires_replace = self.sessions.replaces(&config, &prior);
        let wish = config.clone();
        let result = |mut planned, requires_replace, private| {
            keep_wish(&wish, &mut planned);
            keep_empty(&wish, &mut planned);
            PlanResult {
                planned,
                requires_replace,
                private,
            }
        };
        let Some(mut stored) = Stored::read(&prior, diags).filter(|_| !diags.has_errors()) else {
            return result(planned, requires_replace, private);
        };
        let (Some(connected), false) = (connected, wanted.unknown) else {
            wanted.check(&config, diags);
            let present = present(&Private::read(&private), &stored);
            let asked = requires_replace.is_empty() && !wanted.unknown;
            if !(asked && rests(&stored, [&before, &wanted], present)) {
                everything_open(&config, &mut planned);
            }
            return result(planned, requires_replace, private);
        };
        let present = present(&Private::read(&private), &stored);
        let current = stored.record.current.as_ref();
        let wanted = wanted.settled(current, present);
        let before = before.settled(current, present);
        if wanted.until != before.until {
            wanted.check_end(connected.now(), diags);
        }
        wanted.check_at(&config, &*connected.issuer, diags);
        if diags.has_errors() || !requires_replace.is_empty() {
            everything_open(&config, &mut planned);
            return result(planned, requires_replace, private);
        }
        keep_wish(&config, &mut planned);
        let changes = changed(&prior, &planned);
        stored.move_ends(&prior, &wanted.spec);
        let stored = stored;
        let ahead_at = |at| {
            Ahead::of(
                &stored,
                &wanted,
                (&*connected.issuer, &connected.origin),
                at,
                changes,
            )
        };
        let mut ahead = ahead_at(present);
        let schedules = [&before, &wanted].map(|w| (w.spec.rotation, w.spec.overlap));
        // The last read judged by the schedule that was there before.
        if schedules[0] != schedules[1] && ahead_at(connected.now()) != ahead {
            let now = connected.now();
            ahead = ahead_at(now);
            private = Private::read(&private).at(now).write();
        }
        if ahead.mints().is_some() {
            wanted.check_end(connected.now(), diags);
        }
        let mint = ahead.mints().map(|_| connected.now());
        wanted.advise_at(&config, &*connected.issuer, mint, diags);
        explain(&ahead, &stored, &wanted, diags);
        let name = &before.spec.inputs.name;
        name_all(&stored, name, &connected.claims, diags);
        let showing = Showing {
            ahead: &ahead,
            stored: &stored,
            wanted: &wanted,
            prior: &prior,
            overlap: before.spec.overlap,
        };
        let origin = Some(&connected.origin).filter(|_| connected.manager != Given::Unknown);
        showing.mark(origin, &config, &mut planned);
        if schedules[0] != schedules[1] {
            let then = ahead_at(after(connected.now(), LATEST_APPLY));
            showing.open_what_comes(&then, &config, &mut planned);
        }
        let held = stored.record.current.as_ref();
        let rescheduled = before.spec.rotation != wanted.spec.rotation;
        if let (Some(held), true, false) = (held, rescheduled, planned.get(RENEW_AT).is_unknown()) {
            let renew_at = schedule::renew_at(&wanted.spec, held).map(|at| at.to_string());
            planned.set(RENEW_AT, renew_at);
        }
        result(planned, requires_replace, private)
    }
}

/// Whether nothing is done for a token, whatever its issuer turns out to be: it works, nothing is due, and
/// nothing that is asked of an issuer has changed.
fn rests(stored: &Stored, [before, wanted]: [&Wanted; 2], present: Timestamp) -> bool {
    let valueless = stored.valueless && wanted.rotates_without_value;
    let ends = before.until == wanted.until;
    let form = stored.valueless || before.output == wanted.output;
    let (before, wanted) = (&before.spec, &wanted.spec);
    let unchanged = ends
        && before.inputs == wanted.inputs
        && before.trigger == wanted.trigger
        && before.rotation == wanted.rotation
        && before.overlap == wanted.overlap;
    let suits = match (wanted.state, stored.status) {
        (WantedState::Disabled, status) => status == Some(TokenStatus::Disabled),
        (WantedState::Follow, Some(TokenStatus::Disabled)) => true,
        (_, status) => status == Some(TokenStatus::Active),
    };
    let Some(held) = &stored.record.current else {
        return false;
    };
    let ends = [schedule::renew_at(wanted, held), held.expires_at];
    let mut retiring = stored.record.retiring.iter();
    unchanged
        && form
        && !valueless
        && suits
        && ends.into_iter().flatten().all(|at| present < at)
        && retiring.all(|retiring| present < retiring.not_before)
}

/// A wanted end stands in the state as it was written.
fn keep_wish(config: &Value, planned: &mut Value) {
    if !config.get(EXPIRES_AT).is_null() {
        planned.set(EXPIRES_AT, config.get(EXPIRES_AT).clone());
    }
}

/// Whether a token is minted is not known: everything that a mint would change is open.
fn everything_open(config: &Value, planned: &mut Value) {
    planned.open(&MINTED);
    planned.open(&REVOKED);
    planned.open(&FIRST);
    if config.get(ENABLED).is_null() {
        planned.set(ENABLED, Value::Unknown);
    }
}

/// What an update will do, as the plan shows it: what stays and what is known already is not open.
struct Showing<'a> {
    ahead: &'a Ahead,
    stored: &'a Stored,
    wanted: &'a Wanted,
    prior: &'a Value,
    /// The overlap that there was before.
    overlap: Option<SignedDuration>,
}

impl Showing<'_> {
    fn mark(&self, origin: Option<&Origin>, config: &Value, planned: &mut Value) {
        if let Some((revision, reason)) = self.ahead.mints() {
            self.mark_mint((revision, reason), origin, planned);
            // It stays as it is: a suspension outlives the rotation.
            let known = self.prior.read(ENABLED).is_some();
            if config.get(ENABLED).is_null() && !known {
                planned.set(ENABLED, Value::Unknown);
            }
        }
        // What a mint promises is not about the token that an update changes.
        if let Some(change) = self
            .ahead
            .updates()
            .filter(|_| self.ahead.mints().is_none())
        {
            self.mark_update(change, planned);
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
    fn open_what_comes(&self, then: &Ahead, config: &Value, planned: &mut Value) {
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

/// Why nothing more is done, where a person should know.
fn explain(ahead: &Ahead, stored: &Stored, wanted: &Wanted, diags: &mut Diagnostics) {
    let suspends = ahead.switches() == Some(Switch::Disable);
    if ahead.mints().is_some() && suspends && stored.status == Some(TokenStatus::Disabled) {
        diags.warning(
            format!("{} is disabled, and its successor will be", name(stored)),
            "A rotation does not end a suspension. Set enabled = true, or enable the token at the issuer, when it is to work again.",
        );
    }
    match ahead.then {
        Reason::IssuerIdentityChanged => {
            let minted_at = stored.endpoint.as_deref().unwrap_or_default();
            diags.error(
                "The issuer has another endpoint than the token",
                format!(
                    "{} was minted at {minted_at}. Set the endpoint back; or revoke the token by hand and remove it from the state.",
                    name(stored)
                ),
            );
        }
        Reason::TokenLost if wanted.until.is_some() => diags.warning(
            format!("{} does not work any more", name(stored)),
            "It ended at its expires_at, or was revoked or removed outside. \
             Set a later expires_at to mint the next one.",
        ),
        Reason::TokenLost => diags.warning(
            format!("{} does not work any more", name(stored)),
            "It expired, or was revoked or removed outside. \
             on_loss is \"report\", so nothing is minted in its place unless an input or a trigger changes.",
        ),
        Reason::GapNotAllowed => diags.error_at(
            ROTATION.path().attribute(ALLOW_GAP),
            format!("{} cannot be rotated without a gap", name(stored)),
            format!(
                "{} {}",
                Reason::GapNotAllowed.sentence(),
                Reason::GapNotAllowed.advice()
            ),
        ),
        Reason::ForeignActivity | Reason::RevokesHeld => diags.warning(
            format!("Revokes of {} wait", name(stored)),
            Reason::ForeignActivity.sentence(),
        ),
        _ => {}
    }
}
