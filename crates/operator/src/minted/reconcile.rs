//! The reconcile of one `ApiToken` whose tokens we mint: observe, decide, perform, record.

use std::sync::Arc;
use std::time::Duration;
use tokenwright_core::instant::after;

use jiff::Timestamp;
use kube::runtime::controller::Action as Next;
use tokenwright_api::ApiToken;
use tokenwright_api::names::{finalizer, reason};
use tokenwright_api::record::Unreadable;
use tokenwright_core::{
    Action, AtDestination, AtIssuer, Decision, Destination, Flow, Held, MintFlow, MintPlan, Nonce,
    Note, Observed, Reason, Revision,
};

use crate::cluster::calls::CallError;
use crate::cluster::conditions::Trouble;
use crate::cluster::events::{Event, send};
use crate::cluster::finalizers;
use crate::cluster::logs;
use crate::cluster::pace::{self, UNTOLD};
use crate::issuer::load;
use crate::issuer::obstacle::Obstacle;
use crate::issuer::registry::Handle;
use crate::issuer::scheduler::{ASK_AGAIN, Class, Permit, SlotRequest, Turn};
use crate::issuer::status::paused;
use crate::minted::after::After;
use crate::minted::broken;
use crate::minted::listing;
use crate::minted::managed::{Beside, Managed, Shared};
use crate::minted::mint::Mint;
use crate::minted::only_observed;
use crate::minted::restore::restore;
use crate::minted::seen::Seen;
use crate::minted::steps;
use crate::minted::unserved::without_issuer;
use crate::secret::manager::Manager;
use crate::secret::shown::SecretMeta;

/// More steps than any object needs at once; beyond it something turns in a circle, slowly then.
const MOST_STEPS: usize = 24;

/// Why a reconcile did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReconcileError {
    /// The API server.
    #[error(transparent)]
    Call(#[from] CallError),

    /// The status.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl ReconcileError {
    /// What the API server said, where it was that.
    pub(crate) fn call(&self) -> Option<&CallError> {
        match self {
            Self::Call(error) => Some(error),
            Self::Unreadable(_) => None,
        }
    }
}

/// Whether a mint flow runs for this manager.
pub(crate) fn runs(shared: &Shared, uid: &str) -> bool {
    let running = |seen: &Seen| seen.running.clone();
    shared.memory.known(uid, running).is_some()
}

/// Brings one object a step nearer to what is wanted of it.
///
/// # Errors
///
/// If something got no clear answer; nothing is lost then.
pub(crate) async fn reconcile(
    shared: &Shared,
    (manager, object): (Manager, ApiToken),
    issuer: Result<Arc<Handle>, Obstacle>,
    watched: Option<Arc<SecretMeta>>,
) -> Result<Next, ReconcileError> {
    let context = Arc::clone(&shared.context);
    let handle = match issuer {
        Ok(handle) => handle,
        Err(obstacle) => return Ok(without_issuer(&context, &object, &obstacle).await?),
    };
    let uid = manager.uid.clone();
    let managed = Managed::new(shared, manager, object, handle)?;
    let done = work(managed.beside(watched)).await;
    match &done {
        Ok(_) => context.succeeded(&uid),
        // A look counts only where what follows from it succeeded.
        Err(_) => shared.memory.of(&uid, |seen| seen.doubted = true),
    }
    done
}

