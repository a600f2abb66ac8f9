//! The kinds at their limits, as a real kube-apiserver holds them: the longest names, what is selected and
//! explained, and objects that no rule of today would let in.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokenwright_testbed::chart;
use tokenwright_testbed::control_plane::ControlPlane;
use tokenwright_testbed::programs::{OWN_NAMESPACE, wait_for};
use tokenwright_testbed::quickstart::{TEAM_NAMESPACE, TOKEN, Team, example, namespaces};
use tokenwright_testbed::tools::Tools;

use super::cluster::{Cluster, root};
use super::installed::{Written, kubectl};

const PATIENCE: Duration = Duration::from_secs(40);

#[tokio::test]
async fn names_of_the_greatest_length_are_served_from_the_first_mint_to_the_end() -> Result<()> {
    let cluster = Cluster::start().await?;
    let operator = cluster.operator().await?;
    let [token, secret, issuer] = ["t", "s", "i"].map(|letter| letter.repeat(253));
    let mut objects = example(&root(), cluster.sandbox.system("scaleway")?)?;
    for object in &mut objects {
        match object["kind"].as_str() {
            Some("TokenIssuer") => object["metadata"]["name"] = json!(issuer),
            Some("ApiToken") => {
                object["metadata"]["name"] = json!(token);
                object["spec"]["issuerRef"]["name"] = json!(issuer);
                object["spec"]["secret"]["name"] = json!(secret);
            }
            _ => {}
        }
    }
    let client = cluster.control_plane.admin().await?;
    chart::create_all(&client, &objects, TEAM_NAMESPACE).await?;
    let tokens = cluster.team.tokens();
    wait_for("the second revision", PATIENCE, || async {
        let object = tokens.get(&token).await?;
        Ok((object.data["status"]["current"]["revision"] == 2).then_some(()))
    })
    .await?;
    let select = ["get", "events", "-n", TEAM_NAMESPACE, "-o", "name"];
    let of_token = format!("--field-selector=involvedObject.name={token}");
    let control_plane = &cluster.control_plane;
    let events = kubectl(control_plane, &[&select[..], &[&of_token]].concat()).await?;
    let events = events.succeeded("get events")?;
    ensure!(events.contains("event"), "nothing is told of it: {events}");
    let describe = ["describe", "apitoken", &token, "-n", TEAM_NAMESPACE];
    let described = kubectl(control_plane, &describe).await?;
    let described = described.succeeded("describe")?;
    for word in ["Published", "Renew At", "Expires At", "Token ID"] {
        ensure!(described.contains(word), "no {word}: {described}");
    }

    tokens.delete(&token, &DeleteParams::default()).await?;
    wait_for("its end", PATIENCE, || async {
        Ok(tokens.get_opt(&token).await?.is_none().then_some(()))
    })
    .await?;
    cluster.nothing_lives().await?;
    operator.kill().await
}

/// A control plane with the kinds alone, as they are given.
pub(crate) async fn with_kinds(change: impl Fn(&mut Value)) -> Result<(ControlPlane, Team)> {
    let control_plane = ControlPlane::start(&Tools::find()?).await?;
    let client = control_plane.admin().await?;
    namespaces(&client).await?;
    let mut kinds = kinds()?;
    kinds.iter_mut().for_each(change);
    chart::create_all(&client, &kinds, OWN_NAMESPACE).await?;
    let team = Team::new(client);
    wait_for("the kinds", PATIENCE, || async {
        let listed = team.tokens().list(&ListParams::default()).await;
        Ok(listed.ok().map(drop))
    })
    .await?;
    Ok((control_plane, team))
}

pub(crate) fn kinds() -> Result<Vec<Value>> {
    let mut documents = chart::render(&root(), OWN_NAMESPACE, &[])?;
    documents.retain(|document| document["kind"] == "CustomResourceDefinition");
    Ok(documents)
}

/// Writes the kinds of today over those that a control plane has, as a person upgrades them.
pub(crate) async fn upgrade_kinds(control_plane: &ControlPlane) -> Result<()> {
    let apply = ["apply", "--server-side", "--force-conflicts"];
    Written::new(&kinds()?)?
        .kubectl(control_plane, &apply)
        .await?;
    Ok(())
}

