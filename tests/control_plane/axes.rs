//! Systems that ask for more of the profile language than the five vendors did, under the operator as a
//! process, each by a `TokenProfile`: requests and files that sign, answers in XML, a login with an assertion,
//! mints of two calls, ids that are the secrets. Each lives its whole life.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokenwright_testbed::chart;
use tokenwright_testbed::programs::wait_for;
use tokenwright_testbed::quickstart::TEAM_NAMESPACE;

use super::cluster::Cluster;

const ACCOUNTS: &str = include_str!("../../crates/client/tests/it/contract/grafana-accounts.yaml");
const ASSERTION: &str = include_str!("../../crates/client/tests/it/contract/google-assertion.yaml");
const GOOGLE: &str = include_str!("../../crates/client/profiles/google-service-account.yaml");
const ROLLBAR: &str = include_str!("../../crates/client/tests/it/contract/rollbar.yaml");
const AWS: &str = include_str!("../../crates/client/profiles/aws-iam.yaml");
const TOKEN: &str = "axis";
/// Far longer than the operator needs on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A profile as an administrator writes it; nothing lags here, and nobody waits for what does not.
fn token_profile(text: &str) -> Result<Value> {
    let mut spec: Value = serde_saphyr::from_str(text)?;
    spec["settle"] = json!("1s");
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("profile");
    }
    Ok(json!({
        "apiVersion": "tokenwright.dev/v1alpha1", "kind": "TokenProfile",
        "metadata": { "name": "ours" }, "spec": spec,
    }))
}

/// Mints, rotates and deletes one token of a system by this profile.
async fn lives(system: &'static str, profile: &str, part: &str, token: Value) -> Result<()> {
    let cluster = Cluster::playing(system).await?;
    let operator = cluster.operator().await?;
    let played = cluster.sandbox.system(system)?;
    let client = cluster.control_plane.admin().await?;
    chart::create_all(&client, &[token_profile(profile)?], "").await?;
    let mut credential = json!({ part: played.credential });
    if let Some(id) = played.parameters.get("access_key_id") {
        credential["access_key_id"] = json!(id);
    }
    let required = |name: &String| profile.contains(&format!("\n  {name}: {{ required"));
    let parameters: BTreeMap<_, _> = played
        .parameters
        .iter()
        .filter(|(name, _)| required(name))
        .collect();
    let mut wanted = token;
    wanted["name"] = json!("ci");
    wanted["lifetime"] = json!("never");
    wanted["parameters"] = json!(parameters);
    let documents = [
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "credential" }, "stringData": credential }),
        json!({
            "apiVersion": "tokenwright.dev/v1alpha1", "kind": "TokenIssuer", "metadata": { "name": "ours" },
            "spec": {
                "profileRef": { "name": "ours" }, "endpoint": played.endpoint, "requestTimeout": "2s",
                "credential": { "secretRef": { "name": "credential" } },
            },
        }),
        json!({
            "apiVersion": "tokenwright.dev/v1alpha1", "kind": "ApiToken", "metadata": { "name": TOKEN },
            "spec": { "issuerRef": { "name": "ours" }, "token": wanted, "secret": { "name": TOKEN } },
        }),
    ];
    chart::create_all(&client, &documents, TEAM_NAMESPACE).await?;
    revision(&client, "1")
        .await
        .with_context(|| cluster.log().unwrap_or_default())?;
    let tokens = chart::api(&client, "ApiToken", TEAM_NAMESPACE);
    let rotate = json!({ "metadata": { "annotations": { "tokenwright.dev/rotate": "now" } } });
    tokens
        .patch(TOKEN, &PatchParams::default(), &Patch::Merge(rotate))
        .await?;
    revision(&client, "2")
        .await
        .with_context(|| cluster.log().unwrap_or_default())?;
    ensure!(
        cluster.sandbox.ledger().await?.live(system).len() == 2,
        "no overlap"
    );
    tokens.delete(TOKEN, &DeleteParams::default()).await?;
    wait_for("the ApiToken to be gone", PATIENCE, || async {
        Ok(tokens.get_opt(TOKEN).await?.is_none().then_some(()))
    })
    .await
    .with_context(|| cluster.log().unwrap_or_default())?;
    let ledger = cluster.sandbox.ledger().await?;
    ensure!(ledger.minted(system) == 2 && ledger.live(system).is_empty());
    operator.kill().await
}

/// Waits until the Secret carries this revision.
async fn revision(client: &kube::Client, wanted: &str) -> Result<()> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), TEAM_NAMESPACE);
    wait_for(&format!("revision {wanted}"), PATIENCE, || async {
        let secret = secrets.get_opt(TOKEN).await?;
        let annotations = secret.and_then(|secret| secret.metadata.annotations);
        let carried = annotations
            .unwrap_or_default()
            .remove("tokenwright.dev/revision");
        Ok((carried.as_deref() == Some(wanted)).then_some(()))
    })
    .await
}

#[tokio::test]
async fn signed_requests_and_answers_in_xml_live_a_whole_life() -> Result<()> {
    lives("aws-iam", AWS, "secret_access_key", json!({})).await
}

#[tokio::test]
async fn a_mint_of_two_calls_lives_a_whole_life() -> Result<()> {
    lives("grafana", ACCOUNTS, "token", json!({})).await
}

#[tokio::test]
async fn files_that_sign_live_a_whole_life() -> Result<()> {
    lives("google-service-account", GOOGLE, "key_file", json!({})).await
}

#[tokio::test]
async fn a_login_with_an_assertion_serves_a_whole_life() -> Result<()> {
    lives("google-service-account", ASSERTION, "key_file", json!({})).await
}

#[tokio::test]
async fn ids_that_are_the_secrets_live_a_whole_life() -> Result<()> {
    lives("rollbar", ROLLBAR, "token", json!({ "scopes": ["read"] })).await
}
