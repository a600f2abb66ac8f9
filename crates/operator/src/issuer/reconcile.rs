//! The reconcile of one issuer: from its specification and credential to a handle that works.
//!
//! Nothing is asked of the issuer here but who the credential is, and what tells whether it works for anybody
//! where one of its tokens doubts that. A new credential takes the place of
//! the former one once the issuer has accepted it; a refusal is told at once, and asked about again less
//! and less often, until the credential or the specification changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use kube::runtime::controller::Action as Next;
use kube::runtime::reflector::ObjectRef;
use parking_lot::Mutex;
use tokenwright_api::names::{finalizer, reason};
use tokenwright_api::token::IssuerKind;
use tokenwright_api::{ApiToken, wanted};
use tokenwright_client::ErrorKind;
use tokenwright_client::account::Why;
use tokenwright_core::instant::after;
use tokio::sync::mpsc::UnboundedSender;

use crate::cluster::calls::CallError;
use crate::cluster::context::Context;
use crate::cluster::finalizers;
use crate::cluster::marks::{self, Marks};
use crate::cluster::metrics;
use crate::cluster::token::PackedToken;
use crate::issuer::at_start::AtStart;
use crate::issuer::credential::{self, At};
use crate::issuer::described::Version;
use crate::issuer::load;
use crate::issuer::make::{MadeFrom, make};
use crate::issuer::object::IssuerObject;
use crate::issuer::obstacle::Obstacle;
use crate::issuer::proven::proven;
use crate::issuer::registry::{Handle, IssuerState, Issuers, Key};
use crate::issuer::status::{say, standing, undone};
use crate::issuer::suspicion;

/// A Secret that is not there is not watched; it is looked for this often.
const UNTOLD: Duration = Duration::from_secs(15);

/// Nothing wakes an issuer whose tokens vanish; it is looked at this often.
const LOOK: Duration = Duration::from_secs(60);

/// A watch that lags shows what is new within about this.
const LAGS: Duration = Duration::from_secs(1);

/// How often it is told when the list of tokens was read.
const INVENTORY_TOLD: SignedDuration = SignedDuration::from_hours(1);

/// How long the deletion of an issuer waits for the `ApiToken`s that need it, and longer where their own do.
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
    /// Why its listings cannot be read.
    misread: Option<ErrorKind>,
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

impl Seen {
    /// Whether nothing is new. No watch shows a credential that nobody holds: whoever needs it next reads it.
    fn same(&self, now: &Self) -> bool {
        let shown = now.needed || now.credential.is_some();
        let now = match shown {
            true => now.clone(),
            false => Self {
                credential: self.credential.clone(),
                ..now.clone()
            },
        };
        *self == now
    }
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

impl Around {
    /// Whether an `ApiToken` names it, or may do so.
    fn need(&self) -> bool {
        !self.dependents.is_empty() || self.unreadable
    }
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

    /// Nothing is remembered of an issuer that is gone, nor measured.
    pub(crate) fn forget(&self, context: &Context, issuers: &Issuers, gone: &K) {
        let place = (gone.namespace().unwrap_or_default(), gone.name_any());
        issuers.remove(&place.0, &place.1);
        if let Some(uid) = &gone.meta().uid {
            context.issuers_told.forget(uid);
            context.marks.forget(uid);
        }
        self.known.lock().remove(&place);
        context.metrics.forget(&metrics::issuer(place));
    }

