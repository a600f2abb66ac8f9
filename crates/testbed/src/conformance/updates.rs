//! Updates and patches, of objects and of their status.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use super::objects::{
    config_maps, make_secret, make_widget, named, refused, secrets, widget, widgets,
};

fn versioned(version: Option<String>, more: Value) -> Value {
    let mut value = more;
    value["metadata"]["resourceVersion"] = json!(version);
    value
}

pub(super) async fn an_update_with_an_old_version_conflicts(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = secrets(&client, &ns);
    let old = make_secret(&api, "one", json!({ "stringData": { "a": "1" } })).await?;
    let mut first = old.clone();
    first
        .labels_mut()
        .insert("by".to_owned(), "first".to_owned());
    let new = api.replace("one", &PostParams::default(), &first).await?;
    ensure!(
        new.resource_version() != old.resource_version(),
        "the version stays"
    );
    let mut second = old;
    second
        .labels_mut()
        .insert("by".to_owned(), "second".to_owned());
    let late = api.replace("one", &PostParams::default(), &second).await;
    refused(late, 409, "Conflict")?;
    ensure!(
        api.get("one").await?.labels()["by"] == "first",
        "the late write came through"
    );
    Ok(())
}

pub(super) async fn an_update_of_a_custom_object_needs_a_version(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    make_widget(&api, "one", json!({})).await?;
    let blind = api
        .replace(
            "one",
            &PostParams::default(),
            &widget("one", json!({ "spec": { "size": 2 } }))?,
        )
        .await;
    refused(blind, 422, "Invalid")?;
    let maps = config_maps(&client, &ns);
    maps.create(&PostParams::default(), &named("one", json!({}))?)
        .await?;
    let map: ConfigMap = named("one", json!({ "data": { "a": "1" } }))?;
    maps.replace("one", &PostParams::default(), &map)
        .await
        .context("a ConfigMap needs none")?;
    Ok(())
}

pub(super) async fn an_update_of_an_absent_object_is_not_found(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = config_maps(&client, &ns);
    let map: ConfigMap = named("none", json!({}))?;
    refused(
        api.replace("none", &PostParams::default(), &map).await,
        404,
        "NotFound",
    )
}

pub(super) async fn an_update_that_changes_nothing_keeps_the_version(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    let made = make_widget(&api, "one", json!({})).await?;
    let same = api.replace("one", &PostParams::default(), &made).await?;
    ensure!(
        same.resource_version() == made.resource_version(),
        "an update wrote"
    );
    let patch = Patch::Merge(json!({ "spec": { "size": 1 } }));
    let same = api.patch("one", &PatchParams::default(), &patch).await?;
    ensure!(
        same.resource_version() == made.resource_version(),
        "a patch wrote"
    );
    Ok(())
}

pub(super) async fn an_update_with_another_uid_conflicts(client: Client, ns: String) -> Result<()> {
    let api = widgets(&client, &ns);
    let mut made = make_widget(&api, "one", json!({})).await?;
    made.metadata.uid = Some("00000000-0000-0000-0000-000000000000".to_owned());
    made.data["spec"]["size"] = json!(2);
    refused(
        api.replace("one", &PostParams::default(), &made).await,
        409,
        "Conflict",
    )
}

