//! The reconcile of one issuer: from its specification and credential to a handle that works.
//!
//! Nothing is asked of the issuer here but who the credential is. A new credential takes the place of
//! the former one once the issuer has accepted it; a refusal is told at once, and asked about again less
//! and less often, until the credential or the specification changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::SignedDuration;
use kube::ResourceExt as _;
use kube::runtime::controller::Action as Next;
use kube::runtime::reflector::ObjectRef;
use parking_lot::Mutex;
use tokenwright_api::names::{finalizer, reason};
use tokenwright_client::account::Why;
use tokenwright_client::{Error, ErrorKind};
use tokenwright_core::instant::after;
use tokio::sync::mpsc::UnboundedSender;

use crate::cluster::calls::CallError;
use crate::cluster::context::Context;
use crate::cluster::marks::Marks;
use crate::cluster::token::PackedToken;
use crate::cluster::{cause, finalizers, logs};
use crate::issuer::at_start::AtStart;
use crate::issuer::credential;
use crate::issuer::described::Version;
use crate::issuer::load;
use crate::issuer::make::{MadeFrom, make};
use crate::issuer::object::IssuerObject;
use crate::issuer::obstacle::Obstacle;
use crate::issuer::registry::{Handle, IssuerState, Issuers, Key};
use crate::issuer::status::{paused, say, standing, undone};
use crate::issuer::suspicion;

/// A Secret that is not there is not watched; it is looked for this often.
const UNTOLD: Duration = Duration::from_secs(15);

/// Nothing wakes an issuer whose tokens vanish; it is looked at this often.
const LOOK: Duration = Duration::from_secs(60);

/// How often it is told when the list of tokens was read.
const INVENTORY_TOLD: SignedDuration = SignedDuration::from_hours(1);

/// How long the deletion of an issuer waits for the `ApiToken`s that need it.
const LONGEST_GOODBYE: SignedDuration = SignedDuration::from_hours(24);

/// What the reconciles of issuers remember between two runs.
#[derive(Debug)]
pub(crate) struct Desk<K: IssuerObject> {
    known: Mutex<BTreeMap<(String, String), Known>>,
    /// The credentials of all, as they are when all are looked at.
    credentials: AtStart,
    /// Has an issuer looked at again.
    wakes: UnboundedSender<ObjectRef<K>>,
}

/// What is known of one issuer.
#[derive(Debug, Clone)]
struct Known {
    /// What was seen when it was looked at last.
    seen: Seen,
    /// What `handle` was made from.
    made_from: MadeFrom,
    /// The handle that is used, or would be if the issuer accepted its credential.
    handle: Arc<Handle>,
    /// What was told last. Told again only where it is another one, so that two replicas do not contradict
    /// each other for ever.
    told: Told,
}

/// What an issuer that can be used has to tell all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Told {
    /// The pause: why, and until which second.
    pause: Option<(Why, i64)>,
    /// That its listings are not in its own shape.
    misread: bool,
    /// That the clock here is ahead of its own.
    ahead: bool,
}

/// Everything whose change makes a new look necessary.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    uid: Option<String>,
    generation: Option<i64>,
    credential: Option<String>,
    described: Option<Version>,
    needed: bool,
}

/// What a reconcile of an issuer is given.
#[derive(Debug, Clone)]
pub(crate) struct Around {
    /// The `ApiToken`s that name this issuer.
    pub(crate) dependents: Vec<PackedToken>,
    /// Whether there is an `ApiToken` that cannot be read where it might be named.
    pub(crate) unreadable: bool,
    /// The version of the Secret of the credential, as the watch shows it.
    pub(crate) credential: Option<String>,
}

impl<K: IssuerObject> Desk<K> {
    /// A desk on which nothing lies yet.
    pub(crate) fn new(wakes: UnboundedSender<ObjectRef<K>>, credentials: AtStart) -> Self {
        Self {
            known: Mutex::default(),
            credentials,
            wakes,
        }
    }

    fn remember(&self, place: &(String, String), told: Told) {
        if let Some(known) = self.known.lock().get_mut(place) {
            known.told = told;
        }
    }
}

