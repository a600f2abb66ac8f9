//! What a real API server refuses when a value is to be delivered: a quota, a policy, a missing right. Each is
//! found at the rehearsal, before anything is minted, and told in the words of the API server.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::{ResourceQuota, Secret};
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokenwright_testbed::chart::{self, RELEASE};
use tokenwright_testbed::programs::wait_for;
use tokenwright_testbed::quickstart::{Delivered, SECRET, TEAM_NAMESPACE, TOKEN, example};

use super::cluster::{Cluster, SYSTEM, root};
use super::installed::kubectl;

const PATIENCE: Duration = Duration::from_secs(40);

/// Waits until a condition of the ApiToken is false for this reason and with these words.
async fn told(cluster: &Cluster, type_: &str, words: &str) -> Result<()> {
    let tokens = cluster.team.tokens();
    let what = format!("{type_} to say {words:?}");
    let told = wait_for(&what, PATIENCE, || async {
        let token = tokens.get(TOKEN).await?;
        let conditions = token.data["status"]["conditions"].as_array().cloned();
        let mut conditions = conditions.into_iter().flatten();
        let says = conditions.any(|condition| {
            let message = condition["message"].as_str().unwrap_or_default();
            condition["type"] == type_
                && condition["reason"] == "RehearsalRefused"
                && message.contains(words)
        });
        Ok(says.then_some(()))
    });
    told.await
        .with_context(|| cluster.log().unwrap_or_default())
}

/// Nothing was minted but what is delivered, and that works.
async fn works(cluster: &Cluster, held: &Delivered) -> Result<()> {
    let scaleway = cluster.sandbox.system(SYSTEM)?;
    let minted = cluster.sandbox.ledger().await?.minted(SYSTEM);
    ensure!(minted.to_string() == held.revision, "{minted} mints");
    let now = cluster.team.secret().await?.context("no Secret")?;
    ensure!(now.id == held.id, "another value was delivered");
    ensure!(cluster.sandbox.authenticates(scaleway, &now.value).await?);
    Ok(())
}

/// Whether writes to the Secret are refused now: what is decided counts a moment later.
async fn frozen(client: &Client) -> Result<()> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), TEAM_NAMESPACE);
    let change = Patch::Merge(json!({ "metadata": { "annotations": { "acme/tried": "x" } } }));
    let only_try = PatchParams {
        dry_run: true,
        ..PatchParams::default()
    };
    wait_for("the policy to be in force", PATIENCE, || async {
        let tried = secrets.patch(SECRET, &only_try, &change).await;
        Ok(tried.is_err().then_some(()))
    })
    .await
}

fn policy() -> [Value; 2] {
    let of = "admissionregistration.k8s.io/v1";
    let policy = json!({
        "apiVersion": of, "kind": "ValidatingAdmissionPolicy", "metadata": { "name": "frozen" },
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": { "resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                "resources": ["secrets"],
            }] },
            "validations": [{
                "expression": format!("object.metadata.name != '{SECRET}'"),
                "message": "acme has frozen this Secret",
            }],
        },
    });
    let binding = json!({
        "apiVersion": of, "kind": "ValidatingAdmissionPolicyBinding", "metadata": { "name": "frozen" },
        "spec": { "policyName": "frozen", "validationActions": ["Deny"] },
    });
    [policy, binding]
}

/// The role without the right to change Secrets.
fn lesser(role: &ClusterRole) -> Value {
    let mut role = json!(role.rules);
    for rule in role.as_array_mut().into_iter().flatten() {
        let of_secrets = rule["resources"].to_string().contains("\"secrets\"");
        if of_secrets && let Some(verbs) = rule["verbs"].as_array_mut() {
            verbs.retain(|verb| !["create", "update", "patch"].iter().any(|it| verb == it));
            // A rule without a verb is none.
            verbs.push(json!("get"));
        }
    }
    json!({ "rules": role })
}

#[tokio::test]
async fn a_quota_a_policy_and_a_missing_right_mint_nothing_and_leave_the_current_token()
-> Result<()> {
    let cluster = Cluster::start().await?;
    let operator = cluster.operator().await?;
    let client = cluster.control_plane.admin().await?;
    let mut objects = example(&root(), cluster.sandbox.system(SYSTEM)?)?;
    // A rotation must not come before it can be refused, nor an expiry before that is over.
    for object in objects
        .iter_mut()
        .filter(|object| object["kind"] == "ApiToken")
    {
        object["spec"]["token"]["lifetime"] = json!("10m");
        object["spec"]["rotation"] = json!({ "overlap": "5s" });
    }
    let credential: Vec<_> = objects
        .extract_if(.., |object| object["kind"] == "Secret")
        .collect();
    chart::create_all(&client, &credential, TEAM_NAMESPACE).await?;

    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "few" },
        "spec": { "hard": { "secrets": "1" } },
    });
    chart::create_all(&client, &[quota], TEAM_NAMESPACE).await?;
    let quotas: Api<ResourceQuota> = Api::namespaced(client.clone(), TEAM_NAMESPACE);
    // What its controller counts.
    let counted = json!({ "status": { "hard": { "secrets": "1" }, "used": { "secrets": "1" } } });
    let (patch, once) = (PatchParams::default(), DeleteParams::default());
    let counted = Patch::Merge(counted);
    quotas.patch_status("few", &patch, &counted).await?;
    chart::create_all(&client, &objects, TEAM_NAMESPACE).await?;
    told(&cluster, "Ready", "exceeded quota: few").await?;
    ensure!(cluster.sandbox.ledger().await?.minted(SYSTEM) == 0);
    quotas.delete("few", &once).await?;
    let held = cluster.team.secret_after(None).await?;
    cluster.team.ready().await?;

    let tokens = cluster.team.tokens();
    let rotate =
        |trigger: &str| Patch::Merge(json!({ "spec": { "rotation": { "trigger": trigger } } }));
    chart::create_all(&client, &policy(), TEAM_NAMESPACE).await?;
    frozen(&client).await?;
    tokens.patch(TOKEN, &patch, &rotate("policy")).await?;
    told(&cluster, "Rotating", "acme has frozen this Secret").await?;
    cluster.team.ready().await?;
    works(&cluster, &held).await?;
    let thaw = ["delete", "validatingadmissionpolicybindings", "frozen"];
    kubectl(&cluster.control_plane, &thaw)
        .await?
        .succeeded("delete")?;
    let held = cluster.team.secret_after(Some(&held)).await?;

    let roles: Api<ClusterRole> = Api::all(client.clone());
    let role = roles.get(RELEASE).await?;
    let less = Patch::Merge(lesser(&role));
    roles.patch(RELEASE, &patch, &less).await?;
    // What was allowed may be remembered for a moment.
    tokio::time::sleep(Duration::from_secs(1)).await;
    tokens.patch(TOKEN, &patch, &rotate("right")).await?;
    told(&cluster, "Rotating", "cannot update resource \"secrets\"").await?;
    cluster.team.ready().await?;
    works(&cluster, &held).await?;
    let again = Patch::Merge(json!({ "rules": role.rules }));
    roles.patch(RELEASE, &patch, &again).await?;
    let held = cluster.team.secret_after(Some(&held)).await?;
    works(&cluster, &held).await?;
    cluster.team.delete().await?;
    cluster.nothing_lives().await?;
    operator.kill().await
}
