//! The rules of issuers and profiles, as a real kube-apiserver enforces them.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokenwright_testbed::chart;

use super::cluster::{SYSTEM, root};
use super::installed::kubectl;
use super::kinds::served;
use super::shared::{PROFILE, api};

#[tokio::test]
async fn shared_issuers_and_profiles_are_held_to_their_rules_at_admission() -> Result<()> {
    let (_, client, namespace) = served().await?;
    let example = chart::documents(&std::fs::read_to_string(root().join(PROFILE))?)?;
    chart::create_all(&client, &example, &namespace).await?;
    let issuers = api(&client, "ClusterTokenIssuer", "");
    let issuer = |spec: Value| -> Result<DynamicObject> {
        Ok(serde_json::from_value(json!({
            "apiVersion": "tokenwright.dev/v1alpha1", "kind": "ClusterTokenIssuer",
            "metadata": { "name": "shared" }, "spec": spec,
        }))?)
    };
    let grant = |more: Value| {
        let mut grant = json!({ "namespaces": { "names": ["team-a"] } });
        for (key, value) in more.as_object().into_iter().flatten() {
            grant[key] = value.clone();
        }
        json!({ "profile": SYSTEM, "allow": [grant] })
    };
    let by_labels = |selector: Value| {
        let mut spec = grant(json!({}));
        spec["allow"][0]["namespaces"] = json!({ "selector": selector });
        spec
    };
    let labels = |many: usize| -> BTreeMap<String, String> {
        let labels = (0..many).map(|n| (format!("label-{n}"), "x".repeat(63)));
        labels.collect()
    };
    let expression = |operator: &str, values: Value| json!({ "key": "team", "operator": operator, "values": values });
    let one_of = |many: usize| expression("In", json!(vec!["a"; many]));
    let bad = [
        (json!({}), "exactly one of profile and profileRef"),
        (
            json!({ "profile": SYSTEM, "profileRef": { "name": "ours" } }),
            "exactly one of profile and profileRef",
        ),
        (
            grant(json!({ "namespaces": {} })),
            "exactly one of names and selector",
        ),
        (
            grant(json!({ "namespaces": { "names": ["a"], "selector": {} } })),
            "exactly one of names and selector",
        ),
        (grant(json!({ "maxTokens": 0 })), "spec.allow[0].maxTokens"),
        (
            grant(json!({ "maxLifetime": "never" })),
            "spec.allow[0].maxLifetime",
        ),
        (grant(json!({ "maxLifetime": "1s" })), "must be between 10s"),
        (
            grant(json!({ "maxLifetime": "365000d" })),
            "must be between 10s and 106751d",
        ),
        (
            grant(json!({ "parameters": { "org": [] } })),
            "spec.allow[0].parameters",
        ),
        (grant(json!({ "scopes": [""] })), "spec.allow[0].scopes"),
        (
            by_labels(json!({ "matchLabels": labels(17) })),
            "must have at most 16 items",
        ),
        (
            by_labels(json!({ "matchLabels": { "team": "x".repeat(64) } })),
            "may not be more than 63",
        ),
        (
            by_labels(json!({ "matchLabels": { "x".repeat(318): "a" } })),
            "a key of a label has at most 317 characters",
        ),
        (
            by_labels(json!({ "matchExpressions": vec![one_of(1); 17] })),
            "must have at most 16 items",
        ),
        (
            by_labels(json!({ "matchExpressions": [one_of(257)] })),
            "must have at most 256 items",
        ),
        (
            by_labels(json!({ "matchExpressions": [expression("Inn", json!(["a"]))] })),
            "spec.allow[0].namespaces.selector.matchExpressions[0].operator",
        ),
        (
            by_labels(json!({ "matchExpressions": [expression("NotIn", json!([]))] })),
            "In and NotIn need values",
        ),
        (
            by_labels(json!({ "matchExpressions": [{ "key": "team", "operator": "In" }] })),
            "In and NotIn need values",
        ),
        (
            by_labels(json!({ "matchExpressions": [expression("Exists", json!(["a"]))] })),
            "Exists and DoesNotExist take none",
        ),
        (
            grant(json!({ "namespaces": { "names": ["Team_A"] } })),
            "spec.allow[0].namespaces.names[0]",
        ),
    ];
    for (spec, said) in bad {
        let refused = issuers
            .create(&PostParams::default(), &issuer(spec.clone())?)
            .await;
        let Err(kube::Error::Api(status)) = refused else {
            anyhow::bail!("accepted {spec}");
        };
        ensure!(status.message.contains(said), "{spec}: {}", status.message);
    }
    let widest = json!({ "matchLabels": labels(16), "matchExpressions": vec![one_of(256); 16] });
    let only_try = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    issuers
        .create(&only_try, &issuer(by_labels(widest))?)
        .await?;
    issuers
        .create(&PostParams::default(), &issuer(grant(json!({})))?)
        .await?;
    for change in [
        json!({ "profile": "gitea" }),
        json!({ "profile": null, "profileRef": { "name": "ours" } }),
    ] {
        let change = Patch::Merge(json!({ "spec": change }));
        let refused = issuers
            .patch("shared", &PatchParams::default(), &change)
            .await;
        ensure!(refused.is_err(), "another system was accepted");
    }
    let profiles = api(&client, "TokenProfile", "");
    let wrong = Patch::Merge(json!({ "spec": { "title": 7 } }));
    let refused = profiles
        .patch("parcel", &PatchParams::default(), &wrong)
        .await;
    ensure!(refused.is_err(), "a title that is no text was accepted");
    Ok(())
}

