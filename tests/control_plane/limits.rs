//! The kinds at their limits, as a real kube-apiserver holds them: the longest names, what is selected and
//! explained, and objects that no rule of today would let in.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokenwright_testbed::chart;
use tokenwright_testbed::programs::{OWN_NAMESPACE, wait_for};
use tokenwright_testbed::quickstart::{TEAM_NAMESPACE, TOKEN, example, namespace};

use super::cluster::{Cluster, root};
use super::installed::kubectl;
use super::kinds::{kinds, served, upgrade_kinds, with_kinds};
use super::kstatus::examples;
use super::shared;

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

#[tokio::test]
async fn what_many_share_is_served_and_told_under_names_of_the_greatest_length() -> Result<()> {
    let cluster = Cluster::start().await?;
    let operator = cluster.operator().await?;
    let client = cluster.control_plane.admin().await?;
    let [profile, issuer, secret, token] = ["p", "c", "k", "t"].map(|letter| letter.repeat(253));
    let team = "n".repeat(63);
    namespace(&client, &team).await?;
    let mut own = shared::own_profile()?;
    own["metadata"]["name"] = json!(profile);
    chart::create_all(&client, &[own], "").await?;
    let mut objects = shared::example(shared::SHARED, cluster.sandbox.system("scaleway")?)?;
    for object in &mut objects {
        match object["kind"].as_str() {
            Some("Secret") => object["metadata"]["name"] = json!(secret),
            Some("ClusterTokenIssuer") => {
                object["metadata"]["name"] = json!(issuer);
                let spec = object["spec"].as_object_mut().context("no spec")?;
                spec.remove("profile");
                spec.insert("profileRef".to_owned(), json!({ "name": profile }));
                object["spec"]["credential"]["secretRef"]["name"] = json!(secret);
                object["spec"]["allow"][0]["namespaces"] = json!({ "names": [team] });
            }
            _ => {
                object["metadata"] = json!({ "name": token, "namespace": team });
                object["spec"]["issuerRef"]["name"] = json!(issuer);
                object["spec"]["secret"]["name"] = json!(token);
            }
        }
    }
    chart::create_all(&client, &objects, &team).await?;
    let tokens = shared::api(&client, "ApiToken", &team);
    let issuers = shared::api(&client, "ClusterTokenIssuer", "");
    let profiles = shared::api(&client, "TokenProfile", "");
    for (api, name) in [
        (&tokens, &token),
        (&issuers, &issuer),
        (&profiles, &profile),
    ] {
        shared::says(api, name, "Ready", "True: Ready").await?;
    }
    let rotate = Patch::Merge(json!({ "spec": { "rotation": { "trigger": "now" } } }));
    tokens
        .patch(&token, &PatchParams::default(), &rotate)
        .await?;
    wait_for("the second revision", PATIENCE, || async {
        let object = tokens.get(&token).await?;
        Ok((object.data["status"]["current"]["revision"] == 2).then_some(()))
    })
    .await?;
    let of_token = format!("--field-selector=involvedObject.name={token}");
    let select = ["get", "events", "-n", &team, "-o", "name", &of_token];
    let events = kubectl(&cluster.control_plane, &select).await?;
    let events = events.succeeded("get events")?;
    ensure!(events.contains("event"), "nothing is told of it: {events}");
    let measured = cluster.served("metrics").await?;
    for name in [&team, &token, &issuer] {
        ensure!(measured.contains(name.as_str()), "no metric names {name}");
    }

    let once = DeleteParams::default();
    for (api, name) in [
        (&tokens, &token),
        (&issuers, &issuer),
        (&profiles, &profile),
    ] {
        api.delete(name, &once).await?;
        wait_for("its end", PATIENCE, || async {
            Ok(api.get_opt(name).await?.is_none().then_some(()))
        })
        .await?;
    }
    let secrets: Api<Secret> = Api::namespaced(client, OWN_NAMESPACE);
    secrets.delete(&secret, &once).await?;
    wait_for("the credential to be let go", PATIENCE, || async {
        Ok(secrets.get_opt(&secret).await?.is_none().then_some(()))
    })
    .await?;
    cluster.nothing_lives().await?;
    let mut refused = cluster.requests()?;
    refused.retain(|request| [400, 403, 422].contains(&request.code));
    ensure!(refused.is_empty(), "the API server refused {refused:#?}");
    operator.kill().await
}

fn token(spec: Value) -> Result<DynamicObject> {
    let object = json!({
        "apiVersion": "tokenwright.dev/v1alpha1",
        "kind": "ApiToken",
        "metadata": { "name": TOKEN },
        "spec": spec,
    });
    serde_json::from_value(object).context("no object")
}

/// Takes every rule, pattern and bound out of a definition, as an older one may have had none.
fn without_rules(kind: &mut Value) {
    let version = &mut kind["spec"]["versions"][0];
    version["selectableFields"] = Value::Null;
    version["schema"]["openAPIV3Schema"] = json!({ "type": "object", ANYTHING: true });
}

