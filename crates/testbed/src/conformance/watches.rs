//! Plain watches, event by event.

use std::fmt::Debug;
use std::pin::Pin;

use anyhow::{Context as _, Result, bail, ensure};
use futures::{Stream, StreamExt as _};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{
    Api, DeleteParams, DynamicObject, ListParams, PartialObjectMeta, Patch, PatchParams,
    WatchEvent, WatchParams,
};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::objects::{make_secret, make_widget, secrets, widgets};

type Events<K> = Pin<Box<dyn Stream<Item = kube::Result<WatchEvent<K>>> + Send>>;

async fn watch<K>(api: &Api<K>, params: &WatchParams, version: &str) -> Result<Events<K>>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    Ok(Box::pin(api.watch(params, version).await?))
}

async fn version<K: Clone + DeserializeOwned + Debug>(api: &Api<K>) -> Result<String> {
    let list = api.list(&ListParams::default()).await?;
    list.metadata
        .resource_version
        .context("the list has no version")
}

/// The next event but bookmarks, as "TYPE name".
async fn next<K: ResourceExt>(events: &mut Events<K>) -> Result<(String, K)> {
    loop {
        let (event, object) = match events.next().await.context("the watch has ended")?? {
            WatchEvent::Added(object) => ("ADDED", object),
            WatchEvent::Modified(object) => ("MODIFIED", object),
            WatchEvent::Deleted(object) => ("DELETED", object),
            WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(status) => bail!("the watch tells an error: {status:?}"),
        };
        return Ok((format!("{event} {}", object.name_any()), object));
    }
}

async fn expect<K: ResourceExt>(events: &mut Events<K>, expected: &str) -> Result<K> {
    let (event, object) = next(events).await?;
    ensure!(event == expected, "expected {expected}, got {event}");
    Ok(object)
}

async fn patch(api: &Api<DynamicObject>, name: &str, patch: Value) -> Result<DynamicObject> {
    Ok(api
        .patch(name, &PatchParams::default(), &Patch::Merge(patch))
        .await?)
}

pub(super) async fn a_watch_tells_add_change_and_delete_in_order(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    make_widget(&api, "before", json!({})).await?;
    let mut events = watch(&api, &WatchParams::default(), &version(&api).await?).await?;
    let made = make_widget(&api, "one", json!({})).await?;
    let changed = patch(&api, "one", json!({ "spec": { "size": 2 } })).await?;
    patch(&api, "one", json!({ "spec": { "size": 2 } })).await?;
    api.delete("one", &DeleteParams::default()).await?;
    let seen = expect(&mut events, "ADDED one").await?;
    ensure!(
        seen.resource_version() == made.resource_version(),
        "another version is added"
    );
    let seen = expect(&mut events, "MODIFIED one").await?;
    ensure!(
        seen.resource_version() == changed.resource_version(),
        "another version is told"
    );
    expect(&mut events, "DELETED one").await?;
    Ok(())
}

pub(super) async fn a_watch_resumes_after_a_version(client: Client, ns: String) -> Result<()> {
    let api = widgets(&client, &ns);
    let one = make_widget(&api, "one", json!({})).await?;
    make_widget(&api, "two", json!({})).await?;
    patch(&api, "one", json!({ "spec": { "size": 2 } })).await?;
    let version = one.resource_version().context("no version")?;
    let mut events = watch(&api, &WatchParams::default(), &version).await?;
    expect(&mut events, "ADDED two").await?;
    expect(&mut events, "MODIFIED one").await?;
    make_widget(&api, "three", json!({})).await?;
    expect(&mut events, "ADDED three").await?;
    Ok(())
}

pub(super) async fn a_watch_from_zero_starts_with_what_there_is(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    make_widget(&api, "one", json!({})).await?;
    make_widget(&api, "two", json!({})).await?;
    // "0" may be served from a cache that lags: a read at the newest version first makes it fresh.
    version(&api).await?;
    for from in ["0", ""] {
        let mut events = watch(&api, &WatchParams::default(), from).await?;
        let mut names = vec![next(&mut events).await?.0, next(&mut events).await?.0];
        names.sort();
        ensure!(
            names == ["ADDED one", "ADDED two"],
            "from {from:?}: {names:?}"
        );
    }
    Ok(())
}

