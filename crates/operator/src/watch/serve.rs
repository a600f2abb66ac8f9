//! The watches and controllers of one namespace, or of all.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, Stream, StreamExt as _, TryStreamExt as _};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::Event;
use kube::{Client, Resource, ResourceExt as _};
use tokenwright_api::token::IssuerKind;
use tokenwright_api::{ApiToken, ClusterTokenIssuer, TokenIssuer};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::adopted::release;
use crate::cluster::clock_set;
use crate::cluster::pace::Next;
use crate::cluster::token::PackedToken;
use crate::cluster::unreadable::Place;
use crate::issuer::at_start::AtStart;
use crate::issuer::credential;
use crate::issuer::object::IssuerObject;
use crate::issuer::reconcile::{self as issuer, Desk};
use crate::secret::shown::{Delivered, SecretMeta};
use crate::watch::called::calling;
use crate::watch::dispatch::Dispatch;
use crate::watch::feeds::{Feed, Feeds, Shown};
use crate::watch::herald::Herald;
use crate::watch::in_turn::in_turn;
use crate::watch::index::Index;
use crate::watch::mappers::{around_issuer, around_token, is_held, managers_of, needed, unheld};
use crate::watch::turns::look_at;

/// So many ApiTokens are made due at once: more than are at work, so that none of those waits for it.
const PORTION: usize = 128;

/// A controller that does not hang takes as many within this.
const TAKEN: Duration = Duration::from_millis(10);

/// The next portion comes after this, however many others are due all the time.
const NEXT_PORTION: Duration = Duration::from_secs(1);

/// What is shared by the controllers of one namespace and those who start and end them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signals {
    /// Cancelled to ask for the end.
    pub(crate) stop: CancellationToken,
    /// Cancelled once this replica is the one that works; until then it watches, and does no more.
    pub(crate) leading: CancellationToken,
    /// Cancelled once all first lists of the namespace are in.
    pub(crate) shown: CancellationToken,
    /// Cancelled once that is so and this replica works.
    pub(crate) begun: CancellationToken,
    /// Cancelled once the lists of what belongs to no namespace are in, and this replica works.
    pub(crate) cluster_begun: CancellationToken,
}

impl Signals {
    /// Runs a controller until it ends. One that is to end before it has begun does nothing yet, and would wait for
    /// its first list.
    async fn ends(&self, begun: &CancellationToken, controller: BoxFuture<'_, ()>) {
        let too_early = async {
            self.stop.cancelled().await;
            if begun.is_cancelled() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = controller => {}
            () = too_early => {}
        }
    }
}

/// Of issuers of both kinds.
type Heralds = (
    Arc<Herald<ObjectRef<TokenIssuer>>>,
    Arc<Herald<ObjectRef<ClusterTokenIssuer>>>,
);

/// What the controllers of one namespace work with.
#[derive(Clone)]
pub(super) struct Work {
    pub(super) dispatch: Arc<Dispatch>,
    pub(super) shown: Shown,
    pub(super) signals: Signals,
    /// Issuers that are to be looked at.
    pub(super) issuers: UnboundedSender<ObjectRef<TokenIssuer>>,
    /// Those of the cluster.
    pub(super) cluster_issuers: UnboundedSender<ObjectRef<ClusterTokenIssuer>>,
    /// Both, where only one of many ApiTokens has changed, or what many of them authenticate with.
    pub(super) heralds: Heralds,
    /// Sources that may be needed by nobody.
    pub(super) sources: UnboundedSender<ObjectRef<SecretMeta>>,
    /// Credentials that may be held by nobody.
    pub(super) credentials: UnboundedSender<ObjectRef<SecretMeta>>,
    /// That there may be any.
    pub(super) unheld: Arc<Herald<()>>,
    /// The credentials as they are when all issuers are looked at.
    at_start: AtStart,
}

