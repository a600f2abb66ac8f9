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
async fn a_writer_that_undoes_again_and_again_is_named_by_its_field_manager() -> Result<()> {
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
        let token = cluster.team.tokens().get(TOKEN).await?;
        let conditions = token.data["status"]["conditions"].as_array().cloned();
        let contested = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == "Contested" && condition["status"] == "True");
        Ok(contested.map(|condition| condition["message"].clone()))
    });
    let told = told
        .await
        .with_context(|| cluster.log().unwrap_or_default())?;
    let told = told.as_str().unwrap_or_default();
    ensure!(
        told.contains(RIVAL) && told.contains(SECRET),
        "nobody is named: {told}"
    );
    let held = cluster.team.secret().await?;
    ensure!(
        cluster.sandbox.ledger().await?.live(SYSTEM).len() <= 2,
        "it minted for it: {held:?}"
    );
    operator.kill().await
}
