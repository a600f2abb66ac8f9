//! The watches and controllers of one namespace, or of all.

use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::controller::{Config, Controller};
use kube::runtime::reflector::ObjectRef;
use kube::{Client, Resource, ResourceExt as _};
use tokenwright_api::{ApiToken, TokenIssuer};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::adopted::release;
use crate::cluster::unreadable::Place;
use crate::issuer::credential;
use crate::issuer::reconcile::{self as issuer, Desk};
use crate::watch::dispatch::Dispatch;
use crate::watch::feeds::{Feed, Feeds, SecretMeta, Shown, Told};
use crate::watch::mappers::{
    adopters_of, around_issuer, around_token, holders_of, issuer_of, issuers_with, manager_of,
    needed,
};

/// What is shared by the controllers of one namespace and those who start and end them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signals {
    /// Cancelled to ask for the end.
    pub(crate) stop: CancellationToken,
    /// Cancelled once all first lists are in.
    pub(crate) listed: CancellationToken,
}

/// What the controllers of one namespace work with.
#[derive(Clone)]
struct Work {
    dispatch: Arc<Dispatch>,
    shown: Shown,
    signals: Signals,
    /// Issuers that are to be looked at.
    issuers: UnboundedSender<ObjectRef<TokenIssuer>>,
    /// Sources that may be needed by nobody.
    sources: UnboundedSender<ObjectRef<SecretMeta>>,
    /// Credentials that may be held by nobody.
    credentials: UnboundedSender<ObjectRef<SecretMeta>>,
}

