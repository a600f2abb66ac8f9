//! What is watched: each kind with what it shows, and a signal that its first list is in.

use std::collections::HashSet;
use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::{ObjectRef, Store, store};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use tokenwright_api::names::label;
use tokenwright_api::{ClusterTokenIssuer, TokenIssuer, TokenProfile};
use tokio_util::sync::CancellationToken;

use crate::cluster::calls::Scoped;
use crate::cluster::context::Context;
use crate::cluster::copies::{labelled, named, without_others, without_writers};
use crate::cluster::token::PackedToken;
use crate::cluster::unreadable::Place;
use crate::secret::shown::{Delivered, SecretMeta};
use crate::watch::herald::Herald;
use crate::watch::index::Index;
use crate::watch::readable::Readable;
use crate::watch::sieve::{Kept, Sieve};
use crate::watch::{stream, trouble};

/// A namespace with its labels.
pub(crate) type NamespaceMeta = PartialObjectMeta<Namespace>;

type Watched<K> = Result<watcher::Event<K>, watcher::Error>;

/// One watch.
pub(crate) struct Feed<K, S = Store<K>> {
    /// What it shows now.
    pub(crate) shown: S,
    /// What happens, after `shown` knows it.
    pub(crate) events: BoxStream<'static, Watched<K>>,
    /// Cancelled once its first list is in.
    ///
    /// The store's own `wait_until_ready` wakes only one of several waiters, and the controller is one
    /// already; so the signal is our own.
    pub(crate) listed: CancellationToken,
}

/// All watches of one namespace, or of all namespaces.
pub(crate) struct Feeds {
    /// What is wanted.
    pub(crate) tokens: Feed<PackedToken, Arc<Index>>,
    /// Who can be asked for it.
    pub(crate) issuers: Feed<TokenIssuer>,
    /// The Secrets that are delivered to.
    pub(crate) delivered: Feed<SecretMeta, Delivered>,
    /// The Secrets of credentials.
    pub(crate) credentials: Feed<SecretMeta>,
    /// The Secrets that a person fills.
    pub(crate) sources: Feed<SecretMeta>,
    /// What belongs to no namespace, where all are watched.
    pub(crate) cluster: Option<ClusterFeeds>,
}

/// The watches of what belongs to no namespace: who watches some namespaces leaves it to others.
pub(crate) struct ClusterFeeds {
    /// Who can be asked by many.
    pub(crate) issuers: Feed<ClusterTokenIssuer>,
    /// The systems that an administrator describes.
    pub(crate) profiles: Feed<TokenProfile>,
    /// Whom grants are for.
    pub(crate) namespaces: Feed<NamespaceMeta>,
}

/// What all watches show.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) tokens: Arc<Index>,
    pub(crate) issuers: Store<TokenIssuer>,
    pub(crate) delivered: Delivered,
    pub(crate) credentials: Store<SecretMeta>,
    pub(crate) sources: Store<SecretMeta>,
    /// Nothing where only some namespaces are watched.
    pub(crate) cluster_issuers: Option<Store<ClusterTokenIssuer>>,
}

impl Feeds {
    /// Begins to watch; the empty namespace is all of them. Whenever something can be read again, or is gone,
    /// `cleared` is told of it.
    pub(crate) fn open(
        client: &Client,
        namespace: &str,
        context: &Arc<Context>,
        cleared: &Arc<Herald<Place>>,
    ) -> Self {
        let client = &stream::up_to_date(client.clone(), context.calls.history().clone());
        let filled = |label, value| {
            let only = watcher::Config::default().labels(&format!("{label}={value}"));
            metadata(client, namespace, (only, value), context, named)
        };
        Self {
            tokens: tokens(client, namespace, context, cleared),
            issuers: whole(client, namespace, context, cleared),
            delivered: delivered(client, namespace, context),
            credentials: filled(label::CREDENTIAL, label::CREDENTIAL_OF_ISSUER),
            sources: filled(label::SECRET, label::SECRET_SOURCE),
            cluster: namespace.is_empty().then(|| ClusterFeeds {
                issuers: whole(client, namespace, context, cleared),
                profiles: whole(client, namespace, context, cleared),
                namespaces: metadata(
                    client,
                    "",
                    (watcher::Config::default(), ""),
                    context,
                    labelled,
                ),
            }),
        }
    }

