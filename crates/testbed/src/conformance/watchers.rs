//! kube's own watcher and reflector, which the operator stands on.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::{Stream, StreamExt as _};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, ListParams, PartialObjectMeta, Patch, PatchParams};
use kube::runtime::watcher::{self, Config, Event, watcher};
use kube::runtime::{WatchStreamExt as _, reflector};
use kube::{Client, ResourceExt};
use serde_json::json;

use super::objects::{make_secret, make_widget, secrets, widget_resource, widgets};

const CONVERGED_POLL: Duration = Duration::from_millis(20);

async fn expect<K: ResourceExt>(
    events: &mut (impl Stream<Item = Result<Event<K>, watcher::Error>> + Unpin),
    expected: &str,
) -> Result<()> {
    let event = events.next().await.context("the watcher has ended")??;
    ensure!(
        event.to_string() == expected,
        "expected {expected}, got {event}"
    );
    Ok(())
}

async fn story(client: &Client, ns: &str, config: Config) -> Result<()> {
    let api = widgets(client, ns);
    make_widget(&api, "one", json!({})).await?;
    // The streaming list of kube starts at "0", which is whatever the server's cache has by then.
    while api
        .list(&ListParams::default().match_any())
        .await?
        .items
        .is_empty()
    {
        tokio::time::sleep(CONVERGED_POLL).await;
    }
    let mut events = pin!(watcher(api.clone(), config));
    for expected in ["Init", "InitApply(one)", "InitDone"] {
        expect(&mut events, expected).await?;
    }
    make_widget(&api, "two", json!({})).await?;
    expect(&mut events, "Apply(two)").await?;
    let patch = Patch::Merge(json!({ "spec": { "size": 2 } }));
    api.patch("one", &PatchParams::default(), &patch).await?;
    expect(&mut events, "Apply(one)").await?;
    api.delete("two", &DeleteParams::default()).await?;
    expect(&mut events, "Delete(two)").await
}

pub(super) async fn a_watcher_sees_what_was_there_and_what_comes(
    client: Client,
    ns: String,
) -> Result<()> {
    story(&client, &ns, Config::default()).await
}

pub(super) async fn a_streaming_watcher_sees_the_same(client: Client, ns: String) -> Result<()> {
    story(&client, &ns, Config::default().streaming_lists()).await
}

pub(super) async fn a_metadata_watcher_follows_a_label(client: Client, ns: String) -> Result<()> {
    let api = secrets(&client, &ns);
    let ours = json!({ "metadata": { "labels": { "ours": "yes" } } });
    make_secret(&api, "one", ours.clone()).await?;
    make_secret(&api, "other", json!({})).await?;
    let metadata: Api<PartialObjectMeta<Secret>> = Api::namespaced(client.clone(), &ns);
    let mut events = pin!(watcher(metadata, Config::default().labels("ours=yes")));
    for expected in ["Init", "InitApply(one)", "InitDone"] {
        expect(&mut events, expected).await?;
    }
    let params = PatchParams::default();
    api.patch("other", &params, &Patch::Merge(&ours)).await?;
    expect(&mut events, "Apply(other)").await?;
    let unlabel = Patch::Merge(json!({ "metadata": { "labels": { "ours": null } } }));
    api.patch("one", &params, &unlabel).await?;
    expect(&mut events, "Delete(one)").await?;
    api.delete("other", &DeleteParams::default()).await?;
    expect(&mut events, "Delete(other)").await
}

pub(super) async fn a_reflector_converges(client: Client, ns: String) -> Result<()> {
    let api = widgets(&client, &ns);
    for number in 0..5 {
        make_widget(&api, &format!("w{number}"), json!({})).await?;
    }
    let writer = reflector::store::Writer::new(widget_resource());
    let store = writer.as_reader();
    // Small pages, so that the first list takes several.
    let config = Config::default().page_size(2).timeout(2);
    let stream = watcher(api.clone(), config)
        .default_backoff()
        .reflect(writer);
    let driver = tokio::spawn(stream.for_each(|_| std::future::ready(())));
    store.wait_until_ready().await?;
    ensure!(store.len() == 5, "the store begins with {}", store.len());
    for number in 3..8 {
        let name = format!("w{number}");
        if number < 5 {
            api.delete(&name, &DeleteParams::default()).await?;
        } else {
            make_widget(&api, &name, json!({})).await?;
        }
        // Past the watch's timeout of two seconds, so that it has to resume in between.
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    let expected = "w0 w1 w2 w5 w6 w7";
    let found = loop {
        let mut names: Vec<String> = store
            .state()
            .iter()
            .map(|object| object.name_any())
            .collect();
        names.sort();
        let found = names.join(" ");
        if found == expected || driver.is_finished() {
            break found;
        }
        tokio::time::sleep(CONVERGED_POLL).await;
    };
    driver.abort();
    ensure!(found == expected, "the store holds {found}");
    Ok(())
}
