//! What all tasks of the operator share: handles, and no policy.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use kube::runtime::reflector::ObjectRef;
use kube::{Resource as _, ResourceExt as _};
use parking_lot::Mutex;
use tokenwright_api::ApiToken;
use tokenwright_client::Clock;
use tokenwright_client::account::seats;
use tokenwright_core::instant::after;
use tokenwright_core::{Origin, Parameters};
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::cluster::alarms::Alarms;
use crate::cluster::calls::Calls;
use crate::cluster::conditions::Fact;
use crate::cluster::contest::{Contest, Told};
use crate::cluster::copies::{without_others, without_others_of};
use crate::cluster::marks::Marks;
use crate::cluster::memory::Memory;
use crate::cluster::metrics::Metrics;
use crate::cluster::pace;
use crate::cluster::shared::Shared;
use crate::cluster::token::{PackedToken, pack, version_of};
use crate::cluster::troubles::Troubles;
use crate::cluster::uid::Uid;
use crate::cluster::unreadable::{Place, Unreadable};

/// What all tasks share.
#[derive(Debug)]
pub(crate) struct Context {
    /// The API server.
    pub(crate) calls: Calls,
    /// The time.
    pub(crate) clock: Clock,
    /// The name under which events are reported.
    pub(crate) instance: String,
    /// The operator's own namespace.
    pub(crate) home: String,
    /// Whether nothing is done but to look.
    pub(crate) observe_only: bool,
    /// The cluster, as markers spell it.
    pub(crate) origin: Origin,
    /// The parameters of all `ApiToken`s.
    pub(crate) parameters: Shared<Parameters>,
    /// Every `ApiToken` that was seen.
    pub(crate) objects: Memory<Object>,
    /// When each is looked at again.
    pub(crate) alarms: Alarms,
    /// What was said in the status of every issuer.
    pub(crate) issuers_told: Memory<Told>,
    /// What every object has marked, by the UID of whoever marks it.
    pub(crate) marks: Memory<Marks>,
    /// What is there and cannot be read.
    pub(crate) unreadable: Unreadable,
    /// What does not work now.
    pub(crate) troubles: Troubles,
    /// What is measured.
    pub(crate) metrics: Metrics,
    /// Takes tasks that outlive a reconcile; whoever runs the operator owns them.
    pub(crate) tasks: Tasks,
    /// Wakes managers.
    pub(crate) wakes: Wakes,
    /// By namespace, cancelled once the API server refuses a watch there.
    pub(crate) barred: HashMap<String, CancellationToken>,
}

/// What is known of every `ApiToken`, whatever it asks for.
#[derive(Debug, Default)]
pub(crate) struct Object {
    /// The newest version that this process has written or read.
    newest: Option<PackedToken>,
    /// The version that it wrote last.
    wrote: Option<u64>,
    /// Whether the watch has not shown that yet.
    unshown: bool,
    /// How often in a row its reconcile failed.
    pub(crate) failures: u32,
    /// How often its Secret was changed by somebody else and brought into its form again, and the version
    /// that was written last.
    pub(crate) secret: (Contest, Option<String>),
    /// What was said in its status.
    pub(crate) told: Told,
    /// When it is woken because of these.
    alarm: Option<Timestamp>,
    /// It was told what stays alive without it.
    abandons: bool,
    /// Its finalizer was taken away: it is gone, whatever a watch that lags still shows.
    gone: bool,
}

/// Wakes a manager by its UID.
pub(crate) type Wake = Arc<dyn Fn(&str) + Send + Sync>;

impl Context {
    /// The newest version of an object: a watch may lag behind what this process wrote.
    pub(crate) fn newest(&self, watched: &PackedToken) -> PackedToken {
        self.objects.of(watched.uid(), |known| match &known.newest {
            Some(newest) if newest.version() > watched.version() => newest.clone(),
            None if known.gone => watched.clone(),
            Some(_) | None => {
                known.newest = Some(watched.clone());
                watched.clone()
            }
        })
    }