    /// What they show.
    pub(crate) fn shown(&self) -> Shown {
        Shown {
            tokens: self.tokens.shown.clone(),
            issuers: self.issuers.shown.clone(),
            delivered: self.delivered.shown.clone(),
            credentials: self.credentials.shown.clone(),
            sources: self.sources.shown.clone(),
            cluster_issuers: self.cluster.as_ref().map(|all| all.issuers.shown.clone()),
        }
    }

    /// Done once nothing of a namespace that is there can be taken for absent any more.
    pub(crate) fn first_lists(&self) -> impl Future<Output = ()> + use<> {
        all_of(vec![
            self.tokens.listed.clone(),
            self.issuers.listed.clone(),
            self.delivered.listed.clone(),
            self.credentials.listed.clone(),
        ])
    }

    /// The same for what belongs to no namespace; at once where that is not watched.
    pub(crate) fn first_cluster_lists(&self) -> impl Future<Output = ()> + use<> {
        let lists = self.cluster.as_ref().map(|all| {
            vec![
                all.issuers.listed.clone(),
                all.profiles.listed.clone(),
                all.namespaces.listed.clone(),
            ]
        });
        all_of(lists.unwrap_or_default())
    }
}

async fn all_of(lists: Vec<CancellationToken>) {
    for listed in lists {
        listed.cancelled().await;
    }
}

/// A watch of the ApiTokens: the index knows them once somebody is told of them.
fn tokens(
    client: &Client,
    namespace: &str,
    context: &Arc<Context>,
    cleared: &Arc<Herald<Place>>,
) -> Feed<PackedToken, Arc<Index>> {
    let shown = Arc::new(Index::default());
    let (all, index, known) = (Arc::clone(context), Arc::clone(&shown), Arc::clone(&shown));
    let keep = move |token| all.kept(token);
    let last = move |namespace: &str, name: &str| index.get(namespace, name);
    let kept: Kept<_, _> = (Box::new(keep), Box::new(last));
    let events = objects(client, namespace, context, (cleared, kept))
        .map_ok(move |event| {
            let gone = known
                .gone_by(&event)
                .into_iter()
                .map(watcher::Event::Delete);
            futures::stream::iter(gone.chain([event]).map(Ok))
        })
        .try_flatten();
    Feed::of(shown, events.boxed())
}

/// A watch of our own objects, of which some may be unreadable.
fn objects<K, P>(
    client: &Client,
    namespace: &str,
    context: &Arc<Context>,
    (cleared, kept): (&Arc<Herald<Place>>, Kept<K, P>),
) -> impl Stream<Item = Watched<P>> + Send + use<K, P>
where
    K: Resource<DynamicType = (), Scope: Scoped>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug
        + Send
        + Sync
        + 'static,
    P: Send + 'static,
{
    let mut sieve = Sieve::new(Arc::clone(context), namespace, kept, cleared.clone());
    let tell = trouble::of::<K>(context, namespace, "");
    let all = watcher::Config::default();
    let api = K::Scope::api::<Readable<K>>(client.clone(), namespace);
    stream::of(api, all)
        .inspect(move |event| tell.tell(event.as_ref().err()))
        .try_filter_map(move |event| std::future::ready(Ok(sieve.pass(event))))
}

