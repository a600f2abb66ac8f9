//! What is watched: each kind with what it shows, and a signal that its first list is in.

use futures::{Stream, TryStreamExt as _};
use k8s_openapi::api::core::v1::Secret;
use kube::core::{NamespaceResourceScope, PartialObjectMeta};
use kube::runtime::reflector::{Store, store};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokenwright_api::names::label;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use crate::adopted::release::Last;

/// A Secret without its data.
pub(crate) type SecretMeta = PartialObjectMeta<Secret>;

type Watched<K> = Result<watcher::Event<K>, watcher::Error>;

pub(crate) fn api<K>(client: &Client, namespace: &str) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    match namespace {
        "" => Api::all(client.clone()),
        namespace => Api::namespaced(client.clone(), namespace),
    }
}

/// A watch, what it shows, and a signal that its first list is in.
///
/// The store's own `wait_until_ready` wakes only one of several waiters, and the controller is one
/// already; so the signal is our own.
pub(crate) fn watch<K>(
    api: Api<K>,
    only: watcher::Config,
) -> (
    Store<K>,
    impl Stream<Item = Watched<K>> + Send,
    CancellationToken,
)
where
    K: Resource<DynamicType = ()>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug
        + Send
        + Sync
        + 'static,
{
    let (reader, writer) = store();
    let listed = CancellationToken::new();
    let signal = listed.clone();
    let events = watcher(api, only)
        .default_backoff()
        .modify(|object| object.meta_mut().managed_fields = None)
        .reflect(writer)
        .inspect_ok(move |event| {
            if matches!(event, watcher::Event::InitDone) {
                signal.cancel();
            }
        });
    (reader, events, listed)
}

/// A watch of our Secrets of one sort, as metadata.
pub(crate) fn secrets(
    client: &Client,
    namespace: &str,
    sort: &str,
) -> (
    Store<SecretMeta>,
    impl Stream<Item = Watched<SecretMeta>> + Send + use<>,
    CancellationToken,
) {
    let only = watcher::Config::default().labels(&format!("{}={sort}", label::SECRET));
    watch(api::<SecretMeta>(client, namespace), only)
}

/// The same events, each of which somebody is told of.
pub(crate) fn telling<K>(
    events: impl Stream<Item = Watched<K>>,
    tell: impl Fn(&K, Last),
) -> impl Stream<Item = Watched<K>> {
    events.inspect_ok(move |event| match event {
        watcher::Event::Apply(object) | watcher::Event::InitApply(object) => {
            tell(object, Last::There);
        }
        watcher::Event::Delete(object) => tell(object, Last::Gone),
        watcher::Event::Init | watcher::Event::InitDone => {}
    })
}

pub(crate) fn received<T>(from: UnboundedReceiver<T>) -> impl Stream<Item = T> {
    futures::stream::unfold(
        from,
        |mut from| async move { Some((from.recv().await?, from)) },
    )
}
