//! The chart as `helm` renders it, and its permissions applied to a control plane.
//!
//! Tests and the demo run the operator as a process beside the cluster, under exactly the rules that
//! the chart gives its ServiceAccount.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use kube::api::{DynamicObject, PostParams, TypeMeta};
use kube::core::GroupVersionKind;
use kube::{Api, Client, Discovery, discovery};
use serde::Deserialize;
use serde_json::Value;

use crate::tools;

/// Where the chart lies, from the root of the checkout.
const CHART: &str = "charts/tokenwright";
/// The release that tests and the demo install.
pub const RELEASE: &str = "tokenwright";
/// What it sets for every operator, however it is arranged: what issuers answer stays within a part of the limit.
pub const ENVIRONMENT: [(&str, &str); 1] = [("TOKENWRIGHT_MEMORY_LIMIT", "134217728")];

/// The chart's documents, rendered by the real helm for a release in `namespace`.
///
/// # Errors
///
/// When helm is missing or refuses the chart; the error carries what it said.
pub fn render(root: &Path, namespace: &str, arguments: &[&str]) -> Result<Vec<Value>> {
    let output = Command::new(tools::helm()?)
        .args(["template", RELEASE])
        .arg(root.join(CHART))
        .args(["--namespace", namespace, "--include-crds", "--skip-tests"])
        .args(arguments)
        .output()
        .context("cannot start helm")?;
    if !output.status.success() {
        bail!(
            "helm refuses the chart: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let text = String::from_utf8(output.stdout).context("helm printed no text")?;
    documents(&text)
}

/// The documents of a YAML stream.
///
/// # Errors
///
/// When one of them cannot be read.
pub fn documents(text: &str) -> Result<Vec<Value>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).context("cannot read YAML")?;
    Ok(documents
        .into_iter()
        .filter(|document| !document.is_null())
        .collect())
}

/// The user and the groups of the ServiceAccount that the rendered Deployment runs as.
///
/// # Errors
///
/// When the chart renders no Deployment.
pub fn service_account(documents: &[Value], namespace: &str) -> Result<(String, Vec<String>)> {
    let deployment = documents
        .iter()
        .find(|document| document["kind"] == "Deployment");
    let spec = &deployment.context("the chart renders no Deployment")?["spec"]["template"]["spec"];
    let name = spec["serviceAccountName"]
        .as_str()
        .context("the Deployment names no ServiceAccount")?;
    let groups = [
        "system:authenticated".to_owned(),
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{namespace}"),
    ];
    Ok((
        format!("system:serviceaccount:{namespace}:{name}"),
        groups.into(),
    ))
}

/// Creates everything of the chart but the Deployment: CRDs, ServiceAccount and permissions.
///
/// # Errors
///
/// When the API server refuses one of them.
pub async fn install_without_deployment(
    client: &Client,
    documents: &[Value],
    namespace: &str,
) -> Result<()> {
    let mut wanted = documents.to_vec();
    wanted.retain(|document| document["kind"] != "Deployment");
    create_all(client, &wanted, namespace).await
}

/// The objects of one of our kinds in a namespace.
#[must_use]
pub fn api(client: &Client, kind: &str, namespace: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("tokenwright.dev", "v1alpha1", kind);
    let resource = kube::core::ApiResource::from_gvk(&kind);
    Api::namespaced_with(client.clone(), namespace, &resource)
}

/// The objects of one of our kinds that belong to no namespace.
#[must_use]
pub fn cluster_api(client: &Client, kind: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("tokenwright.dev", "v1alpha1", kind);
    Api::all_with(client.clone(), &kube::core::ApiResource::from_gvk(&kind))
}

/// How long the API server may take until it serves a kind that it accepted.
const UNTIL_SERVED: Duration = Duration::from_secs(30);

/// The kinds of these objects, once the API server serves them all: a kind is accepted at once, and
/// served a moment later.
async fn kinds_of(client: &Client, documents: &[Value]) -> Result<Discovery> {
    let asked = Instant::now();
    loop {
        let kinds = Discovery::new(client.clone()).run().await;
        let unknown = kinds.as_ref().ok().and_then(|kinds| {
            documents.iter().find(|document| {
                let types = TypeMeta::deserialize(*document).unwrap_or_default();
                GroupVersionKind::try_from(&types)
                    .is_ok_and(|kind| kinds.resolve_gvk(&kind).is_none())
            })
        });
        if asked.elapsed() > UNTIL_SERVED {
            // A group that was just made is listed before it can be asked for.
            kinds.context("cannot ask for the kinds")?;
            let kind = unknown.map(|document| &document["kind"]);
            bail!("the API server does not know {kind:?}");
        }
        match kinds {
            Ok(kinds) if unknown.is_none() => return Ok(kinds),
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Creates objects of any kind, in order.
///
/// # Errors
///
/// When a kind is unknown to the API server, or it refuses an object.
pub async fn create_all(client: &Client, documents: &[Value], namespace: &str) -> Result<()> {
    let kinds = kinds_of(client, documents).await?;
    for document in documents {
        let object: DynamicObject =
            serde_json::from_value(document.clone()).context("a document is no object")?;
        let types = object.types.clone().context("a document has no kind")?;
        let name = object.metadata.name.clone().unwrap_or_default();
        let kind = GroupVersionKind::try_from(&types).context("a document has no apiVersion")?;
        let (resource, capabilities) = kinds
            .resolve_gvk(&kind)
            .with_context(|| format!("the API server does not know {}", types.kind))?;
        let api: Api<DynamicObject> = match capabilities.scope {
            discovery::Scope::Cluster => Api::all_with(client.clone(), &resource),
            discovery::Scope::Namespaced => {
                let namespace = object.metadata.namespace.as_deref().unwrap_or(namespace);
                Api::namespaced_with(client.clone(), namespace, &resource)
            }
        };
        let created = api.create(&PostParams::default(), &object).await;
        created.with_context(|| format!("cannot create {} {name}", types.kind))?;
    }
    Ok(())
}