/// The same of those of which there are few.
fn whole<K>(
    client: &Client,
    namespace: &str,
    context: &Arc<Context>,
    cleared: &Arc<Herald<Place>>,
) -> Feed<K>
where
    K: Resource<DynamicType = (), Scope: Scoped>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug
        + Send
        + Sync
        + 'static,
{
    let (shown, writer) = store();
    let known: Store<K> = shown.clone();
    let last = move |namespace: &str, name: &str| {
        let last = known.get(&ObjectRef::new(name).within(namespace));
        last.map(|last| K::clone(&last))
    };
    let kept: Kept<_, _> = (Box::new(without_others::<K>), Box::new(last));
    let events = objects(client, namespace, context, (cleared, kept));
    let events = with_the_gone(events, shown.clone()).reflect(writer);
    Feed::of(shown, events.boxed())
}

/// A watch of the Secrets that are delivered to.
fn delivered(
    client: &Client,
    namespace: &str,
    context: &Arc<Context>,
) -> Feed<SecretMeta, Delivered> {
    let (label, value) = (label::SECRET, label::SECRET_TOKEN);
    let only = watcher::Config::default().labels(&format!("{label}={value}"));
    let shown = Delivered::default();
    let known = shown.clone();
    // It is written anew from what is shown of it: what others put on it stays.
    let events = of_metadata(client, namespace, (only, value), context, without_writers)
        .inspect_ok(move |event| known.tell(event));
    Feed::of(shown, events.boxed())
}

/// A watch of metadata alone, of which some are kept; `sort` is the label that narrows it.
fn metadata<K>(
    client: &Client,
    namespace: &str,
    only: (watcher::Config, &str),
    context: &Arc<Context>,
    keep: fn(PartialObjectMeta<K>) -> PartialObjectMeta<K>,
) -> Feed<PartialObjectMeta<K>>
where
    K: Resource<DynamicType = (), Scope: Scoped> + Clone + std::fmt::Debug + Send + Sync + 'static,
{
    let (shown, writer) = store();
    let events = of_metadata(client, namespace, only, context, keep);
    let events = with_the_gone(events, shown.clone()).reflect(writer);
    Feed::of(shown, events.boxed())
}

/// The same events, and before them the ends that no event tells of: of what a list does not show any more, as after
/// a gap in the history, and of whatever stood where another object stands now.
fn with_the_gone<K>(
    events: impl Stream<Item = Watched<K>> + Send,
    shown: Store<K>,
) -> impl Stream<Item = Watched<K>> + Send
where
    K: Resource<DynamicType = ()> + Clone + Send + Sync + 'static,
{
    let mut listed = HashSet::new();
    let told = events.map_ok(move |event| {
        let gone = match &event {
            watcher::Event::Init => {
                listed.clear();
                Vec::new()
            }
            watcher::Event::InitApply(object) | watcher::Event::Apply(object) => {
                if matches!(event, watcher::Event::InitApply(_)) {
                    listed.insert(object.uid());
                }
                let former = shown.get(&ObjectRef::from_obj(object)).into_iter();
                former.filter(|known| known.uid() != object.uid()).collect()
            }
            watcher::Event::InitDone => {
                let listed = std::mem::take(&mut listed);
                let known = shown.state().into_iter();
                known
                    .filter(|known| !listed.contains(&known.uid()))
                    .collect()
            }
            watcher::Event::Delete(_) => Vec::new(),
        };
        let gone = gone
            .into_iter()
            .map(|gone: Arc<K>| watcher::Event::Delete(K::clone(&gone)));
        futures::stream::iter(gone.chain([event]).map(Ok).collect::<Vec<_>>())
    });
    told.try_flatten()
}

fn of_metadata<K, F>(
    client: &Client,
    namespace: &str,
    (only, sort): (watcher::Config, &str),
    context: &Arc<Context>,
    keep: F,
) -> impl Stream<Item = Watched<PartialObjectMeta<K>>> + Send + use<K, F>
where
    F: Fn(PartialObjectMeta<K>) -> PartialObjectMeta<K> + Send + 'static,
    K: Resource<DynamicType = (), Scope: Scoped> + Clone + std::fmt::Debug + Send + Sync + 'static,
{
    let tell = trouble::of::<PartialObjectMeta<K>>(context, namespace, sort);
    let api = K::Scope::api::<PartialObjectMeta<K>>(client.clone(), namespace);
    stream::of(api, only)
        .inspect(move |event| tell.tell(event.as_ref().err()))
        .map_ok(move |event| kept(event, &keep))
}

