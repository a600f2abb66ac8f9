//! The server's own rules for Secrets.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::objects::{make_secret, named, object, refused, secrets};

pub(super) const MEBIBYTE: usize = 1024 * 1024;

async fn patched(api: &Api<Secret>, patch: Value) -> kube::Result<Secret> {
    api.patch("one", &PatchParams::default(), &Patch::Merge(patch))
        .await
}

fn value(secret: &Secret, key: &str) -> String {
    let bytes = secret.data.as_ref().and_then(|data| data.get(key));
    bytes.map_or_else(String::new, |bytes| {
        String::from_utf8_lossy(&bytes.0).into_owned()
    })
}

pub(super) async fn string_data_is_merged_into_data(client: Client, ns: String) -> Result<()> {
    let api = secrets(&client, &ns);
    let more = json!({ "data": { "a": "b25l", "b": "dHdv" }, "stringData": { "b": "three" } });
    let made = make_secret(&api, "one", more).await?;
    ensure!(made.string_data.is_none(), "stringData is shown");
    ensure!(
        value(&made, "a") == "one" && value(&made, "b") == "three",
        "{:?}",
        made.data
    );
    let new = patched(&api, json!({ "stringData": { "c": "four" } })).await?;
    ensure!(
        value(&new, "c") == "four" && value(&new, "a") == "one",
        "{:?}",
        new.data
    );
    Ok(())
}

pub(super) async fn the_type_of_a_secret_defaults_and_is_immutable(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = secrets(&client, &ns);
    let made = make_secret(&api, "one", json!({ "stringData": { "username": "a" } })).await?;
    ensure!(
        made.type_.as_deref() == Some("Opaque"),
        "type is {:?}",
        made.type_
    );
    let other = patched(&api, json!({ "type": "kubernetes.io/basic-auth" })).await;
    refused(other, 422, "Invalid")
}

pub(super) async fn an_immutable_secret_keeps_its_data_and_takes_metadata(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = secrets(&client, &ns);
    let more = json!({ "immutable": true, "stringData": { "a": "1" } });
    make_secret(&api, "one", more).await?;
    refused(
        patched(&api, json!({ "stringData": { "a": "2" } })).await,
        422,
        "Invalid",
    )?;
    refused(
        patched(&api, json!({ "stringData": { "b": "2" } })).await,
        422,
        "Invalid",
    )?;
    refused(
        patched(&api, json!({ "immutable": false })).await,
        422,
        "Invalid",
    )?;
    let labelled = patched(&api, json!({ "metadata": { "labels": { "a": "1" } } })).await;
    labelled.context("a label must be taken")?;
    Ok(())
}

pub(super) async fn a_secret_over_one_mebibyte_is_invalid(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = secrets(&client, &ns);
    let half = "x".repeat(MEBIBYTE / 2);
    let data = json!({ "stringData": { "a": half, "b": half, "c": "x" } });
    let made = api
        .create(&PostParams::default(), &named("one", data.clone())?)
        .await;
    refused(made, 422, "Invalid")?;
    make_secret(&api, "one", json!({})).await?;
    refused(patched(&api, data).await, 422, "Invalid")
}

pub(super) async fn a_secret_of_exactly_one_mebibyte_is_stored(
    client: Client,
    ns: String,
) -> Result<()> {
    let data = json!({ "stringData": { "a": "x".repeat(MEBIBYTE) } });
    make_secret(&secrets(&client, &ns), "one", data).await?;
    Ok(())
}

pub(super) async fn a_secret_type_demands_its_keys(client: Client, ns: String) -> Result<()> {
    let api = secrets(&client, &ns);
    for (name, kind, key, content) in [
        (
            "docker",
            "kubernetes.io/dockerconfigjson",
            ".dockerconfigjson",
            "{\"auths\":{}}",
        ),
        ("basic", "kubernetes.io/basic-auth", "password", "x"),
        ("ssh", "kubernetes.io/ssh-auth", "ssh-privatekey", "x"),
    ] {
        let bare = named(name, json!({ "type": kind }))?;
        refused(
            api.create(&PostParams::default(), &bare).await,
            422,
            "Invalid",
        )
        .context(name)?;
        make_secret(
            &api,
            name,
            json!({ "type": kind, "stringData": { key: content } }),
        )
        .await?;
    }
    let broken = json!({ "type": "kubernetes.io/dockerconfigjson", "stringData": { ".dockerconfigjson": "no" } });
    let made = api
        .create(&PostParams::default(), &named("broken", broken)?)
        .await;
    refused(made, 422, "Invalid").context("malformed docker config")?;
    let half = json!({ "type": "kubernetes.io/tls", "stringData": { "tls.crt": "x" } });
    let made = api
        .create(&PostParams::default(), &named("tls", half)?)
        .await;
    refused(made, 422, "Invalid").context("half a TLS secret")?;
    let key = json!({ "stringData": { "not a key": "x" } });
    let made = api
        .create(&PostParams::default(), &named("key", key)?)
        .await;
    refused(made, 422, "Invalid").context("malformed key")
}

pub(super) async fn a_value_that_is_not_base64_is_a_bad_request(
    client: Client,
    ns: String,
) -> Result<()> {
    let resource = ApiResource::erase::<Secret>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &ns, &resource);
    let raw = object(json!({ "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "one" }, "data": { "a": "%%%" } }))?;
    refused(
        api.create(&PostParams::default(), &raw).await,
        400,
        "BadRequest",
    )?;
    make_secret(&secrets(&client, &ns), "one", json!({})).await?;
    let api: Api<Secret> = Api::namespaced(client, &ns);
    refused(
        patched(&api, json!({ "data": { "a": "%%%" } })).await,
        422,
        "Invalid",
    )
    .context("patch")
}
