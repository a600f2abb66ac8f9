//! Who undoes what the operator writes, by the name that a real API server keeps of each writer.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokenwright_testbed::programs::wait_for;
use tokenwright_testbed::quickstart::{SECRET, TEAM_NAMESPACE, TOKEN};

use super::cluster::{Cluster, SYSTEM};

/// How the other writer calls itself.
const RIVAL: &str = "someone-elses-controller";
const PATIENCE: Duration = Duration::from_secs(40);

#[tokio::test]
async fn a_writer_that_undoes_again_and_again_is_named_and_so_is_a_controller_that_takes_the_secret()
-> Result<()> {
    let cluster = Cluster::start().await?;
    let operator = cluster.operator().await?;
    cluster.delivered().await?;
    let client = cluster.control_plane.admin().await?;

    let secrets: Api<Secret> = Api::namespaced(client, TEAM_NAMESPACE);
    let author = PatchParams {
        field_manager: Some(RIVAL.to_owned()),
        ..PatchParams::default()
    };
    // It puts a label of its own in place of ours, as a tool does that keeps to its own manifest.
    let undone = Patch::Merge(json!({ "metadata": {
        "labels": { "app.kubernetes.io/managed-by": "someone-else" },
        "annotations": { "tokenwright.dev/manager-uid": null },
    } }));
    let told = wait_for("the contest to be told", PATIENCE, || async {
        secrets.patch(SECRET, &author, &undone).await?;
        tokio::time::sleep(Duration::from_millis(700)).await;
        says(&cluster, "Contested", "SecretContested").await
    });
    let told = told
        .await
        .with_context(|| cluster.log().unwrap_or_default())?;
    ensure!(
        told.contains(RIVAL) && told.contains(SECRET),
        "nobody is named: {told}"
    );
    let held = cluster.team.secret().await?;
    ensure!(
        cluster.sandbox.ledger().await?.live(SYSTEM).len() <= 2,
        "it minted for it: {held:?}"
    );

    // A controller makes it its own, and gives it up again.
    let owner = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "theirs",
        "uid": "00000000-0000-4000-8000-000000000000", "controller": true,
    });
    let taken = Patch::Merge(json!({
        "metadata": { "ownerReferences": [owner] }, "data": { "secret_key": "dGhlaXJz" },
    }));
    let told = wait_for("the owner to be told", PATIENCE, || async {
        secrets.patch(SECRET, &author, &taken).await?;
        tokio::time::sleep(Duration::from_millis(700)).await;
        says(&cluster, "Stalled", "DestinationForeign").await
    });
    let told = told
        .await
        .with_context(|| cluster.log().unwrap_or_default())?;
    ensure!(told.contains("the ExternalSecret theirs"), "{told}");
    let free = Patch::Merge(json!({ "metadata": { "ownerReferences": null } }));
    secrets.patch(SECRET, &author, &free).await?;
    let scaleway = cluster.sandbox.system(SYSTEM)?;
    let works = wait_for("a value that works", PATIENCE, || async {
        let held = cluster.team.secret().await?;
        let value = held.map(|held| held.value).unwrap_or_default();
        let works = cluster.sandbox.authenticates(scaleway, &value).await?;
        Ok(works.then_some(()))
    });
    works
        .await
        .with_context(|| cluster.log().unwrap_or_default())?;
    operator.kill().await
}

/// The message of a condition that is true for this reason.
async fn says(cluster: &Cluster, type_: &str, reason: &str) -> Result<Option<String>> {
    let token = cluster.team.tokens().get(TOKEN).await?;
    let conditions = token.data["status"]["conditions"].as_array().cloned();
    let mut conditions = conditions.into_iter().flatten();
    let said = conditions.find(|condition| {
        condition["type"] == type_ && condition["status"] == "True" && condition["reason"] == reason
    });
    Ok(said.and_then(|said| Some(said["message"].as_str()?.to_owned())))
}
