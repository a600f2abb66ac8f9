//! What Argo CD and Flux do all day: apply what stands in Git, look for differences, and judge the health.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokenwright_testbed::chart;
use tokenwright_testbed::control_plane::ControlPlane;
use tokenwright_testbed::programs::wait_for;
use tokenwright_testbed::quickstart::{EXAMPLE, TEAM_NAMESPACE, example};
use tokenwright_testbed::tools::Tools;

use super::cluster::{Cluster, root};
use super::installed::{Written, kubectl};
use super::kinds::served;
use super::shared::{PROFILE, SHARED};

/// How the two apply: on the client as `kubectl apply` does, and on the server.
pub(crate) const WAYS: [&[&str]; 2] = [
    &["--server-side=false"],
    &[
        "--server-side",
        "--field-manager=gitops",
        "--force-conflicts",
    ],
];

async fn generations(control_plane: &ControlPlane) -> Result<String> {
    let columns = "-o=jsonpath={range .items[*]}{.kind} {.metadata.generation}{\"\\n\"}{end}";
    let get = [
        "get",
        "apitokens,tokenissuers,clustertokenissuers,tokenprofiles",
        "-n",
        TEAM_NAMESPACE,
        columns,
    ];
    kubectl(control_plane, &get).await?.succeeded("get")
}

/// What an administrator applies for all namespaces, from the examples.
fn of_all_namespaces() -> Result<Vec<Value>> {
    let mut found = Vec::new();
    for file in [SHARED, PROFILE] {
        found.extend(chart::documents(&std::fs::read_to_string(
            root().join(file),
        )?)?);
    }
    found.retain(|object| {
        ["ClusterTokenIssuer", "TokenProfile"]
            .iter()
            .any(|kind| object["kind"] == *kind)
    });
    Ok(found)
}

#[tokio::test]
async fn what_the_operator_does_to_an_object_is_no_difference_to_those_who_apply_it() -> Result<()>
{
    let cluster = Cluster::playing("scaleway").await?;
    let _operator = cluster.operator().await?;
    let scaleway = cluster.sandbox.system("scaleway")?;
    let mut objects = example(&root(), scaleway)?;
    // The credential does not stand in Git.
    let credential: Vec<_> = objects
        .extract_if(.., |object| object["kind"] == "Secret")
        .collect();
    let client = cluster.control_plane.admin().await?;
    chart::create_all(&client, &credential, TEAM_NAMESPACE).await?;
    for object in &mut objects {
        object["metadata"]["namespace"] = json!(TEAM_NAMESPACE);
        if object["kind"] == "ApiToken" {
            object["spec"]["rotation"]["windows"] = json!([{ "from": "01:00", "to": "05:00" }]);
        }
    }
    objects.extend(of_all_namespaces()?);
    let written = Written::new(&objects)?;

    let control_plane = &cluster.control_plane;
    for way in WAYS {
        let apply = [&["apply"], way].concat();
        written.kubectl(control_plane, &apply).await?;
        // Now the operator has added what it adds: finalizers, labels, defaults, a status.
        cluster.team.ready().await?;
        let seen = [
            "wait",
            "clustertokenissuer/scaleway",
            "tokenprofile/parcel",
            "--for=jsonpath={.status.observedGeneration}=1",
        ];
        kubectl(control_plane, &seen).await?.succeeded("wait")?;
        let before = generations(control_plane).await?;
        let diff = [&["diff"], way].concat();
        let difference = written.kubectl(control_plane, &diff).await?;
        ensure!(difference.is_empty(), "{way:?}: {difference}");
        let again = written.kubectl(control_plane, &apply).await?;
        ensure!(!again.contains("configured"), "{way:?}: {again}");
        ensure!(
            generations(control_plane).await? == before,
            "a generation moved"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_config_map_of_argo_cd_takes_our_keys_and_keeps_its_own() -> Result<()> {
    let control_plane = ControlPlane::shared(&Tools::find()?).await?;
    let namespace = control_plane.namespace().await?;
    let at = ["--namespace", namespace.as_str()];
    let theirs = [
        "create",
        "configmap",
        "argocd-cm",
        "--from-literal=url=https://theirs",
    ];
    kubectl(control_plane, &[&theirs[..], &at].concat())
        .await?
        .succeeded("create")?;

    // The command of the guide, in another namespace than its own.
    let file = root().join("deploy/argocd/argocd-cm.yaml");
    let patch = std::fs::read_to_string(file)?
        .replace("namespace: argocd", &format!("namespace: {namespace}"));
    let patch = ["patch", "configmap", "argocd-cm", "--patch", &patch];
    kubectl(control_plane, &[&patch[..], &at].concat())
        .await?
        .succeeded("patch")?;

    let get = ["get", "configmap", "argocd-cm", "-o", "json"];
    let text = kubectl(control_plane, &[&get[..], &at].concat())
        .await?
        .succeeded("get")?;
    let data = &serde_json::from_str::<Value>(&text)?["data"];
    ensure!(data["url"] == "https://theirs", "{data}");
    let health = &data["resource.customizations.health.tokenwright.dev_ApiToken"];
    let script = std::fs::read_to_string(root().join("deploy/argocd/health.lua"))?;
    ensure!(*health == script, "{health}");
    Ok(())
}

/// The expressions for a kind in the example for Flux.
fn expressions(kind: &str) -> Result<Value> {
    let text = std::fs::read_to_string(root().join("deploy/flux/kustomization.yaml"))?;
    let documents = chart::documents(&text)?;
    let checks = documents[0]["spec"]["healthCheckExprs"].as_array();
    let check = checks
        .into_iter()
        .flatten()
        .find(|check| check["kind"] == kind);
    Ok(check
        .with_context(|| format!("nothing for {kind}"))?
        .clone())
}

/// An expression of Flux, which sees the object's fields as variables, for an admission policy, which sees
/// the object.
fn of_object(expression: &Value) -> Result<String> {
    let text = expression.as_str().context("no expression")?;
    let text = text.replace("status.", "object.status.");
    Ok(text.replace("metadata.", "object.metadata."))
}

/// Refuses each status for which an expression holds, under the expression's name.
fn policy(kind: &str, check: &Value) -> Result<[Value; 2]> {
    let rules = ["current", "failed", "inProgress"].map(|name| {
        let expression = format!("!({})", of_object(&check[name])?);
        Ok(json!({ "expression": expression, "message": format!("it is {name}") }))
    });
    let rules: Result<Vec<Value>> = rules.into_iter().collect();
    let name = format!("flux-{}", kind.to_lowercase());
    let resource = format!("{}s/status", kind.to_lowercase());
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": { "name": name },
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "objectSelector": { "matchLabels": { "judged-by": "flux" } },
                "resourceRules": [{
                    "apiGroups": ["tokenwright.dev"],
                    "apiVersions": ["v1alpha1"],
                    "operations": ["UPDATE"],
                    "resources": [resource],
                }],
            },
            "validations": rules?,
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": { "name": name },
        "spec": { "policyName": name, "validationActions": ["Deny"] },
    });
    Ok([policy, binding])
}

