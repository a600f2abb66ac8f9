//! What a plan shows: the configured attributes, and which of the computed ones only the apply can tell.
//!
//! Pure: it knows no time, and nobody is asked. A value may come from what is opened anew in
//! every run, so it can differ between the two plan calls of one apply: what depends on the value alone is
//! left open, and only a changed `value_wo_version` promises the next `value_version`.

use tfplugin::{Diagnostics, Plan, PlanResult, Value};

use super::offer::Offer;
use super::state::Stored;
use super::wanted::{CONFIGURED, Wanted, offered};
use super::{AdoptedToken, Private};
use crate::config::Given;
use crate::private_state::PrivateState as _;
use crate::value_version;
use crate::values::same_parameters;

/// Everything that the apply finds out about a value.
const FOUND: [&str; 4] = ["fingerprint", "status", "verified_at", "value_version"];
/// What it finds out about one that was accepted before.
const ASKED: [&str; 2] = ["status", "verified_at"];

/// The offered value, beside the accepted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    Same,
    Other,
    /// It is not known before something else is applied.
    NotKnown,
}

impl AdoptedToken {
    pub(super) fn plan_create(&self, request: Plan, diags: &mut Diagnostics) -> PlanResult {
        self.checked(&request.config, diags);
        Wanted::check_first(&request.config, diags);
        let mut planned = request.proposed;
        open(&mut planned, &FOUND);
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
        let (_, offer) = self.checked(&config, diags);
        let stored = Stored::read(&prior);
        let memory = Private::read(&private);
        let news = match (&offer, &memory.salt) {
            (Given::Known(offer), Some(salt)) => {
                match stored.fingerprint == Some(offer.fingerprint(salt)) {
                    true => News::Same,
                    false => News::Other,
                }
            }
            (Given::Known(_), None) => News::Other,
            (Given::Unknown | Given::Absent, _) => News::NotKnown,
        };
        let differs = |name: &str| config.get(name) != prior.get(name);
        let offered = offered(&config);
        if offered && differs("value_wo_version") {
            open(&mut planned, &FOUND);
            let known = !config.get("value_wo_version").is_unknown();
            if let (Some(version), true) = (stored.value_version, known) {
                planned.set("value_version", value_version::next(version));
            }
        } else if offered && news == News::Other
            || offered && news == News::NotKnown && CONFIGURED.iter().any(|n| differs(n))
        {
            open(&mut planned, &FOUND);
        } else if offered && self.moved(&config, &prior) {
            open(&mut planned, &ASKED);
        } else if differs("expires_at") || differs("warn_before") {
            // A plan knows no time: the date may pass before it is applied.
            open(&mut planned, &["status"]);
        }
        PlanResult {
            planned,
            requires_replace: Vec::new(),
            private,
        }
    }

    /// Whether somebody else is asked, or asked otherwise.
    pub(super) fn moved(&self, config: &Value, prior: &Value) -> bool {
        self.sessions.issuer_of(config) != self.sessions.issuer_of(prior)
            || !same_parameters(config, prior)
    }

    /// What is configured, with everything that can be refused before anybody is asked.
    fn checked(&self, config: &Value, diags: &mut Diagnostics) -> (Wanted, Given<Offer>) {
        let wanted = Wanted::read(config, diags);
        wanted.check(config, diags);
        let connected = self.connected(config, diags);
        let Some(connected) = connected.filter(|_| !diags.has_errors()) else {
            return (wanted, Given::Unknown);
        };
        wanted.check_at(config, &connected, diags);
        let offer = Offer::of(config, &connected, diags);
        (wanted, offer)
    }
}

fn open(planned: &mut Value, names: &[&str]) {
    for name in names {
        planned.set(*name, Value::Unknown);
    }
}
