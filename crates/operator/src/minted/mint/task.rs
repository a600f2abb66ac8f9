//! The mint flow, performed: one task per manager that no cancelled reconcile ends.
//!
//! The machine in `tokenwright-core` says what comes next; here it is only done. The value lives in
//! this task and nowhere else until it is committed to the Secret.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use tokenwright_api::ApiToken;
use tokenwright_client::{
    About, ErrorKind, Evidence, MintRequest, Nomination, Operation, SecretValue, revoke,
};
use tokenwright_core::{
    Answer, Ask, Attempt, Destination, Liveness, MintFlow, Outcome, Reason, TokenId, TokenRef,
    schedule,
};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use crate::cluster::cause;
use crate::cluster::conditions::Trouble;
use crate::cluster::context::Context;
use crate::cluster::memory::Memory;
use crate::cluster::unreadable::Place;
use crate::cluster::{metrics, texts, traces};
use crate::issuer::allowance::Group;
use crate::issuer::load;
use crate::issuer::object::place_of;
use crate::issuer::registry::Handle;
use crate::issuer::scheduler::Permit;
use crate::minted::managed::{Beside, Managed};
use crate::minted::mint::over::Over;
use crate::minted::observe::Look;
use crate::minted::seen::Seen;
use crate::secret::delivery::{carried, names};
use crate::secret::parts::Parts;

/// One mint under way.
#[derive(Debug)]
pub(crate) struct Mint {
    pub(super) managed: Managed,
    pub(super) flow: MintFlow,
    /// What its object takes, where that is long.
    _text: Option<Arc<texts::Held>>,
    /// The slot; given back when the mint is over.
    pub(super) permit: Option<Permit>,
    /// When the attempt was written down.
    pub(super) attempted: Option<Instant>,
    /// The Secret as it was when the write to it was last prepared.
    pub(super) existing: Existing,
    /// What the Secret was when the write was rehearsed.
    pub(super) seen: Destination,
    pub(super) value: Option<(SecretValue, Parts, TokenId)>,
    pub(super) trouble: Option<Trouble>,
    pub(super) delivered: Option<Secret>,
}

#[derive(Debug)]
pub(super) enum Existing {
    NotRead,
    Read(Arc<Over>),
}

/// Says that a flow runs, until it is dropped; wakes the manager then.
struct Running {
    context: Arc<Context>,
    memory: Arc<Memory<Seen>>,
    handle: Arc<Handle>,
    group: Option<Group>,
    uid: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.memory.change(&self.uid, |seen| seen.running = None);
        self.context.wake(&self.uid);
        // It went meanwhile, and what it did since made it known again.
        if !self.context.knows(&self.uid) {
            self.memory.forget(&self.uid);
            self.handle.forget(&self.uid);
            let freed = self.handle.allowances.gone(self.group.as_ref(), &self.uid);
            self.context.wake_all(freed);
        }
    }
}

impl Mint {
    /// A mint that has done nothing yet.
    pub(crate) fn new(managed: Managed, flow: MintFlow, permit: Option<Permit>) -> Box<Self> {
        Box::new(Self {
            managed,
            flow,
            _text: texts::held(),
            permit,
            attempted: None,
            existing: Existing::NotRead,
            seen: Destination::NotLooked,
            value: None,
            trouble: None,
            delivered: None,
        })
    }

    /// Runs to the end, records it, and wakes the manager: one span for a collector of traces.
    pub(crate) async fn run(self: Box<Self>) {
        let object = &self.managed.object;
        let issuer = metrics::issuer(place_of(object));
        let marker = &self.flow.plan().marker;
        let place = Place::at::<ApiToken>(&object.metadata);
        let nonce = marker.nonce.to_string();
        let span = traces::rotation(&place, &issuer, marker.revision, &nonce);
        self.run_to_its_end().instrument(span).await;
    }

