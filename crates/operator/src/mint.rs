//! The mint flow, performed: one task per manager that no cancelled reconcile ends.
//!
//! The machine in `tokenwright-core` says what comes next; here it is only done. The value lives in
//! this task and nowhere else until it is committed to the Secret.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use tokenwright_api::names::{event, reason};
use tokenwright_client::{Evidence, MintRequest, Nomination, SecretValue, revoke};
use tokenwright_core::flow::Publication;
use tokenwright_core::{
    Answer, Ask, Attempt, Carried, Destination, DestinationVersion, Held, MintFlow, Outcome,
    Proven, Reason, TokenId, TokenRef, evolve,
};

use crate::calls::CallError;
use crate::context::Context;
use crate::events::{News, report};
use crate::parts::Parts;
use crate::report::Trouble;
use crate::scheduler::Permit;
use crate::secret::{Delivery, Ownership, carried, ownership, version};
use crate::subject::{Beside, Subject};
use crate::tend::impossible;

/// How often the outcome is written before it is left to the next reconcile, which finds it at the
/// destination.
const RECORD_TRIES: u32 = 8;

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

    /// The exact write as a dry run, with a placeholder of the largest size.
    async fn rehearse(&mut self) -> Answer {
        let look = match self.subject.look_now().await {
            Ok(look) => look,
            Err(error) => {
                self.in_trouble(Reason::RehearsalRefused.name(), error.to_string());
                return Answer::RehearsalRefused;
            }
        };
        if look.destination == Destination::Foreign {
            self.in_trouble(
                Reason::DestinationForeign.name(),
                Reason::DestinationForeign.sentence(),
            );
            return Answer::RehearsalRefused;
        }
        let held = self.placeholder();
        let previous = look.secret.as_ref().map(Parts::held_by).unwrap_or_default();
        let handle = &self.subject.handle;
        let parts = Parts::placeholder(handle.issuer.value_parts(), &handle.public_parts);
        let delivery = Delivery {
            manager: &self.subject.manager,
            template: &self.subject.object.spec.secret,
            current: &held,
            retiring: &self.subject.record.retiring,
            parts: &parts,
            previous: &previous,
        };
        let secret = match delivery.build(look.secret.as_ref()) {
            Ok(secret) => secret,
            Err(error) => {
                self.in_trouble(reason::INVALID_SPEC, chain(&error));
                self.subject.cannot(impossible(&error));
                return Answer::RehearsalRefused;
            }
        };
        match self.subject.context.calls.deliver(&secret, true).await {
            Ok(_) => {
                let version = version(look.secret.as_ref());
                self.existing = Existing::Read(look.secret.map(Box::new));
                Answer::Rehearsed(version)
            }
            Err(error) => {
                self.in_trouble(Reason::RehearsalRefused.name(), error.to_string());
                Answer::RehearsalRefused
            }
        }
    }

    /// A token like the one that will be minted, as far as the size of its metadata goes.
    fn placeholder(&self) -> Held {
        let plan = self.flow.plan();
        Held {
            token: TokenRef {
                id: TokenId::new("x".repeat(128)),
                marker: plan.marker.clone(),
                parameters: plan.spec.inputs.parameters.clone(),
                endpoint: plan.issuer.endpoint.clone(),
                identity: plan.issuer.identity.clone(),
            },
            inputs: plan.spec.inputs.clone(),
            created_at: self.now(),
            expires_at: Some(self.now()),
            proven: Proven::Yes,
            disabled_by_us: false,
        }
    }

    async fn write_attempt(&mut self, attempt: Attempt) -> Answer {
        let nonce = attempt.nonce.clone();
        let record = evolve(
            self.subject.record.clone(),
            Outcome::Attempted(attempt),
            self.now(),
        );
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
                use tokenwright_client::ErrorKind;
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
            Some((value, _)) => Answer::Proved(self.subject.handle.issuer.check(value).await),
            None => Answer::Proved(tokenwright_core::Liveness::Unknown),
        }
    }

    /// One conditional write of everything.
    async fn publish(&mut self, publication: &Publication) -> Answer {
        if matches!(self.existing, Existing::NotRead) {
            match self.subject.look_now().await {
                Ok(look) => self.existing = Existing::Read(look.secret.map(Box::new)),
                Err(error) => return self.publish_failed(&error),
            }
        }
        let existing = match &self.existing {
            Existing::Read(secret) => secret.clone(),
            Existing::NotRead => None,
        };
        if version(existing.as_deref()) != publication.destination {
            return self.after_conflict(publication).await;
        }
        let built = {
            let empty = Parts::default();
            let parts = self.value.as_ref().map_or(&empty, |(_, parts)| parts);
            let previous = existing.as_deref().map(Parts::held_by).unwrap_or_default();
            Delivery {
                manager: &self.subject.manager,
                template: &self.subject.object.spec.secret,
                current: &publication.current,
                retiring: &publication.retiring,
                parts,
                previous: &previous,
            }
            .build(existing.as_deref())
        };
        let secret = match built {
            Ok(secret) => secret,
            Err(error) => {
                self.in_trouble(reason::INVALID_SPEC, chain(&error));
                return Answer::PublishFailed;
            }
        };
        match self.subject.context.calls.deliver(&secret, false).await {
            Ok(secret) => {
                self.left_behind(existing.as_deref()).await;
                self.delivered = Some(secret);
                Answer::Committed
            }
            Err(CallError::Conflict(_) | CallError::Missing(_) | CallError::Unclear { .. }) => {
                self.after_conflict(publication).await
            }
            Err(error @ CallError::Refused { .. }) => self.publish_failed(&error),
        }
    }

    fn publish_failed(&mut self, error: &CallError) -> Answer {
        self.in_trouble(Reason::PublishRefused.name(), error.to_string());
        Answer::PublishFailed
    }

    /// What became of a write that got no clear answer, or met another version.
    async fn after_conflict(&mut self, publication: &Publication) -> Answer {
        let live = match self.subject.look_now().await {
            Ok(look) => look.secret,
            Err(error) => return self.publish_failed(&error),
        };
        let says = live
            .as_ref()
            .and_then(|secret| carried(secret, &self.subject.manager));
        if names(says.as_ref(), &publication.current.token) {
            self.delivered = live;
            return Answer::Committed;
        }
        let now_at = version(live.as_ref());
        if now_at == publication.destination {
            return Answer::PublishFailed;
        }
        let same_object = matches!(
            (&now_at, &publication.destination),
            (DestinationVersion::Present { uid: now, .. }, DestinationVersion::Present { uid: then, .. }) if now == then
        );
        let foreign = live
            .as_ref()
            .is_some_and(|secret| ownership(secret, &self.subject.manager) == Ownership::Foreign);
        let before = self.flow.plan().current.as_ref().map(|held| &held.token.id);
        let same_token = says.as_ref().map(|says| &says.current.token.id) == before;
        if same_object && same_token && !foreign && self.attempt_is_open().await {
            self.existing = Existing::Read(live.map(Box::new));
            return Answer::Moved(now_at);
        }
        Answer::Changed
    }

    /// The fence: an attempt that somebody closed must not be published any more.
    async fn attempt_is_open(&self) -> bool {
        let manager = &self.subject.manager;
        let nonce = self.flow.plan().marker.nonce.to_string();
        let live = self
            .subject
            .context
            .calls
            .token(&manager.namespace, &manager.name)
            .await;
        let status = live.ok().flatten().and_then(|object| object.status);
        status.is_some_and(|status| status.attempts.iter().any(|attempt| attempt.nonce == nonce))
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

    /// Says which token stays alive where a Secret of a gone object is taken over.
    async fn left_behind(&self, taken_over: Option<&Secret>) {
        let Some(secret) = taken_over else { return };
        let Ownership::Predecessor { uid } = ownership(secret, &self.subject.manager) else {
            return;
        };
        let annotations = secret.metadata.annotations.clone().unwrap_or_default();
        let id = annotations
            .get(tokenwright_api::names::annotation::TOKEN_ID)
            .cloned()
            .unwrap_or_default();
        let note = format!(
            "The Secret was taken over from the gone object {uid}; its token {id} stays alive, since it is not ours."
        );
        report(
            &self.subject.context,
            &self.subject.object,
            &News::warning(event::LEFT_BEHIND, "TakeOver", note),
        )
        .await;
    }

    async fn record(&mut self, outcome: &Outcome) {
        if matches!(
            outcome,
            Outcome::Failed {
                reason: Reason::AttemptConflict,
                ..
            }
        ) {
            return;
        }
        let mut wait = std::time::Duration::from_millis(200);
        for _ in 0..RECORD_TRIES {
            match self.try_record(outcome).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the outcome was not recorded yet"
                ),
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
            let manager = &self.subject.manager;
            let live = self
                .subject
                .context
                .calls
                .token(&manager.namespace, &manager.name)
                .await;
            match live {
                Ok(Some(object))
                    if kube::ResourceExt::uid(&object).as_ref() == Some(&manager.uid) =>
                {
                    if self.subject.at(object).is_err() {
                        return;
                    }
                    let nonce = &self.flow.plan().marker.nonce;
                    // Somebody closed the attempt, or the write was made after all.
                    if self.attempted && self.subject.record.attempt(nonce).is_none() {
                        return;
                    }
                }
                Ok(_) => return,
                Err(_) => {}
            }
        }
    }

    async fn try_record(&mut self, outcome: &Outcome) -> Result<(), CallError> {
        let record = evolve(self.subject.record.clone(), outcome.clone(), self.now());
        let mut beside = Beside {
            trouble: self.trouble.clone(),
            ..Beside::default()
        };
        let destination = match (outcome, &self.delivered) {
            (Outcome::Published(publication), Some(secret)) => {
                beside.trouble = None;
                beside.digest = self
                    .value
                    .as_ref()
                    .map(|(_, parts)| parts.digest(&self.subject.context.key));
                let destination = Destination::Present {
                    version: version(Some(secret)),
                    carried: Some(Box::new(Carried {
                        current: publication.current.clone(),
                        retiring: publication.retiring.clone(),
                    })),
                    intact: true,
                };
                self.subject.saw(Some(secret), &destination);
                destination
            }
            _ => {
                if beside.trouble.is_none() {
                    beside.trouble = trouble_of(outcome);
                }
                let known = self
                    .subject
                    .context
                    .remember(&self.subject.manager.uid, |memory| memory.secret.clone());
                known.map_or(Destination::NotLooked, |known| known.destination)
            }
        };
        self.subject.write(record, destination, &beside).await
    }

    async fn tell(&self, outcome: &Outcome) {
        let name = &self.subject.object.spec.secret.name;
        let news = match outcome {
            Outcome::Published(publication) => {
                let held = &publication.current;
                let expiry = held.expires_at.map_or_else(
                    || "never expires".to_owned(),
                    |at| format!("expires at {at}"),
                );
                let (revision, id) = (held.token.marker.revision, &held.token.id);
                let note = format!(
                    "Revision {revision}, token {id}, is delivered to the Secret {name}; it {expiry}."
                );
                News::normal(event::PUBLISHED, "Mint", note)
            }
            Outcome::Failed {
                reason: Reason::AttemptConflict,
                ..
            } => return,
            Outcome::Failed { .. } | Outcome::Lost { .. } => {
                match self.trouble.clone().or_else(|| trouble_of(outcome)) {
                    Some(trouble) => News::warning(trouble.reason, "Mint", trouble.message),
                    None => return,
                }
            }
            _ => return,
        };
        report(&self.subject.context, &self.subject.object, &news).await;
    }
}

fn trouble_of(outcome: &Outcome) -> Option<Trouble> {
    let reason = match outcome {
        Outcome::Failed { reason, .. } => *reason,
        Outcome::Lost { .. } => Reason::OutcomeUnknown,
        _ => return None,
    };
    Some(Trouble {
        reason: reason.name().to_owned(),
        message: reason.sentence().to_owned(),
    })
}

fn names(says: Option<&Carried>, token: &TokenRef) -> bool {
    says.is_some_and(|says| {
        says.current.token.marker == token.marker && says.current.token.id == token.id
    })
}

/// An error with its causes, for a condition: none of them is a vendor's.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
