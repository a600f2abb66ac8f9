//! The rules of the kinds, as a real kube-apiserver enforces them.

use anyhow::{Context, Result, ensure};
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokenwright_testbed::chart;

use super::kinds::served;

/// The ApiTokens of a namespace that no other test has.
async fn tokens() -> Result<Api<DynamicObject>> {
    let (_, client, namespace) = served().await?;
    Ok(chart::api(&client, "ApiToken", &namespace))
}

fn token(name: &str, change: &Value) -> Result<DynamicObject> {
    let mut object = json!({
        "apiVersion": "tokenwright.dev/v1alpha1",
        "kind": "ApiToken",
        "metadata": { "name": name },
        "spec": {
            "issuerRef": { "name": "scaleway" },
            "token": { "name": "ci", "parameters": { "application_id": "a" }, "lifetime": "90d" },
            "secret": { "name": "ci-token" },
        },
    });
    merge(&mut object, change);
    serde_json::from_value(object).context("no object")
}

fn merge(into: &mut Value, change: &Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (key, value) in change {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, change) => *into = change.clone(),
    }
}

#[tokio::test]
async fn bad_specs_are_refused_at_admission_and_name_their_field() -> Result<()> {
    let api = tokens().await?;
    let bad = [
        (
            json!({ "spec": { "token": { "lifetime": "three months" } } }),
            "spec.token.lifetime",
        ),
        (
            json!({ "spec": { "token": { "lifetime": "90" } } }),
            "spec.token.lifetime",
        ),
        (
            json!({ "spec": { "rotation": { "overlap": "never" } } }),
            "spec.rotation.overlap",
        ),
        (
            json!({ "spec": { "secret": { "type": "kubernetes.io/service-account-token" } } }),
            "spec.secret.type",
        ),
        (
            json!({ "spec": { "secret": { "type": "bootstrap.kubernetes.io/token" } } }),
            "spec.secret.type",
        ),
        (
            json!({ "spec": { "secret": { "type": "kubernetes.io/ssh-auth" } } }),
            "spec.secret.type",
        ),
        (
            json!({ "spec": { "secret": { "type": "kubernetes.io/dockercfg" } } }),
            "spec.secret.type",
        ),
        (
            json!({ "spec": { "secret": { "labels": { "kubernetes.io/x": "y" } } } }),
            "spec.secret.labels",
        ),
        (
            json!({ "spec": { "secret": { "annotations": { "kubernetes.io/service-account.name": "default" } } } }),
            "spec.secret.annotations",
        ),
        (
            json!({ "spec": { "secret": { "labels": { "tokenwright.dev/credential": "issuer" } } } }),
            "spec.secret.labels",
        ),
        (json!({ "spec": { "state": "Paused" } }), "spec.state"),
        (
            json!({ "spec": { "rotation": { "every": "9s" } } }),
            "must be between 10s and 106751d",
        ),
        // Longer than the API server can tell; what is said is what it takes.
        (
            json!({ "spec": { "rotation": { "every": "365000d" } } }),
            "must be between 10s and 106751d",
        ),
        (
            json!({ "spec": { "rotation": { "windows": [{ "from": "24:00", "to": "04:00" }] } } }),
            "spec.rotation.windows[0].from",
        ),
        (
            json!({ "spec": { "rotation": { "windows": [{ "days": ["Monday"], "from": "22:00", "to": "04:00" }] } } }),
            "spec.rotation.windows[0].days[0]",
        ),
        // A name that is none would be sent to the API server as a path.
        (
            json!({ "spec": { "secret": { "name": "a/b" } } }),
            "spec.secret.name",
        ),
        (
            json!({ "spec": { "secret": { "name": "../ci" } } }),
            "spec.secret.name",
        ),
        (
            json!({ "spec": { "issuerRef": { "name": "a%2fb" } } }),
            "spec.issuerRef.name",
        ),
    ];
    for (change, field) in bad {
        let refused = api
            .create(&PostParams::default(), &token("bad", &change)?)
            .await;
        let Err(kube::Error::Api(status)) = refused else {
            anyhow::bail!("accepted {change}");
        };
        ensure!(status.code == 422, "{change}: {status:?}");
        ensure!(
            status.message.contains(field),
            "{change}: {}",
            status.message
        );
    }
    for lifetime in ["90d", "2w", "1h30m", "never", "365000d"] {
        let name = format!("good-{lifetime}");
        let change = json!({ "spec": { "token": { "lifetime": lifetime } } });
        api.create(&PostParams::default(), &token(&name, &change)?)
            .await?;
    }
    for every in ["10s", "106751d"] {
        let change = json!({ "spec": { "rotation": { "every": every } } });
        let token = token(&format!("every-{every}"), &change)?;
        api.create(&PostParams::default(), &token).await?;
    }
    Ok(())
}

