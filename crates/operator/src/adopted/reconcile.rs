//! The reconcile of an `ApiToken` that adopts: a token that a person made is checked, delivered,
//! followed and announced. Nothing is minted here.
//!
//! Observe, decide, perform, until nothing is left to do; then record, once. A crash between any two
//! calls loses nothing: a check can be repeated, so can a delivery, and which value the Secret holds is
//! told by its own parts.

use std::sync::Arc;
use std::time::Duration;
use tokenwright_core::instant::after;

use jiff::{SignedDuration, Timestamp};
use tokenwright_api::ApiToken;
use tokenwright_api::adopt::AdoptRequest;
use tokenwright_api::names::{condition, event, reason};
use tokenwright_core::Reason;
use tokenwright_core::adopt::{AdoptAction, AdoptDecision, decide_adopted};

use crate::adopted::basis::Basis;
use crate::adopted::managed::{Adopted, After, Shared};
use crate::adopted::observe::Observed;
use crate::adopted::record;
use crate::adopted::status::status;
use crate::adopted::transitions::transitions;
use crate::cluster::calls::CallError;
use crate::cluster::conditions::Trouble;
use crate::cluster::events::send;
use crate::cluster::logs;
use crate::cluster::pace::{self, Next, UNTOLD};
use crate::cluster::told;
use crate::issuer::obstacle::Obstacle;
use crate::issuer::registry::Handle;
use crate::issuer::status::ONLY_OBSERVED;
use crate::secret::manager::Manager;

/// More steps than any object needs at once; beyond it something turns in a circle, slowly then.
const MOST_STEPS: usize = 16;

/// A Secret that is not there is not watched; it is looked for so soon at first: a person who makes both needs no
/// longer between them.
const MISSING_FIRST: SignedDuration = SignedDuration::from_secs(15);

/// And at least this often, however long it has been missing: whoever makes it then waits so long.
const MISSING_LAST: SignedDuration = SignedDuration::from_mins(5);

/// Brings one object as near to what is wanted of it as is possible now.
///
/// # Errors
///
/// If the API server does not answer clearly; nothing is lost then.
pub(crate) async fn reconcile(
    shared: &Shared,
    (manager, object): (Manager, ApiToken),
    request: AdoptRequest,
    issuer: Result<Arc<Handle>, Obstacle>,
) -> Result<Next, CallError> {
    let mut adopted = Adopted::new(shared, (manager, object), request, issuer);
    for _ in 0..MOST_STEPS {
        let (observed, decision, after) = adopted.step().await?;
        match after {
            After::Again => {}
            After::Gone => return Ok(Next::await_change()),
            After::Rest(at) => {
                adopted.record(&observed, &decision).await?;
                return Ok(adopted.next(&observed, &decision, at));
            }
        }
    }
    Ok(Next::requeue(Duration::from_secs(5)))
}

impl Adopted {
    /// One step, from what is seen now.
    async fn step(&mut self) -> Result<(Observed, AdoptDecision, After), CallError> {
        let mut observed = self.observe().await?;
        let now = self.now();
        let decision = decide_adopted(&self.view(&observed), now);
        let accepted = self.known.record.accepted.as_ref();
        match (&decision.action, accepted) {
            (Some(AdoptAction::Check(value)), _) => observed.asks_about(value),
            (Some(AdoptAction::Revoke(_)), Some(accepted)) => {
                observed.asks_about(&accepted.fingerprint);
            }
            _ => {}
        }
        logs::because(decision.reason.name());
        let after = match &decision.action {
            action if self.context.observe_only => Ok(self.only_observed(action.as_ref())),
            Some(action) => {
                self.perform(action.clone(), decision.reason, &observed)
                    .await
            }
            None => self.tend(&observed).await,
        };
        let after = match after {
            Err(CallError::Refused { what, message }) => self.refused(what, &message),
            after => after?,
        };
        Ok((observed, decision, after))
    }