/// What a schema says of a part in which anything may stand.
const ANYTHING: &str = "x-kubernetes-preserve-unknown-fields";

/// Makes each part of a schema one that nothing fits: what no later definition will do, and what covers
/// whatever it does. What holds anything is left out: the API server does not see that it stayed as it was, and
/// judges it again at each write.
fn refusing(schema: &mut Value) {
    let of_anything = schema.to_string().contains(ANYTHING);
    if let Some(schema) = schema.as_object_mut().filter(|_| !of_anything) {
        for gone in ["default", "enum", "format", "pattern"] {
            schema.remove(gone);
        }
        let (bound, value) = match schema.get("type").and_then(Value::as_str) {
            Some("string") => ("pattern", json!("^nothing fits$")),
            Some("integer" | "number") => ("maximum", json!(-1)),
            Some("array") => ("maxItems", json!(0)),
            Some("boolean") => ("enum", json!([])),
            _ => ("minProperties", json!(1_000)),
        };
        schema.insert(bound.to_owned(), value);
        let rule = json!([{ "rule": "false", "message": "nothing fits" }]);
        schema.insert("x-kubernetes-validations".to_owned(), rule);
    }
    let fields = schema.get_mut("properties").and_then(Value::as_object_mut);
    fields
        .into_iter()
        .flatten()
        .for_each(|(_, field)| refusing(field));
    for part in ["items", "additionalProperties"] {
        schema.get_mut(part).into_iter().for_each(refusing);
    }
}

/// A specification that breaks what rules of today a kind has. A text that is no duration at all is not in it,
/// where a rule compares durations: the API server cannot read it in order to leave it alone, and has let none
/// in at any time, since that is a matter of the type.
fn broken(kind: &str) -> Value {
    let issuer = json!({
        "profile": "", "profileRef": { "name": "a/b" }, "endpoint": "nowhere",
        "credential": { "secretRef": { "name": "../ci", "keys": { "a": "x".repeat(254) } } },
        "requestTimeout": "0s", "recheck": "1s", "rate": { "perMinute": 0, "concurrency": 65 },
        "allow": [{
            "namespaces": {}, "maxTokens": 0, "maxLifetime": "1s", "scopes": [""], "parameters": { "a": [] },
        }],
    });
    match kind {
        "ApiToken" => json!({
            "issuerRef": { "kind": "Nobody", "name": "a/b" },
            "token": { "name": "", "lifetime": "three months", "parameters": {} },
            "rotation": { "every": "1s", "overlap": "never", "windows": [{ "from": "24:00", "to": "x" }] },
            "secret": {
                "name": "../ci", "type": "kubernetes.io/service-account-token", "labels": { "kubernetes.io/x": "y" },
                "data": { "a key": "x".repeat(32_769) },
            },
            "state": "Paused",
        }),
        "TokenProfile" => json!({ "title": 7, "mint": "POST", "token": [] }),
        _ => issuer,
    }
}

fn at(client: &Client, object: &Value) -> Result<(Api<DynamicObject>, String)> {
    let [kind, name] = [&object["kind"], &object["metadata"]["name"]].map(Value::as_str);
    let (kind, name) = (kind.context("no kind")?, name.context("no name")?);
    let api = match object["metadata"]["namespace"].as_str() {
        Some(namespace) => chart::api(client, kind, namespace),
        None => chart::cluster_api(client, kind),
    };
    Ok((api, name.to_owned()))
}