/// So many entries: keys and texts of so many characters.
fn entries(count: usize, key: usize, text: usize) -> Value {
    let entry = |n: usize| (format!("{n:0>key$}"), json!("x".repeat(text)));
    (0..count).map(entry).collect()
}

#[tokio::test]
async fn a_template_of_the_greatest_size_is_let_in_and_one_of_anything_more_is_not() -> Result<()> {
    let api = tokens().await?;
    let post = PostParams::default();
    let greatest = json!({ "spec": { "secret": {
        "data": entries(32, 253, 32_768),
        "labels": entries(16, 317, 63),
        "annotations": entries(16, 317, 8_192),
    } } });
    api.create(&post, &token("greatest", &greatest)?).await?;
    for (field, more) in [
        ("secret.data", entries(33, 2, 1)),
        ("secret.data", entries(1, 254, 1)),
        ("secret.data", entries(1, 1, 32_769)),
        ("secret.data", json!({ "a key": "" })),
        ("secret.labels", entries(17, 2, 1)),
        ("secret.labels", entries(1, 318, 1)),
        ("secret.labels", entries(1, 1, 64)),
        ("secret.annotations", entries(17, 2, 1)),
        ("secret.annotations", entries(1, 318, 1)),
        ("secret.annotations", entries(1, 1, 8_193)),
        ("token.parameters", entries(17, 2, 1)),
        ("token.parameters", entries(1, 1, 16_385)),
        ("token.scopes", json!(["x".repeat(16_385)])),
    ] {
        let (of, name) = field.split_once('.').context("no path")?;
        let change = json!({ "spec": { of: { name: more } } });
        let refused = api.create(&post, &token("more", &change)?).await;
        let told = message(refused, &json!(field))?;
        ensure!(told.contains(&format!("spec.{field}")), "{field}: {told}");
    }
    Ok(())
}

#[tokio::test]
async fn what_identifies_tokens_and_secret_cannot_be_changed() -> Result<()> {
    let api = tokens().await?;
    api.create(&PostParams::default(), &token("ci", &json!({}))?)
        .await?;
    let fixed = [
        json!({ "spec": { "issuerRef": { "name": "other" } } }),
        json!({ "spec": { "token": { "parameters": { "application_id": "b" } } } }),
        json!({ "spec": { "secret": { "name": "other" } } }),
        json!({ "spec": { "secret": { "type": "example.com/other" } } }),
    ];
    for change in fixed {
        let refused = api
            .patch("ci", &PatchParams::default(), &Patch::Merge(&change))
            .await;
        let Err(kube::Error::Api(status)) = refused else {
            anyhow::bail!("accepted {change}");
        };
        ensure!(
            status.message.contains("immutable"),
            "{change}: {}",
            status.message
        );
    }
    let free =
        json!({ "spec": { "token": { "name": "ci-2", "lifetime": "30d" }, "suspend": true } });
    api.patch("ci", &PatchParams::default(), &Patch::Merge(&free))
        .await?;
    Ok(())
}

/// An `ApiToken` that adopts.
fn adopting(name: &str, change: &Value) -> Result<DynamicObject> {
    let adopt = json!({ "valueFrom": { "secretRef": { "name": "from-the-console" } } });
    let mut adopting = json!({ "spec": { "token": null, "adopt": adopt } });
    merge(&mut adopting, change);
    let mut object = serde_json::to_value(token(name, &adopting)?)?;
    if let Some(spec) = object["spec"].as_object_mut() {
        spec.retain(|_, field| !field.is_null());
    }
    serde_json::from_value(object).context("no object")
}

