//! Objects that no operator has looked at, as a real kube-apiserver shows them to those who wait for an
//! object without knowing its kind.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokenwright_testbed::control_plane::ControlPlane;
use tokenwright_testbed::kstatus::computed;
use tokenwright_testbed::programs::wait_for;
use tokenwright_testbed::quickstart::namespace;

use super::cluster::root;
use super::examples::{EXAMPLES, documents, files};
use super::gitops::WAYS;
use super::installed::{Written, kubectl};
use super::kinds::{kinds, upgrade_kinds, with_kinds};

const PATIENCE: Duration = Duration::from_secs(40);
const OURS: &str = "apitokens,tokenissuers,clustertokenissuers,tokenprofiles";

/// All our objects of a cluster.
async fn all(control_plane: &ControlPlane) -> Result<Vec<Value>> {
    let get = ["get", OURS, "--all-namespaces", "-o", "json"];
    let text = kubectl(control_plane, &get).await?.succeeded("get")?;
    let list: Value = serde_json::from_str(&text)?;
    Ok(list["items"].as_array().context("no list")?.clone())
}

fn name(object: &Value) -> String {
    format!("{} {}", object["kind"], object["metadata"]["name"])
}

/// Our objects of all examples for Kubernetes, each file in a namespace of its own.
pub(crate) fn examples() -> Result<(Vec<String>, Vec<Value>)> {
    let (mut namespaces, mut objects) = (Vec::new(), Vec::new());
    for (number, file) in files(&root().join(EXAMPLES))?.into_iter().enumerate() {
        let namespace = format!("example-{number}");
        for mut document in documents(&file)? {
            let ours = document["apiVersion"] == "tokenwright.dev/v1alpha1";
            if ours
                && ["ApiToken", "TokenIssuer"]
                    .iter()
                    .any(|kind| document["kind"] == *kind)
            {
                document["metadata"]["namespace"] = json!(namespace);
            }
            if ours {
                objects.push(document);
            }
        }
        namespaces.push(namespace);
    }
    Ok((namespaces, objects))
}

#[tokio::test]
async fn every_example_is_in_progress_to_kstatus_while_no_operator_has_looked_at_it() -> Result<()>
{
    let (control_plane, _team) = with_kinds(|_| {}).await?;
    let client = control_plane.admin().await?;
    let (namespaces, objects) = examples()?;
    for name in &namespaces {
        namespace(&client, name).await?;
    }
    let written = Written::new(&objects)?;
    for way in WAYS {
        let apply = [&["apply"], way].concat();
        written.kubectl(&control_plane, &apply).await?;
        let shown = all(&control_plane).await?;
        ensure!(shown.len() == objects.len(), "{} objects", shown.len());
        for (object, computed) in shown.iter().zip(computed(&shown)?) {
            let status = &object["status"];
            ensure!(
                computed == "InProgress" && *status == json!({ "observedGeneration": -1 }),
                "{}: {computed}: {status}",
                name(object)
            );
        }
        let diff = [&["diff"], way].concat();
        let difference = written.kubectl(&control_plane, &diff).await?;
        ensure!(difference.is_empty(), "{way:?}: {difference}");
    }
    let explain = ["explain", "apitoken.status.observedGeneration"];
    let explained = kubectl(&control_plane, &explain).await?;
    let explained = explained.succeeded("explain")?;
    ensure!(explained.contains("-1 while no operator"), "{explained}");
    Ok(())
}

fn token(name: &str) -> Result<kube::api::DynamicObject> {
    let object = json!({
        "apiVersion": "tokenwright.dev/v1alpha1", "kind": "ApiToken", "metadata": { "name": name },
        "spec": {
            "issuerRef": { "name": "scaleway" }, "token": { "name": "ci", "lifetime": "90d" },
            "secret": { "name": name },
        },
    });
    serde_json::from_value(object).context("no object")
}

#[tokio::test]
async fn definitions_that_are_upgraded_change_no_status_and_show_who_has_none() -> Result<()> {
    // As an older version wrote them.
    let (control_plane, team) = with_kinds(|kind| {
        let schema = &mut kind["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let status = schema["properties"]["status"].as_object_mut();
        status.into_iter().for_each(|status| {
            status.remove("default");
        });
    })
    .await?;
    let (tokens, post) = (team.tokens(), PostParams::default());
    for name in ["told", "unseen"] {
        tokens.create(&post, &token(name)?).await?;
    }
    let ready = json!({ "status": { "observedGeneration": 1, "conditions": [{
        "type": "Ready", "status": "True", "reason": "Ready", "message": "It works.",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }] } });
    let ready = Patch::Merge(ready);
    let patch = PatchParams::default();
    tokens.patch_status("told", &patch, &ready).await?;
    let before = all(&control_plane).await?;
    ensure!(computed(&before)? == ["Current", "Current"], "{before:#?}");

    upgrade_kinds(&control_plane, &kinds()?).await?;
    wait_for("the default of today", PATIENCE, || async {
        let unseen = tokens.get("unseen").await?;
        Ok((unseen.data["status"]["observedGeneration"] == -1).then_some(()))
    })
    .await?;
    let after = all(&control_plane).await?;
    ensure!(computed(&after)? == ["Current", "InProgress"], "{after:#?}");
    ensure!(after[0] == before[0], "{:#} {:#}", before[0], after[0]);
    // Nothing was written.
    ensure!(after[1]["metadata"] == before[1]["metadata"], "{after:#?}");
    // The operator of the older version goes on as it did.
    tokens.patch_status("unseen", &patch, &ready).await?;
    let seen = all(&control_plane).await?;
    ensure!(computed(&seen)? == ["Current", "Current"], "{seen:#?}");
    Ok(())
}
