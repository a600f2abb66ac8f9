//! Deleting: finalizers, preconditions, namespaces.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{
    Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, Preconditions,
    PropagationPolicy,
};
use kube::{Client, ResourceExt as _};
use serde_json::json;

use super::objects::{
    config_maps, make_secret, make_widget, named, refused, secrets, widget, widgets,
};

const FINALIZER: &str = "conformance.tokenwright.dev/hold";

fn now() -> DeleteParams {
    DeleteParams::default()
}

async fn held(api: &Api<DynamicObject>, name: &str) -> Result<DynamicObject> {
    make_widget(
        api,
        name,
        json!({ "metadata": { "finalizers": [FINALIZER] } }),
    )
    .await
}

async fn finalizers(
    api: &Api<DynamicObject>,
    name: &str,
    list: &[&str],
) -> kube::Result<DynamicObject> {
    let patch = Patch::Merge(json!({ "metadata": { "finalizers": list } }));
    api.patch(name, &PatchParams::default(), &patch).await
}

pub(super) async fn a_delete_without_finalizers_removes_at_once(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    let made = make_widget(&api, "one", json!({})).await?;
    let status = api
        .delete("one", &now())
        .await?
        .right()
        .context("not answered by a Status")?;
    ensure!(status.is_success(), "status is {status:?}");
    let uid = status.details.map(|details| details.uid);
    ensure!(uid == made.uid(), "the answer names uid {uid:?}");
    refused(api.get("one").await, 404, "NotFound")
}

pub(super) async fn a_grace_period_does_not_delay_the_delete(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = secrets(&client, &ns);
    make_secret(&api, "one", json!({})).await?;
    api.delete("one", &now().grace_period(60)).await?;
    refused(api.get("one").await, 404, "NotFound")
}

pub(super) async fn a_finalizer_keeps_the_object_until_it_is_removed(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    let made = held(&api, "one").await?;
    let marked = api
        .delete("one", &now())
        .await?
        .left()
        .context("not answered by the object")?;
    ensure!(
        marked.metadata.deletion_timestamp.is_some(),
        "no deletionTimestamp"
    );
    ensure!(
        marked.metadata.deletion_grace_period_seconds == Some(0),
        "no grace period of 0"
    );
    ensure!(
        marked.metadata.generation == Some(2),
        "generation is {:?}",
        marked.metadata.generation
    );
    ensure!(
        marked.resource_version() != made.resource_version(),
        "the version stays"
    );
    let again = api
        .create(&PostParams::default(), &widget("one", json!({}))?)
        .await;
    refused(again, 409, "AlreadyExists")?;
    let params = PatchParams::default();
    let spec = Patch::Merge(json!({ "spec": { "size": 2 } }));
    let changed = api.patch("one", &params, &spec).await?;
    ensure!(
        changed.metadata.deletion_timestamp.is_some(),
        "a patch takes the deletion back"
    );
    let status = Patch::Merge(json!({ "status": { "phase": "Ending" } }));
    api.patch_status("one", &params, &status)
        .await
        .context("an ending object has a status")?;
    let gone = finalizers(&api, "one", &[]).await?;
    ensure!(
        gone.finalizers().is_empty(),
        "the answer still names a finalizer"
    );
    refused(api.get("one").await, 404, "NotFound")
}

pub(super) async fn a_finalized_update_lets_the_object_go(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    held(&api, "one").await?;
    let mut marked = api
        .delete("one", &now())
        .await?
        .left()
        .context("not answered by the object")?;
    marked.metadata.deletion_timestamp = None;
    marked.metadata.finalizers = None;
    api.replace("one", &PostParams::default(), &marked).await?;
    refused(api.get("one").await, 404, "NotFound")
}

pub(super) async fn no_finalizer_is_added_to_an_ending_object(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    held(&api, "one").await?;
    api.delete("one", &now()).await?;
    let more = finalizers(
        &api,
        "one",
        &[FINALIZER, "conformance.tokenwright.dev/late"],
    )
    .await;
    refused(more, 422, "Invalid")?;
    ensure!(
        api.get("one").await?.finalizers() == [FINALIZER],
        "a finalizer is added"
    );
    Ok(())
}

pub(super) async fn a_second_delete_of_an_ending_object_changes_nothing(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    held(&api, "one").await?;
    let first = api
        .delete("one", &now())
        .await?
        .left()
        .context("not answered by the object")?;
    let second = api
        .delete("one", &now())
        .await?
        .left()
        .context("not answered by the object")?;
    ensure!(
        first.resource_version() == second.resource_version(),
        "the second delete wrote"
    );
    ensure!(
        first.metadata.deletion_timestamp == second.metadata.deletion_timestamp,
        "the time moved"
    );
    Ok(())
}

pub(super) async fn a_delete_with_another_uid_conflicts(client: Client, ns: String) -> Result<()> {
    let api = widgets(&client, &ns);
    let made = make_widget(&api, "one", json!({})).await?;
    let precondition = |uid: Option<String>| {
        now().preconditions(Preconditions {
            uid,
            resource_version: None,
        })
    };
    let other = Some("00000000-0000-0000-0000-000000000000".to_owned());
    refused(
        api.delete("one", &precondition(other)).await,
        409,
        "Conflict",
    )?;
    api.delete("one", &precondition(made.uid()))
        .await
        .context("the right uid")?;
    Ok(())
}

