//! The reconcile of one `ApiToken` whose tokens we mint: observe, decide, perform, record.

use std::sync::Arc;
use std::time::Duration;

use tokenwright_api::ApiToken;
use tokenwright_api::names::finalizer;
use tokenwright_core::{
    Action, AtDestination, AtIssuer, Decision, Destination, Flow, Held, MintFlow, MintPlan, Nonce,
    Note, Reason, Revision,
};

use crate::cluster::finalizers;
use crate::cluster::logs;
use crate::cluster::pace::Next;
use crate::cluster::uid::Uid;
use crate::issuer::obstacle::Obstacle;
use crate::issuer::registry::Handle;
use crate::issuer::scheduler::{Class, Permit, SlotRequest, Turn};
use crate::minted::after::After;
use crate::minted::broken;
use crate::minted::listing;
use crate::minted::managed::{Managed, Shared};
use crate::minted::mint::Mint;
use crate::minted::observe::Look;
use crate::minted::rest;
use crate::minted::restore::restore;
use crate::minted::seen::Seen;
use crate::minted::step::{Found, ReconcileError, Step};
use crate::minted::steps;
use crate::minted::unserved::without_issuer;
use crate::secret::manager::Manager;
use crate::secret::shown::SecretMeta;

/// More steps than any object needs at once; beyond it something turns in a circle, slowly then.
const MOST_STEPS: usize = 24;

/// Whether a mint flow runs for this manager.
pub(crate) fn runs(shared: &Shared, uid: impl Into<Uid>) -> bool {
    let running = |seen: &Seen| seen.running.as_ref().map(|_| ());
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
        Err(obstacle) => {
            let watched = watched.is_some();
            return Ok(without_issuer(&context, &object, &obstacle, watched).await?);
        }
    };
    let uid = manager.uid.clone();
    let managed = Managed::new(shared, manager, object, handle)?;
    let done = work(managed.beside(watched)).await;
    match &done {
        // Whether a mint begins well is known once its attempt is written down.
        Ok(_) if runs(shared, &uid) => {}
        Ok(_) => context.succeeded(&uid),
        // A look counts only where what follows from it succeeded.
        Err(_) => shared.memory.of(&uid, |seen| seen.doubted = true),
    }
    done
}

async fn work(mut managed: Managed) -> Result<Next, ReconcileError> {
    if let Some(unwritten) = managed.remember(|seen| seen.unwritten.take()) {
        return Err((*unwritten).into());
    }
    let mut live = false;
    for _ in 0..MOST_STEPS {
        match step(&mut managed, live).await? {
            Step::Again => live = false,
            Step::LookNow => live = true,
            Step::Mint(flow, found, permit) => {
                start(managed, flow, &found, permit);
                return Ok(Next::await_change());
            }
            Step::Rest(next) => return Ok(next),
        }
    }
    Ok(Next::requeue(Duration::from_secs(5)))
}

/// One step: observe, decide, take a turn at the issuer, perform and record.
async fn step(managed: &mut Managed, live: bool) -> Result<Step, ReconcileError> {
    let look = observe(managed, live).await?;
    let found = decide(managed, look);
    if managed.context.observe_only && found.decision.action.is_some() {
        return rest::only_told(managed, found).await;
    }
    hold(managed, &found.decision).await?;
    let Some(action) = found.decision.action.clone() else {
        return rest::nothing_to_do(managed, found).await;
    };
    // What is done to the Secret is done to what was read just now.
    if found.look.secret.is_none() && to_secret(&action, &found.look.destination) {
        return Ok(Step::LookNow);
    }
    match turn(managed, &action, &found) {
        Turn::Now(permit) => perform(managed, action, found, permit).await,
        Turn::Later => rest::until_its_turn(managed, found).await,
        Turn::Paused(pause) => rest::until_the_pause_ends(managed, found, &pause).await,
    }
}

/// What is there, put right where somebody else changed what is ours.
async fn observe(managed: &mut Managed, live: bool) -> Result<Look, ReconcileError> {
    let mut look = match live {
        true => managed.look_now().await?,
        false => managed.look().await?,
    };
    if managed.context.observe_only {
        return Ok(look);
    }
    if let Some(says) = managed.denied(look.secret.as_ref()) {
        tracing::warn!("somebody edited which token is current; the Secret says it under our seal");
        steps::record(managed, Note::Published(Box::new(says)), look).await?;
        look = managed.look_now().await?;
    }
    Ok(restore(managed, look).await?)
}