fn message<T: std::fmt::Debug>(refused: kube::Result<T>, of: &Value) -> Result<String> {
    let Err(kube::Error::Api(status)) = refused else {
        anyhow::bail!("accepted {of}");
    };
    ensure!(status.code == 422, "{of}: {status:?}");
    Ok(status.message)
}

#[tokio::test]
async fn what_is_adopted_is_neither_minted_nor_rotated_nor_disabled() -> Result<()> {
    let api = tokens().await?;
    let post = PostParams::default();
    api.create(&post, &adopting("smallest", &json!({}))?)
        .await?;
    let full = json!({ "spec": { "adopt": {
        "valueFrom": { "secretRef": { "name": "from-the-console", "keys": { "key": "PASTED" } } },
        "tokenID": "7", "parameters": { "project_id": "1" },
        "expiresAt": "2027-03-31T00:00:00+02:00", "warnBefore": "2w",
    } } });
    api.create(&post, &adopting("full", &full)?).await?;
    let minted = json!({ "name": "ci", "lifetime": "90d" });
    let bad = [
        (
            json!({ "token": minted }),
            "exactly one of token and adopt is required",
        ),
        (
            json!({ "adopt": null }),
            "exactly one of token and adopt is required",
        ),
        (json!({ "state": "Disabled" }), "spec.state: "),
        (
            json!({ "rotation": { "overlap": "1h" } }),
            "spec.rotation: ",
        ),
        (
            json!({ "rotation": { "trigger": "now" } }),
            "spec.rotation: ",
        ),
        (json!({ "rotation": { "every": "30d" } }), "spec.rotation: "),
        (
            json!({ "rotation": { "windows": [{ "from": "22:00", "to": "04:00" }] } }),
            "spec.rotation: ",
        ),
        (
            json!({ "rotation": { "renewBefore": "25%" } }),
            "spec.rotation: ",
        ),
        (
            json!({ "secret": { "name": "from-the-console" } }),
            "spec.adopt.valueFrom.secretRef.name: ",
        ),
        (
            json!({ "adopt": { "expiresAt": "next spring" } }),
            "spec.adopt.expiresAt: ",
        ),
        (
            json!({ "adopt": { "warnBefore": "a month" } }),
            "spec.adopt.warnBefore: ",
        ),
        (
            json!({ "adopt": { "valueFrom": null } }),
            "spec.adopt.valueFrom: ",
        ),
    ];
    for (change, said) in bad {
        let refused = adopting("bad", &json!({ "spec": change }))?;
        let message = message(api.create(&post, &refused).await, &change)?;
        ensure!(message.contains(said), "{change}: {message}");
    }
    Ok(())
}

#[tokio::test]
async fn which_token_is_adopted_cannot_be_changed_and_where_its_value_is_can() -> Result<()> {
    let api = tokens().await?;
    let post = PostParams::default();
    let named = json!({ "spec": { "adopt": { "tokenID": "7" } } });
    api.create(&post, &adopting("named", &named)?).await?;
    api.create(&post, &adopting("nameless", &json!({}))?)
        .await?;
    api.create(&post, &token("minted", &json!({}))?).await?;
    let patch = |change: &Value| Patch::Merge(json!({ "spec": change }));
    let adopt = json!({ "valueFrom": { "secretRef": { "name": "from-the-console" } } });
    let minted = json!({ "name": "ci", "lifetime": "90d" });
    let fixed = [
        (
            "named",
            json!({ "adopt": { "tokenID": "8" } }),
            "tokenID is immutable",
        ),
        (
            "named",
            json!({ "adopt": { "tokenID": null } }),
            "tokenID is immutable",
        ),
        (
            "nameless",
            json!({ "adopt": { "tokenID": "7" } }),
            "tokenID is immutable",
        ),
        (
            "named",
            json!({ "adopt": { "parameters": { "a": "b" } } }),
            "parameters are immutable",
        ),
        (
            "named",
            json!({ "adopt": null, "token": minted }),
            "cannot change between token and adopt",
        ),
        (
            "minted",
            json!({ "token": null, "adopt": adopt }),
            "cannot change between token and adopt",
        ),
    ];
    for (name, change, said) in fixed {
        let patched = api
            .patch(name, &PatchParams::default(), &patch(&change))
            .await;
        let message = message(patched, &change)?;
        ensure!(message.contains(said), "{change}: {message}");
    }
    let source = json!({ "secretRef": { "name": "elsewhere", "keys": { "key": "PASTED" } } });
    let free = json!({ "adopt": { "valueFrom": source, "expiresAt": "2027-03-31T00:00:00Z", "warnBefore": "7d" } });
    api.patch("named", &PatchParams::default(), &patch(&free))
        .await?;
    // Rules must not hold up the end of an object.
    let gone = Patch::Merge(json!({ "metadata": { "finalizers": ["tokenwright.dev/revoke"] } }));
    api.patch("named", &PatchParams::default(), &gone).await?;
    api.delete("named", &kube::api::DeleteParams::default())
        .await?;
    let done = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    api.patch("named", &PatchParams::default(), &done).await?;
    Ok(())
}