/// The same event of what is kept of an object.
fn kept<K>(event: watcher::Event<K>, keep: impl Fn(K) -> K) -> watcher::Event<K> {
    match event {
        watcher::Event::Apply(object) => watcher::Event::Apply(keep(object)),
        watcher::Event::Delete(object) => watcher::Event::Delete(keep(object)),
        watcher::Event::InitApply(object) => watcher::Event::InitApply(keep(object)),
        watcher::Event::Init => watcher::Event::Init,
        watcher::Event::InitDone => watcher::Event::InitDone,
    }
}

impl<K: Send + 'static, S> Feed<K, S> {
    fn of(shown: S, events: BoxStream<'static, Watched<K>>) -> Self {
        let listed = CancellationToken::new();
        let signal = listed.clone();
        let events = events.inspect_ok(move |event| {
            if matches!(event, watcher::Event::InitDone) {
                signal.cancel();
            }
        });
        Self {
            shown,
            events: events.boxed(),
            listed,
        }
    }

    /// The same events, each of which somebody is told of.
    pub(crate) fn telling(self, tell: impl Fn(Told<'_, K>) + Send + 'static) -> Self {
        let mut lists = 0_u32;
        let events = self.events.inspect_ok(move |event| match event {
            watcher::Event::Apply(object) | watcher::Event::InitApply(object) => {
                tell(Told::There(object));
            }
            watcher::Event::Delete(object) => tell(Told::Gone(object)),
            watcher::Event::Init => {}
            watcher::Event::InitDone => {
                lists = lists.saturating_add(1);
                if lists > 1 {
                    tell(Told::ListedAgain);
                }
            }
        });
        Self {
            events: events.boxed(),
            ..self
        }
    }
}

/// What a watch tells.
#[derive(Debug)]
pub(crate) enum Told<'a, K> {
    /// It is there, in this form.
    There(&'a K),
    /// It is gone, and this was its last form.
    Gone(&'a K),
    /// The history had a gap and was listed anew: what happened inside it was told by nobody.
    ListedAgain,
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use kube::runtime::watcher::Event;

    use super::*;

    fn namespace(name: &str, uid: &str) -> NamespaceMeta {
        let mut one = NamespaceMeta::default();
        (one.metadata.name, one.metadata.uid) = (Some(name.into()), Some(uid.into()));
        one
    }

    #[tokio::test]
    async fn what_a_list_does_not_show_any_more_and_what_stood_in_another_one_s_place_is_gone() {
        let (shown, writer) = store();
        let list = |all: [NamespaceMeta; 2]| {
            let each = all.map(Event::InitApply).into_iter();
            [Event::Init]
                .into_iter()
                .chain(each)
                .chain([Event::InitDone])
        };
        let events = list([namespace("a", "1"), namespace("b", "2")])
            .chain(list([namespace("a", "1"), namespace("c", "3")]))
            .chain([
                Event::Apply(namespace("c", "4")),
                Event::Delete(namespace("a", "1")),
            ]);
        let events = stream::iter(events.map(Ok));
        let told = with_the_gone(events, shown.clone()).reflect(writer);
        let gone = told.try_filter_map(|event| {
            let gone = match event {
                Event::Delete(gone) => gone.uid(),
                _ => None,
            };
            std::future::ready(Ok(gone))
        });
        assert_eq!(gone.try_collect::<Vec<_>>().await.unwrap(), ["2", "3", "1"]);
        let left: Vec<_> = shown.state().iter().filter_map(|one| one.uid()).collect();
        assert_eq!(left, ["4"]);
    }
}
