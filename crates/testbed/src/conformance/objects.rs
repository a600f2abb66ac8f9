//! Creating and reading objects; and what the other checks share: builders and expectations.

use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, PostParams};
use kube::{Client, Error, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(super) const GROUP: &str = "conformance.tokenwright.dev";

/// The definition is established at once, or on a real server within a second or two.
const ESTABLISHED_WITHIN: u32 = 100;
const ESTABLISHED_POLL: Duration = Duration::from_millis(100);

pub(super) async fn define(client: &Client, plural: &str, kind: &str) -> Result<()> {
    define_with(client, plural, kind, Value::Null).await
}

/// The same with a default of the status.
async fn define_with(client: &Client, plural: &str, kind: &str, unseen: Value) -> Result<()> {
    let mut status = json!({ "type": "object", "properties": { "phase": { "type": "string" } } });
    if !unseen.is_null() {
        status["default"] = unseen;
    }
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let name = format!("{plural}.{GROUP}");
    let definition = object(json!({
        "metadata": { "name": name },
        "spec": {
            "group": GROUP, "scope": "Namespaced",
            "names": { "plural": plural, "singular": kind.to_lowercase(), "kind": kind },
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "subresources": { "status": {} },
                "selectableFields": [{ "jsonPath": ".spec.color" }],
                "schema": { "openAPIV3Schema": { "type": "object", "properties": {
                    "spec": { "type": "object", "properties": {
                        "color": { "type": "string" }, "size": { "type": "integer" } } },
                    "status": status,
                } } },
            }],
        },
    }))?;
    match definitions
        .create(&PostParams::default(), &definition)
        .await
    {
        Err(Error::Api(status)) if status.is_already_exists() => {}
        other => {
            other.context("cannot create the definition")?;
        }
    }
    let kinds = dynamic(client, "default", plural, kind);
    for _ in 0..ESTABLISHED_WITHIN {
        let found = definitions.get(&name).await?;
        let established = found
            .status
            .and_then(|status| status.conditions)
            .into_iter()
            .flatten()
            .any(|condition| condition.type_ == "Established" && condition.status == "True");
        // The condition comes a moment before the endpoint on a real server.
        if established && kinds.list(&kube::api::ListParams::default()).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(ESTABLISHED_POLL).await;
    }
    bail!("the definition {name} does not get established")
}

pub(super) fn object<K: DeserializeOwned>(value: Value) -> Result<K> {
    Ok(serde_json::from_value(value)?)
}

fn dynamic(client: &Client, namespace: &str, plural: &str, kind: &str) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk(GROUP, "v1", kind);
    Api::namespaced_with(
        client.clone(),
        namespace,
        &ApiResource::from_gvk_with_plural(&gvk, plural),
    )
}

pub(super) fn widget_resource() -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(GROUP, "v1", "Widget"), "widgets")
}

pub(super) fn widgets(client: &Client, namespace: &str) -> Api<DynamicObject> {
    dynamic(client, namespace, "widgets", "Widget")
}

pub(super) fn widget(name: &str, more: Value) -> Result<DynamicObject> {
    let mut value = json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": "Widget",
        "metadata": { "name": name }, "spec": { "size": 1 },
    });
    merge(&mut value, more);
    object(value)
}

pub(super) fn secrets(client: &Client, namespace: &str) -> Api<Secret> {
    Api::namespaced(client.clone(), namespace)
}

pub(super) fn config_maps(client: &Client, namespace: &str) -> Api<ConfigMap> {
    Api::namespaced(client.clone(), namespace)
}

/// A Secret or ConfigMap called `name`, with more fields laid over it.
pub(super) fn named<K: DeserializeOwned>(name: &str, more: Value) -> Result<K> {
    let mut value = json!({ "metadata": { "name": name } });
    merge(&mut value, more);
    object(value)
}

fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more,
    }
}

pub(super) async fn make_widget(
    api: &Api<DynamicObject>,
    name: &str,
    more: Value,
) -> Result<DynamicObject> {
    let made = api
        .create(&PostParams::default(), &widget(name, more)?)
        .await;
    made.with_context(|| format!("cannot create widget {name}"))
}