    /// What is kept of a version that the watch shows. What this process wrote just now is kept already.
    pub(crate) fn kept(&self, token: ApiToken) -> PackedToken {
        let version = version_of(&token);
        let own = |known: &Object| {
            let wrote = known.newest.as_ref().filter(|_| known.unshown)?;
            (wrote.version() == version).then(|| wrote.clone())
        };
        let uid = token.meta().uid.as_ref();
        let own = uid.and_then(|uid| self.objects.known(uid, own));
        own.unwrap_or_else(|| pack(&without_others(token), &self.parameters))
    }

    /// The watch shows this version: nobody needs another copy of it.
    pub(crate) fn shows(&self, token: &PackedToken) {
        self.objects.of(token.uid(), |known| {
            let older = |newest: &PackedToken| newest.version() <= token.version();
            if !known.gone && known.newest.as_ref().is_none_or(older) {
                known.newest = Some(token.clone());
                known.unshown = false;
            }
        });
    }

    /// Whether this process wrote this version, or a later one over it, and so knows it: whoever writes goes
    /// on by itself.
    pub(crate) fn is_own(&self, token: &PackedToken) -> bool {
        let own = |known: &Object| (known.wrote >= Some(token.version())).then_some(());
        self.objects.known(token.uid(), own).is_some()
    }

    /// By how much more than so an instant that the API server set comes later than by the clock here, which may be
    /// ahead of its own. It is asked only where the instant is over by the one here, which stands where it does not
    /// say.
    pub(crate) async fn later(&self, at: Timestamp, ahead: SignedDuration) -> SignedDuration {
        let now = self.clock.now();
        if now < after(at, ahead) {
            return SignedDuration::ZERO;
        }
        match self.calls.server_time(&self.home).await {
            Ok(theirs) if theirs < at => now.duration_since(theirs).saturating_sub(ahead),
            Ok(_) | Err(_) => SignedDuration::ZERO,
        }
    }

    /// Whether anything is known of it.
    pub(crate) fn knows(&self, uid: impl Into<Uid>) -> bool {
        self.objects.known(uid, |_| Some(())).is_some()
    }

    /// Where an object stands of which anything is known.
    pub(crate) fn known_place(&self, uid: &str) -> Option<Place> {
        let place = |known: &Object| known.newest.as_ref().map(PackedToken::place);
        self.objects.known(uid, place)
    }

    /// Every `ApiToken` as it was last seen.
    pub(crate) fn seen(&self) -> Vec<PackedToken> {
        self.objects.all(|known| known.newest.clone())
    }

    /// Remembers a version that this process wrote. The watch may have shown it already.
    pub(crate) fn wrote(&self, object: &ApiToken) {
        let Some(uid) = object.uid() else {
            return;
        };
        let version = version_of(object);
        let history = self.calls.history();
        history.saw(version, || ObjectRef::from_obj(object));
        self.objects
            .change(&uid, |known| known.wrote = Some(version));
        self.read(object);
    }

    /// Remembers a version that the watch does not show yet, where it is newer than what is known.
    pub(crate) fn read(&self, object: &ApiToken) {
        let Some(uid) = object.uid() else {
            return;
        };
        let version = version_of(object);
        let is_newer = |known: &Object| {
            let newest = known.newest.as_ref();
            !known.gone && newest.is_none_or(|newest| newest.version() < version)
        };
        let newer = |known: &Object| is_newer(known).then_some(());
        if self.objects.known(&uid, newer).is_none() {
            return;
        }
        let newest = pack(&without_others_of(object), &self.parameters);
        self.objects.change(&uid, |known| {
            (known.newest, known.unshown) = (Some(newest), true);
        });
    }

    /// It is told what stays alive without it; whether that is the first time.
    pub(crate) fn abandons(&self, uid: &str) -> bool {
        let told = |known: &mut Object| mem::replace(&mut known.abandons, true);
        self.objects.change(uid, told) != Some(true)
    }