/// Of a wrong form, and what is refused of it.
const NO_DURATIONS: [&str; 7] = ["", "30", "-30s", "1.5m", "30 s", "half a minute", "never"];

#[tokio::test]
async fn how_an_issuer_is_asked_is_let_in_at_its_bounds_and_refused_by_its_field_beyond()
-> Result<()> {
    let (_, client, namespace) = served().await?;
    let only_try = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let mut tried = vec![];
    for (field, within, beyond) in [
        (
            "requestTimeout",
            ["1s", "10m", "9m60s"],
            ["0s", "10m1s", "365000d"],
        ),
        ("recheck", ["1m", "1w", "6d24h"], ["59s", "7d1s", "365000d"]),
    ] {
        let of = |value: Value| json!({ field: value });
        tried.extend(within.map(|value| (of(json!(value)), None)));
        tried.extend(beyond.map(|value| (of(json!(value)), Some("must be between".to_owned()))));
        tried.extend(NO_DURATIONS.map(|value| (of(json!(value)), Some(format!("spec.{field}")))));
        tried.push((of(json!(30)), Some(format!("spec.{field}"))));
    }
    for (field, greatest) in [("perMinute", 60_000), ("concurrency", 64_i64)] {
        let of = |value: Value| json!({ "rate": { field: value } });
        let named = || Some(format!("spec.rate.{field}"));
        tried.extend([1, greatest].map(|value| (of(json!(value)), None)));
        tried.extend(
            [-1, 0, greatest + 1, 4_294_967_297_i64].map(|value| (of(json!(value)), named())),
        );
        tried.extend([json!(1.5), json!("60"), json!([])].map(|value| (of(value), named())));
    }
    tried.push((json!({ "rate": 60 }), Some("spec.rate".to_owned())));
    for kind in ["TokenIssuer", "ClusterTokenIssuer"] {
        let issuers = match kind {
            "TokenIssuer" => api(&client, kind, &namespace),
            _ => api(&client, kind, ""),
        };
        for (asked, said) in &tried {
            let mut spec = asked.clone();
            spec["profile"] = json!(SYSTEM);
            let issuer: DynamicObject = serde_json::from_value(json!({
                "apiVersion": "tokenwright.dev/v1alpha1", "kind": kind,
                "metadata": { "name": "bounds" }, "spec": spec,
            }))?;
            match (issuers.create(&only_try, &issuer).await, said) {
                (Ok(_), None) => {}
                (Err(kube::Error::Api(status)), Some(said)) => {
                    ensure!(
                        status.message.contains(said),
                        "{kind} {asked}: {}",
                        status.message
                    );
                }
                (answer, _) => anyhow::bail!("{kind} {asked}: {answer:?}"),
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn issuers_are_selected_by_the_profile_that_they_have_built_in_or_of_an_administrator()
-> Result<()> {
    let (control_plane, client, namespace) = served().await?;
    for kind in ["TokenIssuer", "ClusterTokenIssuer"] {
        for (name, spec) in [
            ("of-devpi", json!({ "profile": "devpi" })),
            ("of-gitea", json!({ "profile": "gitea" })),
            ("of-ours", json!({ "profileRef": { "name": "ours" } })),
        ] {
            let issuer = json!({
                "apiVersion": "tokenwright.dev/v1alpha1", "kind": kind,
                "metadata": { "name": name }, "spec": spec,
            });
            chart::create_all(&client, &[issuer], &namespace).await?;
        }
        for (selector, found) in [
            ("spec.profile=devpi", "of-devpi"),
            ("spec.profile=gitea", "of-gitea"),
            ("spec.profile=ours", ""),
            ("spec.profileRef.name=ours", "of-ours"),
            ("spec.profileRef.name=devpi", ""),
        ] {
            let get = ["get", kind, "-n", &namespace, "--field-selector", selector];
            let names = ["-o", "jsonpath={.items[*].metadata.name}"];
            let got = kubectl(control_plane, &[&get[..], &names].concat()).await?;
            let got = got.succeeded("get")?;
            ensure!(got == found, "{kind} {selector}: {got:?}");
        }
    }
    Ok(())
}