#[tokio::test]
async fn one_set_of_columns_shows_minted_and_adopted_tokens() -> Result<()> {
    let (_, client, namespace) = served().await?;
    let api = chart::api(&client, "ApiToken", &namespace);
    let post = PostParams::default();
    api.create(&post, &token("minted", &json!({}))?).await?;
    api.create(&post, &adopting("adopted", &json!({}))?).await?;
    api.create(&post, &adopting("nothing", &json!({}))?).await?;
    let at = "2026-03-01T00:00:00Z";
    let current = json!({
        "revision": 3, "tokenID": "a", "marker": "m", "issuer": "i", "secretName": "s",
        "createdAt": at, "expiresAt": "2026-05-30T00:00:00Z", "renewAt": "2026-04-30T00:00:00Z",
        "inputs": { "name": "ci", "lifetime": "90d" },
    });
    let adopted = json!({
        "source": "from-the-console", "revision": 2,
        "expiresAt": "2027-03-31T00:00:00Z", "warnAt": "2027-03-01T00:00:00Z",
    });
    for (name, status) in [
        ("minted", json!({ "current": current })),
        ("adopted", json!({ "adopted": adopted })),
    ] {
        let change = Patch::Merge(json!({ "status": status }));
        api.patch_status(name, &PatchParams::default(), &change)
            .await?;
    }
    let table = table(&client, &namespace).await?;
    let columns = table["columnDefinitions"].as_array().context("no table")?;
    let shown = |name: &str, column: &str| -> Result<Value> {
        let place = columns
            .iter()
            .position(|c| c["name"] == column)
            .context("no column")?;
        let rows = table["rows"].as_array().context("no rows")?;
        let row = rows
            .iter()
            .find(|row| row["cells"][0] == name)
            .context("no row")?;
        Ok(row["cells"][place].clone())
    };
    for (name, revision, expires, renews) in [
        (
            "minted",
            json!(3),
            json!("2026-05-30T00:00:00Z"),
            json!("2026-04-30T00:00:00Z"),
        ),
        (
            "adopted",
            json!(2),
            json!("2027-03-31T00:00:00Z"),
            json!("2027-03-01T00:00:00Z"),
        ),
    ] {
        let row = (
            shown(name, "Revision")?,
            shown(name, "Expires")?,
            shown(name, "Renews")?,
        );
        ensure!(row == (revision, expires, renews), "{name}: {row:?}");
    }
    ensure!(!shown("nothing", "Expires")?.to_string().contains("invalid"));
    Ok(())
}

/// What kubectl asks for when it prints a table.
async fn table(client: &Client, namespace: &str) -> Result<Value> {
    let group = "/apis/tokenwright.dev/v1alpha1";
    let table = http::Request::get(format!("{group}/namespaces/{namespace}/apitokens"))
        .header("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
        .body(Vec::new())?;
    Ok(client.request(table).await?)
}

#[tokio::test]
async fn people_see_the_columns_that_the_kind_promises() -> Result<()> {
    let (_, client, namespace) = served().await?;
    let table = table(&client, &namespace).await?;
    let columns = table["columnDefinitions"].as_array().context("no table")?;
    let shown: Vec<_> = columns
        .iter()
        .filter(|column| column["priority"] == 0)
        .map(|column| column["name"].as_str().unwrap_or_default())
        .collect();
    let promised = ["Name", "Ready", "Revision", "Expires", "Renews", "Age"];
    ensure!(shown == promised, "{shown:?}");
    Ok(())
}