pub(super) async fn a_delete_with_an_old_version_conflicts(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = secrets(&client, &ns);
    let old = make_secret(&api, "one", json!({})).await?;
    let label = Patch::Merge(json!({ "metadata": { "labels": { "a": "1" } } }));
    let new = api.patch("one", &PatchParams::default(), &label).await?;
    let precondition = |resource_version: Option<String>| {
        now().preconditions(Preconditions {
            uid: None,
            resource_version,
        })
    };
    let late = api
        .delete("one", &precondition(old.resource_version()))
        .await;
    refused(late, 409, "Conflict")?;
    api.delete("one", &precondition(new.resource_version()))
        .await
        .context("the right version")?;
    Ok(())
}

pub(super) async fn a_delete_of_an_absent_object_is_not_found(
    client: Client,
    ns: String,
) -> Result<()> {
    refused(
        secrets(&client, &ns).delete("none", &now()).await,
        404,
        "NotFound",
    )
}

pub(super) async fn an_unqualified_finalizer_is_invalid(client: Client, ns: String) -> Result<()> {
    let api = secrets(&client, &ns);
    let bare = named("one", json!({ "metadata": { "finalizers": ["hold"] } }))?;
    refused(
        api.create(&PostParams::default(), &bare).await,
        422,
        "Invalid",
    )
}

pub(super) async fn a_foreground_delete_waits_for_a_collector(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    make_widget(&api, "one", json!({})).await?;
    let mut params = now();
    params.propagation_policy = Some(PropagationPolicy::Foreground);
    api.delete("one", &params).await?;
    // A collector would take the finalizer; without one the object stays, on purpose.
    let marked = api.get("one").await?;
    ensure!(
        marked.finalizers() == ["foregroundDeletion"],
        "finalizers are {:?}",
        marked.finalizers()
    );
    finalizers(&api, "one", &[]).await?;
    refused(api.get("one").await, 404, "NotFound")
}

pub(super) async fn a_background_delete_overrules_an_orphaning_one(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = secrets(&client, &ns);
    make_secret(&api, "one", json!({})).await?;
    let with = |policy: PropagationPolicy| {
        let mut params = now();
        params.propagation_policy = Some(policy);
        params
    };
    api.delete("one", &with(PropagationPolicy::Orphan)).await?;
    ensure!(
        api.get("one").await?.finalizers() == ["orphan"],
        "not held for the collector"
    );
    api.delete("one", &with(PropagationPolicy::Background))
        .await?;
    refused(api.get("one").await, 404, "NotFound")
}

pub(super) async fn a_collection_is_deleted_by_its_labels(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    for (name, color) in [("one", "red"), ("two", "blue"), ("three", "red")] {
        make_widget(
            &api,
            name,
            json!({ "metadata": { "labels": { "color": color } } }),
        )
        .await?;
    }
    api.delete_collection(&now(), &ListParams::default().labels("color=red"))
        .await?;
    let left = api.list(&ListParams::default()).await?;
    ensure!(
        left.items.len() == 1 && left.items[0].name_any() == "two",
        "{:?}",
        left.items
    );
    Ok(())
}

pub(super) async fn a_terminating_namespace_refuses_creates_and_passes_updates(
    client: Client,
    ns: String,
) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let api = config_maps(&client, &ns);
    api.create(&PostParams::default(), &named("one", json!({}))?)
        .await?;
    let marked = namespaces
        .delete(&ns, &now())
        .await?
        .left()
        .context("not answered by the namespace")?;
    ensure!(
        marked.metadata.deletion_timestamp.is_some(),
        "no deletionTimestamp"
    );
    let phase = marked.status.and_then(|status| status.phase);
    ensure!(
        phase.as_deref() == Some("Terminating"),
        "phase is {phase:?}"
    );
    let made = api
        .create(&PostParams::default(), &named("two", json!({}))?)
        .await;
    refused(made, 403, "Forbidden")?;
    let made = widgets(&client, &ns)
        .create(&PostParams::default(), &widget("two", json!({}))?)
        .await;
    refused(made, 403, "Forbidden")?;
    let patch = Patch::Merge(json!({ "data": { "a": "1" } }));
    api.patch("one", &PatchParams::default(), &patch)
        .await
        .context("an update must pass")?;
    api.delete("one", &now())
        .await
        .context("a delete must pass")?;
    // Without a namespace controller it stays.
    namespaces.get(&ns).await?;
    Ok(())
}

pub(super) async fn the_first_namespaces_cannot_be_deleted(
    client: Client,
    _: String,
) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(client);
    for name in ["default", "kube-system"] {
        ensure!(
            namespaces.get(name).await?.uid().is_some(),
            "{name} has no uid"
        );
        refused(namespaces.delete(name, &now()).await, 403, "Forbidden")?;
    }
    Ok(())
}
