//! What is installed: the kinds, the operator, whether they are of one version, and whether a replica works.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use tokenwright_api::names::{GROUP, VERSION, annotation};
use tokenwright_core::instant::after;

use super::{Findings, LARGEST_SKEW};
use crate::clock;
use crate::cluster::{Cluster, Refusal, named};

/// The kinds, and the names of their definitions.
const KINDS: [(&str, &str); 4] = [
    ("ApiToken", "apitokens"),
    ("TokenIssuer", "tokenissuers"),
    ("ClusterTokenIssuer", "clustertokenissuers"),
    ("TokenProfile", "tokenprofiles"),
];

/// What brings the kinds of one version.
const APPLY: &str = "Apply those of the operator's version: with the chart, or by `tokenwright-operator crd | kubectl apply --server-side -f -`.";

/// Whether the kinds are served; gives the one version that wrote them, where that is to be seen.
pub(super) async fn kinds(cluster: &Cluster, findings: &mut Findings) -> Option<String> {
    let what = "kinds";
    let found = cluster
        .client
        .list_api_group_resources(&format!("{GROUP}/{VERSION}"))
        .await;
    let served: Vec<String> = match found {
        Ok(found) => found.resources.into_iter().map(|it| it.kind).collect(),
        Err(kube::Error::Api(status)) if status.code == 404 => {
            findings.bad(what, &format!("{GROUP}/{VERSION} is not there"), APPLY);
            return None;
        }
        Err(error) => {
            findings.bad(what, &Refusal(error).words(), APPLY);
            return None;
        }
    };
    let missing: Vec<&str> = KINDS
        .into_iter()
        .map(|(kind, _)| kind)
        .filter(|kind| !served.iter().any(|it| it == kind))
        .collect();
    if !missing.is_empty() {
        let found = format!("{} is not served", missing.join(", "));
        findings.bad(what, &found, APPLY);
        return None;
    }
    let is_served = format!("{GROUP}/{VERSION} is served");
    let written = match written(cluster).await {
        Ok(written) => written,
        Err(error) => {
            let unknown = format!("{is_served}; of which version is not to be seen");
            findings.skipped(what, &format!("{unknown}: {}", Refusal(error).words()));
            return None;
        }
    };
    let versions = Vec::from_iter(written);
    match versions.as_slice() {
        [version] => {
            findings.good(what, &format!("{is_served}, as version {version} wrote it"));
            Some(version.clone())
        }
        several => {
            let found = format!("they are of several versions: {}", several.join(", "));
            findings.bad(what, &found, APPLY);
            None
        }
    }
}

/// The versions that wrote the definitions.
async fn written(cluster: &Cluster) -> Result<BTreeSet<String>, kube::Error> {
    let definitions: Api<CustomResourceDefinition> = Api::all(cluster.client.clone());
    let mut written = BTreeSet::new();
    for (_, plural) in KINDS {
        let name = format!("{plural}.{GROUP}");
        let definition = definitions.get_metadata(&name).await?;
        let version = definition.annotations().get(annotation::VERSION);
        written.insert(version.map_or("unknown", String::as_str).to_owned());
    }
    Ok(written)
}

/// Each operator that is there: whether it is of the version of the kinds, and whether a replica of it works.
pub(super) async fn operator(cluster: &Cluster, kinds: Option<&str>, findings: &mut Findings) {
    let what = "operator";
    let api: Api<Deployment> = Api::all(cluster.client.clone());
    let all = match api.list(&ListParams::default()).await {
        Ok(all) => all,
        Err(error) => return findings.skipped(what, &Refusal(error).words()),
    };
    let ours: Vec<&Deployment> = all
        .items
        .iter()
        .filter(|it| runs_the_operator(it))
        .collect();
    if ours.is_empty() {
        let next = "Install the chart, or see the other context that it runs in.";
        return findings.bad(what, "no Deployment runs tokenwright-operator", next);
    }
    for deployment in ours {
        let (namespace, name) = (
            deployment.namespace().unwrap_or_default(),
            deployment.name_any(),
        );
        let shown = named(&namespace, &name);
        let status = deployment.status.as_ref();
        let ready = status
            .and_then(|status| status.ready_replicas)
            .unwrap_or_default();
        let image = image(deployment).unwrap_or_default();
        match ready > 0 {
            true => findings.good(what, &format!("{shown}, {ready} ready, {image}")),
            false => findings.bad(
                what,
                &format!("{shown} has no ready replica"),
                &format!("See `kubectl logs -n {namespace} deploy/{name}`."),
            ),
        }
        if let (Some(kinds), Some(version)) = (kinds, version(deployment))
            && kinds != version
        {
            let found = format!("{shown} is of version {version}, the kinds are of {kinds}");
            findings.bad("versions", &found, APPLY);
        }
        if let Some(lease) = lease(deployment) {
            works(cluster, (&namespace, lease, &name), findings).await;
        }
    }
}

/// Whether a replica renews the Lease.
async fn works(
    cluster: &Cluster,
    (namespace, lease, deployment): (&str, &str, &str),
    findings: &mut Findings,
) {
    let what = "Lease";
    let leases: Api<Lease> = Api::namespaced(cluster.client.clone(), namespace);
    let shown = named(namespace, lease);
    let next = format!("No replica works: see `kubectl logs -n {namespace} deploy/{deployment}`.");
    let spec = match leases.get_opt(lease).await {
        Ok(found) => found.and_then(|found| found.spec).unwrap_or_default(),
        Err(error) => return findings.skipped(what, &Refusal(error).words()),
    };
    let holder = spec.holder_identity.as_ref();
    let Some(holder) = holder.filter(|holder| !holder.is_empty()) else {
        return findings.bad(what, &format!("nobody holds {shown}"), &next);
    };
    match is_over(&spec) {
        true => {
            let found = format!("{holder} holds {shown} and renews it no more");
            findings.bad(what, &found, &next);
        }
        false => findings.good(what, &format!("the replica {holder} works, by {shown}")),
    }
}

/// Whether it was renewed too long ago; by how much the clocks differ was said already.
fn is_over(spec: &LeaseSpec) -> bool {
    let Some(renewed) = &spec.renew_time else {
        return true;
    };
    let lasts = spec.lease_duration_seconds.unwrap_or_default();
    let lasts = SignedDuration::from_secs(i64::from(lasts));
    clock::now() > after(after(renewed.0, lasts), LARGEST_SKEW)
}

/// The Lease that its replicas share.
fn lease(deployment: &Deployment) -> Option<&str> {
    let pod = deployment.spec.as_ref()?.template.spec.as_ref()?;
    let mut arguments = pod
        .containers
        .iter()
        .flat_map(|it| it.args.iter().flatten());
    arguments.find_map(|argument| argument.strip_prefix("--lease="))
}

fn version(deployment: &Deployment) -> Option<&str> {
    let version = deployment.labels().get("app.kubernetes.io/version");
    version.map(String::as_str)
}

fn image(deployment: &Deployment) -> Option<&str> {
    let containers = deployment
        .spec
        .as_ref()?
        .template
        .spec
        .as_ref()?
        .containers
        .iter();
    let mut images = containers.filter_map(|container| container.image.as_deref());
    images.find(|image| image.contains("tokenwright"))
}

fn runs_the_operator(deployment: &Deployment) -> bool {
    let labels = deployment.labels();
    let named = labels
        .get("app.kubernetes.io/name")
        .is_some_and(|name| name.starts_with("tokenwright"));
    named || image(deployment).is_some()
}