pub(super) async fn make_secret(api: &Api<Secret>, name: &str, more: Value) -> Result<Secret> {
    let made = api
        .create(&PostParams::default(), &named(name, more)?)
        .await;
    made.with_context(|| format!("cannot create secret {name}"))
}

/// The request must be refused with exactly this code and reason.
pub(super) fn refused<T: Debug>(outcome: kube::Result<T>, code: u16, reason: &str) -> Result<()> {
    match outcome {
        Err(Error::Api(status)) => {
            ensure!(
                status.code == code && status.reason == reason,
                "expected {code} {reason}, got {} {}: {}",
                status.code,
                status.reason,
                status.message
            );
            Ok(())
        }
        Err(other) => bail!("expected {code} {reason}, got an error without a status: {other}"),
        Ok(answer) => bail!("expected {code} {reason}, got {answer:?}"),
    }
}

pub(super) async fn a_created_object_has_uid_version_and_timestamp(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    let made = make_widget(&api, "one", json!({ "status": { "phase": "dropped" } })).await?;
    ensure!(made.metadata.uid.is_some(), "no uid");
    ensure!(
        made.metadata.creation_timestamp.is_some(),
        "no creationTimestamp"
    );
    ensure!(
        made.metadata.generation == Some(1),
        "generation is {:?}",
        made.metadata.generation
    );
    ensure!(
        made.metadata.namespace.as_deref() == Some(ns.as_str()),
        "no namespace"
    );
    ensure!(
        made.data.get("status").is_none(),
        "a create sets the status"
    );
    let read = api.get("one").await?;
    ensure!(
        read.metadata.resource_version == made.metadata.resource_version,
        "version differs"
    );
    ensure!(read.data == made.data, "content differs");
    let secret = make_secret(&secrets(&client, &ns), "one", json!({})).await?;
    ensure!(
        secret.metadata.generation.is_none(),
        "a Secret has a generation"
    );
    Ok(())
}

pub(super) async fn a_taken_name_is_already_exists(client: Client, ns: String) -> Result<()> {
    let api = config_maps(&client, &ns);
    let map = named("one", json!({}))?;
    api.create(&PostParams::default(), &map).await?;
    refused(
        api.create(&PostParams::default(), &map).await,
        409,
        "AlreadyExists",
    )
}

pub(super) async fn an_absent_object_is_not_found(client: Client, ns: String) -> Result<()> {
    refused(config_maps(&client, &ns).get("none").await, 404, "NotFound")?;
    refused(widgets(&client, &ns).get("none").await, 404, "NotFound")
}

pub(super) async fn a_generated_name_starts_with_its_prefix(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = config_maps(&client, &ns);
    let map: ConfigMap = object(json!({ "metadata": { "generateName": "made-" } }))?;
    let (one, two) = (
        api.create(&PostParams::default(), &map).await?.name_any(),
        api.create(&PostParams::default(), &map).await?.name_any(),
    );
    ensure!(
        one.starts_with("made-") && one.len() == "made-".len() + 5,
        "name is {one}"
    );
    ensure!(one != two, "the same name twice");
    Ok(())
}

pub(super) async fn an_object_without_a_name_is_invalid(client: Client, ns: String) -> Result<()> {
    let map: ConfigMap = object(json!({ "metadata": {} }))?;
    let made = config_maps(&client, &ns)
        .create(&PostParams::default(), &map)
        .await;
    refused(made, 422, "Invalid")
}

pub(super) async fn a_malformed_name_or_label_is_invalid(client: Client, ns: String) -> Result<()> {
    let api = widgets(&client, &ns);
    let long = "x".repeat(64);
    for (name, more) in [
        ("Upper", json!({})),
        ("under_score", json!({})),
        (
            "label-value",
            json!({ "metadata": { "labels": { "key": "not valid" } } }),
        ),
        (
            "label-long",
            json!({ "metadata": { "labels": { "key": long } } }),
        ),
        (
            "label-key",
            json!({ "metadata": { "labels": { "a/b/c": "x" } } }),
        ),
        (
            "annotation-key",
            json!({ "metadata": { "annotations": { "not valid": "x" } } }),
        ),
    ] {
        let made = api
            .create(&PostParams::default(), &widget(name, more)?)
            .await;
        refused(made, 422, "Invalid").context(name.to_owned())?;
    }
    Ok(())
}