    /// It is let go; only this is remembered of it, until the watch tells that it is gone. Gives what was known,
    /// for one that stays.
    pub(crate) fn let_go(&self, uid: &str) -> Object {
        self.marks.forget(uid);
        let gone = Object {
            gone: true,
            ..Object::default()
        };
        let before = self.objects.change(uid, |known| mem::replace(known, gone));
        before.unwrap_or_default()
    }

    /// It was not let go, as far as anybody knows: it is looked at again.
    pub(crate) fn stays(&self, uid: &str, before: Object) {
        self.objects.change(uid, |known| *known = before);
    }

    /// Whether it was let go.
    pub(crate) fn is_gone(&self, uid: &str) -> bool {
        self.objects
            .known(uid, |known| known.gone.then_some(()))
            .is_some()
    }

    /// How often in a row the reconcile of an object failed.
    pub(crate) fn failures(&self, uid: impl Into<Uid>) -> u32 {
        let failures = self.objects.known(uid, |known| Some(known.failures));
        failures.unwrap_or_default()
    }

    /// The same, this time among them.
    pub(crate) fn failed(&self, uid: impl Into<Uid>) -> u32 {
        let failed = self.objects.change(uid, |known| {
            known.failures = known.failures.saturating_add(1);
            known.failures
        });
        failed.unwrap_or(1)
    }

    /// Whether it fails for some minutes already: a person should know then.
    pub(crate) fn fails_for_long(&self, uid: impl Into<Uid>) -> bool {
        self.failures(uid) >= FOR_LONG
    }

    /// The reconcile of an object came to its end.
    pub(crate) fn succeeded(&self, uid: &str) {
        self.objects.change(uid, |known| known.failures = 0);
    }

    /// Who undoes what is written about an object, as one of its conditions.
    pub(crate) fn contested(&self, uid: &str, secret: &str, now: Timestamp) -> Option<Fact> {
        let told = self.objects.known(uid, |known| {
            let of_secret = known.secret.0.about_secret(secret, now);
            of_secret.or_else(|| known.told.contest.about_status(now))
        });
        told.or_else(|| self.marks.known(uid, |marks| marks.contested(now)))
    }

    /// Looks again at an object when what was undone is written anew, and when nobody undoes it any more.
    pub(crate) fn follow_contests(self: &Arc<Self>, uid: &str) {
        let now = self.clock.now();
        let due = |known: &Object| {
            let contests = [&known.secret.0, &known.told.contest];
            contests.iter().filter_map(|c| c.changes_at(now)).min()
        };
        let marks = self.marks.known(uid, |marks| marks.changes_at(now));
        let due = self.objects.known(uid, due).into_iter().chain(marks).min();
        let Some(at) = due else {
            return;
        };
        let is_set = self.objects.change(uid, |known| {
            let set = known.alarm.filter(|set| *set > now && *set <= at);
            known.alarm = set.or(Some(at));
            set.is_some()
        });
        if is_set != Some(false) {
            return;
        }
        let (wake, uid) = (self.waker(), uid.to_owned());
        let wait = pace::until(at, now);
        self.tasks.later(wait, move || wake(&uid));
    }

    /// Wakes a manager.
    pub(crate) fn wake(&self, uid: impl Into<Uid>) {
        let reference = |known: &Object| known.newest.as_ref().map(PackedToken::reference);
        if let Some(object) = self.objects.known(uid, reference) {
            self.wakes.send(object);
        }
    }

    /// Those that came to a place which another one had.
    pub(crate) fn wake_all(&self, uids: Vec<Arc<str>>) {
        for uid in uids {
            self.wake(&*uid);
        }
    }

    /// A function that wakes managers and holds nothing of this but their names.
    pub(crate) fn waker(self: &Arc<Self>) -> Wake {
        let context = Arc::downgrade(self);
        Arc::new(move |uid: &str| {
            if let Some(context) = context.upgrade() {
                context.wake(uid);
            }
        })
    }
}

