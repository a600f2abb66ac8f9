//! The reconcile of an `ApiToken` that adopts: a token that a person made is checked, delivered,
//! followed and announced. Nothing is minted here.
//!
//! Observe, decide, perform, until nothing is left to do; then record, once. A crash between any two
//! calls loses nothing: a check can be repeated, so can a delivery, and which value the Secret holds is
//! told by its own parts.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::runtime::controller::Action as Next;
use tokenwright_api::ApiToken;
use tokenwright_api::adopt::AdoptRequest;
use tokenwright_core::adopt::{AdoptDecision, decide_adopted};

use crate::calls::CallError;
use crate::context::Context;
use crate::issuers::{Handle, Obstacle};
use crate::manager::Manager;

mod end;
mod facts;
pub(crate) mod known;
mod news;
mod perform;
mod report;
mod sight;
mod source;
pub(crate) mod sources;
mod subject;
mod wish;

use sight::Sight;
use subject::Adopted;

/// More steps than any object needs at once; beyond it something turns in a circle, slowly then.
const MOST_STEPS: usize = 16;

/// A Secret that is not there is not watched; it is looked for this often.
const MISSING: SignedDuration = SignedDuration::from_secs(15);

/// What nobody tells us is looked at this often: a Secret of somebody else, an issuer that is not there.
const UNTOLD: SignedDuration = SignedDuration::from_secs(60);

/// The longest wait until a write that was refused is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// What is left to do after a step.
#[derive(Debug)]
enum After {
    /// Look and decide again.
    Again,
    /// Nothing now, and again at this instant even if nothing changes.
    Rest(Option<Timestamp>),
    /// The object is gone.
    Gone,
}

/// Brings one object as near to what is wanted of it as is possible now.
///
/// # Errors
///
/// If the API server does not answer clearly; nothing is lost then.
pub(crate) async fn reconcile(
    context: &Arc<Context>,
    (manager, object): (Manager, ApiToken),
    request: AdoptRequest,
    issuer: Result<Arc<Handle>, Obstacle>,
) -> Result<Next, CallError> {
    let mut adopted = Adopted::new(context, (manager, object), request, issuer);
    for _ in 0..MOST_STEPS {
        let (sight, decision, after) = adopted.step().await?;
        match after {
            After::Again => {}
            After::Gone => return Ok(Next::await_change()),
            After::Rest(at) => {
                adopted.record(&sight, &decision).await?;
                return Ok(adopted.next(&sight, &decision, at));
            }
        }
    }
    Ok(Next::requeue(Duration::from_secs(5)))
}

impl Adopted {
    /// One step, from what is seen now.
    async fn step(&mut self) -> Result<(Sight, AdoptDecision, After), CallError> {
        let sight = self.observe().await?;
        let now = self.now();
        let decision = decide_adopted(&self.view(&sight), now);
        let after = match &decision.action {
            Some(action) => self.perform(action.clone(), decision.reason, &sight).await,
            None => self.tend(&sight).await,
        };
        let after = match after {
            Err(CallError::Refused { what, message }) => self.refused(what, &message),
            after => after?,
        };
        Ok((sight, decision, after))
    }

    /// A write that the API server does not take: it is said, and tried again later and later.
    fn refused(&mut self, what: &str, message: &str) -> After {
        self.trouble_with(what, message);
        After::Rest(None)
    }

    /// The same for a write that the others can do without.
    fn trouble_with(&mut self, what: &str, message: &str) {
        tracing::warn!(
            object = self.manager.name,
            what,
            "a write was refused: {message}"
        );
        self.in_trouble(
            tokenwright_api::names::reason::WRITE_REFUSED,
            format!("{what}: {message}"),
        );
        let failures = self.context.remember(&self.manager.uid, |memory| {
            memory.failures = memory.failures.saturating_add(1);
            memory.failures
        });
        let wait = Duration::from_secs(1).saturating_mul(1 << failures.min(9));
        let wait = SignedDuration::try_from(wait.min(LONGEST_WAIT)).unwrap_or(UNTOLD);
        self.retry_at = Some(self.now() + wait);
    }

    /// When to look again.
    fn next(&self, sight: &Sight, decision: &AdoptDecision, at: Option<Timestamp>) -> Next {
        let now = self.now();
        if self.trouble.is_none() {
            self.context
                .remember(&self.manager.uid, |memory| memory.failures = 0);
        }
        let missing = sight.source_missing().then(|| now + MISSING);
        let untold = (sight.foreign() || self.issuer.is_err()).then(|| now + UNTOLD);
        let all = [decision.check_again, at, missing, untold, self.retry_at];
        let at = all.into_iter().flatten().min();
        match at {
            Some(at) => {
                let wait = Duration::try_from(at.duration_since(now)).unwrap_or_default();
                // A little later than the instant itself: timers may be early by a tick.
                Next::requeue(wait + Duration::from_millis(5))
            }
            None => Next::await_change(),
        }
    }
}