    fn told(&self, place: &(String, String)) -> Option<Told> {
        self.known.lock().get(place).map(|known| known.told)
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
    (around, held_otherwise): (impl Fn() -> Around, impl Fn(At<'_>) -> bool),
) -> Result<Next, CallError> {
    let (uid, then) = (object.uid().unwrap_or_default(), around());
    let now = match then.need() {
        true => then,
        false => {
            // Whoever comes from here on waits, and whoever came before is seen by this second look.
            issuers.holds.lift(&uid);
            around()
        }
    };
    let case = Case {
        place: (object.namespace().unwrap_or_default(), object.name_any()),
        uid,
        needed: now.need(),
        object,
        context,
        issuers,
        desk,
        around: now,
    };
    if case.may_go().await {
        return case.let_go(held_otherwise).await;
    }
    let (shown, stands) = (
        case.object.as_ref(),
        issuers.holds.stands(case.object.as_ref()),
    );
    match (case.needed, stands) {
        (false, true) if !context.observe_only => return case.release(held_otherwise).await,
        // What this process took away is still shown: set anew it is over what comes next.
        (true, false) if marks::has(shown, finalizer::IN_USE) => return Ok(Next::requeue(LAGS)),
        _ => {}
    }
    if let Some(IssuerState::Ready(handle)) = issuers.get(case.key()) {
        if handle.account.gate.doubted() {
            handle.account.ask_for_all().await;
        }
        if !case.needed {
            handle.account.gate.rest();
            handle.account.inventory.rest();
        }
    }
    let seen = case.seen();
    match case.unchanged(&seen) {
        Some(handle) => case.tend(&handle).await,
        None => case.renew(seen, around).await,
    }
}

/// One issuer, as one reconcile meets it.
struct Case<'a, K: IssuerObject> {
    object: Arc<K>,
    place: (String, String),
    uid: String,
    context: &'a Arc<Context>,
    issuers: &'a Issuers,
    desk: &'a Desk<K>,
    around: Around,
    /// Whether an `ApiToken` names it, or may do so.
    needed: bool,
}

impl<K: IssuerObject> Case<'_, K> {
    fn key(&self) -> Key<'_> {
        let (namespace, name) = &self.place;
        Key {
            namespace,
            name,
            uid: &self.uid,
        }
    }

    fn seen(&self) -> Seen {
        Seen {
            uid: self.object.uid(),
            generation: self.object.meta().generation,
            credential: self.around.credential.clone(),
            described: described(self.issuers, self.object.as_ref()),
            needed: self.needed,
        }
    }

    /// Whether it is deleted, and nothing keeps it any more. When that began, the API server's clock said: one here
    /// that is ahead lets nothing go early.
    async fn may_go(&self) -> bool {
        let Some(since) = &self.object.meta().deletion_timestamp else {
            return false;
        };
        if !self.needed {
            return true;
        }
        let handle = self.issuers.last_good(self.key());
        let ahead = handle.map(|handle| handle.account.gate.ahead());
        let ahead = ahead.unwrap_or_default();
        let patience = Some(after(since.0, LONGEST_GOODBYE));
        let Some(until) = patience.max(self.awaited_until()) else {
            return true;
        };
        let over = self.context.clock.now() >= after(until, ahead);
        over && self.context.later(until, ahead).await.is_zero()
    }

    /// Until when the deletions of those who need it wait, where they are of its own namespace: no tenant keeps an
    /// issuer that all share.
    fn awaited_until(&self) -> Option<Timestamp> {
        let own = K::KIND == IssuerKind::TokenIssuer;
        let tokens = self.around.dependents.iter().filter(|_| own);
        let deleted = tokens.filter_map(PackedToken::unpack);
        let until = |token: ApiToken| {
            let since = wanted::deleted_at(&token)?;
            Some(after(since, wanted::deletion(&token).timeout))
        };
        deleted.filter_map(until).max()
    }