async fn work(mut managed: Managed) -> Result<Next, ReconcileError> {
    let mut live = false;
    for _ in 0..MOST_STEPS {
        let look = match std::mem::take(&mut live) {
            true => managed.look_now().await?,
            false => managed.look().await?,
        };
        let shown = look.destination.clone();
        let restored = match managed.context.observe_only {
            true => Ok(look),
            false => restore(&mut managed, look).await,
        };
        let look = match restored {
            Ok(look) => look,
            Err(error) => {
                tell_refusal(&mut managed, shown, &error).await?;
                return Err(error.into());
            }
        };
        let now = managed.context.clock.now();
        let observed = managed.observed(look.destination.clone(), None, now);
        let decision = managed.decide(&observed, now);
        logs::because(decision.reason.name());
        let inventory = listing::want(&managed, &decision, now);
        if managed.context.observe_only
            && let Some(action) = &decision.action
        {
            let beside = only_observed::would(action, decision.reason);
            let record = managed.record.clone();
            managed.write(record, look.destination, &beside).await?;
            // An instant that has passed asks for what is not done.
            let later = decision.check_again.filter(|at| *at > now);
            let again = [later, inventory, Some(after(now, UNTOLD))];
            return Ok(pace::at_first(again, now));
        }
        // It stands for as long as there is something to undo, whoever takes it away.
        if (decision.action.is_some() || managed.record.last_revision > 0)
            && let Some(held) =
                finalizers::ensure(&managed.context, &managed.object, finalizer::API_TOKEN).await?
        {
            managed.context.wrote(&held);
            managed.at(held)?;
        }
        let Some(action) = decision.action.clone() else {
            managed.handle.scheduler.forget(&managed.manager.uid);
            let next = next_look(&managed, &decision, inventory, now);
            // Where it ends in a moment, nobody reads what it waits for.
            let untold = match managed.spec.deletion.since {
                Some(_) => {
                    let beside = Beside::default();
                    managed.write_wait(look.destination, beside, now).await?
                }
                None => {
                    let record = managed.record.clone();
                    let beside = Beside::default();
                    managed.write(record, look.destination, &beside).await?;
                    managed.remember(|seen| seen.waits_since = None);
                    None
                }
            };
            return Ok(pace::at_first([next, untold], now));
        };
        // What is done to the Secret is done to what was read just now.
        if look.secret.is_none() && to_secret(&action, &look.destination) {
            live = true;
            continue;
        }
        let permit = match turn(&managed, &action, decision.reason, now) {
            Turn::Now(permit) => permit,
            // Who waits must not wait in vain, for a Secret of somebody else.
            Turn::Later
                if managed.remember(|seen| seen.secret.is_none())
                    && managed.tells_wait_at(now) <= now =>
            {
                live = true;
                continue;
            }
            Turn::Later => {
                let beside = Beside {
                    waits: load::queued(&managed.handle),
                    ..Beside::default()
                };
                let untold = managed.write_wait(look.destination, beside, now).await?;
                // A deadline comes at its instant, whoever goes first at the issuer.
                let again = Some(after(now, ASK_AGAIN));
                return Ok(pace::at_first([again, decision.check_again, untold], now));
            }
            Turn::Paused(pause) => {
                let obstacle = paused(&pause);
                let beside = Beside {
                    waits: Some(Trouble::new(obstacle.reason, obstacle.message)),
                    ..Beside::default()
                };
                let record = managed.record.clone();
                managed.write(record, look.destination, &beside).await?;
                return Ok(pace::at(pause.until, now));
            }
        };
        managed.remember(|seen| seen.waits_since = None);
        let shown = look.destination.clone();
        let done = match action {
            Action::Flow(flow) => {
                broken::tell(&managed, decision.reason, look.secret.as_ref()).await;
                start(managed, flow, &observed, permit, now);
                return Ok(Next::await_change());
            }
            Action::Issuer(request) => steps::ask(&mut managed, request, look).await?,
            Action::Record(note) => steps::record(&mut managed, note, look).await?,
            Action::Destination(step) => steps::at_destination(&mut managed, step, look).await?,
            Action::Finish => steps::finish(&mut managed, decision.reason).await?,
        };
        match done {
            After::Again => {}
            After::Gone => return Ok(Next::await_change()),
            After::Held(why) => {
                held(&mut managed, shown, why).await?;
                let again = [Some(after(now, UNTOLD)), decision.check_again, inventory];
                return Ok(pace::at_first(again, now));
            }
        }
        drop(permit);
    }
    Ok(Next::requeue(Duration::from_secs(5)))
}

/// Says in the status, and once in an event, what a step waits for.
async fn held(managed: &mut Managed, shown: Destination, why: Trouble) -> Result<(), CallError> {
    let event = Event::warning(why.reason.clone(), "Delete", why.message.clone());
    let first = !managed.says(&why);
    let beside = Beside {
        waits: Some(why),
        ..Beside::default()
    };
    let record = managed.record.clone();
    managed.write(record, shown, &beside).await?;
    if first {
        send(&managed.context, &managed.object, &event).await;
    }
    Ok(())
}