/// Runs the controllers of one namespace, or of all, until `signals.stop`.
pub(crate) async fn serve(
    client: Client,
    namespace: String,
    wakes: UnboundedReceiver<ObjectRef<ApiToken>>,
    dispatch: Arc<Dispatch>,
    signals: Signals,
) {
    let tasks = &dispatch.context.tasks;
    let (cleared, mut readable_again) = unbounded_channel();
    let cleared = Herald::new(cleared, tasks.clone());
    let feeds = Feeds::open(&client, &namespace, &dispatch.context, &cleared);
    let (issuers, issuers_due) = unbounded_channel();
    let (cluster_issuers, cluster_issuers_due) = unbounded_channel();
    let (sources, sources_due) = unbounded_channel();
    let (credentials, credentials_due) = unbounded_channel();
    let (unheld, maybe_unheld) = unbounded_channel();
    let heralds = (
        Herald::new(issuers.clone(), tasks.clone()),
        Herald::new(cluster_issuers.clone(), tasks.clone()),
    );
    let work = Work {
        heralds,
        unheld: Herald::new(unheld, tasks.clone()),
        dispatch,
        shown: feeds.shown(),
        signals,
        issuers,
        cluster_issuers,
        sources,
        credentials,
        at_start: AtStart::new(&namespace),
    };
    let first_lists = {
        let lists = feeds.first_lists();
        let work = &work;
        async move {
            lists.await;
            work.signals.shown.cancel();
            work.begin(&work.signals.begun).await;
        }
    };
    let first_cluster_lists = {
        let lists = feeds.first_cluster_lists();
        let work = &work;
        async move {
            lists.await;
            work.begin(&work.signals.cluster_begun).await;
            std::future::pending::<()>().await;
        }
    };
    let delivered = work.told_of_secrets(feeds.delivered);
    let issuers = work.told_of_issuers(feeds.issuers);
    let (begun, cluster_begun) = (&work.signals.begun, &work.signals.cluster_begun);
    // Only those are looked at that have something to do.
    let controllers = [
        (
            begun,
            work.tokens(work.told_of_tokens(feeds.tokens), delivered, wakes)
                .boxed(),
        ),
        (
            begun,
            work.sources(work.told_of_secrets(feeds.sources), sources_due)
                .boxed(),
        ),
        (
            begun,
            work.credentials(
                work.told_of_credentials(feeds.credentials),
                (credentials_due, maybe_unheld),
            )
            .boxed(),
        ),
        (
            begun,
            work.issuers(issuers, (work.issuers.clone(), issuers_due))
                .boxed(),
        ),
        (
            cluster_begun,
            work.of_cluster(feeds.cluster, cluster_issuers_due).boxed(),
        ),
    ];
    let controllers: FuturesUnordered<_> = controllers
        .into_iter()
        .map(|(begun, controller)| work.signals.ends(begun, controller))
        .collect();
    let beside = async {
        first_lists.await;
        let around_again = async {
            while let Some(at) = readable_again.recv().await {
                work.readable_again(&at);
            }
        };
        futures::join!(work.at_start.forget(), around_again, work.with_the_clock());
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = controllers.collect() => {}
        () = beside => {}
        () = first_cluster_lists => {}
    }
}

/// Where an object stands.
pub(super) fn place<K: Resource<DynamicType = ()>>(object: &K) -> Place {
    Place::at::<K>(object.meta())
}

pub(super) fn received<T>(from: UnboundedReceiver<T>) -> impl Stream<Item = T> {
    futures::stream::unfold(
        from,
        |mut from| async move { Some((from.recv().await?, from)) },
    )
}

impl Work {
    /// As many reconciles as there are; the slots of `Dispatch` say how many of them are at work.
    pub(super) fn config() -> Config {
        Config::default()
    }

    /// What is due at an instant is looked at again when that came another way than timers count.
    async fn with_the_clock(&self) {
        let mut clock = clock_set::Looked::at(&self.dispatch.context.clock);
        loop {
            let set = clock.set().await;
            tracing::warn!(
                by = %set,
                "the clock was set, or the machine slept: everything is looked at again"
            );
            self.all_due();
        }
    }

    /// Every object is due once: a change may have been told by nobody.
    pub(super) fn all_due(&self) {
        let work = self.clone();
        self.dispatch.context.tasks.start(async move {
            tokio::select! {
                () = work.signals.stop.cancelled() => {}
                () = work.all_tokens_due() => {}
            }
        });
        for issuer in self.shown.issuers.state() {
            let _ended = self.issuers.send(ObjectRef::from_obj(issuer.as_ref()));
        }
        for issuer in self.shown.cluster_issuers.iter().flat_map(Store::state) {
            let _ended = self
                .cluster_issuers
                .send(ObjectRef::from_obj(issuer.as_ref()));
        }
        for source in self.shown.sources.state() {
            let _ended = self.sources.send(ObjectRef::from_obj(source.as_ref()));
        }
        for credential in self.shown.credentials.state() {
            let credential = ObjectRef::from_obj(credential.as_ref());
            let _ended = self.credentials.send(credential);
        }
    }

    /// Thousands of them come portion by portion: whoever is due takes as much room as one that is not. No tenant
    /// waits for the portions of another.
    async fn all_tokens_due(&self) {
        for portion in in_turn(&self.shown.tokens.all()).chunks(PORTION) {
            for token in portion {
                self.dispatch.context.wakes.send(token.reference());
            }
            // Until then the controller has taken them.
            tokio::time::sleep(TAKEN).await;
            self.dispatch.slots.nobody_waits(NEXT_PORTION).await;
        }
    }

