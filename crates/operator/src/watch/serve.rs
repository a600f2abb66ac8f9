//! The watches and controllers of one namespace, or of all.

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::reflector::ObjectRef;
use kube::{Client, ResourceExt as _};
use tokenwright_api::{ApiToken, TokenIssuer};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::adopted::release;
use crate::issuer::reconcile::{self as issuer, Known};
use crate::watch::dispatch::Dispatch;
use crate::watch::feeds::{Feed, Feeds, SecretMeta, Shown, Told};
use crate::watch::mappers::{
    adopters_of, around_issuer, around_token, issuer_of, issuers_with, manager_of, needed,
};

/// Reconciles at the same time; they wait for the API server most of their time.
const CONCURRENCY: u16 = 32;

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
    let work = Work {
        dispatch,
        shown: feeds.shown(),
        signals,
        issuers,
        sources,
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
            work.issuers(
                work.told_of_issuers(feeds.issuers),
                work.told_of_secrets(feeds.credentials),
                issuers_due
            ),
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

fn received<T>(from: UnboundedReceiver<T>) -> impl Stream<Item = T> {
    futures::stream::unfold(
        from,
        |mut from| async move { Some((from.recv().await?, from)) },
    )
}

impl Work {
    fn config() -> Config {
        Config::default().concurrency(CONCURRENCY)
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

    fn told_of_issuers(&self, feed: Feed<TokenIssuer>) -> Feed<TokenIssuer> {
        let work = self.clone();
        feed.telling(move |told| {
            if matches!(told, Told::ListedAgain) {
                work.all_due();
            }
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
                        dispatch.reconcile(object, around).await
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
                        let place = (namespace.unwrap_or_default(), name);
                        release::reconcile(place, Arc::clone(context), needed).await
                    }
                },
                |source, error, _| {
                    let (namespace, secret) = (source.namespace(), source.name_any());
                    let error = error as &dyn std::error::Error;
                    tracing::warn!(namespace, secret, error, "the source is not given back yet");
                    Action::requeue(Duration::from_secs(2))
                },
                Arc::clone(&self.dispatch),
            )
            .for_each(|_| std::future::ready(()))
            .await;
    }

    async fn issuers(
        &self,
        issuers: Feed<TokenIssuer>,
        credentials: Feed<SecretMeta>,
        due: UnboundedReceiver<ObjectRef<TokenIssuer>>,
    ) {
        let (work, with_credential) = (self.clone(), issuers.shown.clone());
        let known = Arc::new(Known::default());
        Controller::for_stream(issuers.events.applied_objects(), issuers.shown)
            .with_config(Self::config())
            .reconcile_on(received(due))
            .watches_stream(credentials.events.touched_objects(), move |secret| {
                issuers_with(&secret, &with_credential)
            })
            .graceful_shutdown_on(self.signals.stop.clone().cancelled_owned())
            .run(
                move |object: Arc<TokenIssuer>, dispatch: Arc<Dispatch>| {
                    let (work, known) = (work.clone(), Arc::clone(&known));
                    async move {
                        // An issuer that seems to be needed by nobody would be let go.
                        work.signals.listed.cancelled().await;
                        let Dispatch {
                            context, issuers, ..
                        } = dispatch.as_ref();
                        let around = around_issuer(&object, &work.shown, &context.unreadable);
                        issuer::reconcile(object, context, issuers, &known, around).await
                    }
                },
                |object, error, _| {
                    let (namespace, issuer) = (object.namespace(), object.name_any());
                    let error = error as &dyn std::error::Error;
                    tracing::warn!(
                        namespace,
                        issuer,
                        error,
                        "the reconcile failed and is tried again"
                    );
                    Action::requeue(Duration::from_secs(2))
                },
                Arc::clone(&self.dispatch),
            )
            .for_each(|_| std::future::ready(()))
            .await;
    }
}
