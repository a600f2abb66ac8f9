//! Issuers that many namespaces share, and profiles of an administrator, on a real kube-apiserver under
//! exactly the permissions of the chart.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokenwright_testbed::chart;
use tokenwright_testbed::programs::{OWN_NAMESPACE, System, wait_for};
use tokenwright_testbed::quickstart::TEAM_NAMESPACE;

use super::cluster::{Cluster, root};

const SYSTEM: &str = "scaleway";
pub(crate) const SHARED: &str = "examples/kubernetes/shared-issuer.yaml";
pub(crate) const PROFILE: &str = "examples/kubernetes/token-profile.yaml";
const PATIENCE: Duration = Duration::from_secs(40);

pub(crate) fn api(client: &Client, kind: &str, namespace: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("tokenwright.dev", "v1alpha1", kind);
    let resource = ApiResource::from_gvk(&kind);
    match namespace {
        "" => Api::all_with(client.clone(), &resource),
        namespace => Api::namespaced_with(client.clone(), namespace, &resource),
    }
}

/// The example, with the sandbox in place of the real service.
pub(crate) fn example(file: &str, scaleway: &System) -> Result<Vec<Value>> {
    let mut documents = chart::documents(&std::fs::read_to_string(root().join(file))?)?;
    let id = scaleway
        .parameters
        .get("application_id")
        .context("the sandbox names no application")?;
    for document in &mut documents {
        match document["kind"].as_str() {
            Some("Secret") => document["stringData"]["secret_key"] = json!(scaleway.credential),
            Some("ClusterTokenIssuer") => {
                document["spec"]["endpoint"] = json!(scaleway.endpoint);
                document["spec"]["allow"][0]["parameters"]["application_id"] = json!([id]);
            }
            Some("ApiToken") => {
                document["spec"]["token"]["parameters"]["application_id"] = json!(id);
            }
            _ => {}
        }
    }
    Ok(documents)
}

/// Waits until a condition of an object says this; gives its message.
pub(crate) async fn says(
    api: &Api<DynamicObject>,
    name: &str,
    type_: &str,
    wanted: &str,
) -> Result<String> {
    wait_for(&format!("{name}: {type_} {wanted}"), PATIENCE, || async {
        let object = api.get(name).await?;
        let conditions = object.data["status"]["conditions"].as_array().cloned();
        let condition = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == type_);
        Ok(condition.and_then(|condition| {
            let is = format!("{}: {}", condition["status"], condition["reason"]);
            let message = condition["message"].as_str().unwrap_or_default().to_owned();
            (is.replace('"', "") == wanted).then_some(message)
        }))
    })
    .await
}

