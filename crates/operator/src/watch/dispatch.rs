//! One `ApiToken` that is to be looked at: is it one whose tokens we mint, or one that adopts?

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;
use tokenwright_core::instant::after;

use kube::runtime::controller::Action;
use tokenwright_api::ApiToken;
use tokenwright_api::names::{finalizer, reason};
use tokenwright_api::record::Unreadable;
use tokenwright_api::token::IssuerKind;
use tokenwright_api::wanted::deleted_at;
use tokenwright_client::account::seats;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::adopted;
use crate::cluster::calls::CallError;
use crate::cluster::context::Context;
use crate::cluster::memory::Memory;
use crate::cluster::pace::{self, Next};
use crate::cluster::texts::{self, Texts};
use crate::cluster::token::PackedToken;
use crate::cluster::uid::Uid;
use crate::cluster::unreadable::Place;
use crate::cluster::{cause, complaint, deletion, logs, marks};
use crate::issuer::allowance::Group;
use crate::issuer::object::{IssuerObject, place_of, place_of_packed};
use crate::issuer::obstacle::Obstacle;
use crate::issuer::reconcile::Desk;
use crate::issuer::registry::{Handle, IssuerState, Issuers, Key};
use crate::issuer::slots::{self, Slots, Standing};
use crate::minted;
use crate::minted::step::ReconcileError;
use crate::secret::manager::Manager;
use crate::secret::parts::DigestKey;
use crate::secret::shown::SecretMeta;

/// Reconciles at work at the same time; they wait for the API server most of their time.
const SLOTS: usize = 32;

/// So many of those that are too long to be kept are looked at at once: each takes some megabytes for that.
const LONG: usize = 4;

/// Where these are looked at already, another one comes again after this.
const LONG_AGAIN: Duration = Duration::from_secs(1);

/// After so many failures in a row no watch that merely lags would show an older version still.
const LAGS: u32 = 3;

/// What is refused is tried again within this time, and told until then.
const REFUSAL_TOLD_FOR: Duration = Duration::from_secs(310);

/// Everything that the reconciles work with.
#[derive(Debug)]
pub(crate) struct Dispatch {
    pub(crate) context: Arc<Context>,
    pub(crate) issuers: Issuers,
    /// How many reconciles are at work at once; who waits for an issuer gives its slot back.
    pub(super) slots: Slots,
    /// How many of them may be long.
    long: Arc<Semaphore>,
    /// How much of their texts is in memory.
    texts: Texts,
    /// How often in a row the work on something else than an `ApiToken` failed.
    pub(super) failures: Memory<u32>,
    minted: minted::managed::Shared,
    adopted: adopted::managed::Shared,
}

/// What the watches show around an object.
#[derive(Debug, Clone)]
pub(crate) struct Around {
    /// Its Secret, without the value; `None` where none of ours is shown.
    pub(crate) secret: Option<Arc<SecretMeta>>,
    /// Its issuer.
    pub(crate) issuer: IssuerShown,
}

/// What the watch shows of the issuer that an object names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IssuerShown {
    /// It is there, with this UID.
    There(Option<String>),
    /// It is there, and this version cannot read it.
    Unreadable,
    /// There is none.
    Absent,
    /// Issuers of the cluster are left to another operator.
    NotServed,
}