    async fn run_to_its_end(mut self: Box<Self>) {
        // Whatever ends this task, the manager must not be taken for busy afterwards.
        let _running = Running {
            context: Arc::clone(&self.managed.context),
            memory: Arc::clone(&self.managed.memory),
            handle: Arc::clone(&self.managed.handle),
            group: Group::of(&self.managed.object),
            uid: self.managed.manager.uid.clone(),
        };
        let outcome = self.steps().await;
        self.count(&outcome);
        self.record(&outcome).await;
        self.tell(&outcome).await;
        self.managed.doubt_form();
        drop(self.permit.take());
    }

    fn count(&self, outcome: &Outcome) {
        let result = match outcome {
            Outcome::Published(_) => "Published",
            Outcome::Failed { reason, .. } => reason.name(),
            _ => Reason::OutcomeUnknown.name(),
        };
        let issuer = metrics::issuer(place_of(&self.managed.object));
        self.managed.context.metrics.minted(&issuer, result);
        let good = matches!(outcome, Outcome::Published(_));
        traces::ended(&Span::current(), result, good);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.managed.context.clock.now()
    }

    async fn until(&self, at: Timestamp) {
        if let Ok(wait) = std::time::Duration::try_from(at.duration_since(self.now())) {
            tokio::time::sleep(wait).await;
        }
    }

    async fn steps(&mut self) -> Outcome {
        let mut answer = Answer::Start;
        loop {
            let now = self.now();
            answer = match self.flow.next(answer, now) {
                Ask::Rehearse => self.rehearse().await,
                Ask::WriteAttempt(attempt) => self.write_attempt(attempt).await,
                Ask::Mint { attempt, at } => self.mint(attempt, at).await,
                Ask::Prove { at } => {
                    self.until(at).await;
                    self.prove().await
                }
                Ask::Publish { at, publication } => {
                    self.until(at).await;
                    self.publish(&publication).await
                }
                Ask::Withdraw { at, token } => {
                    self.until(at).await;
                    self.withdraw(&token).await
                }
                Ask::Done(outcome) => return outcome,
            };
        }
    }

    pub(super) fn in_trouble(&mut self, reason: impl Into<String>, message: impl Into<String>) {
        self.trouble = Some(Trouble::new(reason, message));
    }

    async fn write_attempt(&mut self, attempt: Attempt) -> Answer {
        let nonce = attempt.nonce.clone();
        let record = self.managed.evolve(Outcome::Attempted(attempt), self.now());
        let destination = self.seen.clone();
        let beside = Beside {
            running: Some(nonce),
            ..Beside::default()
        };
        let begun = Instant::now();
        match self.managed.write(record, destination, &beside).await {
            Ok(()) => {
                self.attempted = Some(begun);
                Answer::AttemptWritten
            }
            // Whether or not the write was made: nothing was minted for it, and an open attempt heals.
            Err(error) => {
                tracing::info!(error = cause::chain(&error), "the attempt was not written");
                self.managed
                    .remember(|seen| seen.unwritten = Some(Box::new(error)));
                Answer::AttemptConflict
            }
        }
    }