pub(super) async fn a_create_with_a_resource_version_is_refused(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = config_maps(&client, &ns);
    let map: ConfigMap = named("one", json!({ "metadata": { "resourceVersion": "1" } }))?;
    refused(api.create(&PostParams::default(), &map).await, 500, "")
}

pub(super) async fn an_absent_namespace_is_not_found_on_create(
    client: Client,
    _: String,
) -> Result<()> {
    let api = config_maps(&client, "nowhere");
    let made = api
        .create(&PostParams::default(), &named("one", json!({}))?)
        .await;
    refused(made, 404, "NotFound")?;
    ensure!(
        api.list(&Default::default()).await?.items.is_empty(),
        "a list must be empty there"
    );
    Ok(())
}

pub(super) async fn a_body_for_another_namespace_is_a_bad_request(
    client: Client,
    ns: String,
) -> Result<()> {
    let map: ConfigMap = named("one", json!({ "metadata": { "namespace": "default" } }))?;
    let made = config_maps(&client, &ns)
        .create(&PostParams::default(), &map)
        .await;
    refused(made, 400, "BadRequest")
}

pub(super) async fn an_unknown_resource_is_not_found(client: Client, ns: String) -> Result<()> {
    let api = dynamic(&client, &ns, "nothings", "Nothing");
    // A group that is served by nobody is answered in plain text, so there is a code and no
    // reason, and kube's `is_not_found` does not hold.
    for answer in [
        api.get("one").await.err(),
        api.list(&Default::default()).await.err(),
    ] {
        let Some(Error::Api(status)) = answer else {
            bail!("no status: {answer:?}");
        };
        ensure!(status.code == 404, "got {status:?}");
    }
    let raw = http::Request::get(format!("/api/v1/namespaces/{ns}/nothings")).body(Vec::new())?;
    refused(client.request::<Value>(raw).await, 404, "NotFound")
}

pub(super) async fn a_definition_makes_its_kind_available(
    client: Client,
    ns: String,
) -> Result<()> {
    define(&client, "gadgets", "Gadget").await?;
    let api = dynamic(&client, &ns, "gadgets", "Gadget");
    let gadget: DynamicObject = object(json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": "Gadget", "metadata": { "name": "one" },
    }))?;
    let made = api.create(&PostParams::default(), &gadget).await?;
    ensure!(
        made.types.is_some_and(|types| types.kind == "Gadget"),
        "kind is lost"
    );
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let name = format!("gadgets.{GROUP}");
    definitions.delete(&name, &DeleteParams::default()).await?;
    // A real server removes the objects first.
    for _ in 0..ESTABLISHED_WITHIN {
        if definitions.get_opt(&name).await?.is_none() && api.get("one").await.is_err() {
            return Ok(());
        }
        tokio::time::sleep(ESTABLISHED_POLL).await;
    }
    bail!("the definition does not go away")
}

pub(super) async fn an_object_without_a_status_has_the_default_of_its_kind(
    client: Client,
    ns: String,
) -> Result<()> {
    let unseen = json!({ "phase": "unseen" });
    define_with(&client, "dials", "Dial", unseen.clone()).await?;
    let api = dynamic(&client, &ns, "dials", "Dial");
    let post = PostParams::default();
    let dial: DynamicObject = object(json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": "Dial", "metadata": { "name": "one" },
        "status": { "phase": "forged" },
    }))?;
    let made = api.create(&post, &dial).await?;
    ensure!(made.data["status"] == unseen, "created: {}", made.data);
    let mut seen = api.get("one").await?;
    ensure!(seen.data["status"] == unseen, "got: {}", seen.data);
    seen.data["status"] = json!({ "phase": "seen" });
    let mut seen = api.replace_status("one", &post, &seen).await?;
    ensure!(seen.data["status"]["phase"] == "seen", "{}", seen.data);
    seen.data = json!({});
    let wiped = api.replace_status("one", &post, &seen).await?;
    ensure!(wiped.data["status"] == unseen, "wiped: {}", wiped.data);
    Ok(())
}