/// Why a reconcile did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DispatchError {
    /// Of an object whose tokens we mint.
    #[error(transparent)]
    Minted(#[from] ReconcileError),

    /// Of one that adopts, or that could not be read.
    #[error(transparent)]
    Adopted(#[from] CallError),
}

impl DispatchError {
    /// What the API server said, where it was that.
    fn call(&self) -> Option<&CallError> {
        match self {
            Self::Adopted(error) => Some(error),
            Self::Minted(error) => error.call(),
        }
    }
}

impl Dispatch {
    /// Reconciles that work with these.
    pub(crate) fn new(context: Arc<Context>, issuers: Issuers, key: DigestKey) -> Self {
        let limits = Arc::clone(&issuers.limits);
        Self {
            minted: minted::managed::Shared {
                context: Arc::clone(&context),
                key: key.clone(),
                limits: Arc::clone(&limits),
                memory: Arc::default(),
            },
            adopted: adopted::managed::Shared {
                context: Arc::clone(&context),
                key,
                limits,
                memory: Arc::default(),
            },
            context,
            issuers,
            slots: Slots::new(SLOTS),
            long: Arc::new(Semaphore::new(LONG)),
            texts: Texts::default(),
            failures: Memory::default(),
        }
    }

    /// Brings one object a step nearer to what is wanted of it.
    ///
    /// # Errors
    ///
    /// If something got no clear answer; nothing is lost then.
    pub(crate) async fn reconcile(
        &self,
        watched: &PackedToken,
        around: impl FnOnce() -> Around,
    ) -> Result<Next, DispatchError> {
        let context = &self.context;
        if minted::reconcile::runs(&self.minted, watched.uid()) {
            // The flow wakes us when it is over.
            return Ok(Next::await_change());
        }
        let Some(mut object) = self.whole(&context.newest(watched)).await? else {
            return Ok(Next::await_change());
        };
        let Some(manager) = Manager::of(&object, &context.origin) else {
            return Ok(Next::await_change());
        };
        let uid = manager.uid.clone();
        let deleting = deleted_at(&object).is_some();
        if deleting && !marks::has(&object, finalizer::API_TOKEN) {
            self.forget(watched);
            return Ok(Next::await_change());
        }
        if context.is_gone(&uid) {
            // A watch that lags still shows it.
            return Ok(Next::await_change());
        }
        let around = around();
        let Some(issuer) = self.issuer_of(&object, &around.issuer) else {
            // The other controller has it and will wake us.
            let now = context.clock.now();
            return Ok(pace::at(after(now, pace::UNTOLD), now));
        };
        if let Some(over) = deletion::deadline(&object).filter(|_| !context.observe_only) {
            let handle = issuer.as_ref().ok();
            let ahead = handle.map(|handle| handle.account.gate.ahead());
            let later = context.later(over, ahead.unwrap_or_default()).await;
            deletion::begun_later(&mut object, later);
        }
        let place = Place::at::<ApiToken>(&object.metadata);
        let shared = object.spec.issuer_ref.kind == IssuerKind::ClusterTokenIssuer;
        let whose = shared.then(|| place.namespace.as_str().into());
        let work = self.work(manager, object, issuer, around);
        let work = Box::pin(work).instrument(logs::span(&place));
        let done = seats::in_the_name_of(whose, work).await;
        context.follow_contests(&uid);
        match done {
            Err(DispatchError::Minted(ReconcileError::Unreadable(error))) => {
                self.unreadable(&place, &error).await
            }
            next => next,
        }
    }

    /// A whole object: what is too long to be kept is read anew. Nothing where it is gone.
    async fn whole(&self, kept: &PackedToken) -> Result<Option<ApiToken>, CallError> {
        if kept.brief().cut.is_none() {
            return Ok(kept.unpack());
        }
        let calls = &self.context.calls;
        let object = calls.token(kept.namespace(), kept.name()).await?;
        let is_it = |object: &ApiToken| {
            let uid = object.metadata.uid.as_deref();
            Uid::from(uid.unwrap_or_default()) == *kept.uid()
        };
        Ok(object.filter(is_it))
    }

    /// The same for one whose issuer is known, or known not to be there.
    async fn work(
        &self,
        manager: Manager,
        object: ApiToken,
        issuer: Result<Arc<Handle>, Obstacle>,
        around: Around,
    ) -> Result<Next, DispatchError> {
        if let Some(request) = object.spec.adopt.clone() {
            let adopted = (manager, object);
            let adopted = adopted::reconcile::reconcile(&self.adopted, adopted, request, issuer);
            return Ok(Box::pin(adopted).await?);
        }
        let minted =
            minted::reconcile::reconcile(&self.minted, (manager, object), issuer, around.secret);
        Ok(Box::pin(minted).await?)
    }

    /// Only a person can mend it, or another version of the operator.
    async fn unreadable(&self, place: &Place, error: &Unreadable) -> Result<Next, DispatchError> {
        let context = &self.context;
        complaint::unreadable::<ApiToken>(context, place, &error.to_string()).await?;
        let now = context.clock.now();
        Ok(pace::at(after(now, pace::UNTOLD), now))
    }

    /// Nothing is remembered of an object any more.
    pub(crate) fn forget(&self, token: &PackedToken) {
        let uid = token.uid();
        let group = Group::at(&token.brief().issuer, token.namespace());
        let freed = self
            .issuers
            .allowances
            .gone(group.as_ref(), &uid.to_string());
        if let Some(handle) = self.issuers.last_at(place_of_packed(token)) {
            handle.forget(&uid.to_string());
        }
        self.context.objects.forget(uid);
        self.context.marks.forget(uid);
        self.context.alarms.set(uid, None);
        self.minted.memory.forget(uid);
        self.adopted.memory.forget(uid);
        self.context.wake_all(freed);
    }

    /// Nothing is remembered of an issuer any more.
    pub(super) fn forget_issuer<K: IssuerObject>(&self, desk: &Desk<K>, issuer: &K) {
        desk.forget(&self.context, &self.issuers, issuer);
        if let Some(uid) = &issuer.meta().uid {
            self.issuers.holds.forget(uid);
        }
        let place = Place::at::<K>(issuer.meta());
        self.failures.forget(&place.to_string());
    }

    /// The issuer of an object, or why it cannot be used; nothing where nobody has looked at it yet.
    fn issuer_of(
        &self,
        object: &ApiToken,
        shown: &IssuerShown,
    ) -> Option<Result<Arc<Handle>, Obstacle>> {
        let (namespace, name) = place_of(object);
        let kind = object.spec.issuer_ref.kind;
        match shown {
            IssuerShown::There(uid) => {
                let key = Key {
                    namespace: &namespace,
                    name: &name,
                    uid: uid.as_deref().unwrap_or_default(),
                };
                self.served_by(key, object)
            }
            IssuerShown::Unreadable => Some(Err(Obstacle::stalled(
                reason::ISSUER_NOT_READY,
                format!("This version of the operator cannot read the {kind:?} {name}."),
            ))),
            IssuerShown::Absent => {
                self.issuers.remove(&namespace, &name);
                Some(Err(Obstacle {
                    reason: reason::ISSUER_NOT_FOUND,
                    message: format!("There is no {kind:?} {name}."),
                    stalled: false,
                    again: None,
                }))
            }
            IssuerShown::NotServed => Some(Err(Obstacle::stalled(
                reason::ISSUER_NOT_FOUND,
                format!(
                    "This operator is limited to namespaces and serves no {kind:?}: let one that serves all of them run, or name a TokenIssuer."
                ),
            ))),
        }
    }

    fn served_by(&self, key: Key<'_>, object: &ApiToken) -> Option<Result<Arc<Handle>, Obstacle>> {
        let deleting = deleted_at(object).is_some();
        match self.issuers.get(key)? {
            // Nothing is begun with an issuer that might go in the same moment.
            IssuerState::Ready(handle) => {
                (deleting || self.issuers.holds.open(key.uid)).then_some(Ok(handle))
            }
            IssuerState::NotReady(obstacle) => {
                // What was minted with the last good handle can still be ended with it.
                let last = self.issuers.last_good(key).filter(|_| deleting);
                Some(last.ok_or(obstacle))
            }
        }
    }

    /// Does the work on an object in a slot; its lines in the log name it. Where no slot is free, `call` is
    /// called when it is to ask again.
    pub(crate) async fn run<E>(
        &self,
        place: &Place,
        call: impl FnOnce() -> bool + Send + 'static,
        work: impl Future<Output = Result<Action, E>>,
    ) -> Result<Action, E> {
        let work = || work.instrument(logs::span(place));
        let done = self
            .in_turn((place, Standing::Ahead), None, call, work)
            .await;
        if done.is_ok() {
            self.failures.forget(&place.to_string());
        }
        Ok(done?.unwrap_or(Action::requeue(slots::ASK_AGAIN)))
    }

    /// The work on an `ApiToken`, in a slot; its own alarm has it looked at again.
    pub(crate) async fn look<F>(
        &self,
        token: &PackedToken,
        call: impl FnOnce() -> bool + Send + 'static,
        work: impl FnOnce() -> F,
    ) where
        F: Future<Output = Result<Next, DispatchError>>,
    {
        let long = token.brief().cut;
        let place = token.place();
        let at = (&place, self.standing(token));
        let next = match self.in_turn(at, long, call, work).await {
            Ok(None) if long.is_some() => Next::requeue(LONG_AGAIN),
            Ok(next) => next.unwrap_or(Next::requeue(slots::ASK_AGAIN)),
            Err(error) => {
                self.catch_up(token, &error).await;
                self.after_error(token, &error)
            }
        };
        self.context.alarms.set(token.uid(), next.instant());
    }

    /// Nobody else has its turn at the issuer, until it comes for it.
    fn standing(&self, token: &PackedToken) -> Standing {
        let issuer = self.issuers.last_at(place_of_packed(token));
        let uid = token.uid().to_string();
        match issuer.is_some_and(|handle| handle.scheduler.has_called(&uid)) {
            true => Standing::Ahead,
            false => Standing::AsItCame,
        }
    }

    /// Does some work in a slot, and counts how long it took; nothing where there is none. Thousands ask at
    /// once after a start: who gets no slot takes no room for the work.
    async fn in_turn<N, E, F>(
        &self,
        (place, standing): (&Place, Standing),
        long: Option<NonZeroU16>,
        call: impl FnOnce() -> bool + Send + 'static,
        work: impl FnOnce() -> F,
    ) -> Result<Option<N>, E>
    where
        F: Future<Output = Result<N, E>>,
    {
        let Some(slot) = self.slots.ask((place, standing), call) else {
            return Ok(None);
        };
        let (mut room, mut text) = (None, None);
        if let Some(long) = long {
            let bytes = usize::from(long.get()).saturating_mul(1024);
            room = Arc::clone(&self.long).try_acquire_owned().ok();
            text = self.texts.hold(&place.namespace, bytes);
            if room.is_none() || text.is_none() {
                return Ok(None);
            }
        }
        let begun = Instant::now();
        let done = slot.within(room, texts::with(text, Box::pin(work()))).await;
        self.context
            .metrics
            .worked(&place.kind, done.is_err(), begun.elapsed());
        done.map(Some)
    }

    /// How long to wait after such work failed.
    pub(crate) fn again(&self, place: &Place, error: &CallError) -> Action {
        failed(place, error);
        self.tell_refusal(place, error);
        let failures = self.failures.of(&place.to_string(), |failures| {
            *failures = failures.saturating_add(1);
            *failures
        });
        Action::requeue(pace::pause(failures))
    }

    /// Work that the API server refuses is told to whoever asks how the operator is: its own conditions may
    /// be refused, too.
    fn tell_refusal(&self, place: &Place, error: &CallError) {
        let CallError::Refused { what, message } = error else {
            return;
        };
        let about = format!("the work in the namespace {}", place.namespace);
        let sentence = format!(
            "{about} is refused ({what}: {message}); everything there waits and is tried again: give the ServiceAccount of the operator the Role and RoleBinding of the chart, or see what else refuses it"
        );
        let troubles = &self.context.troubles;
        troubles.begin_for(&about, sentence, REFUSAL_TOLD_FOR);
    }

    /// Reads an `ApiToken` whose writes meet a newer version again and again than the watch shows: that may be lost
    /// for hours, and whoever was edited meanwhile would wait for it.
    async fn catch_up(&self, token: &PackedToken, error: &DispatchError) {
        let conflict = matches!(error.call(), Some(CallError::Conflict(_)));
        let failures = self
            .context
            .objects
            .known(token.uid(), |it| Some(it.failures));
        if !conflict || failures < Some(LAGS) {
            return;
        }
        let calls = &self.context.calls;
        if let Ok(Some(live)) = calls.token(token.namespace(), token.name()).await {
            self.context.read(&live);
        }
    }

    /// How long to wait after a reconcile that failed.
    fn after_error(&self, object: &PackedToken, error: &DispatchError) -> Next {
        let place = object.place();
        failed(&place, error);
        if let Some(error) = error.call() {
            self.tell_refusal(&place, error);
        }
        let failures = self.context.failed(object.uid());
        // The deadline of a deletion comes at its instant, however often it failed before.
        let now = self.context.clock.now();
        let deadline = object
            .unpack()
            .and_then(|object| deletion::deadline(&object));
        let deadline = deadline.filter(|at| *at > now);
        let again = pace::after_failures(failures, now);
        pace::at_first([Some(again), deadline], now)
    }
}

/// Says that the work on an object failed, in a line that names it.
fn failed(place: &Place, error: &dyn std::error::Error) {
    let _about = logs::span(place).entered();
    let error = cause::chain(error);
    tracing::warn!(error, "the reconcile failed and is tried again");
}