    /// Lets the controllers go on once this replica works, and calls whoever came earlier and left.
    async fn begin(&self, begun: &CancellationToken) {
        self.signals.leading.cancelled().await;
        begun.cancel();
        self.all_due();
    }

    /// Whether this replica works and the first lists are in: before that nobody can tell that something is
    /// not there. Whoever comes earlier leaves at once, and is called again then.
    fn begun(&self, of_cluster_too: bool) -> bool {
        let signals = &self.signals;
        signals.begun.is_cancelled() && (!of_cluster_too || signals.cluster_begun.is_cancelled())
    }

    /// Has an `ApiToken` looked at again, where it is still shown.
    fn calling_token(&self, token: &ObjectRef<ApiToken>) -> impl FnOnce() -> bool + Send + use<> {
        let (shown, token) = (Arc::clone(&self.shown.tokens), token.clone());
        let context = Arc::clone(&self.dispatch.context);
        move || {
            let namespace = token.namespace.as_deref().unwrap_or_default();
            let there = shown.get(namespace, &token.name).is_some();
            context.wakes.send(token);
            there
        }
    }

    async fn tokens(
        &self,
        tokens: Feed<PackedToken, Arc<Index>>,
        delivered: Feed<SecretMeta, Delivered>,
        wakes: UnboundedReceiver<ObjectRef<ApiToken>>,
    ) {
        let (context, named) = (&self.dispatch.context, &self.shown.tokens);
        let of_others = |token: &PackedToken| std::future::ready(!context.is_own(token));
        let news = tokens.events.applied_objects().try_filter(of_others);
        let secrets = delivered.events.touched_objects();
        // What goes wrong with a watch is told already.
        let changed = futures::stream::select(
            news.map_ok(|token| vec![token.reference()]),
            secrets.map_ok(|secret| managers_of(&secret, named)),
        );
        let changed = changed.map(Result::unwrap_or_default);
        let woken = received(wakes).inspect(|token| context.wakes.taken(token));
        let due = futures::stream::select(changed.flat_map(futures::stream::iter), woken);
        // Whoever comes before the first lists are in is called again then.
        let due = due.filter(|_| std::future::ready(self.begun(false)));
        let due = due.take_until(self.signals.stop.cancelled());
        look_at(due, |token| self.clone().look(token)).await;
    }

    /// Looks at one `ApiToken`.
    async fn look(self, reference: ObjectRef<ApiToken>) {
        let namespace = reference.namespace.as_deref().unwrap_or_default();
        let shown = || self.shown.tokens.get(namespace, &reference.name);
        let Some(token) = shown() else {
            return;
        };
        if !self.begun(token.brief().issuer.kind == IssuerKind::ClusterTokenIssuer) {
            return;
        }
        let dispatch = &self.dispatch;
        let reconcile = || async {
            // Whoever waited for a slot works on what is there now.
            let Some(token) = shown() else {
                return Ok(Next::await_change());
            };
            let unreadable = &dispatch.context.unreadable;
            let around = || around_token(&token, &self.shown, unreadable);
            dispatch.reconcile(&token, around).await
        };
        let call = self.calling_token(&reference);
        dispatch.look(&token, call, reconcile).await;
        // It went meanwhile: what was found out of it since is forgotten, too.
        if shown().is_none_or(|now| now.uid() != token.uid()) {
            dispatch.forget(&token);
        }
    }

    async fn sources(
        &self,
        sources: Feed<SecretMeta>,
        due: UnboundedReceiver<ObjectRef<SecretMeta>>,
    ) {
        let work = self.clone();
        Controller::for_stream(sources.events.applied_objects(), sources.shown)
            .with_config(Self::config())
            .reconcile_on(received(due))
            .graceful_shutdown_on(self.signals.stop.clone().cancelled_owned())
            .run(
                move |source: Arc<SecretMeta>, dispatch: Arc<Dispatch>| {
                    let work = work.clone();
                    async move {
                        // Before the first lists are in every source seems to be needed by nobody.
                        if !work.begun(false) {
                            return Ok(Action::await_change());
                        }
                        let context = &dispatch.context;
                        let needed = needed(&source, &work.shown.tokens, &context.unreadable);
                        let (namespace, name) = (source.namespace(), source.name_any());
                        let at = (namespace.unwrap_or_default(), name);
                        let reconcile = release::reconcile(at, Arc::clone(context), needed);
                        let place = place(source.as_ref());
                        let call = calling(&work.shown.sources, &work.sources, source.as_ref());
                        dispatch.run(&place, call, reconcile).await
                    }
                },
                |source, error, dispatch| dispatch.again(&place(source.as_ref()), error),
                Arc::clone(&self.dispatch),
            )
            .for_each(|_| std::future::ready(()))
            .await;
    }