    async fn mint(&mut self, attempt: Attempt, at: Timestamp) -> Answer {
        if self.managed.record.failures > 0 {
            self.managed.retries(Operation::Mint);
        }
        let timeout = self.managed.spec.request_timeout;
        let wanted = attempt.inputs == self.flow.plan().spec.inputs;
        let request = MintRequest {
            remote_name: self.flow.plan().marker.remote_name(&attempt.inputs.name),
            inputs: attempt.inputs,
            at,
            idempotency_key: attempt.nonce.to_string(),
            send_by: Some(schedule::mint_by(
                attempt.deadline,
                timeout,
                self.managed.handle.issuer.capabilities(),
            )),
        };
        match self.managed.handle.issuer.mint(&request).await {
            Ok(minted) => {
                let parts = Parts::of(&minted.value, &minted.public);
                self.value = Some((minted.value, parts, minted.token.id.clone()));
                Answer::Minted {
                    marked: minted.token.carries(&self.flow.plan().marker),
                    id: minted.token.id,
                    expires_at: minted.token.expires_at,
                }
            }
            Err(error) => {
                tracing::warn!(error = cause::chain(&error), "the mint failed");
                let retry_after = error.kind.retry_after();
                let (reason, answer) = match error.kind {
                    ErrorKind::OutcomeUnknown => (Reason::OutcomeUnknown, Answer::MintUnknown),
                    ErrorKind::Unavailable | ErrorKind::Paused { .. } => (
                        Reason::MintNotSent,
                        Answer::NotMinted {
                            sent: false,
                            retry_after,
                        },
                    ),
                    ErrorKind::Unauthenticated | ErrorKind::RateLimited { .. } => {
                        (Reason::MintRefused, Answer::NotNow { retry_after })
                    }
                    // A right may come yet; nothing waits for one to what nobody wants any more.
                    ErrorKind::Forbidden if wanted => {
                        (Reason::MintRefused, Answer::NotNow { retry_after })
                    }
                    ErrorKind::NotFound
                    | ErrorKind::Forbidden
                    | ErrorKind::Invalid
                    | ErrorKind::Conflict
                    | ErrorKind::LimitReached
                    | ErrorKind::AnswerNotUnderstood
                    | ErrorKind::NoRoom => (
                        Reason::MintRefused,
                        Answer::NotMinted {
                            sent: true,
                            retry_after,
                        },
                    ),
                };
                let message = format!(
                    "{} {}: {}.",
                    reason.sentence(),
                    error.kind.name(),
                    error.kind
                );
                // What has no place in the rate is told as that, and not as a pause that nobody made.
                let crowded = matches!(error.kind, ErrorKind::Paused { .. })
                    .then(|| load::queued(&self.managed.handle))
                    .flatten();
                self.trouble = crowded.or(Some(Trouble::new(reason.name(), message)));
                answer
            }
        }
    }

    async fn prove(&mut self) -> Answer {
        match &self.value {
            Some((value, parts, id)) => {
                let public = parts.public(&self.managed.handle.public_parts);
                let about = About::token(id, &self.managed.spec.inputs.parameters).beside(&public);
                let issuer = &self.managed.handle.issuer;
                Answer::Proved(issuer.check_with(value, about).await)
            }
            None => Answer::Proved(Liveness::Unknown),
        }
    }

    /// Ends the token that this very mint made, unless the Secret names it after all.
    async fn withdraw(&mut self, token: &TokenRef) -> Answer {
        self.managed.sealed(token);
        let Ok(Look { secret, .. }) = self.managed.look_now().await else {
            return Answer::WithdrawFailed;
        };
        let says = secret.and_then(|secret| carried(&secret, &self.managed.manager));
        let now = self.now();
        let retiring = says.iter().flat_map(|says| &says.retiring);
        let waits = retiring
            .into_iter()
            .any(|old| old.token.id == token.id && old.not_before > now);
        if waits || names(says.as_ref(), token) {
            return Answer::InUse;
        }
        let nomination = Nomination {
            minted_at: Some(now),
            value: self.value.as_ref().map(|(value, _, _)| value),
            ..Nomination::of(token, now)
        };
        match revoke(
            self.managed.handle.issuer.as_ref(),
            nomination,
            Evidence::Minted,
            now,
        )
        .await
        {
            Ok(_) => Answer::Withdrawn,
            Err(error) => {
                tracing::warn!(
                    token = %token.id,
                    error = cause::chain(&error),
                    "the new token could not be revoked yet"
                );
                Answer::WithdrawFailed
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How much room a task takes until its end.
    fn room<F: Future>(_: impl FnOnce(Box<Mint>) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_mint_that_waits_for_its_issuer_takes_little_room() {
        let room = room(Mint::run);
        assert!(room <= 16_000, "{room} bytes");
    }
}
