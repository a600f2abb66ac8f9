//! What a client asks about itself and the server.

use anyhow::{Result, ensure};
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::json;

use super::objects::object;

pub(super) async fn a_self_review_is_answered(client: Client, ns: String) -> Result<()> {
    let api: Api<SelfSubjectAccessReview> = Api::all(client);
    let review = object(json!({ "metadata": {}, "spec": { "resourceAttributes": {
        "verb": "create", "resource": "secrets", "namespace": ns } } }))?;
    let answer = api.create(&PostParams::default(), &review).await?;
    ensure!(
        answer.status.is_some_and(|status| status.allowed),
        "not allowed"
    );
    Ok(())
}

pub(super) async fn the_version_is_told(client: Client, _: String) -> Result<()> {
    let version = client.apiserver_version().await?;
    ensure!(
        version.major == "1" && version.git_version.starts_with("v1."),
        "{version:?}"
    );
    let groups = client.list_api_groups().await?;
    ensure!(
        groups
            .groups
            .iter()
            .any(|group| group.name == super::objects::GROUP),
        "our group is not listed"
    );
    let resources = client
        .list_api_group_resources("conformance.tokenwright.dev/v1")
        .await?;
    let widgets = resources
        .resources
        .iter()
        .find(|resource| resource.name == "widgets");
    ensure!(
        widgets.is_some_and(|widgets| widgets.namespaced && widgets.kind == "Widget"),
        "{widgets:?}"
    );
    Ok(())
}
