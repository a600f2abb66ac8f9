//! The reconcile of one `ApiToken`: observe, decide, perform, record.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use kube::runtime::controller::Action as Next;
use tokenwright_api::ApiToken;
use tokenwright_api::names::{condition, event, finalizer, reason};
use tokenwright_core::{Action, Decision, MintFlow, MintPlan, Nonce, Observed, Reason, Revision};

use crate::adopt;
use crate::calls::CallError;
use crate::conditions::{Fact, updated};
use crate::context::Context;
use crate::events::{News, report};
use crate::finalizers;
use crate::issuers::{Handle, Obstacle, Standing};
use crate::manager::Manager;
use crate::mint::Mint;
use crate::record::Unreadable;
use crate::scheduler::{Class, Permit, Turn, Wish};
use crate::steps::{After, StepError, perform};
use crate::subject::{Beside, Subject};
use crate::tend::tend;
use crate::wishes;

/// More steps than any object needs at once; beyond it something turns in a circle, slowly then.
const MOST_STEPS: usize = 24;

/// What nobody tells us is looked at this often: a Secret of somebody else, an issuer that is not there.
const UNTOLD: SignedDuration = SignedDuration::from_secs(60);

/// After a listing that failed, the next one waits this long.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// The longest wait between two reconciles that failed.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Why a reconcile did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The API server.
    #[error("{0}")]
    Call(#[from] CallError),

    /// A step.
    #[error("{0}")]
    Step(#[from] StepError),

    /// The status.
    #[error("{0}")]
    Unreadable(#[from] Unreadable),
}

/// How long to wait after a reconcile that failed.
#[must_use]
pub fn after_error(object: &ApiToken, error: &ReconcileError, context: &Context) -> Next {
    tracing::warn!(
        object = object.name_any(),
        namespace = object.namespace(),
        error = error as &dyn std::error::Error,
        "the reconcile failed and is tried again"
    );
    let failures = object.uid().map_or(0, |uid| {
        context.remember(&uid, |memory| {
            memory.failures = memory.failures.saturating_add(1);
            memory.failures
        })
    });
    let wait = Duration::from_millis(250).saturating_mul(1 << failures.min(12));
    Next::requeue(wait.min(LONGEST_WAIT))
}

/// What the watches show around an object.
#[derive(Debug, Clone)]
pub struct Around {
    /// The version of its Secret; `None` where none of ours is shown.
    pub secret: Option<String>,
    /// Whether its issuer is there.
    pub issuer: bool,
}

/// Brings one object a step nearer to what is wanted of it.
///
/// # Errors
///
/// If something got no clear answer; nothing is lost then.
pub async fn reconcile(
    watched: Arc<ApiToken>,
    context: Arc<Context>,
    around: Around,
) -> Result<Next, ReconcileError> {
    let object = context.newest(watched);
    let Some(manager) = Manager::of(&object, &context.origin) else {
        return Ok(Next::await_change());
    };
    let (uid, deleting) = (manager.uid.clone(), wishes::deleted_at(&object).is_some());
    if context.remember(&uid, |memory| memory.running.is_some()) {
        // The flow wakes us when it is over.
        return Ok(Next::await_change());
    }
    if deleting && !finalizers::has(object.as_ref(), finalizer::API_TOKEN) {
        context.memory.lock().remove(&uid);
        return Ok(Next::await_change());
    }
    let Some(issuer) = issuer_of(&context, &object, around.issuer) else {
        // The other controller has it and will wake us.
        return Ok(requeue_at(None, context.clock.now()));
    };
    if let Some(request) = object.spec.adopt.clone() {
        let subject = (manager, ApiToken::clone(&object));
        let adopted = adopt::reconcile(&context, subject, request, issuer);
        return Ok(Box::pin(adopted).await?);
    }
    let handle = match issuer {
        Ok(handle) => handle,
        Err(obstacle) => return without_issuer(&context, &object, &obstacle).await,
    };
    let subject = Subject::new(&context, manager, ApiToken::clone(&object), handle)?;
    let next = Box::pin(work(subject, around.secret)).await?;
    context.remember(&uid, |memory| memory.failures = 0);
    Ok(next)
}

/// The issuer of an object, or why it cannot be used; nothing where nobody has looked at it yet.
fn issuer_of(
    context: &Context,
    object: &ApiToken,
    there: bool,
) -> Option<Result<Arc<Handle>, Obstacle>> {
    let name = &object.spec.issuer_ref.name;
    let namespace = object.namespace().unwrap_or_default();
    match context.issuers.get(&namespace, name) {
        Some(Standing::Ready(handle)) => Some(Ok(handle)),
        Some(Standing::NotReady(obstacle)) => Some(Err(obstacle)),
        None if there => None,
        None => Some(Err(Obstacle {
            reason: reason::ISSUER_NOT_FOUND,
            message: format!("There is no TokenIssuer {name}."),
            stalled: false,
        })),
    }
}

async fn work(mut subject: Subject, watched: Option<String>) -> Result<Next, ReconcileError> {
    for _ in 0..MOST_STEPS {
        let look = subject.look(watched.as_deref()).await?;
        let look = tend(&mut subject, look).await?;
        let now = subject.context.clock.now();
        let observed = subject.observed(look.destination.clone(), None, now);
        let decision = subject.decide(&observed, now);
        let inventory = want_inventory(&subject, &decision, now);
        let Some(action) = decision.action.clone() else {
            subject.handle.scheduler.forget(&subject.manager.uid);
            let record = subject.record.clone();
            subject
                .write(record, look.destination, &Beside::default())
                .await?;
            return Ok(next_look(&subject, &decision, inventory, now));
        };
        ensure_finalizer(&mut subject).await?;
        let permit = match turn(&subject, &action, decision.reason, now) {
            Turn::Now(permit) => permit,
            Turn::Later(again) => {
                let record = subject.record.clone();
                subject
                    .write(record, look.destination, &Beside::default())
                    .await?;
                return Ok(requeue_at(again, now));
            }
        };
        if matches!(action, Action::Mint { .. } | Action::Replay(_)) {
            start(subject, action, &observed, permit, now);
            return Ok(Next::await_change());
        }
        if perform(&mut subject, action, decision.reason, look).await? == After::Gone {
            return Ok(Next::await_change());
        }
        drop(permit);
    }
    Ok(Next::requeue(Duration::from_secs(5)))
}

/// The finalizer stands before anything is done that must be undone at the end.
async fn ensure_finalizer(subject: &mut Subject) -> Result<(), ReconcileError> {
    if finalizers::has(&subject.object, finalizer::API_TOKEN)
        || subject.spec.deletion.since.is_some()
    {
        return Ok(());
    }
    let finalizers = finalizers::with(&subject.object, finalizer::API_TOKEN);
    let object = subject
        .context
        .calls
        .set_finalizers(&subject.object, &finalizers)
        .await?;
    subject.context.wrote(&object);
    subject.at(object)?;
    Ok(())
}

/// Whether it is this manager's turn at the issuer. What does not ask the issuer needs no turn.
fn turn(subject: &Subject, action: &Action, reason: Reason, now: Timestamp) -> Turn {
    let class = match action {
        Action::Mint { .. } => match reason {
            Reason::FirstMint => Class::First,
            Reason::Triggered | Reason::InputsChanged => Class::Triggered,
            _ => Class::Scheduled,
        },
        Action::Revoke(_) => Class::Revoke,
        Action::Replay(_) | Action::SetEnabled(..) | Action::Update(..) | Action::Prove(_) => {
            Class::Scheduled
        }
        Action::Record(_)
        | Action::CloseAttempt { .. }
        | Action::RemoveDestination
        | Action::ReleaseDestination
        | Action::Finish => return Turn::Now(Permit::free(&subject.handle.scheduler)),
    };
    let wish = Wish {
        uid: subject.manager.uid.clone(),
        class,
        expiry: subject
            .record
            .current
            .as_ref()
            .and_then(|held| held.expires_at),
    };
    subject.handle.scheduler.ask(wish, now)
}

fn start(subject: Subject, action: Action, observed: &Observed, permit: Permit, now: Timestamp) {
    let mut random = [0; 5];
    if let Err(error) = getrandom::fill(&mut random) {
        tracing::error!(%error, "no random bytes for a nonce");
        return;
    }
    let plan = |revision: Revision, nonce: Nonce| {
        let who = (subject.manager.origin.clone(), subject.manager.id.clone());
        MintPlan::new(
            &subject.view(observed, &subject.record),
            who,
            revision,
            nonce,
            now,
        )
    };
    let (nonce, flow) = match action {
        Action::Mint { revision } => {
            let nonce = Nonce::from_bytes(random);
            (nonce.clone(), MintFlow::new(plan(revision, nonce), now))
        }
        Action::Replay(attempt) => {
            let plan = plan(attempt.revision, attempt.nonce.clone());
            (attempt.nonce.clone(), MintFlow::replay(plan, attempt, now))
        }
        _ => return,
    };
    let context = Arc::clone(&subject.context);
    context.remember(&subject.manager.uid, |memory| memory.running = Some(nonce));
    context
        .tasks
        .start(Mint::new(subject, flow, Some(permit)).run());
}

/// Asks for the listing that the decision needs, or for the one that is due anyway; says when to look
/// again for its sake.
fn want_inventory(subject: &Subject, decision: &Decision, now: Timestamp) -> Option<Timestamp> {
    if !subject.lists() || subject.record.last_revision == 0 {
        return None;
    }
    let parameters = subject.spec.inputs.parameters.clone();
    let handle = Arc::clone(&subject.handle);
    let newest = handle
        .inventory
        .newest(&parameters)
        .map(|listing| listing.started_at);
    let due = newest.map_or(now, |newest| newest + handle.recheck);
    let (context, uid) = (Arc::clone(&subject.context), subject.manager.uid.clone());
    let touched = context.remember(&uid, |memory| memory.touched_at);
    let since = decision
        .inventory
        .max(touched)
        .filter(|since| newest.is_none_or(|newest| newest < *since));
    let since = since.unwrap_or(due);
    if since > now {
        return Some(since);
    }
    if context.remember(&uid, |memory| std::mem::replace(&mut memory.listing, true)) {
        return None;
    }
    let tasks = context.tasks.clone();
    tasks.start(async move {
        match handle.inventory.since(&parameters, since).await {
            Ok(listing) => *handle.listed_at.lock() = Some(listing.started_at),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the inventory could not be read"
                );
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
        context.remember(&uid, |memory| memory.listing = false);
        context.wake(&uid);
    });
    None
}

fn next_look(
    subject: &Subject,
    decision: &Decision,
    inventory: Option<Timestamp>,
    now: Timestamp,
) -> Next {
    let untold = (decision.reason == Reason::DestinationForeign || subject.invalid.is_some())
        .then(|| now + UNTOLD);
    let at = [decision.check_again, inventory, untold]
        .into_iter()
        .flatten()
        .min();
    match at {
        Some(at) => requeue_at(Some(at), now),
        None => Next::await_change(),
    }
}

fn requeue_at(at: Option<Timestamp>, now: Timestamp) -> Next {
    let at = at.unwrap_or(now + UNTOLD);
    let wait = Duration::try_from(at.duration_since(now)).unwrap_or_default();
    // A little later than the instant itself: timers may be early by a tick.
    Next::requeue(wait + Duration::from_millis(5))
}

/// An object whose issuer cannot be asked: says so, and lets it go where nothing keeps it.
async fn without_issuer(
    context: &Arc<Context>,
    object: &ApiToken,
    obstacle: &Obstacle,
) -> Result<Next, ReconcileError> {
    let (why, message) = (obstacle.reason, obstacle.message.as_str());
    let stalled = obstacle.stalled;
    let now = context.clock.now();
    let status = object.status.clone().unwrap_or_default();
    if let Some(since) = wishes::deleted_at(object) {
        let deletion = wishes::only_tend(object, None, SignedDuration::ZERO).deletion;
        let empty = status.last_revision == 0;
        if empty || now >= since + deletion.timeout {
            if !empty {
                let ids: Vec<String> = status
                    .current
                    .iter()
                    .map(|current| current.token_id.clone())
                    .chain(
                        status
                            .retiring
                            .iter()
                            .map(|retiring| retiring.token_id.clone()),
                    )
                    .collect();
                let note = format!(
                    "{} Tokens: {}.",
                    Reason::DeletionTimedOut.sentence(),
                    ids.join(", ")
                );
                report(
                    context,
                    object,
                    &News::warning(event::DELETION_TIMED_OUT, "Delete", note),
                )
                .await;
            }
            context.calls.release(object, finalizer::API_TOKEN).await?;
            return Ok(Next::await_change());
        }
    }
    let works = status
        .current
        .as_ref()
        .is_some_and(|current| current.expires_at.is_none_or(|at| at > now));
    let mut facts = vec![
        Fact::new(
            condition::STALLED,
            stalled,
            if stalled { why } else { reason::IDLE },
            if stalled { message } else { "" },
        ),
        Fact::new(
            condition::RECONCILING,
            !stalled,
            if stalled { reason::IDLE } else { why },
            if stalled { "" } else { message },
        ),
    ];
    if !works {
        facts.insert(0, Fact::new(condition::READY, false, why, message));
    }
    let generation = object.metadata.generation.unwrap_or_default();
    let mut next = object.clone();
    let mut said = status.clone();
    said.conditions = updated(&status.conditions, &facts, generation, now);
    said.observed_generation = Some(generation);
    if said != status {
        next.status = Some(said);
        let written = context.calls.write_status(next).await?;
        context.wrote(&written);
    }
    Ok(requeue_at(Some(now + UNTOLD), now))
}
