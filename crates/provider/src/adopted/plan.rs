//! What a plan shows: the configured attributes, and which of the computed ones only the apply can tell.
//!
//! Pure: it knows no time, and nobody is asked. A value may come from what is opened anew in
//! every run, so it can differ between the two plan calls of one apply: what depends on the value alone is
//! left open, and only a changed `value_wo_version` promises the next `value_version`.

use tfplugin::{AnyName, Diagnostics, Plan, PlanResult, Value};

use super::offer::Offer;
use super::state::Stored;
use super::wanted::{CONFIGURED, Wanted, offered};
use super::{AdoptedToken, Private};
use crate::config::Given;
use crate::private_state::PrivateState as _;
use crate::schema::names::*;
use crate::value_version;
use crate::values::same_parameters;

/// Everything that the apply finds out about a value.
const FOUND: [AnyName; 4] = [&FINGERPRINT, &STATUS, &VERIFIED_AT, &VALUE_VERSION];
/// What it finds out about one that was accepted before.
const ASKED: [AnyName; 2] = [&STATUS, &VERIFIED_AT];

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
        planned.open(&FOUND);
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
        let differs = |name: AnyName| config.get(name) != prior.get(name);
        let offered = offered(&config);
        if offered && differs(&VALUE_WO_VERSION) {
            planned.open(&FOUND);
            let known = !config.get(VALUE_WO_VERSION).is_unknown();
            if let (Some(version), true) = (stored.value_version, known) {
                planned.set(VALUE_VERSION, value_version::next(version));
            }
        } else if offered && news == News::Other
            || offered && news == News::NotKnown && CONFIGURED.into_iter().any(differs)
        {
            planned.open(&FOUND);
        } else if offered && self.moved(&config, &prior) {
            planned.open(&ASKED);
        } else if differs(&EXPIRES_AT) || differs(&WARN_BEFORE) {
            // A plan knows no time: the date may pass before it is applied.
            planned.open(&[&STATUS]);
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
        let wanted = Wanted::read(config);
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
