//! Create and update: the issuer is asked about the offered value, and `core` says what follows.
//!
//! What is refused leaves the state as it was, so that the next plan proposes it again.

use jiff::{SignedDuration, Timestamp};
use tfplugin::{Apply, ApplyResult, AttributePath, Diagnostics, Value};
use tokenwright_core::{AdoptRecord, Fingerprint, Liveness, Term, Tried};

use super::announce;
use super::offer::Offer;
use super::state::{Stored, status};
use super::wish::Wish;
use super::{AdoptedToken, Private};
use crate::config::Given;
use crate::connect::Connected;
use crate::hands::Hands;
use crate::kept::Kept as _;

/// One value that is offered, and what stands in its way.
struct Work<'a> {
    hands: &'a Hands,
    wish: &'a Wish,
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
        let applied = match request.planned.get("verified_at").is_unknown() {
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
        let (config, prior) = (&wanted(request), &request.prior);
        let wish = Wish::read(config, diags);
        wish.check(config, diags);
        let connected = self.connected(config, diags);
        if diags.has_errors() {
            return None;
        }
        let Some(connected) = connected else {
            diags.error(
                "The issuer is not known yet",
                "Profile and endpoint of the issuer must be known when a token is adopted.",
            );
            return None;
        };
        wish.check_at(config, &connected, diags);
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
        let before = Wish::read(prior, &mut Diagnostics::new());
        let patience = match prior.is_null() {
            true => wish.create,
            false => wish.update,
        };
        let hands = (self.reach).hands(&connected, request.connection.clone(), patience);
        let work = Work {
            hands: &hands,
            wish: &wish,
            offer: &offer,
            patience,
            holds: !matches!(before.spec.term(hands.now()), Term::Ended(_)),
            record,
            path: path(config),
            fingerprint,
        };
        let accepted = work.ask(diags).await?;
        let now = hands.now();
        // Seconds, so that it never starts over: what is declared anew begins above its predecessor.
        let first = || now.as_second();
        let value_version = stored
            .value_version
            .map_or_else(first, |version| version + 1);
        announce_news(&wish, &before, (Some(&connected), now), diags);
        let mut state = request.planned.clone();
        for (name, value) in [
            ("fingerprint", accepted.fingerprint.as_str().into()),
            ("status", status(&wish.spec, accepted.alive_at, now).into()),
            (
                "verified_at",
                Value::from(accepted.alive_at.map(|at| at.to_string())),
            ),
            ("value_version", value_version.into()),
        ] {
            // What the plan promised stands.
            if state.get(name).is_unknown() {
                state.set(name, value);
            }
        }
        let private = Private {
            salt: Some(salt),
            read_at: Some(now),
        };
        Some(ApplyResult {
            state,
            private: private.write(),
        })
    }

    fn rewrite(&self, request: &Apply, diags: &mut Diagnostics) -> Option<ApplyResult> {
        let connections = self.reach.connections()?;
        let now = connections.now();
        let wish = Wish::read(&request.planned, diags);
        let before = Wish::read(&request.prior, &mut Diagnostics::new());
        let connected = self.connected_quietly(&request.planned);
        announce_news(&wish, &before, (connected.as_deref(), now), diags);
        let mut state = request.planned.clone();
        if state.get("status").is_unknown() {
            let verified_at = Stored::read(&request.prior).verified_at;
            state.set("status", status(&wish.spec, verified_at, now));
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
            hands,
            wish,
            fingerprint,
            record,
            path,
            ..
        } = &self;
        if !hands.connected.issuer.can_check(&wish.parameters) {
            announce::cannot_ask(wish, &hands.connected, path.clone(), diags);
            return record.clone().taken_up(fingerprint).accepted;
        }
        let answer = self.answer().await;
        let known = record
            .clone()
            .answered(fingerprint, answer, self.holds, hands.now());
        let takes = known.accepts(fingerprint);
        match (answer, takes) {
            (Liveness::Dead, _) => announce::dead(wish, hands, record, path.clone(), diags),
            (Liveness::Unknown, false) => announce::kept(wish, hands, path.clone(), diags),
            (Liveness::Unknown, true) => {
                announce::unclear(wish, (hands, self.patience), path.clone(), diags)
            }
            (Liveness::Alive, _) => {}
        }
        known.accepted.filter(|_| takes && answer != Liveness::Dead)
    }

    /// Whether the value authenticates, asked again for a while where that is not clear.
    async fn answer(&self) -> Liveness {
        let (hands, mut failures) = (self.hands, 0);
        let issuer = &hands.connected.issuer;
        loop {
            let parameters = &self.wish.parameters;
            let answer = issuer.check_with(&self.offer.value, parameters).await;
            let again = match answer {
                Liveness::Alive | Liveness::Dead => None,
                Liveness::Unknown => hands.after(failures),
            };
            match again {
                Some(at) => hands.sleep_until(at).await,
                None => return answer,
            }
            failures += 1;
        }
    }
}

/// The read of this run has announced the date that was there before.
fn announce_news(
    wish: &Wish,
    before: &Wish,
    (at, now): (Option<&Connected>, Timestamp),
    diags: &mut Diagnostics,
) {
    if wish.spec.term(now) != before.spec.term(now) {
        announce::term(wish, at, now, diags);
    }
}

/// What was planned, with the value, which no plan carries. The configuration may say otherwise where
/// `ignore_changes` hides it from the plan.
fn wanted(request: &Apply) -> Value {
    let mut wanted = request.planned.clone();
    for name in ["value_wo", "values_wo"] {
        wanted.set(name, request.config.get(name).clone());
    }
    wanted
}

/// Where the value stands in the configuration.
fn path(config: &Value) -> AttributePath {
    match config.get("value_wo").is_null() {
        true => AttributePath::new("values_wo"),
        false => AttributePath::new("value_wo"),
    }
}

fn draw(diags: &mut Diagnostics) -> Option<String> {
    let mut salt = [0; 16];
    if getrandom::fill(&mut salt).is_err() {
        diags.error(
            "This machine gives no random numbers",
            "The fingerprint needs some. Nothing was adopted.",
        );
        return None;
    }
    Some(salt.iter().map(|byte| format!("{byte:02x}")).collect())
}