/// Makes the handle of one issuer, or says why there is none.
///
/// # Errors
///
/// If the API server does not answer clearly.
pub(crate) async fn reconcile<K: IssuerObject>(
    object: Arc<K>,
    context: &Arc<Context>,
    issuers: &Issuers,
    desk: &Desk<K>,
    around: Around,
) -> Result<Next, CallError> {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let uid = object.uid().unwrap_or_default();
    let place = (namespace.clone(), name.clone());
    let key = Key {
        namespace: &namespace,
        name: &name,
        uid: &uid,
    };
    let needed = !around.dependents.is_empty() || around.unreadable;
    if let Some(since) = object.meta().deletion_timestamp.as_ref() {
        let waited = context.clock.now().duration_since(since.0) >= LONGEST_GOODBYE;
        if !needed || waited {
            if finalizers::has(object.as_ref(), finalizer::IN_USE) {
                let calls = &context.calls;
                finalizers::release(calls, object.as_ref(), finalizer::IN_USE).await?;
            }
            issuers.remove(&namespace, &name);
            context.issuers_told.forget(&uid);
            context.marks.forget(&uid);
            desk.known.lock().remove(&place);
            return Ok(Next::await_change());
        }
    }
    let seen = Seen {
        uid: object.uid(),
        generation: object.meta().generation,
        credential: around.credential.clone(),
        described: described(issuers, object.as_ref()),
        needed,
    };
    let known = desk.known.lock().get(&place).cloned();
    if let Some(IssuerState::Ready(handle)) = issuers.get(key)
        && let Some(known) = &known
        && known.seen == seen
        && !owes(context, &uid)
        && Arc::ptr_eq(&known.handle, &handle)
    {
        if !needed {
            handle.account.gate.rest();
        }
        let now_told = told(&handle);
        let mut object = K::clone(&object);
        if known.told != now_told || inventory_untold(&object, &handle) || undone(context, &object)
        {
            let ready = IssuerState::Ready(Arc::clone(&handle));
            object = say(context, &object, &ready, None).await?;
            desk.remember(&place, now_told);
        }
        let object = {
            let listed = handle.listed_at.lock().is_some();
            suspicion::tell(context, &object, &handle.losses, listed).await?
        };
        load::tell(context, &object, &handle, &around.dependents).await?;
        return Ok(until_pause_ends(&handle));
    }
    let held = match needed {
        true => finalizers::ensure(context, object.as_ref(), finalizer::IN_USE).await?,
        false => None,
    };
    let object = held.unwrap_or_else(|| K::clone(&object));
    let (state, trouble, next) = match wanted(context, issuers, desk, &object, seen).await? {
        Err(obstacle) => (IssuerState::NotReady(obstacle), None, Next::requeue(UNTOLD)),
        Ok(handle) => {
            let (state, trouble) = proven(issuers, key, &handle).await;
            let next = until_pause_ends(&handle);
            (state, trouble, next)
        }
    };
    say(context, &object, &state, trouble.as_ref()).await?;
    if let IssuerState::Ready(handle) = &state {
        desk.remember(&place, told(handle));
    }
    issuers.set(key, state);
    for uid in around.dependents.iter().filter_map(|token| token.uid()) {
        context.wake(&uid);
    }
    Ok(next)
}

/// The handle of the specification and the credential as they are now: the one at hand, where it was
/// made from the same.
async fn wanted<K: IssuerObject>(
    context: &Arc<Context>,
    issuers: &Issuers,
    desk: &Desk<K>,
    object: &K,
    seen: Seen,
) -> Result<Result<Arc<Handle>, Obstacle>, CallError> {
    let shown = (&desk.credentials, seen.credential.as_deref());
    let credential = match credential::read(context, object, seen.needed, shown).await? {
        Ok(credential) => credential,
        Err(obstacle) => return Ok(Err(obstacle)),
    };
    let place = (object.namespace().unwrap_or_default(), object.name_any());
    let seen = Seen {
        credential: credential.version.clone(),
        ..seen
    };
    let made_from = MadeFrom::of(object, seen.described.clone(), &credential);
    let known = desk.known.lock().get(&place).cloned();
    let handle = match known.filter(|known| known.made_from == made_from) {
        Some(known) => known.handle,
        None => match make(context, issuers, object, credential, &desk.wakes) {
            Ok(handle) => Arc::new(handle),
            Err(obstacle) => return Ok(Err(obstacle)),
        },
    };
    let known = Known {
        seen,
        made_from,
        handle: Arc::clone(&handle),
        told: Told::default(),
    };
    desk.known.lock().insert(place, known);
    Ok(Ok(handle))
}