fn token(spec: Value) -> Result<kube::api::DynamicObject> {
    let object = json!({
        "apiVersion": "tokenwright.dev/v1alpha1",
        "kind": "ApiToken",
        "metadata": { "name": TOKEN, "finalizers": ["tokenwright.dev/api-token"] },
        "spec": spec,
    });
    serde_json::from_value(object).context("no object")
}

#[tokio::test]
async fn what_the_rules_of_today_would_refuse_can_still_be_marked_told_about_and_let_go()
-> Result<()> {
    // An older definition without a single rule, pattern or bound.
    let (control_plane, team) = with_kinds(|kind| {
        let version = &mut kind["spec"]["versions"][0];
        version["selectableFields"] = Value::Null;
        version["schema"]["openAPIV3Schema"] =
            json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    })
    .await?;
    let spec = json!({
        "issuerRef": { "kind": "Nobody", "name": "a/b" },
        "token": { "name": "", "lifetime": "three months", "parameters": {} },
        "rotation": { "every": "1s", "overlap": "never", "windows": [{ "from": "24:00", "to": "x" }] },
        "secret": {
            "name": "../ci", "type": "kubernetes.io/service-account-token", "labels": { "kubernetes.io/x": "y" },
            "data": { "a key": "x".repeat(32_769) },
        },
        "state": "Paused",
    });
    let tokens = team.tokens();
    tokens
        .create(&PostParams::default(), &token(spec.clone())?)
        .await?;

    upgrade_kinds(&control_plane).await?;
    wait_for("the rules of today", PATIENCE, || async {
        let mut object = token(spec.clone())?;
        object.metadata.name = Some("another".to_owned());
        let only_try = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        let tried = tokens.create(&only_try, &object);
        Ok(tried.await.is_err().then_some(()))
    })
    .await?;

    let merge = PatchParams::default();
    let marked = json!({ "metadata": { "labels": { "seen": "yes" } } });
    tokens
        .patch(TOKEN, &merge, &Patch::Merge(marked))
        .await
        .context("marking it")?;
    let told = json!({ "status": { "observedGeneration": 1, "conditions": [{
        "type": "Stalled", "status": "True", "reason": "InvalidSpec", "message": "spec.state",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }] } });
    let told = tokens
        .patch_status(TOKEN, &merge, &Patch::Merge(told))
        .await;
    told.context("telling about it")?;
    tokens.delete(TOKEN, &DeleteParams::default()).await?;
    let free = json!({ "metadata": { "finalizers": null } });
    tokens
        .patch(TOKEN, &merge, &Patch::Merge(free))
        .await
        .context("letting it go")?;
    ensure!(tokens.get_opt(TOKEN).await?.is_none(), "it stays");
    Ok(())
}

#[tokio::test]
async fn tokens_are_selected_by_issuer_and_secret_and_each_part_of_their_specification_is_explained()
-> Result<()> {
    let (control_plane, team) = with_kinds(|_| {}).await?;
    let spec = json!({
        "issuerRef": { "name": "scaleway" },
        "token": { "name": "ci", "parameters": { "application_id": "a" }, "lifetime": "90d" },
        "secret": { "name": "ci-token" },
    });
    team.tokens()
        .create(&PostParams::default(), &token(spec)?)
        .await?;
    for (selector, found) in [
        ("spec.issuerRef.name=scaleway", true),
        ("spec.issuerRef.name=another", false),
        ("spec.secret.name=ci-token", true),
        ("spec.secret.name=another", false),
    ] {
        let selected = team
            .tokens()
            .list(&ListParams::default().fields(selector))
            .await?;
        ensure!(selected.items.is_empty() != found, "{selector}");
    }
    for (part, says) in [
        ("apitoken.spec", "rotation"),
        ("apitoken.spec.token.lifetime", "never"),
        ("apitoken.spec.rotation.overlap", "previous token"),
        ("apitoken.spec.rotation.windows", "hours in which"),
        ("apitoken.spec.deletion", "timeout"),
        ("clustertokenissuer.spec.allow.maxLifetime", "106751d"),
        ("tokenissuer.spec.rate", "perMinute"),
    ] {
        let explained = kubectl(&control_plane, &["explain", part])
            .await?
            .succeeded(part)?;
        ensure!(
            explained.contains(says) && !explained.contains("<empty>"),
            "{part}: {explained}"
        );
    }
    Ok(())
}
