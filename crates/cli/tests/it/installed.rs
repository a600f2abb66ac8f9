//! What `doctor` says of the kinds and of the operator that are installed.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::clusters::{World, world};

const NAMESPACE: &str = "tokenwright-system";

#[expect(
    clippy::disallowed_methods,
    reason = "the program reads the clock, too"
)]
/// An installation of this version, whose Lease somebody renewed so long ago.
async fn installed(world: &World, version: &str, ago: SignedDuration) {
    let namespace = json!({ "metadata": { "name": NAMESPACE } });
    world.create("v1", "Namespace", "", namespace).await;
    let pod = json!({ "containers": [{
        "name": "operator",
        "image": format!("registry.example/tokenwright-operator:{version}"),
        "args": ["--lease=tokenwright", "--listen=0.0.0.0:8080"],
    }] });
    let labels = json!({
        "app.kubernetes.io/name": "tokenwright",
        "app.kubernetes.io/version": version,
    });
    let deployment = json!({
        "metadata": { "name": "tokenwright", "labels": labels },
        "spec": { "selector": {}, "template": { "spec": pod } },
        "status": { "readyReplicas": 1 },
    });
    let deployment: Deployment = serde_json::from_value(deployment).unwrap();
    let deployments: Api<Deployment> = Api::namespaced(world.client.clone(), NAMESPACE);
    let post = PostParams::default();
    deployments.create(&post, &deployment).await.unwrap();
    let renewed = Timestamp::now().saturating_sub(ago).unwrap();
    let lease = json!({
        "metadata": { "name": "tokenwright" },
        "spec": {
            "holderIdentity": "operator-1", "leaseDurationSeconds": 15,
            "renewTime": format!("{renewed:.6}"),
        },
    });
    world
        .create("coordination.k8s.io/v1", "Lease", NAMESPACE, lease)
        .await;
}

async fn says(world: &World, code: i32, lines: &[&str]) {
    let ran = world.ran(&["doctor"]).await;
    assert_eq!(ran.code, Some(code), "{}{}", ran.out, ran.err);
    for line in lines {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
}

#[tokio::test]
async fn kinds_and_operator_of_one_version_are_well_where_a_replica_works() {
    let world = world().await;
    let version = env!("CARGO_PKG_VERSION");
    installed(&world, version, SignedDuration::ZERO).await;
    let kinds =
        format!("✓ kinds        tokenwright.dev/v1alpha1 is served, as version {version} wrote it");
    let operator = "✓ operator     tokenwright-system/tokenwright, 1 ready";
    let lease = "✓ Lease        the replica operator-1 works, by tokenwright-system/tokenwright";
    says(&world, 0, &[&kinds, operator, lease]).await;
}

#[tokio::test]
async fn kinds_and_operator_of_two_versions_are_told() {
    let world = world().await;
    installed(&world, "0.0.9", SignedDuration::ZERO).await;
    let version = env!("CARGO_PKG_VERSION");
    let found = format!(
        "✗ versions     tokenwright-system/tokenwright is of version 0.0.9, the kinds are of {version}. Apply"
    );
    says(&world, 1, &[&found]).await;
}

#[tokio::test]
async fn kinds_of_two_versions_or_none_are_told() {
    let world = world().await;
    let kinds: Api<CustomResourceDefinition> = Api::all(world.client.clone());
    let older = json!({ "metadata": { "annotations": { "tokenwright.dev/version": "0.0.9" } } });
    let name = "tokenprofiles.tokenwright.dev";
    let (patch, older) = (PatchParams::default(), Patch::Merge(older));
    kinds.patch(name, &patch, &older).await.unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let several = format!("✗ kinds        they are of several versions: 0.0.9, {version}");
    says(&world, 1, &[&several]).await;
    kinds.delete(name, &DeleteParams::default()).await.unwrap();
    says(
        &world,
        1,
        &["✗ kinds        TokenProfile is not served. Apply"],
    )
    .await;
}

#[tokio::test]
async fn a_lease_that_nobody_renews_is_told() {
    let world = world().await;
    installed(
        &world,
        env!("CARGO_PKG_VERSION"),
        SignedDuration::from_mins(2),
    )
    .await;
    let dead = "✗ Lease        operator-1 holds tokenwright-system/tokenwright and renews it no more. No replica works: see `kubectl logs -n tokenwright-system deploy/tokenwright`";
    says(&world, 1, &[dead]).await;
    let leases: Api<Lease> = Api::namespaced(world.client.clone(), NAMESPACE);
    let once = DeleteParams::default();
    leases.delete("tokenwright", &once).await.unwrap();
    let nobody = "✗ Lease        nobody holds tokenwright-system/tokenwright";
    says(&world, 1, &[nobody]).await;
}
