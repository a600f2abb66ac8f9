//! Create and update: the issuer is asked about the offered value, and `core` says what follows.
//!
//! What is refused leaves the state as it was, so that the next plan proposes it again.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tfplugin::{Apply, ApplyResult, AttributePath, Diagnostics, Value};
use tokenwright_client::About;
use tokenwright_core::{AdoptRecord, Fingerprint, Liveness, Term, Tried};

use super::announce;
use super::offer::Offer;
use super::state::{Stored, status};
use super::wanted::Wanted;
use super::{AdoptedToken, Private};
use crate::config::Given;
use crate::connect::Connected;
use crate::private_state::PrivateState as _;
use crate::random;
use crate::schema::names::*;
use crate::session::Session;
use crate::value_version;
use crate::values::time;

/// One value that is offered, and what stands in its way.
struct Work<'a> {
    session: &'a Session,
    wanted: &'a Wanted,
    offer: &'a Offer,
    /// How long it is asked about.
    patience: SignedDuration,
    fingerprint: Fingerprint,
    /// What is known of the accepted value.
    record: AdoptRecord,
    /// Whether that one works, as far as its date says.
    holds: bool,
    /// Where the offered one stands.
    path: AttributePath,
}

impl AdoptedToken {
    pub(super) async fn create(&self, request: &Apply, diags: &mut Diagnostics) -> ApplyResult {
        let nothing = ApplyResult {
            state: Value::Null,
            private: Vec::new(),
        };
        let applied = self.take_up(request, Private::default(), diags).await;
        applied.unwrap_or(nothing)
    }

    pub(super) async fn update(&self, request: &Apply, diags: &mut Diagnostics) -> ApplyResult {
        let unchanged = ApplyResult {
            state: request.prior.clone(),
            private: request.private.clone(),
        };
        let applied = match request.planned.get(VERIFIED_AT).is_unknown() {
            true => {
                let private = Private::read(&request.private);
                self.take_up(request, private, diags).await
            }
            // Only words and dates change: the issuer is not asked.
            false => self.rewrite(request, diags),
        };
        applied.unwrap_or(unchanged)
    }

    async fn take_up(
        &self,
        request: &Apply,
        private: Private,
        diags: &mut Diagnostics,
    ) -> Option<ApplyResult> {
        let (config, prior) = (&as_planned(request), &request.prior);
        let wanted = Wanted::read(config);
        wanted.check(config, diags);
        let connected = self.asked_now(config, diags)?;
        wanted.check_at(config, &connected, diags);
        let Given::Known(offer) = Offer::of(config, &connected, diags) else {
            return None;
        };
        let salt = private.salt.map_or_else(|| draw(diags), Some)?;
        let stored = Stored::read(prior);
        let fingerprint = Fingerprint::new(offer.fingerprint(&salt));
        let mut record = stored.record();
        // That it was let in elsewhere, or when asked otherwise, says nothing here.
        if record.accepts(&fingerprint) && self.moved(config, prior) {
            record = AdoptRecord::default();
        }
        let before = Wanted::read(prior);
        let patience = match prior.is_null() {
            true => wanted.create,
            false => wanted.update,
        };
        let session = (self.sessions).open(&connected, request.connection.clone(), patience);
        let work = Work {
            session: &session,
            wanted: &wanted,
            offer: &offer,
            patience,
            holds: !matches!(before.spec.term(session.now()), Term::Ended(_)),
            record,
            path: path(config),
            fingerprint,
        };
        let accepted = work.ask(diags).await?;
        let now = session.now();
        let value_version = value_version::after(stored.value_version, now);
        announce_news(&wanted, &before, (Some(&connected), now), diags);
        let found = Value::empty()
            .with(FINGERPRINT, accepted.fingerprint.as_str())
            .with(STATUS, status(&wanted.spec, accepted.alive_at, now))
            .with(VERIFIED_AT, time(accepted.alive_at))
            .with(VALUE_VERSION, value_version);
        let mut state = request.planned.clone();
        state.fill(&found);
        let private = Private { salt: Some(salt) };
        Some(ApplyResult {
            state,
            private: private.write(),
        })
    }

