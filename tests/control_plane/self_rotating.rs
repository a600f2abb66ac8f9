//! The self-rotating credential as its example has it, on a real kube-apiserver under the chart's rights.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokenwright_testbed::chart;
use tokenwright_testbed::programs::{System, wait_for};
use tokenwright_testbed::quickstart::TEAM_NAMESPACE;

use super::cluster::{Cluster, root};

const SYSTEM: &str = "scaleway";
pub(crate) const EXAMPLE: &str = "examples/kubernetes/self-rotating.yaml";
const SECRET: &str = "scaleway-credential";
const TOKEN: &str = "admin";

/// Far longer than the operator needs on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// The example, with the sandbox in place of the real service.
fn example(scaleway: &System) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(root().join(EXAMPLE))?;
    let mut documents = chart::documents(&text)?;
    let application = scaleway.parameters.get("application_id");
    let application = application.context("the sandbox names no application")?;
    for document in &mut documents {
        match document["kind"].as_str() {
            Some("Secret") => {
                document["stringData"]["secret_key"] = json!(scaleway.credential);
            }
            Some("TokenIssuer") => {
                document["spec"]["endpoint"] = json!(scaleway.endpoint);
                // A day of the sandbox lasts a second, and its tokens end as soon.
                document["spec"]["requestTimeout"] = json!("2s");
            }
            Some("ApiToken") => {
                document["spec"]["token"]["parameters"]["application_id"] = json!(application);
                document["spec"]["token"]["lifetime"] = json!("45s");
                document["spec"]["rotation"] = json!({ "renewBefore": "33s", "overlap": "6s" });
            }
            _ => {}
        }
    }
    Ok(documents)
}

/// The credential in the Secret once it is another one than `before`.
async fn credential_after(client: &Client, before: &str) -> Result<String> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), TEAM_NAMESPACE);
    wait_for("the next credential", PATIENCE, || async {
        let data = secrets.get(SECRET).await?.data.unwrap_or_default();
        let bytes = data.get("secret_key").context("no credential")?;
        let value = String::from_utf8(bytes.0.clone())?;
        Ok((value != before).then_some(value))
    })
    .await
}

#[tokio::test]
async fn the_example_of_a_self_rotating_credential_needs_a_person_for_the_first_one_alone()
-> Result<()> {
    let cluster = Cluster::playing(SYSTEM).await?;
    let operator = cluster.operator().await?;
    let scaleway = cluster.sandbox.system(SYSTEM)?;
    // As the example asks for: an application whose keys may make keys.
    let rights = json!({ "scaleway": { "application_rights": "manage" } });
    cluster.sandbox.switch(&rights).await?;
    let client = cluster.control_plane.admin().await?;
    chart::create_all(&client, &example(scaleway)?, TEAM_NAMESPACE).await?;

    let first = credential_after(&client, &scaleway.credential).await;
    let first = first.with_context(|| cluster.log().unwrap_or_default())?;
    cluster.logged("LeftBehind").await?;
    let second = credential_after(&client, &first).await;
    let second = second.with_context(|| cluster.log().unwrap_or_default())?;
    ensure!(
        cluster.sandbox.authenticates(scaleway, &first).await?,
        "no overlap"
    );
    ensure!(cluster.sandbox.authenticates(scaleway, &second).await?);
    // The issuer has taken the next one up and ends the former with it.
    wait_for("the end of the former", PATIENCE, || async {
        let lives = cluster.sandbox.authenticates(scaleway, &first).await?;
        Ok((!lives).then_some(()))
    })
    .await?;
    cluster.logged("is revoked").await?;
    let third = credential_after(&client, &second).await?;
    ensure!(cluster.sandbox.authenticates(scaleway, &third).await?);

    // Let go: a person puts another credential in its place, and everything of ours ends.
    let secrets: Api<Secret> = Api::namespaced(client.clone(), TEAM_NAMESPACE);
    let other = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "by-hand" },
        "stringData": { "secret_key": scaleway.credential },
    });
    chart::create_all(&client, &[other], TEAM_NAMESPACE).await?;
    let change = json!({ "spec": { "credential": { "secretRef": { "name": "by-hand" } } } });
    let issuers = chart::api(&client, "TokenIssuer", TEAM_NAMESPACE);
    issuers
        .patch("scaleway", &PatchParams::default(), &Patch::Merge(change))
        .await?;
    let tokens = chart::api(&client, "ApiToken", TEAM_NAMESPACE);
    tokens.delete(TOKEN, &DeleteParams::default()).await?;
    wait_for("the ApiToken to be gone", PATIENCE, || async {
        Ok(tokens.get_opt(TOKEN).await?.is_none().then_some(()))
    })
    .await
    .with_context(|| cluster.log().unwrap_or_default())?;
    ensure!(secrets.get_opt(SECRET).await?.is_none(), "the Secret stays");
    ensure!(cluster.sandbox.ledger().await?.live(SYSTEM).is_empty());
    ensure!(tokens.list(&ListParams::default()).await?.items.is_empty());
    operator.kill().await
}