fn condition(kind: &str, is: bool, generation: i64) -> Value {
    json!({
        "type": kind,
        "status": if is { "True" } else { "False" },
        "reason": "Tried",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": generation,
    })
}

#[tokio::test]
async fn the_expressions_for_flux_tell_what_is_current_failed_and_in_progress() -> Result<()> {
    let (control_plane, client, namespace) = served().await?;
    let mut items = chart::documents(&std::fs::read_to_string(root().join(EXAMPLE))?)?;
    items.extend(of_all_namespaces()?);
    items.retain(|object| object["kind"] != "Secret");
    ensure!(items.len() == 4, "{items:#?}");
    for object in &mut items {
        // No other test's objects are judged.
        object["metadata"]["name"] = json!("flux");
        object["metadata"]["labels"] = json!({ "judged-by": "flux" });
        let kind = object["kind"].as_str().unwrap_or_default().to_owned();
        chart::create_all(&client, std::slice::from_ref(object), &namespace).await?;
        let policy = policy(&kind, &expressions(&kind)?)?;
        Written::new(&policy)?
            .kubectl(control_plane, &["apply"])
            .await?;
        let (kind, namespace) = (kind.as_str(), namespace.as_str());
        let said = |conditions: Value| async move {
            let patch = json!({ "status": { "conditions": conditions } }).to_string();
            let patch = [
                "patch",
                kind,
                "flux",
                "-n",
                namespace,
                "--subresource=status",
                "--dry-run=server",
                "--type=merge",
                "-p",
                &patch,
            ];
            let ran = kubectl(control_plane, &patch).await?;
            let of = |name: &&str| ran.said.contains(&format!("it is {name}"));
            anyhow::Ok(["current", "failed", "inProgress"].into_iter().find(of))
        };
        let because = |reason: &str, generation: i64| {
            let mut ready = condition("Ready", false, generation);
            ready["reason"] = json!(reason);
            json!([
                ready,
                condition("Reconciling", false, generation),
                condition("Stalled", false, generation)
            ])
        };
        let ready = json!([
            condition("Ready", true, 1),
            condition("Reconciling", false, 1),
            condition("Stalled", false, 1)
        ]);
        wait_for(
            "the policy to be in force",
            Duration::from_secs(30),
            || async { said(ready.clone()).await },
        )
        .await?;
        let cases = [
            ("current", ready),
            (
                "failed",
                json!([
                    condition("Ready", false, 1),
                    condition("Reconciling", false, 1),
                    condition("Stalled", true, 1)
                ]),
            ),
            (
                "inProgress",
                json!([
                    condition("Ready", false, 1),
                    condition("Reconciling", true, 1),
                    condition("Stalled", false, 1)
                ]),
            ),
            // What was said of an earlier generation says nothing of this one.
            (
                "inProgress",
                json!([
                    condition("Ready", true, 0),
                    condition("Reconciling", false, 0),
                    condition("Stalled", false, 0)
                ]),
            ),
            (
                "inProgress",
                json!([
                    condition("Ready", false, 0),
                    condition("Reconciling", false, 0),
                    condition("Stalled", true, 0)
                ]),
            ),
            ("inProgress", json!([])),
            ("current", because("Disabled", 1)),
            ("current", because("Suspended", 1)),
            ("inProgress", because("Disabled", 0)),
            ("inProgress", because("Disabling", 1)),
        ];
        for (expected, conditions) in cases {
            let found = said(conditions.clone()).await?;
            ensure!(
                found == Some(expected),
                "{kind} {conditions}: {found:?}, not {expected}"
            );
        }
    }
    Ok(())
}