/// Says in the status, and once in an event, that the API server does not take the Secret as it is wanted.
async fn tell_refusal(
    managed: &mut Managed,
    shown: Destination,
    error: &CallError,
) -> Result<(), CallError> {
    if !matches!(error, CallError::Refused { .. }) {
        return Ok(());
    }
    let message =
        format!("{error}. The value in the Secret still works; the write is tried again.");
    let refused = Trouble::new(reason::SECRET_REFUSED, message.clone());
    let first = !managed.says(&refused);
    let beside = Beside {
        refused: Some(refused),
        ..Beside::default()
    };
    managed
        .write(managed.record.clone(), shown, &beside)
        .await?;
    if first {
        let event = Event::warning(reason::SECRET_REFUSED, "Restore", message);
        send(&managed.context, &managed.object, &event).await;
    }
    Ok(())
}

/// Whether an action needs the Secret itself, which is there.
fn to_secret(action: &Action, destination: &Destination) -> bool {
    let needs = matches!(
        action,
        Action::Record(Note::Published(_))
            | Action::Destination(AtDestination::Remove | AtDestination::Release)
    );
    needs && matches!(destination, Destination::Present { .. })
}

/// Whether it is this manager's turn at the issuer. What does not ask the issuer needs no turn.
fn turn(managed: &Managed, action: &Action, reason: Reason, now: Timestamp) -> Turn {
    let class = match action {
        Action::Flow(Flow::Mint { .. }) => match reason {
            Reason::FirstMint => Class::First,
            Reason::Triggered | Reason::InputsChanged => Class::Triggered,
            _ => Class::Scheduled,
        },
        Action::Issuer(AtIssuer::Revoke(_)) => Class::Revoke,
        // Nothing works from here on until the next one is delivered.
        Action::Issuer(AtIssuer::MakeRoom(_)) => Class::Triggered,
        Action::Flow(Flow::Replay(_)) | Action::Issuer(_) => Class::Scheduled,
        Action::Record(_) | Action::Destination(_) | Action::Finish => {
            return Turn::Now(Permit::free(&managed.handle.scheduler));
        }
    };
    // Where the old one ended to make room, nothing works until the next one is there.
    let ended = (reason == Reason::RoomMade).then_some(now);
    let current = managed.record.current.as_ref();
    let request = SlotRequest {
        uid: managed.manager.uid.clone(),
        namespace: managed.manager.namespace.clone(),
        class,
        expiry: current.and_then(Held::relied_on_until).or(ended),
    };
    managed.handle.scheduler.ask(request)
}

fn start(managed: Managed, flow: Flow, observed: &Observed, permit: Permit, now: Timestamp) {
    let mut random = [0; 5];
    if let Err(error) = getrandom::fill(&mut random) {
        tracing::error!(%error, "no random bytes for a nonce");
        return;
    }
    let plan = |revision: Revision, nonce: Nonce| {
        let who = (managed.manager.origin.clone(), managed.manager.id.clone());
        MintPlan::new(
            &managed.view(observed, &managed.record),
            who,
            revision,
            nonce,
            now,
        )
    };
    let (nonce, flow) = match flow {
        Flow::Mint { revision } => {
            let nonce = Nonce::from_bytes(random);
            (nonce.clone(), MintFlow::new(plan(revision, nonce), now))
        }
        Flow::Replay(attempt) => {
            let plan = plan(attempt.revision, attempt.nonce.clone());
            (attempt.nonce.clone(), MintFlow::replay(plan, *attempt, now))
        }
    };
    let context = Arc::clone(&managed.context);
    managed.remember(|seen| seen.running = Some(nonce));
    context
        .tasks
        .start(Mint::new(managed, flow, Some(permit)).run());
}

fn next_look(
    managed: &Managed,
    decision: &Decision,
    inventory: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    let untold = (decision.reason == Reason::DestinationForeign || managed.invalid.is_some())
        .then(|| after(now, UNTOLD));
    let instants = [decision.check_again, inventory, untold];
    instants.into_iter().flatten().min()
}