/// Runs the controllers of one namespace, or of all, until `signals.stop`.
pub(crate) async fn serve(
    client: Client,
    namespace: String,
    wakes: UnboundedReceiver<ObjectRef<ApiToken>>,
    dispatch: Arc<Dispatch>,
    signals: Signals,
) {
    let (cleared, mut readable_again) = unbounded_channel();
    let feeds = Feeds::open(&client, &namespace, &dispatch.context, &cleared);
    let (issuers, issuers_due) = unbounded_channel();
    let (sources, sources_due) = unbounded_channel();
    let (credentials, credentials_due) = unbounded_channel();
    let work = Work {
        dispatch,
        shown: feeds.shown(),
        signals,
        issuers,
        sources,
        credentials,
    };
    let first_lists = {
        let (lists, listed) = (feeds.first_lists(), work.signals.listed.clone());
        async move {
            lists.await;
            listed.cancel();
        }
    };
    let delivered = work.told_of_secrets(feeds.delivered);
    let controllers = async {
        futures::join!(
            work.tokens(work.told_of_tokens(feeds.tokens), delivered, wakes),
            work.sources(work.told_of_secrets(feeds.sources), sources_due),
            work.credentials(work.told_of_credentials(feeds.credentials), credentials_due),
            work.issuers(work.told_of_issuers(feeds.issuers), issuers_due),
        )
    };
    let beside = async {
        first_lists.await;
        while readable_again.recv().await.is_some() {
            work.all_due();
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = controllers => {}
        () = beside => {}
    }
}

/// Where an object stands.
fn place<K: Resource<DynamicType = ()>>(object: &K) -> Place {
    Place::at::<K>(object.meta())
}

fn received<T>(from: UnboundedReceiver<T>) -> impl Stream<Item = T> {
    futures::stream::unfold(
        from,
        |mut from| async move { Some((from.recv().await?, from)) },
    )
}

impl Work {
    /// As many reconciles as there are; the slots of `Dispatch` say how many of them are at work.
    fn config() -> Config {
        Config::default()
    }

    /// Every object is due once: a change may have been told by nobody.
    fn all_due(&self) {
        for token in self.shown.tokens.state() {
            let wakes = &self.dispatch.context.wakes;
            wakes.send(ObjectRef::from_obj(token.as_ref()));
        }
        for issuer in self.shown.issuers.state() {
            let _ended = self.issuers.send(ObjectRef::from_obj(issuer.as_ref()));
        }
        for source in self.shown.sources.state() {
            let _ended = self.sources.send(ObjectRef::from_obj(source.as_ref()));
        }
        for credential in self.shown.credentials.state() {
            let credential = ObjectRef::from_obj(credential.as_ref());
            let _ended = self.credentials.send(credential);
        }
    }

    /// Told after the store knows it: whoever looks there then sees who needs a source or an issuer now.
    fn told_of_tokens(&self, feed: Feed<ApiToken>) -> Feed<ApiToken> {
        let work = self.clone();
        feed.telling(move |told| {
            let (token, gone) = match told {
                Told::There(token) => (token, false),
                Told::Gone(token) => (token, true),
                Told::ListedAgain => return work.all_due(),
            };
            let namespace = token.namespace().unwrap_or_default();
            for name in release::left_by(token, gone) {
                let _ended = work.sources.send(ObjectRef::new(name).within(&namespace));
            }
            let _ended = work.issuers.send(issuer_of(token));
        })
    }

    /// Whoever changes its reference, or goes, may have been the last one to hold a credential.
    fn told_of_issuers(&self, feed: Feed<TokenIssuer>) -> Feed<TokenIssuer> {
        let work = self.clone();
        feed.telling(move |told| match told {
            Told::There(issuer) | Told::Gone(issuer) => {
                let namespace = issuer.namespace();
                for credential in work.shown.credentials.state() {
                    if credential.namespace() == namespace {
                        let credential = ObjectRef::from_obj(credential.as_ref());
                        let _ended = work.credentials.send(credential);
                    }
                }
            }
            Told::ListedAgain => work.all_due(),
        })
    }

    /// A credential that changes concerns the issuers that use it, and whoever adopts it.
    fn told_of_credentials(&self, feed: Feed<SecretMeta>) -> Feed<SecretMeta> {
        let work = self.clone();
        self.told_of_secrets(feed).telling(move |told| match told {
            Told::There(secret) | Told::Gone(secret) => {
                for issuer in issuers_with(secret, &work.shown.issuers) {
                    let _ended = work.issuers.send(issuer);
                }
            }
            Told::ListedAgain => {}
        })
    }

    /// A value may be adopted from a Secret that is something else to somebody else.
    fn told_of_secrets(&self, feed: Feed<SecretMeta>) -> Feed<SecretMeta> {
        let work = self.clone();
        feed.telling(move |told| match told {
            Told::There(secret) | Told::Gone(secret) => {
                for token in adopters_of(secret, &work.shown.tokens) {
                    work.dispatch.context.wakes.send(token);
                }
            }
            Told::ListedAgain => work.all_due(),
        })
    }

    async fn tokens(
        &self,
        tokens: Feed<ApiToken>,
        delivered: Feed<SecretMeta>,
        wakes: UnboundedReceiver<ObjectRef<ApiToken>>,
    ) {
        let (work, named) = (self.clone(), tokens.shown.clone());
        Controller::for_stream(tokens.events.applied_objects(), tokens.shown)
            .with_config(Self::config())
            .watches_stream(delivered.events.touched_objects(), move |secret| {
                manager_of(&secret, &named)
            })
            .reconcile_on(received(wakes))
            .graceful_shutdown_on(self.signals.stop.clone().cancelled_owned())
            .run(
                move |object: Arc<ApiToken>, dispatch: Arc<Dispatch>| {
                    let work = work.clone();
                    async move {
                        // Before the first lists are in nobody can tell that something is not there.
                        work.signals.listed.cancelled().await;
                        let unreadable = &dispatch.context.unreadable;
                        let around = around_token(&object, &work.shown, unreadable);
                        let reconcile = dispatch.reconcile(object, around);
                        dispatch.slots.within(reconcile).await
                    }
                },
                |object, error, dispatch| dispatch.after_error(&object, error),
                Arc::clone(&self.dispatch),
            )
            .for_each(|_| std::future::ready(()))
            .await;
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
                        work.signals.listed.cancelled().await;
                        let context = &dispatch.context;
                        let needed = needed(&source, &work.shown.tokens, &context.unreadable);
                        let (namespace, name) = (source.namespace(), source.name_any());
                        let at = (namespace.unwrap_or_default(), name);
                        let reconcile = release::reconcile(at, Arc::clone(context), needed);
                        dispatch.run(&place(source.as_ref()), reconcile).await
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
        due: UnboundedReceiver<ObjectRef<SecretMeta>>,
    ) {
        let work = self.clone();
        Controller::for_stream(credentials.events.applied_objects(), credentials.shown)
            .with_config(Self::config())
            .reconcile_on(received(due))
            .graceful_shutdown_on(self.signals.stop.clone().cancelled_owned())
            .run(
                move |secret: Arc<SecretMeta>, dispatch: Arc<Dispatch>| {
                    let work = work.clone();
                    async move {
                        // Before the first lists are in every credential seems to be held by nobody.
                        work.signals.listed.cancelled().await;
                        let context = Arc::clone(&dispatch.context);
                        let (namespace, name) = (secret.namespace(), secret.name_any());
                        let unreadable = &context.unreadable;
                        let held = holders_of(&secret, &work.shown.issuers, unreadable);
                        let at = (namespace.unwrap_or_default(), name);
                        let reconcile = credential::reconcile(at, Arc::clone(&context), held);
                        dispatch.run(&place(secret.as_ref()), reconcile).await
                    }
                },
                |secret, error, dispatch| dispatch.again(&place(secret.as_ref()), error),
                Arc::clone(&self.dispatch),
            )
            .for_each(|_| std::future::ready(()))
            .await;
    }

    async fn issuers(
        &self,
        issuers: Feed<TokenIssuer>,
        due: UnboundedReceiver<ObjectRef<TokenIssuer>>,
    ) {
        let work = self.clone();
        let desk = Arc::new(Desk::new(self.issuers.clone()));
        Controller::for_stream(issuers.events.applied_objects(), issuers.shown)
            .with_config(Self::config())
            .reconcile_on(received(due))
            .graceful_shutdown_on(self.signals.stop.clone().cancelled_owned())
            .run(
                move |object: Arc<TokenIssuer>, dispatch: Arc<Dispatch>| {
                    let (work, desk) = (work.clone(), Arc::clone(&desk));
                    async move {
                        // An issuer that seems to be needed by nobody would be let go.
                        work.signals.listed.cancelled().await;
                        let Dispatch {
                            context, issuers, ..
                        } = dispatch.as_ref();
                        let around = around_issuer(&object, &work.shown, &context.unreadable);
                        let place = place(object.as_ref());
                        let reconcile = issuer::reconcile(object, context, issuers, &desk, around);
                        dispatch.run(&place, reconcile).await
                    }
                },
                |object, error, dispatch| dispatch.again(&place(object.as_ref()), error),
                Arc::clone(&self.dispatch),
            )
            .for_each(|_| std::future::ready(()))
            .await;
    }
}