/// How the issuer stands with this handle: one whose credential is not accepted yet leaves the former
/// one in its place, and is a trouble.
async fn proven(
    issuers: &Issuers,
    key: Key<'_>,
    handle: &Arc<Handle>,
) -> (IssuerState, Option<Obstacle>) {
    let Err(error) = handle.account.identity().await else {
        return (IssuerState::Ready(Arc::clone(handle)), None);
    };
    let obstacle = obstacle(handle, &error);
    logs::because(obstacle.reason);
    tracing::warn!(
        error = cause::chain(&error),
        "the issuer does not say who the credential is"
    );
    match issuers.get(key) {
        Some(IssuerState::Ready(former)) if former.endpoint == handle.endpoint => {
            *former.outlasts.lock() = true;
            let trouble = not_taken_up(handle, &error, obstacle);
            (IssuerState::Ready(former), Some(trouble))
        }
        Some(_) | None => (IssuerState::NotReady(obstacle), None),
    }
}

/// What is new is not accepted, and what was there before serves on.
fn not_taken_up(handle: &Handle, error: &Error, obstacle: Obstacle) -> Obstacle {
    let pause = handle.account.gate.pause();
    let why = pause.map_or_else(|| error.kind.to_string(), |pause| pause.why.to_string());
    let again = pause.map_or_else(String::new, |pause| {
        format!(" It is asked again at {:.0}.", pause.until)
    });
    let refused = obstacle.reason == reason::CREDENTIAL_REFUSED;
    let (reason, what) = match refused {
        true => (
            reason::NEW_CREDENTIAL_REFUSED,
            "The credential that the Secret holds now is",
        ),
        false => (
            obstacle.reason,
            "The latest credential and specification are",
        ),
    };
    Obstacle {
        reason,
        message: format!(
            "{what} not taken up: {why}. The former one serves the ApiTokens on.{again}"
        ),
        stalled: obstacle.stalled,
    }
}

fn obstacle(handle: &Handle, error: &Error) -> Obstacle {
    let pause = handle.account.gate.pause();
    if let Some(pause) = pause
        && matches!(
            error.kind,
            ErrorKind::Paused { .. } | ErrorKind::RateLimited { .. }
        )
    {
        return paused(&pause);
    }
    let again = pause.map_or_else(String::new, |pause| {
        format!(" It is asked again at {:.0}.", pause.until)
    });
    let refused = matches!(
        error.kind,
        ErrorKind::Unauthenticated | ErrorKind::Forbidden
    );
    Obstacle {
        reason: match refused {
            true => reason::CREDENTIAL_REFUSED,
            false => reason::ISSUER_NOT_READY,
        },
        message: format!("{} ({}).{again}", error.kind, error.kind.name()),
        stalled: !error.kind.is_transient(),
    }
}

/// Looks again when the pause is over, so that what is said stays true, and what waits goes on.
fn until_pause_ends(handle: &Handle) -> Next {
    let Some(pause) = handle.account.gate.pause() else {
        return Next::requeue(LOOK);
    };
    let wait = Duration::try_from(pause.wait).unwrap_or(UNTOLD);
    // A little later than the instant itself: timers may be early by a tick.
    Next::requeue(wait.saturating_add(Duration::from_millis(5)).min(LOOK))
}

/// What is worth telling; a pause to the second.
fn told(handle: &Handle) -> Told {
    let pause = standing(handle).map(|pause| {
        let rounded = after(pause.until, SignedDuration::from_millis(500));
        (pause.why, rounded.as_second())
    });
    let misread = handle.misread.load(Ordering::Relaxed);
    let ahead = handle.account.gate.ahead().is_positive();
    Told {
        pause,
        misread,
        ahead,
    }
}

/// Whether a listing is worth telling: an operator that is idle is quiet, but not for days.
fn inventory_untold<K: IssuerObject>(object: &K, handle: &Handle) -> bool {
    let Some(listed_at) = *handle.listed_at.lock() else {
        return false;
    };
    let told = object.status().last_inventory;
    told.is_none_or(|told| listed_at.duration_since(told) >= INVENTORY_TOLD)
}

/// Which version of a `TokenProfile` it is made from, if of any.
fn described<K: IssuerObject>(issuers: &Issuers, object: &K) -> Option<Version> {
    let at = object.settings().profile_ref.as_ref()?;
    issuers.described.version(&at.name)
}

/// Whether a mark that somebody takes away again and again waits to be set anew.
fn owes(context: &Context, uid: &str) -> bool {
    let owed = |marks: &Marks| marks.owed().then_some(());
    context.marks.known(uid, owed).is_some()
}