pub(super) async fn a_watch_follows_objects_into_and_out_of_its_selection(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    let from = version(&api).await?;
    let params = WatchParams::default().labels("color=red");
    let mut events = watch(&api, &params, &from).await?;
    let label = |color: &str| json!({ "metadata": { "labels": { "color": color } } });
    make_widget(&api, "one", label("blue")).await?;
    patch(&api, "one", label("red")).await?;
    patch(&api, "one", json!({ "spec": { "size": 2 } })).await?;
    let left = patch(&api, "one", label("blue")).await?;
    patch(&api, "one", json!({ "spec": { "size": 3 } })).await?;
    make_widget(&api, "two", label("red")).await?;
    expect(&mut events, "ADDED one").await?;
    expect(&mut events, "MODIFIED one").await?;
    let gone = expect(&mut events, "DELETED one").await?;
    ensure!(
        gone.resource_version() == left.resource_version(),
        "it left at another version"
    );
    ensure!(
        gone.labels()["color"] == "red",
        "it is not shown as it was selected"
    );
    expect(&mut events, "ADDED two").await?;
    Ok(())
}

pub(super) async fn a_metadata_watch_shows_no_values(client: Client, ns: String) -> Result<()> {
    let api = secrets(&client, &ns);
    let metadata: Api<PartialObjectMeta<Secret>> = Api::namespaced(client.clone(), &ns);
    let from = version(&metadata).await?;
    let mut events = watch(&metadata, &WatchParams::default().labels("ours"), &from).await?;
    make_secret(&api, "other", json!({})).await?;
    let more = json!({ "metadata": { "labels": { "ours": "" } }, "stringData": { "a": "1" } });
    make_secret(&api, "one", more).await?;
    let seen = expect(&mut events, "ADDED one").await?;
    let kind = seen.types.map(|types| types.kind);
    ensure!(
        kind.as_deref() == Some("PartialObjectMetadata"),
        "kind is {kind:?}"
    );
    ensure!(seen.metadata.labels.is_some(), "no labels");
    api.delete("one", &DeleteParams::default()).await?;
    expect(&mut events, "DELETED one").await?;
    Ok(())
}

pub(super) async fn a_streaming_list_ends_with_a_marked_bookmark(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    make_widget(&api, "one", json!({})).await?;
    let params = WatchParams {
        send_initial_events: true,
        ..WatchParams::default()
    };
    let mut events = watch(&api, &params, "").await?;
    let first = events.next().await.context("no event")??;
    ensure!(
        matches!(&first, WatchEvent::Added(one) if one.name_any() == "one"),
        "got {first:?}"
    );
    let WatchEvent::Bookmark(mark) = events.next().await.context("no bookmark")?? else {
        bail!("no bookmark after the initial events");
    };
    let marked = mark.metadata.annotations.get("k8s.io/initial-events-end");
    ensure!(
        marked.is_some_and(|value| value == "true"),
        "the bookmark is not marked"
    );
    make_widget(&api, "two", json!({})).await?;
    expect(&mut events, "ADDED two").await?;
    // The bookmark is a place to resume from.
    let mut again = watch(
        &api,
        &WatchParams::default(),
        &mark.metadata.resource_version,
    )
    .await?;
    expect(&mut again, "ADDED two").await?;
    Ok(())
}

pub(super) async fn a_watch_from_a_forgotten_version_is_told_410(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    let mut events = watch(&api, &WatchParams::default(), "1").await?;
    let WatchEvent::Error(status) = events.next().await.context("no event")?? else {
        bail!("no error event");
    };
    ensure!(
        status.code == 410 && status.reason == "Expired",
        "got {status:?}"
    );
    ensure!(events.next().await.is_none(), "the watch goes on");
    Ok(())
}

pub(super) async fn a_watch_ends_after_its_timeout(client: Client, ns: String) -> Result<()> {
    let api = widgets(&client, &ns);
    let params = WatchParams {
        timeout: Some(1),
        ..WatchParams::default()
    };
    let mut events = watch(&api, &params, &version(&api).await?).await?;
    while let Some(event) = events.next().await {
        ensure!(
            matches!(event?, WatchEvent::Bookmark(_)),
            "an event out of nothing"
        );
    }
    Ok(())
}

pub(super) async fn a_deletion_event_carries_a_new_version(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    let more = json!({ "metadata": { "finalizers": ["conformance.tokenwright.dev/hold"] } });
    make_widget(&api, "one", more).await?;
    let mut events = watch(&api, &WatchParams::default(), &version(&api).await?).await?;
    api.delete("one", &DeleteParams::default()).await?;
    let marked = expect(&mut events, "MODIFIED one").await?;
    ensure!(marked.metadata.deletion_timestamp.is_some(), "not marked");
    patch(&api, "one", json!({ "metadata": { "finalizers": null } })).await?;
    let gone = expect(&mut events, "DELETED one").await?;
    ensure!(
        gone.resource_version() != marked.resource_version(),
        "the version stays"
    );
    make_widget(&api, "two", json!({})).await?;
    let from = gone.resource_version().context("no version")?;
    let mut resumed = watch(&api, &WatchParams::default(), &from).await?;
    expect(&mut resumed, "ADDED two").await?;
    Ok(())
}