/// Waits until none of these objects would be let in any more.
async fn refused(client: &Client, objects: &[Value]) -> Result<()> {
    let only_try = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    for object in objects {
        let mut another = object.clone();
        another["metadata"]["name"] = json!("another");
        let (api, name) = at(client, object)?;
        let another: DynamicObject = serde_json::from_value(another)?;
        wait_for(&format!("{name} to be refused"), PATIENCE, || async {
            let tried = api.create(&only_try, &another).await;
            Ok(matches!(tried, Err(kube::Error::Api(status)) if status.code == 422).then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// Marks an object as people do, tells about it and lets it go as an operator does.
async fn let_go(client: &Client, object: &Value) -> Result<()> {
    let (api, name) = at(client, object)?;
    let merge = PatchParams::default();
    let marked = json!({ "metadata": {
        "labels": { "seen": "yes" }, "finalizers": ["tokenwright.dev/api-token"],
    } });
    let marked = api.patch(&name, &merge, &Patch::Merge(marked)).await;
    marked.with_context(|| format!("marking {name}"))?;
    let told = json!({ "status": { "observedGeneration": 1, "conditions": [{
        "type": "Stalled", "status": "True", "reason": "InvalidSpec", "message": "spec",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }] } });
    let told = api.patch_status(&name, &merge, &Patch::Merge(told)).await;
    told.with_context(|| format!("telling about {name}"))?;
    api.delete(&name, &DeleteParams::default()).await?;
    let free = json!({ "metadata": { "finalizers": null } });
    let free = api.patch(&name, &merge, &Patch::Merge(free)).await;
    free.with_context(|| format!("letting {name} go"))?;
    ensure!(api.get_opt(&name).await?.is_none(), "{name} stays");
    Ok(())
}

#[tokio::test]
async fn what_a_later_definition_would_refuse_can_still_be_marked_told_about_and_let_go()
-> Result<()> {
    let (control_plane, _) = with_kinds(without_rules).await?;
    let client = control_plane.admin().await?;
    let today = kinds()?;
    let written: Vec<Value> = today.iter().map(|kind| {
        let names = &kind["spec"]["names"];
        let mut object = json!({
            "apiVersion": "tokenwright.dev/v1alpha1", "kind": names["kind"],
            "metadata": { "name": "broken" }, "spec": broken(names["kind"].as_str().unwrap_or_default()),
        });
        if kind["spec"]["scope"] == "Namespaced" {
            object["metadata"]["namespace"] = json!(TEAM_NAMESPACE);
        }
        object
    }).collect();
    chart::create_all(&client, &written, TEAM_NAMESPACE).await?;

    upgrade_kinds(&control_plane, &today).await?;
    refused(&client, &written).await?;
    for object in &written {
        let_go(&client, object).await?;
    }

    // Every example, as the definitions of today take it.
    let (namespaces, examples) = examples()?;
    for name in &namespaces {
        namespace(&client, name).await?;
    }
    chart::create_all(&client, &examples, TEAM_NAMESPACE).await?;
    let mut later = today;
    for kind in &mut later {
        let schema = &mut kind["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        refusing(&mut schema["properties"]["spec"]);
    }
    upgrade_kinds(&control_plane, &later).await?;
    refused(&client, &examples).await?;
    for object in &examples {
        let_go(&client, object).await?;
    }
    Ok(())
}

/// What is said of each field under a schema, by its path, as `kubectl explain` finds it.
fn explained(schema: &Value, path: &str, found: &mut BTreeMap<String, String>) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let said = field["description"].as_str().unwrap_or_default();
        found.insert(path.clone(), said.to_owned());
        for part in [field, &field["items"], &field["additionalProperties"]] {
            explained(part, &path, found);
        }
    }
}

#[tokio::test]
async fn tokens_are_selected_by_issuer_and_secret_and_each_field_of_each_kind_is_explained()
-> Result<()> {
    let (control_plane, client, namespace) = served().await?;
    let spec = json!({
        "issuerRef": { "name": "scaleway" },
        "token": { "name": "ci", "parameters": { "application_id": "a" }, "lifetime": "90d" },
        "secret": { "name": "ci-token" },
    });
    let tokens = chart::api(&client, "ApiToken", &namespace);
    tokens.create(&PostParams::default(), &token(spec)?).await?;
    for (selector, found) in [
        ("spec.issuerRef.name=scaleway", true),
        ("spec.issuerRef.name=another", false),
        ("spec.issuerRef.kind=TokenIssuer", true),
        ("spec.issuerRef.kind=ClusterTokenIssuer", false),
        ("spec.secret.name=ci-token", true),
        ("spec.secret.name=another", false),
    ] {
        let selected = tokens.list(&ListParams::default().fields(selector)).await?;
        ensure!(selected.items.is_empty() != found, "{selector}");
    }

    // What kubectl explains with.
    let published = http::Request::get("/openapi/v3/apis/tokenwright.dev/v1alpha1");
    let published: Value = client.request(published.body(Vec::new())?).await?;
    let mut found = BTreeMap::new();
    for kind in kinds()? {
        let kind = kind["spec"]["names"]["kind"].as_str().context("no kind")?;
        let name = format!("dev.tokenwright.v1alpha1.{kind}");
        let schema = &published["components"]["schemas"][name];
        let before = found.len();
        explained(schema, kind, &mut found);
        ensure!(found.len() > before + 10, "{kind}: {schema}");
        let explain = kubectl(control_plane, &["explain", &format!("{kind}.spec")]).await?;
        let explain = explain.succeeded("explain")?;
        ensure!(
            !explain.contains("<empty>") && !explain.contains("<no description>"),
            "{explain}"
        );
    }
    let silent: Vec<_> = found.iter().filter(|(_, said)| said.is_empty()).collect();
    ensure!(silent.is_empty(), "nothing is said of {silent:?}");
    for (path, says) in [
        ("ApiToken.spec.token.lifetime", "never"),
        ("ApiToken.spec.rotation.overlap", "previous token"),
        ("ApiToken.spec.rotation.windows", "hours in which"),
        ("ApiToken.spec.deletion.timeout", "stay alive"),
        ("ClusterTokenIssuer.spec.allow.maxLifetime", "106751d"),
        ("TokenIssuer.spec.rate.perMinute", "60"),
    ] {
        let said = found.get(path).with_context(|| format!("no {path}"))?;
        ensure!(said.contains(says), "{path}: {said}");
    }
    Ok(())
}