pub(super) async fn a_merge_patch_sets_and_removes_fields(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    let more =
        json!({ "metadata": { "labels": { "a": "1", "b": "2" } }, "spec": { "color": "red" } });
    make_widget(&api, "one", more).await?;
    let patch = json!({ "metadata": { "labels": { "a": null, "c": "3" } }, "spec": { "color": null, "size": 5 } });
    let new = api
        .patch("one", &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    ensure!(!new.labels().contains_key("a"), "a label stays");
    ensure!(
        new.labels()["b"] == "2" && new.labels()["c"] == "3",
        "labels are {:?}",
        new.labels()
    );
    ensure!(
        new.data["spec"] == json!({ "size": 5 }),
        "spec is {}",
        new.data["spec"]
    );
    Ok(())
}

pub(super) async fn a_merge_patch_with_an_old_version_conflicts(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = secrets(&client, &ns);
    let old = make_secret(&api, "one", json!({})).await?;
    let label = |value: &str| json!({ "metadata": { "labels": { "by": value } } });
    let now = Patch::Merge(versioned(old.resource_version(), label("first")));
    api.patch("one", &PatchParams::default(), &now)
        .await
        .context("the current version")?;
    let late = Patch::Merge(versioned(old.resource_version(), label("second")));
    refused(
        api.patch("one", &PatchParams::default(), &late).await,
        409,
        "Conflict",
    )?;
    let blind = Patch::Merge(label("third"));
    let new = api.patch("one", &PatchParams::default(), &blind).await?;
    ensure!(
        new.labels()["by"] == "third",
        "a patch without a version is refused"
    );
    Ok(())
}

pub(super) async fn a_merge_patch_with_another_uid_is_invalid(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    make_widget(&api, "one", json!({})).await?;
    let patch = json!({ "metadata": { "uid": "00000000-0000-0000-0000-000000000000" }, "spec": { "size": 2 } });
    let late = api
        .patch("one", &PatchParams::default(), &Patch::Merge(patch))
        .await;
    // Not a conflict, as it is for an update and a delete.
    refused(late, 422, "Invalid")
}

pub(super) async fn a_client_cannot_set_what_the_server_sets(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    let made = make_widget(&api, "one", json!({})).await?;
    let params = PatchParams::default();
    let patch = |metadata: Value| Patch::Merge(json!({ "metadata": metadata }));
    let earlier = patch(json!({ "creationTimestamp": "2020-01-01T00:00:00Z" }));
    let kept = api
        .patch("one", &params, &earlier)
        .await
        .context("creationTimestamp")?;
    ensure!(
        kept.creation_timestamp() == made.creation_timestamp(),
        "a client sets the time"
    );
    let ending = patch(json!({ "deletionTimestamp": "2020-01-01T00:00:00Z" }));
    refused(api.patch("one", &params, &ending).await, 422, "Invalid")
        .context("deletionTimestamp")?;
    let absurd = patch(json!({ "resourceVersion": "abc" }));
    refused(api.patch("one", &params, &absurd).await, 500, "").context("resourceVersion")?;
    let unversioned = patch(json!({ "resourceVersion": null }));
    let blind = api.patch("one", &params, &unversioned).await;
    refused(blind, 422, "Invalid").context("a version taken away")?;
    let nulls = patch(json!({ "uid": null, "creationTimestamp": null }));
    let kept = api.patch("one", &params, &nulls).await.context("nulls")?;
    ensure!(kept.uid() == made.uid(), "a client removes the uid");
    Ok(())
}

pub(super) async fn an_update_of_an_absent_lease_creates_it(
    client: Client,
    ns: String,
) -> Result<()> {
    let api: Api<Lease> = Api::namespaced(client, &ns);
    let lease: Lease = named("one", json!({ "spec": { "holderIdentity": "a" } }))?;
    api.replace("one", &PostParams::default(), &lease)
        .await
        .context("an absent lease")?;
    let blind = api.replace("one", &PostParams::default(), &lease).await;
    refused(blind, 422, "Invalid").context("a present lease without a version")
}

pub(super) async fn a_patch_of_an_unknown_type_is_refused(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    make_widget(&api, "one", json!({})).await?;
    let strategic = Patch::Strategic(json!({ "spec": { "size": 2 } }));
    let answer = api.patch("one", &PatchParams::default(), &strategic).await;
    refused(answer, 415, "UnsupportedMediaType")
}

pub(super) async fn a_json_patch_tests_and_replaces(client: Client, ns: String) -> Result<()> {
    let api = widgets(&client, &ns);
    make_widget(&api, "one", json!({})).await?;
    let patch = |expected: u8| -> Result<Patch<()>> {
        Ok(Patch::Json(serde_json::from_value(json!([
            { "op": "test", "path": "/spec/size", "value": expected },
            { "op": "replace", "path": "/spec/size", "value": 7 },
        ]))?))
    };
    refused(
        api.patch("one", &PatchParams::default(), &patch(3)?).await,
        422,
        "Invalid",
    )?;
    let new = api
        .patch("one", &PatchParams::default(), &patch(1)?)
        .await?;
    ensure!(
        new.data["spec"]["size"] == 7,
        "size is {}",
        new.data["spec"]["size"]
    );
    Ok(())
}

pub(super) async fn a_patch_of_an_absent_object_is_not_found(
    client: Client,
    ns: String,
) -> Result<()> {
    let patch = Patch::Merge(json!({ "spec": { "size": 2 } }));
    let missed = widgets(&client, &ns)
        .patch("none", &PatchParams::default(), &patch)
        .await;
    refused(missed, 404, "NotFound")
}

pub(super) async fn the_generation_rises_with_the_spec_only(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    make_widget(&api, "one", json!({})).await?;
    let params = PatchParams::default();
    let label = Patch::Merge(json!({ "metadata": { "labels": { "a": "1" } } }));
    let labelled = api.patch("one", &params, &label).await?;
    ensure!(labelled.metadata.generation == Some(1), "a label raised it");
    let spec = Patch::Merge(json!({ "spec": { "size": 2 } }));
    let changed = api.patch("one", &params, &spec).await?;
    ensure!(
        changed.metadata.generation == Some(2),
        "the spec did not raise it"
    );
    let status = Patch::Merge(json!({ "status": { "phase": "Done" } }));
    let told = api.patch_status("one", &params, &status).await?;
    ensure!(told.metadata.generation == Some(2), "the status raised it");
    let forged = Patch::Merge(json!({ "metadata": { "generation": 9 } }));
    let kept = api.patch("one", &params, &forged).await?;
    ensure!(kept.metadata.generation == Some(2), "a client sets it");
    Ok(())
}

pub(super) async fn a_status_write_changes_nothing_but_the_status(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    let mut made = make_widget(&api, "one", json!({})).await?;
    made.data["spec"]["size"] = json!(9);
    made.data["status"] = json!({ "phase": "Done" });
    made.labels_mut().insert("a".to_owned(), "1".to_owned());
    let told = api
        .replace_status("one", &PostParams::default(), &made)
        .await?;
    ensure!(
        told.data["status"]["phase"] == "Done",
        "the status is not set"
    );
    ensure!(told.data["spec"]["size"] == 1, "the spec is changed");
    ensure!(told.labels().is_empty(), "labels are changed");
    let patch =
        json!({ "metadata": { "annotations": { "a": "1" } }, "status": { "phase": "More" } });
    let told = api
        .patch_status("one", &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    ensure!(
        told.data["status"]["phase"] == "More",
        "a patch does not set the status"
    );
    ensure!(told.annotations().is_empty(), "annotations are changed");
    Ok(())
}

pub(super) async fn a_main_write_ignores_the_status(client: Client, ns: String) -> Result<()> {
    let api = widgets(&client, &ns);
    make_widget(&api, "one", json!({})).await?;
    let params = PatchParams::default();
    let status = Patch::Merge(json!({ "status": { "phase": "Done" } }));
    api.patch_status("one", &params, &status).await?;
    let both = Patch::Merge(json!({ "spec": { "size": 2 }, "status": { "phase": "Forged" } }));
    let new = api.patch("one", &params, &both).await?;
    ensure!(
        new.data["spec"]["size"] == 2 && new.data["status"]["phase"] == "Done",
        "{:?}",
        new.data
    );
    let mut bare = new;
    if let Some(fields) = bare.data.as_object_mut() {
        fields.remove("status");
    }
    let kept = api.replace("one", &PostParams::default(), &bare).await?;
    ensure!(
        kept.data["status"]["phase"] == "Done",
        "an update without a status removes it"
    );
    Ok(())
}

pub(super) async fn a_status_write_with_an_old_version_conflicts(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    let old = make_widget(&api, "one", json!({})).await?;
    let params = PatchParams::default();
    let spec = Patch::Merge(json!({ "spec": { "size": 2 } }));
    api.patch("one", &params, &spec).await?;
    let status = json!({ "status": { "phase": "Done" } });
    let late = Patch::Merge(versioned(old.resource_version(), status));
    refused(
        api.patch_status("one", &params, &late).await,
        409,
        "Conflict",
    )?;
    let mut late = old;
    late.data["status"] = json!({ "phase": "Done" });
    refused(
        api.replace_status("one", &PostParams::default(), &late)
            .await,
        409,
        "Conflict",
    )
}

pub(super) async fn a_kind_without_a_status_has_no_status_endpoint(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = secrets(&client, &ns);
    make_secret(&api, "one", json!({})).await?;
    let patch = Patch::Merge(json!({ "status": {} }));
    refused(
        api.patch_status("one", &PatchParams::default(), &patch)
            .await,
        404,
        "NotFound",
    )
}
