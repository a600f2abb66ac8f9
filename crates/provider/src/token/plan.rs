//! What a plan shows: the configured attributes, and which of the computed ones only the apply can tell.
//!
//! Pure: the present is the last read, and nobody is asked.

mod showing;

use jiff::SignedDuration;
use tfplugin::{Diagnostics, Plan, PlanResult, Value};
use tokenwright_core::instant::after;
use tokenwright_core::{Reason, Switch, TokenStatus, WantedState, schedule};

use self::showing::{FIRST, MINTED, Showing, everything_open};
use super::orphans::name_all;
use super::output::keep_empty;
use super::present::Present;
use super::state::Stored;
use super::state::{name, name_within};
use super::steps::{Ahead, changed};
use super::until::{keep_ignored, take_ignored};
use super::wanted::Wanted;
use super::why::rotation_reason;
use super::{ApiToken, Private, present};
use crate::config::{Given, REQUEST_TIMEOUT};
use crate::connect::Connected;
use crate::private_state::PrivateState as _;
use crate::schema::names::*;

/// A plan that changes a schedule may be applied so much later.
const LATEST_APPLY: SignedDuration = SignedDuration::from_hours(12);

impl ApiToken {
    pub(super) fn plan_create(&self, request: Plan, diags: &mut Diagnostics) -> PlanResult {
        let mut planned = request.proposed;
        let connected = self.connected(&request.config, diags);
        let request_timeout = connected.as_ref().map(|at| at.request_timeout);
        let timeout = request_timeout.unwrap_or(REQUEST_TIMEOUT);
        let wanted = Wanted::read(&request.config, timeout);
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

    pub(super) async fn plan_update(&self, request: Plan, diags: &mut Diagnostics) -> PlanResult {
        let Plan {
            mut config,
            prior,
            proposed: mut planned,
            mut private,
        } = request;
        let ignored_end = take_ignored(&mut config, &prior);
        let connected = self.connected(&config, diags);
        let (before, wanted) = wishes(&config, &prior, connected.as_deref());
        if before.spec.inputs.lifetime == wanted.spec.inputs.lifetime
            && before.until.is_none()
            && config.get(LIFETIME).as_str().is_some()
        {
            planned.set(LIFETIME, prior.get(LIFETIME).clone());
        }
        let mut requires_replace = self.sessions.replaces(&config, &prior);
        if self.is_of_another(&config, &prior, diags).await {
            requires_replace.push(ISSUER.path());
        }
        if let Some(stored) = Stored::read(&prior, diags).filter(|_| !diags.has_errors()) {
            let update = Update {
                config: &config,
                prior: &prior,
                stored,
                before,
                wanted,
                replaces: !requires_replace.is_empty(),
            };
            match connected.filter(|_| !update.wanted.unknown) {
                Some(connected) => {
                    update.look_ahead(&connected, &mut planned, &mut private, diags);
                }
                None => update.leave_open(&private, &mut planned, diags),
            }
        }
        keep_wish(&config, &mut planned);
        keep_empty(&config, &mut planned);
        if let Some(end) = ignored_end {
            keep_ignored(end, &mut planned);
        }
        PlanResult {
            planned,
            requires_replace,
            private,
        }
    }
}

/// What was wished before, and what is wished now.
fn wishes(config: &Value, prior: &Value, connected: Option<&Connected>) -> (Wanted, Wanted) {
    let timeout = connected.map_or(REQUEST_TIMEOUT, |at| at.request_timeout);
    let mut wanted = Wanted::read(config, timeout);
    wanted.unknown |= config.get(EXPIRES_AT).is_unknown();
    let before = Wanted::read(prior, SignedDuration::ZERO);
    (before, wanted)
}

/// The change of a resource that has a token.
struct Update<'a> {
    config: &'a Value,
    prior: &'a Value,
    stored: Stored,
    before: Wanted,
    wanted: Wanted,
    /// Whether another resource takes the place of this one.
    replaces: bool,
}