    async fn credentials(
        &self,
        credentials: Feed<SecretMeta>,
        (due, maybe_unheld): (
            UnboundedReceiver<ObjectRef<SecretMeta>>,
            UnboundedReceiver<()>,
        ),
    ) {
        let work = self.clone();
        let (shown, dispatch) = (self.shown.clone(), Arc::clone(&self.dispatch));
        let unheld = received(maybe_unheld)
            .flat_map(move |()| futures::stream::iter(unheld(&shown, &dispatch)));
        let due = futures::stream::select(received(due), unheld);
        Controller::for_stream(credentials.events.applied_objects(), credentials.shown)
            .with_config(Self::config())
            .reconcile_on(due)
            .graceful_shutdown_on(self.signals.stop.clone().cancelled_owned())
            .run(
                move |secret: Arc<SecretMeta>, dispatch: Arc<Dispatch>| {
                    let work = work.clone();
                    async move {
                        // Before the first lists are in every credential seems to be held by nobody.
                        if !work.begun(true) {
                            return Ok(Action::await_change());
                        }
                        let context = Arc::clone(&dispatch.context);
                        let (namespace, name) = (secret.namespace(), secret.name_any());
                        let at = (namespace.unwrap_or_default(), name);
                        let held = is_held((&at.0, &at.1), &work.shown, &dispatch, |_| false);
                        let reconcile = credential::reconcile(at, Arc::clone(&context), held);
                        let place = place(secret.as_ref());
                        let credentials = &work.shown.credentials;
                        let call = calling(credentials, &work.credentials, secret.as_ref());
                        dispatch.run(&place, call, reconcile).await
                    }
                },
                |secret, error, dispatch| dispatch.again(&place(secret.as_ref()), error),
                Arc::clone(&self.dispatch),
            )
            .for_each(|_| std::future::ready(()))
            .await;
    }

    /// Issuers of one kind; `wakes` has one of them looked at again.
    pub(super) async fn issuers<K: IssuerObject>(
        &self,
        issuers: Feed<K>,
        (wakes, due): (
            UnboundedSender<ObjectRef<K>>,
            UnboundedReceiver<ObjectRef<K>>,
        ),
    ) {
        let work = self.clone();
        let shown = issuers.shown.clone();
        let desk = Arc::new(Desk::new(wakes.clone(), self.at_start.clone()));
        let (gone, all) = (Arc::clone(&desk), Arc::clone(&self.dispatch));
        let events = issuers.events.inspect_ok(move |event| {
            if let Event::Delete(issuer) = event {
                all.forget_issuer(&gone, issuer);
            }
        });
        Controller::for_stream(events.applied_objects(), issuers.shown)
            .with_config(Self::config())
            .reconcile_on(received(due))
            .graceful_shutdown_on(self.signals.stop.clone().cancelled_owned())
            .run(
                move |object: Arc<K>, dispatch: Arc<Dispatch>| {
                    let (work, desk) = (work.clone(), Arc::clone(&desk));
                    let (shown, wakes) = (shown.clone(), wakes.clone());
                    async move {
                        let of_cluster = object.settings().profile_ref.is_some()
                            || K::KIND == IssuerKind::ClusterTokenIssuer;
                        // An issuer that seems to be needed by nobody would be let go.
                        if !work.begun(of_cluster) {
                            return Ok(Action::await_change());
                        }
                        let Dispatch {
                            context, issuers, ..
                        } = dispatch.as_ref();
                        let around = || around_issuer(object.as_ref(), &work.shown, context);
                        let let_go = |uid: &str| issuers.holds.lifted(uid);
                        let held =
                            |at: credential::At<'_>| is_held(at, &work.shown, &dispatch, let_go);
                        let place = place(object.as_ref());
                        let call = calling(&shown, &wakes, object.as_ref());
                        let reference = ObjectRef::from_obj(object.as_ref());
                        let reconcile = Arc::clone(&object);
                        let reconcile =
                            issuer::reconcile(reconcile, context, issuers, &desk, (around, held));
                        let done = dispatch.run(&place, call, reconcile).await;
                        // It went meanwhile: what was found out of it since is forgotten, too.
                        if shown.get(&reference).is_none() {
                            dispatch.forget_issuer(&desk, object.as_ref());
                        }
                        done
                    }
                },
                |object, error, dispatch| dispatch.again(&place(object.as_ref()), error),
                Arc::clone(&self.dispatch),
            )
            .for_each(|_| std::future::ready(()))
            .await;
    }
}