fn decide(managed: &Managed, look: Look) -> Found {
    let now = managed.context.clock.now();
    let observed = managed.observed(look.destination.clone(), None, now);
    let decision = managed.decide(&observed, now);
    logs::because(decision.reason.name());
    let inventory = listing::want(managed, &decision, now);
    Found {
        look,
        observed,
        decision,
        inventory,
        now,
    }
}

/// Keeps the object for as long as there is something to undo, whoever takes the finalizer away.
async fn hold(managed: &mut Managed, decision: &Decision) -> Result<(), ReconcileError> {
    if decision.action.is_none() && managed.record.last_revision == 0 {
        return Ok(());
    }
    let context = Arc::clone(&managed.context);
    if let Some(held) = finalizers::ensure(&context, &managed.object, finalizer::API_TOKEN).await? {
        context.wrote(&held);
        managed.at(held)?;
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
fn turn(managed: &Managed, action: &Action, found: &Found) -> Turn {
    let reason = found.decision.reason;
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
    let ended = (reason == Reason::RoomMade).then_some(found.now);
    let current = managed.record.current.as_ref();
    let request = SlotRequest {
        uid: managed.manager.uid.clone(),
        namespace: managed.manager.namespace.clone(),
        class,
        expiry: current.and_then(Held::relied_on_until).or(ended),
        // Consumers have nothing that works until then.
        ahead: matches!(
            reason,
            Reason::DestinationLost
                | Reason::ValueModified
                | Reason::TokenMissing
                | Reason::TokenDead
        ),
    };
    managed.handle.scheduler.ask(request)
}

/// Does what was decided, once.
async fn perform(
    managed: &mut Managed,
    action: Action,
    found: Found,
    permit: Permit,
) -> Result<Step, ReconcileError> {
    managed.remember(|seen| seen.waits_since = None);
    let reason = found.decision.reason;
    let again = [found.decision.check_again, found.inventory];
    let (shown, now) = (found.look.destination.clone(), found.now);
    let done = match action {
        Action::Flow(flow) => {
            broken::tell(managed, reason, found.look.secret.as_ref()).await;
            return Ok(Step::Mint(flow, Box::new(found), permit));
        }
        Action::Issuer(request) => steps::ask(managed, request, found.look).await?,
        Action::Record(note) => steps::record(managed, note, found.look).await?,
        Action::Destination(step) => steps::at_destination(managed, step, found.look).await?,
        Action::Finish => steps::finish(managed, reason, found.look).await?,
    };
    match done {
        After::Again => Ok(Step::Again),
        After::Gone => Ok(Step::Rest(Next::await_change())),
        After::Held(why) => rest::held(managed, shown, why, again, now).await,
    }
}

fn start(managed: Managed, flow: Flow, found: &Found, permit: Permit) {
    let mut random = [0; 5];
    if let Err(error) = getrandom::fill(&mut random) {
        tracing::error!(%error, "no random bytes for a nonce");
        return;
    }
    let plan = |revision: Revision, nonce: Nonce| {
        let who = (managed.manager.origin.clone(), managed.manager.id.clone());
        MintPlan::new(
            &managed.view(&found.observed, &managed.record),
            who,
            revision,
            nonce,
            found.now,
        )
    };
    let (nonce, flow) = match flow {
        Flow::Mint { revision } => {
            let nonce = Nonce::from_bytes(random);
            (
                nonce.clone(),
                MintFlow::new(plan(revision, nonce), found.now),
            )
        }
        Flow::Replay(attempt) => {
            let plan = plan(attempt.revision, attempt.nonce.clone());
            (
                attempt.nonce.clone(),
                MintFlow::replay(plan, *attempt, found.now),
            )
        }
    };
    let context = Arc::clone(&managed.context);
    managed.remember(|seen| seen.running = Some(nonce));
    context
        .tasks
        .start(Mint::new(managed, flow, Some(permit)).run());
}
