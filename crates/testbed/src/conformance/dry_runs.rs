//! A dry run makes every check of its write and changes nothing: rehearsals depend on it.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use super::objects::{config_maps, make_secret, make_widget, named, refused, secrets, widgets};
use super::secrets::MEBIBYTE;

fn dry() -> PostParams {
    PostParams {
        dry_run: true,
        ..PostParams::default()
    }
}

fn dry_patch() -> PatchParams {
    PatchParams {
        dry_run: true,
        ..PatchParams::default()
    }
}

fn too_large() -> Value {
    json!({ "stringData": { "a": "x".repeat(MEBIBYTE + 1) } })
}

pub(super) async fn a_dry_create_checks_everything_and_stores_nothing(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = secrets(&client, &ns);
    let answer = api.create(&dry(), &named("one", json!({}))?).await?;
    ensure!(answer.uid().is_some(), "the answer has no uid");
    ensure!(
        answer.resource_version().is_none(),
        "the answer has a version"
    );
    ensure!(api.get_opt("one").await?.is_none(), "it is stored");
    refused(
        api.create(&dry(), &named("one", too_large())?).await,
        422,
        "Invalid",
    )?;
    let versioned = named("one", json!({ "metadata": { "resourceVersion": "1" } }))?;
    let answer = api.create(&dry(), &versioned).await;
    answer.context("the one thing that a dry run lets pass and the create does not")?;
    make_secret(&api, "one", json!({})).await?;
    refused(
        api.create(&dry(), &named("one", json!({}))?).await,
        409,
        "AlreadyExists",
    )?;
    let nowhere = config_maps(&client, "nowhere")
        .create(&dry(), &named("one", json!({}))?)
        .await;
    refused(nowhere, 404, "NotFound")?;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.delete(&ns, &DeleteParams::default()).await?;
    let late = api.create(&dry(), &named("two", json!({}))?).await;
    refused(late, 403, "Forbidden").context("in a terminating namespace")
}

pub(super) async fn a_dry_update_checks_everything_and_stores_nothing(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = secrets(&client, &ns);
    let old = make_secret(&api, "one", json!({ "stringData": { "a": "1" } })).await?;
    let mut new = old.clone();
    new.labels_mut().insert("a".to_owned(), "1".to_owned());
    let answer = api.replace("one", &dry(), &new).await?;
    ensure!(
        answer.labels().contains_key("a"),
        "the answer lacks the change"
    );
    ensure!(
        answer.resource_version() == old.resource_version(),
        "the answer has another version"
    );
    ensure!(api.get("one").await?.labels().is_empty(), "it is stored");
    let mut other = old.clone();
    other.type_ = Some("example.com/other".to_owned());
    refused(api.replace("one", &dry(), &other).await, 422, "Invalid").context("type")?;
    api.replace("one", &PostParams::default(), &new).await?;
    refused(api.replace("one", &dry(), &new).await, 409, "Conflict").context("old version")?;
    let absent = named("none", json!({}))?;
    refused(api.replace("none", &dry(), &absent).await, 404, "NotFound").context("absent")
}

pub(super) async fn a_dry_patch_checks_everything_and_stores_nothing(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = secrets(&client, &ns);
    let more = json!({ "immutable": true, "stringData": { "a": "1" },
        "metadata": { "finalizers": ["conformance.tokenwright.dev/hold"] } });
    let made = make_secret(&api, "one", more).await?;
    let label = json!({ "metadata": { "labels": { "a": "1" } } });
    let answer = api
        .patch("one", &dry_patch(), &Patch::Merge(&label))
        .await?;
    ensure!(
        answer.labels().contains_key("a"),
        "the answer lacks the change"
    );
    let read = api.get("one").await?;
    ensure!(
        read.resource_version() == made.resource_version(),
        "it is stored"
    );
    let data = Patch::Merge(json!({ "stringData": { "a": "2" } }));
    refused(api.patch("one", &dry_patch(), &data).await, 422, "Invalid").context("immutable")?;
    let mut stale = label;
    stale["metadata"]["resourceVersion"] = json!("1");
    let late = api.patch("one", &dry_patch(), &Patch::Merge(stale)).await;
    refused(late, 409, "Conflict").context("old version")?;
    make_secret(&api, "two", json!({})).await?;
    let large = api
        .patch("two", &dry_patch(), &Patch::Merge(too_large()))
        .await;
    refused(large, 422, "Invalid").context("size")?;
    api.delete("one", &DeleteParams::default()).await?;
    let finalizers = json!([
        "conformance.tokenwright.dev/hold",
        "conformance.tokenwright.dev/late"
    ]);
    let patch = Patch::Merge(json!({ "metadata": { "finalizers": finalizers } }));
    refused(api.patch("one", &dry_patch(), &patch).await, 422, "Invalid").context("finalizer")?;
    let none = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    api.patch("one", &dry_patch(), &none)
        .await
        .context("the last finalizer, dry")?;
    api.get("one")
        .await
        .context("a dry run let the object go")?;
    Ok(())
}

pub(super) async fn a_dry_delete_removes_nothing(client: Client, ns: String) -> Result<()> {
    let api = secrets(&client, &ns);
    make_secret(&api, "one", json!({})).await?;
    let params = DeleteParams {
        dry_run: true,
        ..DeleteParams::default()
    };
    api.delete("one", &params).await?;
    let kept = api.get("one").await.context("it is gone")?;
    ensure!(kept.metadata.deletion_timestamp.is_none(), "it is marked");
    refused(api.delete("none", &params).await, 404, "NotFound")
}

pub(super) async fn a_dry_run_of_a_status_write_stores_nothing(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    let made = make_widget(&api, "one", json!({})).await?;
    let patch = Patch::Merge(json!({ "status": { "phase": "Done" } }));
    let answer = api.patch_status("one", &dry_patch(), &patch).await?;
    ensure!(
        answer.data["status"]["phase"] == "Done",
        "the answer lacks the change"
    );
    let read = api.get("one").await?;
    ensure!(
        read.resource_version() == made.resource_version(),
        "it is stored"
    );
    Ok(())
}