impl Update<'_> {
    /// Not enough is known to tell what an apply will do.
    fn leave_open(self, private: &[u8], planned: &mut Value, diags: &mut Diagnostics) {
        self.wanted.check(self.config, diags);
        let present = present(&Private::read(private), &self.stored);
        let asked = !self.replaces && !self.wanted.unknown;
        if !(asked && rests(&self.stored, [&self.before, &self.wanted], present)) {
            everything_open(self.config, planned);
        }
    }

    /// Decides as the apply will, and shows what comes of it.
    fn look_ahead(
        mut self,
        connected: &Connected,
        planned: &mut Value,
        private: &mut Vec<u8>,
        diags: &mut Diagnostics,
    ) {
        let known = Private::read(private);
        let present = present(&known, &self.stored);
        let current = self.stored.record.current.as_ref();
        let before = self.stored.until.as_ref();
        let wanted = self.wanted.settled(current, present.at);
        self.wanted = wanted.agreed(before, current, &*connected.issuer);
        self.before = self.before.settled(current, present.at);
        if self.wanted.until != self.before.until {
            self.wanted.check_end(connected.now(), diags);
        }
        self.wanted.check_at(self.config, &*connected.issuer, diags);
        if diags.has_errors() || self.replaces {
            return everything_open(self.config, planned);
        }
        keep_wish(self.config, planned);
        let changes = changed(self.prior, planned);
        self.stored.move_ends(self.prior, &self.wanted.spec);
        let ahead_at = |at| {
            let issuer = (&*connected.issuer, &connected.origin);
            Ahead::of(&self.stored, &self.wanted, issuer, at, changes)
        };
        let schedules = [&self.before, &self.wanted].map(|w| (w.spec.rotation, w.spec.overlap));
        let rescheduled = schedules[0] != schedules[1];
        let mut ahead = ahead_at(present);
        // The last read judged by the schedule that was there before.
        let now = present.then(connected.now());
        if rescheduled && ahead_at(now) != ahead {
            ahead = ahead_at(now);
            *private = Private {
                lost_until: known.lost_until,
                ..Private::at(now)
            }
            .write();
        }
        let then = rescheduled.then(|| ahead_at(now.then(after(now.at, LATEST_APPLY))));
        self.tell(connected, &ahead, diags);
        self.show(connected, &ahead, then.as_ref(), planned);
    }

    /// What a person should know of it.
    fn tell(&self, connected: &Connected, ahead: &Ahead, diags: &mut Diagnostics) {
        let mint = ahead.mints().map(|_| connected.now());
        if let Some(now) = mint {
            self.wanted.check_end(now, diags);
        }
        let issuer = &*connected.issuer;
        self.wanted.advise_at(self.config, issuer, mint, diags);
        explain(ahead, &self.stored, &self.wanted, diags);
        let name = &self.before.spec.inputs.name;
        name_all(&self.stored, name, &connected.claims, diags);
    }

    /// What an apply that comes at once will do; and `then`, the latest that may come, where the schedule changes.
    fn show(
        &self,
        connected: &Connected,
        ahead: &Ahead,
        then: Option<&Ahead>,
        planned: &mut Value,
    ) {
        let showing = Showing {
            ahead,
            stored: &self.stored,
            wanted: &self.wanted,
            prior: self.prior,
            overlap: self.before.spec.overlap,
        };
        let origin = Some(&connected.origin).filter(|_| connected.manager != Given::Unknown);
        showing.mark(origin, self.config, planned);
        if let Some(then) = then {
            showing.open_what_comes(then, self.config, planned);
        }
        let held = self.stored.record.current.as_ref();
        let rotates_otherwise = self.before.spec.rotation != self.wanted.spec.rotation;
        if let Some(held) = held
            && rotates_otherwise
            && !planned.get(RENEW_AT).is_unknown()
        {
            let renew_at = schedule::renew_at(&self.wanted.spec, held).map(|at| at.to_string());
            planned.set(RENEW_AT, renew_at);
        }
    }
}

/// Whether nothing is done for a token, whatever its issuer turns out to be: it works, nothing is due, and
/// nothing that is asked of an issuer has changed.
fn rests(stored: &Stored, [before, wanted]: [&Wanted; 2], present: Present) -> bool {
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
        && ends.into_iter().flatten().all(|at| present.at < at)
        && retiring.all(|retiring| !present.is_past(retiring.not_before))
}

/// A wanted end stands in the state as it was written.
fn keep_wish(config: &Value, planned: &mut Value) {
    if !config.get(EXPIRES_AT).is_null() {
        planned.set(EXPIRES_AT, config.get(EXPIRES_AT).clone());
    }
}

/// Why nothing more is done, where a person should know.
fn explain(ahead: &Ahead, stored: &Stored, wanted: &Wanted, diags: &mut Diagnostics) {
    let suspends = ahead.switches() == Some(Switch::Disable);
    if ahead.mints().is_some() && suspends && stored.suspended {
        diags.warning(
            format!("{} was disabled, and its successor will be", name(stored)),
            "A rotation does not end a suspension. Set enabled = true, or enable the token at the issuer, when it is to work again.",
        );
    }
    match ahead.then {
        Reason::IssuerIdentityChanged => {
            let Some(minted_at) = &stored.endpoint else {
                diags.error(
                    format!("{} was never refreshed", name(stored)),
                    "It was the token of another provider's resource, whose state does not say where. \
                     Plan without -refresh=false, so that the issuer is asked about it.",
                );
                return;
            };
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
            format!("Revokes of {} wait", name_within(stored)),
            Reason::ForeignActivity.sentence(),
        ),
        _ => {}
    }
}