    async fn let_go(&self, held_otherwise: impl Fn(At<'_>) -> bool) -> Result<Next, CallError> {
        let (object, context) = (self.object.as_ref(), self.context);
        self.issuers.holds.lift(&self.uid);
        if self.issuers.holds.stands(object) {
            self.release(held_otherwise).await?;
        }
        self.desk.forget(context, self.issuers, object);
        Ok(Next::await_change())
    }

    /// Gives its credential back, and then itself: nobody needs them.
    async fn release(&self, held_otherwise: impl Fn(At<'_>) -> bool) -> Result<Next, CallError> {
        let (object, context) = (self.object.as_ref(), self.context);
        credential::leave(context, object, held_otherwise).await?;
        finalizers::release(&context.calls, object, finalizer::IN_USE).await?;
        self.issuers.holds.wrote(object, false);
        // Nobody else took them away: set again, they are in no contest.
        context.marks.forget(&self.uid);
        // The watch shows that, and has it looked at again.
        Ok(Next::requeue(LOOK))
    }

    /// The handle in use, where nothing has changed from which it was made.
    fn unchanged(&self, seen: &Seen) -> Option<Arc<Handle>> {
        let Some(IssuerState::Ready(handle)) = self.issuers.get(self.key()) else {
            return None;
        };
        let known = self.desk.known.lock();
        let known = known.get(&self.place)?;
        let same = known.seen.same(seen) && Arc::ptr_eq(&known.handle, &handle);
        (same && self.is_held() && !owes(self.context, &self.uid)).then_some(handle)
    }

    /// Says what is new of an issuer that serves on.
    async fn tend(&self, handle: &Arc<Handle>) -> Result<Next, CallError> {
        let before = self.desk.told(&self.place);
        let now_told = told(handle);
        let mut object = K::clone(&self.object);
        if before != Some(now_told)
            || inventory_untold(&object, handle)
            || undone(self.context, &object)
        {
            let ready = IssuerState::Ready(Arc::clone(handle));
            object = say(self.context, &object, &ready, None).await?;
            self.desk.remember(&self.place, now_told);
        }
        let listed = handle.listed_at.lock().is_some();
        let object = suspicion::tell(self.context, &object, &handle.losses, listed).await?;
        load::tell(self.context, &object, handle, &self.around.dependents).await?;
        Ok(until_pause_ends(handle))
    }

    /// Makes the handle anew where it must be, has the issuer accept its credential, and tells all who wait.
    async fn renew(&self, seen: Seen, around: impl Fn() -> Around) -> Result<Next, CallError> {
        let object = self.held().await?;
        let (state, trouble, next) = match self.wanted(&object, seen).await? {
            Err(obstacle) => (IssuerState::NotReady(obstacle), None, Next::requeue(UNTOLD)),
            Ok(handle) => {
                let (state, trouble) = proven(self.issuers, self.key(), &handle).await;
                (state, trouble, until_pause_ends(&handle))
            }
        };
        say(self.context, &object, &state, trouble.as_ref()).await?;
        if let IssuerState::Ready(handle) = &state {
            self.desk.remember(&self.place, told(handle));
        }
        let before = self.issuers.get(self.key());
        let told = match (&before, &state) {
            (Some(IssuerState::NotReady(before)), IssuerState::NotReady(now)) => {
                now.goes_on(before)
            }
            _ => false,
        };
        self.issuers.set(self.key(), state);
        // Who was told waits for another answer than that one. Whoever came meanwhile found none, and waits, too.
        for token in around().dependents.iter().filter(|_| !told) {
            self.context.wakes.send(token.reference());
        }
        Ok(next)
    }

    /// Whether it stays for as long as it is needed.
    fn is_held(&self) -> bool {
        let holds = &self.issuers.holds;
        let stands = self.context.observe_only || holds.stands(self.object.as_ref());
        !self.needed || (stands && holds.open(&self.uid))
    }

    /// The object, which stays for as long as it is needed.
    async fn held(&self) -> Result<K, CallError> {
        let (object, holds) = (self.object.as_ref(), &self.issuers.holds);
        if !self.needed {
            return Ok(object.clone());
        }
        let held = match holds.stands(object) {
            true => None,
            false => finalizers::ensure(self.context, object, finalizer::IN_USE).await?,
        };
        if held.is_some() {
            holds.wrote(object, true);
        }
        match object.meta().deletion_timestamp.is_some() && !holds.stands(object) {
            true => holds.close(&self.uid),
            false => holds.settle(&self.uid),
        }
        Ok(held.unwrap_or_else(|| object.clone()))
    }

    /// The handle of the specification and the credential as they are now: the one at hand, where it was
    /// made from the same.
    async fn wanted(
        &self,
        object: &K,
        seen: Seen,
    ) -> Result<Result<Arc<Handle>, Obstacle>, CallError> {
        if self.needed && !self.issuers.holds.open(&self.uid) {
            return Ok(Err(Obstacle {
                reason: reason::ISSUER_NOT_READY,
                message: "It is being deleted, and nothing is begun with it any more.".to_owned(),
                stalled: false,
                again: None,
            }));
        }
        let shown = (&self.desk.credentials, seen.credential.as_deref());
        let around = (self.context.as_ref(), self.issuers.limits.as_ref());
        let credential = match credential::read(around, object, seen.needed, shown).await? {
            Ok(credential) => credential,
            Err(obstacle) => return Ok(Err(obstacle)),
        };
        let seen = Seen {
            credential: credential.version.clone(),
            ..seen
        };
        let made_from = MadeFrom::of(object, seen.described.clone(), &credential);
        let known = self.desk.known.lock().get(&self.place).cloned();
        let handle = match known.filter(|known| known.made_from == made_from) {
            Some(known) => known.handle,
            None => match make(
                self.context,
                self.issuers,
                object,
                credential,
                &self.desk.wakes,
            ) {
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
        self.desk.known.lock().insert(self.place.clone(), known);
        Ok(Ok(handle))
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
    let misread = *handle.misread.lock();
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