    /// Says what would be done, where nothing is done but to look.
    fn only_observed(&mut self, action: Option<&AdoptAction>) -> After {
        let would = match action {
            None => return After::Rest(None),
            Some(AdoptAction::Check(_)) => "check a value",
            Some(AdoptAction::TakeUp(_)) => "take a value up",
            Some(AdoptAction::Deliver(_)) => "deliver a value",
            Some(AdoptAction::RemoveDestination) => "delete the Secret",
            Some(AdoptAction::ReleaseDestination) => "release the Secret",
            Some(AdoptAction::Revoke(_)) => "revoke the token",
            Some(AdoptAction::Finish) => "let the object go",
        };
        let message = format!("{ONLY_OBSERVED} It would {would}.");
        self.waits = Some(Trouble::new(reason::OBSERVE_ONLY, message));
        After::Rest(Some(after(self.now(), UNTOLD)))
    }

    /// When to look again.
    fn next(&self, observed: &Observed, decision: &AdoptDecision, at: Option<Timestamp>) -> Next {
        let now = self.now();
        if self.trouble.is_none() && self.retry_at.is_none() {
            self.context.succeeded(&self.manager.uid);
        }
        let missing = observed.source_missing() && self.spec.deletion.since.is_none();
        let missing = missing.then(|| after(now, self.missing_for(now)));
        let in_use = decision.reason == Reason::RevokeInUse;
        let untold = observed.foreign() || self.issuer.is_err() || in_use;
        let untold = untold.then(|| after(now, UNTOLD));
        // Where nothing is done, an instant that has passed asks for it in vain.
        let passed = |at: &Timestamp| !self.context.observe_only || *at > now;
        let all = [
            decision.check_again.filter(passed),
            at,
            missing,
            untold,
            self.retry_at,
        ];
        pace::at_first(all, now)
    }

    /// How long nobody looks for a source that is missing: as long as it has been, as the status tells.
    fn missing_for(&self, now: Timestamp) -> SignedDuration {
        let status = self.object.status.as_ref();
        let mut conditions = status.iter().flat_map(|status| &status.conditions);
        let since = conditions.find(|known| known.type_ == condition::ACCEPTED);
        let missing = since.map(|since| now.duration_since(since.last_transition_time.0));
        let missing = missing.unwrap_or_default();
        missing.clamp(MISSING_FIRST, MISSING_LAST)
    }

    /// Writes down what is known and what it means, and reports what is new; nothing is sent where
    /// nothing would change.
    async fn record(
        &mut self,
        observed: &Observed,
        decision: &AdoptDecision,
    ) -> Result<(), CallError> {
        let now = self.now();
        let before = self.object.status.clone().unwrap_or_default();
        let basis = Basis {
            adopted: self,
            observed,
            decision,
        };
        let mut after = status(&basis, &before, now);
        let mut timeless = after.clone();
        timeless.adopted.clone_from(&before.adopted);
        let sealed = after.seals == before.seals;
        timeless.seals.clone_from(&before.seals);
        let unchanged = timeless == before;
        if unchanged && sealed && record::same(before.adopted.as_ref(), after.adopted.as_ref()) {
            self.remember();
            return Ok(());
        }
        if let Some(adopted) = before.adopted.as_ref().filter(|_| unchanged) {
            let with_issuer = record::with_issuer(adopted, self.known.issuer.as_ref());
            if record::same(Some(&with_issuer), after.adopted.as_ref()) {
                after.adopted = Some(with_issuer);
            }
        }
        if let Some(written) = told::say(&self.context, &self.object, after.clone()).await? {
            self.object = written;
        }
        self.remember();
        for event in transitions(&before, &after) {
            // What failed at the issuer is counted there.
            if event.reason == event::REVOKE_FAILED && decision.reason == Reason::RevokeInUse {
                self.count(event::REVOKE_FAILED);
            }
            send(&self.context, &self.object, &event).await;
        }
        Ok(())
    }
}