    /// The issuer, which must be known now. `None` after an error.
    fn asked_now(&self, config: &Value, diags: &mut Diagnostics) -> Option<Arc<Connected>> {
        let connected = self.connected(config, diags);
        if connected.is_none() && !diags.has_errors() {
            diags.error(
                "The issuer is not known yet",
                "Profile and endpoint of the issuer must be known when a token is adopted. \
                 What of it comes from a resource that is yet to be applied is known after that: apply it first, with -target.",
            );
        }
        connected.filter(|_| !diags.has_errors())
    }

    fn rewrite(&self, request: &Apply, diags: &mut Diagnostics) -> Option<ApplyResult> {
        let connections = self.sessions.connections()?;
        let now = connections.now();
        let wanted = Wanted::read(&request.planned);
        let before = Wanted::read(&request.prior);
        let connected = self.connected_quietly(&request.planned);
        announce_news(&wanted, &before, (connected.as_deref(), now), diags);
        let mut state = request.planned.clone();
        if state.get(STATUS).is_unknown() {
            let verified_at = Stored::read(&request.prior).verified_at;
            state.set(STATUS, status(&wanted.spec, verified_at, now));
        }
        Some(ApplyResult {
            state,
            private: request.private.clone(),
        })
    }
}

impl Work<'_> {
    /// What is accepted from now on; `None` after an error.
    async fn ask(self, diags: &mut Diagnostics) -> Option<Tried> {
        let Self {
            session,
            wanted,
            fingerprint,
            record,
            path,
            ..
        } = &self;
        if !session
            .connected
            .issuer
            .can_check(About::of(&wanted.parameters))
        {
            announce::cannot_ask(wanted, &session.connected, path.clone(), diags);
            return record.clone().taken_up(fingerprint).accepted;
        }
        let answer = self.answer().await;
        let known = record
            .clone()
            .answered(fingerprint, answer, self.holds, session.now());
        let takes = known.accepts(fingerprint);
        match (answer, takes) {
            (Liveness::Dead, _) => announce::dead(wanted, session, record, path.clone(), diags),
            (Liveness::Unknown, false) => announce::kept(wanted, session, path.clone(), diags),
            (Liveness::Unknown, true) => {
                announce::unclear(wanted, (session, self.patience), path.clone(), diags)
            }
            (Liveness::Alive, _) => {}
        }
        known.accepted.filter(|_| takes && answer != Liveness::Dead)
    }

    /// Whether the value authenticates, asked again for a while where that is not clear.
    async fn answer(&self) -> Liveness {
        let (session, mut failures) = (self.session, 0_u32);
        let issuer = &session.connected.issuer;
        loop {
            let parameters = &self.wanted.parameters;
            let answer = issuer
                .check_with(&self.offer.value, About::of(parameters))
                .await;
            let again = match answer {
                Liveness::Alive | Liveness::Dead => None,
                Liveness::Unknown => session.after(failures),
            };
            match again {
                Some(at) => session.sleep_until(at).await,
                None => return answer,
            }
            failures = failures.saturating_add(1);
        }
    }
}

/// The read of this run has announced the date that was there before.
fn announce_news(
    wanted: &Wanted,
    before: &Wanted,
    (at, now): (Option<&Connected>, Timestamp),
    diags: &mut Diagnostics,
) {
    if wanted.spec.term(now) != before.spec.term(now) {
        announce::term(wanted, at, now, diags);
    }
}

/// What was planned, with the value, which no plan carries. The configuration may say otherwise where
/// `ignore_changes` hides it from the plan.
fn as_planned(request: &Apply) -> Value {
    let Apply {
        config, planned, ..
    } = request;
    let wanted = planned.clone().with(VALUE_WO, config.get(VALUE_WO).clone());
    wanted.with(VALUES_WO, config.get(VALUES_WO).clone())
}

/// Where the value stands in the configuration.
fn path(config: &Value) -> AttributePath {
    match config.get(VALUE_WO).is_null() {
        true => VALUES_WO.path(),
        false => VALUE_WO.path(),
    }
}

fn draw(diags: &mut Diagnostics) -> Option<String> {
    let mut salt = [0; 16];
    let needed = "The fingerprint needs some. Nothing was adopted.";
    random::fill(&mut salt, needed, diags)
        .then(|| salt.iter().map(|byte| format!("{byte:02x}")).collect())
}
