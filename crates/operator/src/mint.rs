//! The mint flow, performed: one task per manager that no cancelled reconcile ends.
//!
//! The machine in `tokenwright-core` says what comes next; here it is only done. The value lives in
//! this task and nowhere else until it is committed to the Secret.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use tokenwright_client::{ErrorKind, Evidence, MintRequest, Nomination, SecretValue, revoke};
use tokenwright_core::{Answer, Ask, Attempt, Liveness, MintFlow, Outcome, Reason, TokenRef};

use crate::context::Context;
use crate::parts::Parts;
use crate::report::Trouble;
use crate::scheduler::Permit;
use crate::secret::carried;
use crate::subject::{Beside, Subject};

mod outcome;
mod publish;

use publish::names;

/// One mint under way.
#[derive(Debug)]
pub struct Mint {
    subject: Subject,
    flow: MintFlow,
    /// The slot; given back when the mint is over.
    permit: Option<Permit>,
    /// Whether the attempt is written down.
    attempted: bool,
    /// The Secret as it was when the write to it was last prepared.
    existing: Existing,
    value: Option<(SecretValue, Parts)>,
    trouble: Option<Trouble>,
    delivered: Option<Secret>,
}

#[derive(Debug)]
enum Existing {
    NotRead,
    Read(Option<Box<Secret>>),
}

/// Says that a flow runs, until it is dropped; wakes the manager then.
struct Running {
    context: Arc<Context>,
    uid: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.context
            .remember(&self.uid, |memory| memory.running = None);
        self.context.wake(&self.uid);
    }
}

impl Mint {
    /// A mint that has done nothing yet.
    #[must_use]
    pub fn new(subject: Subject, flow: MintFlow, permit: Option<Permit>) -> Self {
        Self {
            subject,
            flow,
            permit,
            attempted: false,
            existing: Existing::NotRead,
            value: None,
            trouble: None,
            delivered: None,
        }
    }

    /// Runs to the end, records it, and wakes the manager.
    pub async fn run(mut self) {
        // Whatever ends this task, the manager must not be taken for busy afterwards.
        let _running = Running {
            context: Arc::clone(&self.subject.context),
            uid: self.subject.manager.uid.clone(),
        };
        let outcome = self.steps().await;
        self.record(&outcome).await;
        self.tell(&outcome).await;
        drop(self.permit.take());
    }

    fn now(&self) -> Timestamp {
        self.subject.context.clock.now()
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
                Ask::Mint(attempt) => self.mint(attempt).await,
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

    fn in_trouble(&mut self, reason: impl Into<String>, message: impl Into<String>) {
        self.trouble = Some(Trouble {
            reason: reason.into(),
            message: message.into(),
        });
    }
    async fn write_attempt(&mut self, attempt: Attempt) -> Answer {
        let nonce = attempt.nonce.clone();
        let record = self.subject.evolve(Outcome::Attempted(attempt), self.now());
        let existing = match &self.existing {
            Existing::Read(secret) => secret.as_deref(),
            Existing::NotRead => None,
        };
        let destination = self.subject.judge(existing);
        let beside = Beside {
            running: Some(nonce),
            ..Beside::default()
        };
        match self.subject.write(record, destination, &beside).await {
            Ok(()) => {
                self.attempted = true;
                Answer::AttemptWritten
            }
            // Whether or not the write was made: nothing was minted for it, and an open attempt heals.
            Err(error) => {
                tracing::info!(
                    error = &error as &dyn std::error::Error,
                    "the attempt was not written"
                );
                Answer::AttemptConflict
            }
        }
    }

    async fn mint(&mut self, attempt: Attempt) -> Answer {
        let request = MintRequest {
            remote_name: self.flow.plan().marker.remote_name(&attempt.inputs.name),
            inputs: attempt.inputs,
            at: self.now(),
            idempotency_key: attempt.nonce.to_string(),
        };
        match self.subject.handle.issuer.mint(&request).await {
            Ok(minted) => {
                let parts = Parts::of(&minted.value, &minted.public);
                self.value = Some((minted.value, parts));
                Answer::Minted {
                    id: minted.token.id,
                    expires_at: minted.token.expires_at,
                }
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the mint failed");
                let retry_after = error.kind.retry_after();
                if let Some(wait) = retry_after {
                    self.subject.handle.scheduler.pause(self.now() + wait);
                }
                let (reason, answer) = match error.kind {
                    ErrorKind::OutcomeUnknown => (Reason::OutcomeUnknown, Answer::MintUnknown),
                    ErrorKind::Unavailable => (
                        Reason::MintNotSent,
                        Answer::NotMinted {
                            sent: false,
                            retry_after,
                        },
                    ),
                    ErrorKind::NotFound
                    | ErrorKind::Unauthenticated
                    | ErrorKind::Forbidden
                    | ErrorKind::Invalid
                    | ErrorKind::Conflict
                    | ErrorKind::LimitReached
                    | ErrorKind::RateLimited { .. }
                    | ErrorKind::Unexpected => (
                        Reason::MintRefused,
                        Answer::NotMinted {
                            sent: true,
                            retry_after,
                        },
                    ),
                };
                self.in_trouble(
                    reason.name(),
                    format!(
                        "{} {}: {}.",
                        reason.sentence(),
                        error.kind.name(),
                        error.kind
                    ),
                );
                answer
            }
        }
    }

    async fn prove(&mut self) -> Answer {
        match &self.value {
            Some((value, _)) => {
                let parameters = &self.subject.spec.inputs.parameters;
                let issuer = &self.subject.handle.issuer;
                Answer::Proved(issuer.check_with(value, parameters).await)
            }
            None => Answer::Proved(Liveness::Unknown),
        }
    }

    /// Ends the token that this very mint made, unless the Secret names it after all.
    async fn withdraw(&mut self, token: &TokenRef) -> Answer {
        let Ok(look) = self.subject.look_now().await else {
            return Answer::WithdrawFailed;
        };
        let says = look
            .secret
            .as_ref()
            .and_then(|secret| carried(secret, &self.subject.manager));
        let now = self.now();
        let retiring = says.iter().flat_map(|says| &says.retiring);
        let waits = retiring
            .into_iter()
            .any(|old| old.token.id == token.id && old.not_before > now);
        if waits || names(says.as_ref(), token) {
            return Answer::InUse;
        }
        let nomination = Nomination {
            token,
            minted_at: Some(now),
            expires_at: None,
            decided_at: now,
        };
        match revoke(
            self.subject.handle.issuer.as_ref(),
            nomination,
            Evidence::Minted,
            now,
        )
        .await
        {
            Ok(_) => Answer::Withdrawn,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the new token could not be revoked yet"
                );
                Answer::WithdrawFailed
            }
        }
    }
}