#[tokio::test]
async fn a_shared_issuer_serves_the_namespaces_that_it_allows_with_the_chart_s_permissions_alone()
-> Result<()> {
    let cluster = Cluster::playing(SYSTEM).await?;
    let operator = cluster.operator().await?;
    let scaleway = cluster.sandbox.system(SYSTEM)?;
    let client = cluster.control_plane.admin().await?;
    let documents = example(SHARED, scaleway)?;
    chart::create_all(&client, &documents, TEAM_NAMESPACE).await?;
    let tokens = api(&client, "ApiToken", TEAM_NAMESPACE);
    let refused = says(&tokens, "ci", "Stalled", "True: NotAllowed").await?;
    ensure!(
        refused.contains("ClusterTokenIssuer scaleway") && refused.contains("namespace team-a"),
        "{refused}"
    );
    ensure!(cluster.sandbox.ledger().await?.minted(SYSTEM) == 0);

    let namespaces: Api<Namespace> = Api::all(client.clone());
    let label = |value: Value| {
        Patch::Merge(
            json!({ "metadata": { "labels": { "tokenwright.example.com/scaleway": value } } }),
        )
    };
    let patch = PatchParams::default();
    namespaces
        .patch(TEAM_NAMESPACE, &patch, &label(json!("true")))
        .await?;
    says(&tokens, "ci", "Ready", "True: Ready").await?;
    let issuers = api(&client, "ClusterTokenIssuer", "");
    says(&issuers, "scaleway", "Ready", "True: Ready").await?;
    let secrets: Api<Secret> = Api::namespaced(client.clone(), OWN_NAMESPACE);
    let credential = secrets.get("scaleway-credential").await?;
    ensure!(
        credential.metadata.finalizers.is_some(),
        "the credential is not held"
    );

    // Another one of the same team asks for an application that nobody granted.
    let mut greedy = documents.last().context("no ApiToken")?.clone();
    greedy["metadata"]["name"] = json!("greedy");
    greedy["spec"]["token"]["parameters"]["application_id"] = json!("another");
    greedy["spec"]["secret"]["name"] = json!("greedy");
    chart::create_all(&client, &[greedy], TEAM_NAMESPACE).await?;
    let refused = says(&tokens, "greedy", "Stalled", "True: NotAllowed").await?;
    ensure!(refused.contains("application_id"), "{refused}");

    namespaces
        .patch(TEAM_NAMESPACE, &patch, &label(Value::Null))
        .await?;
    says(&tokens, "ci", "Stalled", "True: NotAllowed").await?;
    let ledger = cluster.sandbox.ledger().await?;
    ensure!(
        ledger.live(SYSTEM).len() == 1,
        "a withdrawn grant ended a token: {ledger:#?}"
    );
    for name in ["ci", "greedy"] {
        tokens
            .delete(name, &kube::api::DeleteParams::default())
            .await?;
        wait_for("the ApiToken to be gone", PATIENCE, || async {
            Ok(tokens.get_opt(name).await?.is_none().then_some(()))
        })
        .await?;
    }
    ensure!(cluster.sandbox.ledger().await?.live(SYSTEM).is_empty());
    let refused = cluster.requests()?;
    let refused: Vec<_> = refused.iter().filter(|r| r.code == 403).collect();
    ensure!(
        refused.is_empty(),
        "the chart grants too little: {refused:#?}"
    );
    operator.kill().await
}

/// The built-in profile of the system that the sandbox plays, as an administrator would write it.
pub(crate) fn own_profile() -> Result<Value> {
    let (text, _) = tokenwright_client::profile::builtin_files(SYSTEM).context("not built in")?;
    let mut spec: Value = serde_saphyr::from_str(text)?;
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("profile");
    }
    Ok(json!({
        "apiVersion": "tokenwright.dev/v1alpha1", "kind": "TokenProfile",
        "metadata": { "name": "ours" }, "spec": spec,
    }))
}

#[tokio::test]
async fn a_token_profile_is_kept_whole_by_the_api_server_and_mints() -> Result<()> {
    let cluster = Cluster::playing(SYSTEM).await?;
    let operator = cluster.operator().await?;
    let scaleway = cluster.sandbox.system(SYSTEM)?;
    let client = cluster.control_plane.admin().await?;
    let profile = own_profile()?;
    chart::create_all(&client, std::slice::from_ref(&profile), "").await?;
    let profiles = api(&client, "TokenProfile", "");
    says(&profiles, "ours", "Ready", "True: Ready").await?;
    let kept = profiles.get("ours").await?.data["spec"].clone();
    ensure!(kept == profile["spec"], "the API server dropped a key");

    let mut documents = example(SHARED, scaleway)?;
    let issuer = documents
        .iter_mut()
        .find(|document| document["kind"] == "ClusterTokenIssuer")
        .context("no issuer")?;
    issuer["spec"]["profileRef"] = json!({ "name": "ours" });
    issuer["spec"]["allow"][0]["namespaces"] = json!({ "names": [TEAM_NAMESPACE] });
    if let Some(spec) = issuer["spec"].as_object_mut() {
        spec.remove("profile");
    }
    chart::create_all(&client, &documents, TEAM_NAMESPACE).await?;
    let tokens = api(&client, "ApiToken", TEAM_NAMESPACE);
    says(&tokens, "ci", "Ready", "True: Ready").await?;

    let broken = Patch::Merge(json!({ "spec": { "mint": { "pots": 1 } } }));
    profiles
        .patch("ours", &PatchParams::default(), &broken)
        .await?;
    let problem = says(&profiles, "ours", "Stalled", "True: InvalidProfile").await?;
    ensure!(problem.contains("spec.mint"), "{problem}");
    ensure!(cluster.sandbox.ledger().await?.minted(SYSTEM) == 1);
    operator.kill().await
}
