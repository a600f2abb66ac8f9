//! The early word about what a shared issuer allows: the chart's admission policy, as a real
//! kube-apiserver evaluates it for somebody of one namespace.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokenwright_testbed::chart;
use tokenwright_testbed::programs::wait_for;
use tokenwright_testbed::quickstart::TEAM_NAMESPACE;

use super::cluster::{Cluster, SYSTEM, root};

/// What is asked for, and what of it is granted: the operator is held to the same.
const CASES: &str = "crates/operator/src/issuer/grants/asked.json";
/// A policy counts a moment after it was made.
const PATIENCE: Duration = Duration::from_secs(30);

fn token(name: &str, asked: &Value) -> Result<DynamicObject> {
    let mut token = json!({ "name": "ci", "lifetime": "30d" });
    for (key, value) in asked.as_object().into_iter().flatten() {
        token[key] = value.clone();
    }
    let object = json!({
        "apiVersion": "tokenwright.dev/v1alpha1", "kind": "ApiToken",
        "metadata": { "name": name, "namespace": TEAM_NAMESPACE },
        "spec": {
            "issuerRef": { "kind": "ClusterTokenIssuer", "name": name },
            "token": token,
            "secret": { "name": name },
        },
    });
    Ok(serde_json::from_value(object)?)
}

fn issuer(name: &str, allow: &Value) -> Value {
    json!({
        "apiVersion": "tokenwright.dev/v1alpha1", "kind": "ClusterTokenIssuer",
        "metadata": { "name": name }, "spec": { "profile": SYSTEM, "allow": allow },
    })
}

/// A member of one team, who may write ApiTokens there and nothing else.
async fn member(cluster: &Cluster, admin: &Client) -> Result<Api<DynamicObject>> {
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": { "name": "member", "namespace": TEAM_NAMESPACE },
        "rules": [{ "apiGroups": ["tokenwright.dev"], "resources": ["apitokens"], "verbs": ["create", "get", "patch", "delete"] }],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": { "name": "member", "namespace": TEAM_NAMESPACE },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "member" },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "member" }],
    });
    chart::create_all(admin, &[role, binding], TEAM_NAMESPACE).await?;
    let client = cluster.control_plane.client_for("member", &[]).await?;
    Ok(chart::api(&client, "ApiToken", TEAM_NAMESPACE))
}

/// What the API server says to an ApiToken that nothing is kept of; nothing where it takes it.
async fn refusal(tokens: &Api<DynamicObject>, wanted: &DynamicObject) -> Result<Option<String>> {
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    match tokens.create(&dry, wanted).await {
        Ok(_) => Ok(None),
        Err(kube::Error::Api(status)) if status.code == 422 || status.code == 403 => {
            Ok(Some(status.message.clone()))
        }
        Err(other) => Err(other.into()),
    }
}

/// Waits until the policy knows an issuer: it lets through what asks one that it does not know.
async fn known(tokens: &Api<DynamicObject>, name: &str) -> Result<()> {
    let probe = token(name, &json!({ "parameters": { "no-such-parameter": "x" } }))?;
    let what = format!("the policy to know {name}");
    wait_for(&what, PATIENCE, || async {
        Ok(refusal(tokens, &probe).await?.map(|_| ()))
    })
    .await
}

#[tokio::test]
async fn what_a_shared_issuer_does_not_allow_is_refused_at_once_where_the_policy_is_installed()
-> Result<()> {
    let cluster = Cluster::arranged(SYSTEM, &["--set", "admissionPolicy.enabled=true"]).await?;
    let admin = cluster.control_plane.admin().await?;
    let tokens = member(&cluster, &admin).await?;
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(admin.clone());
    let gold = Patch::Merge(json!({ "metadata": { "labels": { "tier": "gold" } } }));
    namespaces
        .patch(TEAM_NAMESPACE, &PatchParams::default(), &gold)
        .await?;
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(root().join(CASES))?)?;
    let issuers = cases.iter().enumerate();
    let issuers: Vec<_> = issuers
        .map(|(n, case)| issuer(&format!("case-{n}"), &case["allow"]))
        .collect();
    chart::create_all(&admin, &issuers, "").await?;
    for (n, case) in cases.iter().enumerate() {
        let name = format!("case-{n}");
        known(&tokens, &name).await?;
        let said = refusal(&tokens, &token(&name, &case["asked"])?).await?;
        match (case["refused"].as_str(), said) {
            (None, None) => {}
            (Some(words), Some(said)) => {
                let whose = format!("the ClusterTokenIssuer {name} does not allow this");
                ensure!(
                    said.contains(&whose) && said.contains(words),
                    "{case}: {said}"
                );
            }
            (_, said) => bail!("{case}: {said:?}"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn who_lost_a_grant_can_still_change_and_delete_what_there_is() -> Result<()> {
    let cluster = Cluster::arranged(SYSTEM, &["--set", "admissionPolicy.enabled=true"]).await?;
    let admin = cluster.control_plane.admin().await?;
    let tokens = member(&cluster, &admin).await?;
    let everybody = json!([{ "namespaces": { "selector": {} } }]);
    chart::create_all(&admin, &[issuer("shared", &everybody)], "").await?;
    known(&tokens, "shared").await?;
    tokens
        .create(&PostParams::default(), &token("shared", &json!({}))?)
        .await?;
    let issuers = chart::cluster_api(&admin, "ClusterTokenIssuer");
    let nobody = Patch::Merge(json!({ "spec": { "allow": [] } }));
    issuers
        .patch("shared", &PatchParams::default(), &nobody)
        .await?;
    let mut other = token("shared", &json!({}))?;
    other.metadata.name = Some("other".to_owned());
    wait_for("the grant to be withdrawn", PATIENCE, || async {
        Ok(refusal(&tokens, &other).await?.map(|_| ()))
    })
    .await?;
    let patch = |change: Value| {
        let tokens = &tokens;
        async move {
            let change = Patch::Merge(change);
            tokens
                .patch("shared", &PatchParams::default(), &change)
                .await
        }
    };
    patch(json!({ "spec": { "suspend": true } }))
        .await
        .context("a member cannot suspend")?;
    let more = patch(json!({ "spec": { "token": { "lifetime": "60d" } } })).await;
    ensure!(
        more.is_err(),
        "more was granted to somebody without a grant"
    );
    tokens
        .delete("shared", &kube::api::DeleteParams::default())
        .await?;
    Ok(())
}