/// Hands tasks to whoever runs the operator, so that its end is theirs.
#[derive(Clone)]
pub(crate) struct Tasks {
    started: UnboundedSender<BoxFuture<'static, ()>>,
    /// The operator is asked to end.
    ends: CancellationToken,
}

impl std::fmt::Debug for Tasks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tasks")
    }
}

impl Tasks {
    /// Hands tasks over to whoever gets what is `started`, and runs it until the operator `ends`.
    pub(crate) fn new(
        started: UnboundedSender<BoxFuture<'static, ()>>,
        ends: CancellationToken,
    ) -> Self {
        Self { started, ends }
    }

    /// Does something after a while, unless the operator is to end before: its end waits for what is under
    /// way, and for no clock.
    pub(crate) fn later(&self, wait: Duration, then: impl FnOnce() + Send + 'static) {
        let tasks = self.clone();
        self.start(async move {
            if tasks
                .unless_ending(tokio::time::sleep(wait))
                .await
                .is_some()
            {
                then();
            }
        });
    }

    /// Waits for something, unless the operator is to end before.
    pub(crate) async fn unless_ending<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            () = self.ends.cancelled() => None,
            came = wait => Some(came),
        }
    }

    /// Starts a task, whose log lines name the same object as those of whoever starts it, and which asks issuers
    /// in the same name; after the end of the operator it is dropped unstarted.
    pub(crate) fn start(&self, task: impl Future<Output = ()> + Send + 'static) {
        // What wraps a future holds it twice, while it is handed on and while it runs.
        self.start_unnamed(Box::pin(task).in_current_span());
    }

    /// The same for one of which there are thousands at once: its log lines name no object.
    pub(crate) fn start_unnamed(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = seats::in_the_name_of(seats::name(), task);
        let _ended = self.started.send(Box::pin(task));
    }
}

/// So many are woken at once on a usual day.
const USUAL: usize = 64;

/// So many failures in a row take some minutes.
const FOR_LONG: u32 = 10;

/// Wakes managers, each through the controller of its namespace.
#[derive(Debug, Default)]
pub(crate) struct Wakes {
    /// By namespace; the empty one is for all.
    senders: HashMap<String, UnboundedSender<ObjectRef<ApiToken>>>,
    /// Those that were woken, and that no controller has taken yet.
    woken: Mutex<HashSet<ObjectRef<ApiToken>>>,
}

impl Wakes {
    /// Through these, by namespace.
    pub(crate) fn through(senders: HashMap<String, UnboundedSender<ObjectRef<ApiToken>>>) -> Self {
        let woken = Mutex::default();
        Self { senders, woken }
    }

    /// A controller takes it; whoever wakes it from now on wakes it anew.
    pub(crate) fn taken(&self, object: &ObjectRef<ApiToken>) {
        let mut woken = self.woken.lock();
        woken.remove(object);
        // The room of thousands that were woken at once.
        if woken.is_empty() {
            woken.shrink_to(USUAL);
        }
    }

    /// Asks for a reconcile, once until a controller takes it: one Secret that a tenant changes all the time may
    /// wake thousands.
    pub(crate) fn send(&self, object: ObjectRef<ApiToken>) {
        let namespace = object.namespace.clone().unwrap_or_default();
        let sender = self
            .senders
            .get(&namespace)
            .or_else(|| self.senders.get(""));
        if let Some(sender) = sender
            && self.woken.lock().insert(object.clone())
        {
            let _ended = sender.send(object);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    #[test]
    fn who_is_woken_a_thousand_times_is_woken_once_until_a_controller_takes_it() {
        let (sender, mut due) = unbounded_channel();
        let wakes = Wakes::through(HashMap::from([(String::new(), sender)]));
        let object = || ObjectRef::new("ci").within("team-a");
        for _ in 0..1_000 {
            wakes.send(object());
        }
        assert_eq!(due.len(), 1);
        wakes.taken(&due.try_recv().unwrap());
        wakes.send(object());
        assert_eq!(due.len(), 1);
    }
}
