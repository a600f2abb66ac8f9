//! What a plan shows: the configured attributes, and which of the computed ones only the apply can tell.
//!
//! Pure: the present is the last read, and nobody is asked.

use jiff::SignedDuration;
use tfplugin::{AttributePath, Diagnostics, Plan, PlanResult, Value};
use tokenwright_core::{Action, Reason, schedule};

use super::read::name;
use super::state::Stored;
use super::steps::{Ahead, changed};
use super::wanted::Wanted;
use super::{ApiToken, Private, present};
use crate::config::REQUEST_TIMEOUT;
use crate::private_state::PrivateState as _;
use crate::values::same_parameters;

/// Everything that a mint decides.
const MINTED: [&str; 14] = [
    "value",
    "values",
    "token_id",
    "remote_name",
    "status",
    "created_at",
    "expires_at",
    "rotated_at",
    "renew_at",
    "granted_scopes",
    "owner",
    "identity",
    "retiring",
    "next_nonce",
];
/// What a first mint decides beside that, and any mint that may or may not happen.
const NUMBERS: [&str; 2] = ["revision", "value_version"];
const UPDATED: [&str; 6] = [
    "remote_name",
    "status",
    "expires_at",
    "renew_at",
    "granted_scopes",
    "owner",
];
const REVOKED: [&str; 3] = ["retiring", "past", "orphans"];

impl ApiToken {
    pub(super) fn plan_create(&self, request: Plan, diags: &mut Diagnostics) -> PlanResult {
        let mut planned = request.proposed;
        defaults(&request.config, &mut planned);
        match self.connected(&request.config, diags) {
            Some(connected) => {
                let wanted = Wanted::read(&request.config, connected.request_timeout, diags);
                wanted.check_at(&request.config, &*connected.issuer, diags);
            }
            None => {
                let wanted = Wanted::read(&request.config, REQUEST_TIMEOUT, diags);
                wanted.check(&request.config, diags);
            }
        }
        open(&mut planned, MINTED);
        open(&mut planned, NUMBERS);
        open(&mut planned, ["endpoint", "instance", "past", "orphans"]);
        if request.config.get("enabled").is_null() {
            planned.set("enabled", Value::Unknown);
        }
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
            private,
        } = request;
        defaults(&config, &mut planned);
        let connected = self.connected(&config, diags);
        let request_timeout = match &connected {
            Some(connected) => connected.request_timeout,
            None => REQUEST_TIMEOUT,
        };
        let wanted = Wanted::read(&config, request_timeout, diags);
        let before = Wanted::read(&prior, SignedDuration::ZERO, &mut Diagnostics::new());
        let lifetimes = [&before, &wanted].map(|wanted| wanted.spec.inputs.lifetime);
        if lifetimes[0] == lifetimes[1] && !config.get("lifetime").is_unknown() {
            planned.set("lifetime", prior.get("lifetime").clone());
        }
        let requires_replace = self.replaces(&config, &prior);
        let result = |planned: Value, requires_replace: Vec<AttributePath>| PlanResult {
            planned,
            requires_replace,
            private: private.clone(),
        };
        let Some(stored) = Stored::read(&prior, diags).filter(|_| !diags.has_errors()) else {
            return result(planned, requires_replace);
        };
        let (Some(connected), false) = (connected, wanted.unknown) else {
            wanted.check(&config, diags);
            everything_open(&config, &mut planned);
            return result(planned, requires_replace);
        };
        wanted.check_at(&config, &*connected.issuer, diags);
        if diags.has_errors() || !requires_replace.is_empty() {
            everything_open(&config, &mut planned);
            return result(planned, requires_replace);
        }
        let read_at = present(&Private::read(&private), &stored);
        let ahead = Ahead::of(
            &stored,
            &wanted,
            (&*connected.issuer, &connected.origin),
            read_at,
            changed(&prior, &planned),
        );
        explain(&ahead, &stored, diags);
        mark(&ahead, &stored, &config, &mut planned);
        let held = stored.record.current.as_ref();
        let rescheduled = before.spec.rotation != wanted.spec.rotation;
        if let (Some(held), true, false) = (held, rescheduled, planned.get("renew_at").is_unknown())
        {
            let renew_at = schedule::renew_at(&wanted.spec, held).map(|at| at.to_string());
            planned.set("renew_at", renew_at);
        }
        result(planned, requires_replace)
    }

    /// Another issuer or other parameters are another token altogether.
    fn replaces(&self, config: &Value, prior: &Value) -> Vec<AttributePath> {
        let mut paths = Vec::new();
        if self.sessions.issuer_of(config) != self.sessions.issuer_of(prior) {
            paths.push(AttributePath::new("issuer"));
        }
        if !same_parameters(config, prior) {
            paths.push(AttributePath::new("parameters"));
        }
        paths
    }
}

/// What stands for an absent word. A removed word is absent, whatever was there before.
fn defaults(config: &Value, planned: &mut Value) {
    for (name, default) in [("on_loss", "remint"), ("on_destroy", "revoke")] {
        if config.get(name).is_null() {
            planned.set(name, default);
        }
    }
}

fn open<'a>(planned: &mut Value, names: impl IntoIterator<Item = &'a str>) {
    for name in names {
        planned.set(name, Value::Unknown);
    }
}

/// Whether a token is minted is not known: everything that a mint would change is open.
fn everything_open(config: &Value, planned: &mut Value) {
    open(planned, MINTED);
    open(planned, REVOKED);
    open(planned, NUMBERS);
    if config.get("enabled").is_null() {
        planned.set("enabled", Value::Unknown);
    }
}

/// Opens what the steps change, and says what is known of it already.
fn mark(ahead: &Ahead, stored: &Stored, config: &Value, planned: &mut Value) {
    for (action, _) in &ahead.steps {
        match action {
            Action::Mint { .. } => {
                open(planned, MINTED);
                if config.get("enabled").is_null() {
                    planned.set("enabled", Value::Unknown);
                }
            }
            Action::Update(..) => open(planned, UPDATED),
            Action::SetEnabled(..) => open(planned, ["status"]),
            Action::Revoke(_) => open(planned, REVOKED),
            Action::Prove(_)
            | Action::Replay(_)
            | Action::Record(_)
            | Action::CloseAttempt { .. }
            | Action::RemoveDestination
            | Action::ReleaseDestination
            | Action::Finish => {}
        }
    }
    if let Some(revision) = ahead.mints() {
        planned.set("revision", i64::from(revision));
        match stored.value_version {
            Some(version) => planned.set("value_version", version.saturating_add(1)),
            None => open(planned, ["value_version"]),
        }
        if stored.endpoint.is_none() {
            open(planned, ["endpoint"]);
        }
    }
}

/// Why nothing more is done, where a person should know.
fn explain(ahead: &Ahead, stored: &Stored, diags: &mut Diagnostics) {
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
        Reason::TokenLost => diags.warning(
            format!("{} does not work any more", name(stored)),
            "It expired, or was revoked or removed outside. \
             on_loss is \"report\", so nothing is minted in its place unless an input or a trigger changes.",
        ),
        Reason::ForeignActivity | Reason::RevokesHeld => diags.warning(
            format!("Revokes of {} wait", name(stored)),
            Reason::ForeignActivity.sentence(),
        ),
        _ => {}
    }
}
