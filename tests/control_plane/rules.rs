//! The rules of the kinds, as a real kube-apiserver enforces them, and the chart that brings them.

use anyhow::{Context, Result, ensure};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokenwright_testbed::chart;
use tokenwright_testbed::control_plane::ControlPlane;
use tokenwright_testbed::programs::OWN_NAMESPACE;
use tokenwright_testbed::tools::Tools;

use super::operator::root;

fn tokens(client: Client) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("tokenwright.dev", "v1alpha1", "ApiToken");
    Api::namespaced_with(client, "default", &ApiResource::from_gvk(&kind))
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

async fn server() -> Result<(ControlPlane, Client)> {
    let control_plane = ControlPlane::start(&Tools::find()?).await?;
    let client = control_plane.admin().await?;
    let documents = chart::render(&root(), OWN_NAMESPACE, &[])?;
    let crds: Vec<Value> = documents
        .into_iter()
        .filter(|document| document["kind"] == "CustomResourceDefinition")
        .collect();
    ensure!(crds.len() == 2, "the chart brings {} kinds", crds.len());
    chart::create_all(&client, &crds, "default").await?;
    // A kind is served a moment after it was accepted.
    for _ in 0..100 {
        if tokens(client.clone())
            .list(&kube::api::ListParams::default())
            .await
            .is_ok()
        {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Ok((control_plane, client))
}

#[tokio::test]
async fn bad_specs_are_refused_at_admission_and_name_their_field() -> Result<()> {
    let (_control_plane, client) = server().await?;
    let api = tokens(client);
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
            json!({ "spec": { "secret": { "labels": { "kubernetes.io/x": "y" } } } }),
            "spec.secret.labels",
        ),
        (json!({ "spec": { "state": "Paused" } }), "spec.state"),
        (
            json!({ "spec": { "rotation": { "every": "1s" } } }),
            "must be between 10s and 365000d",
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
    for lifetime in ["90d", "2w", "1h30m", "never"] {
        let name = format!("good-{lifetime}");
        let change = json!({ "spec": { "token": { "lifetime": lifetime } } });
        api.create(&PostParams::default(), &token(&name, &change)?)
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_identifies_tokens_and_secret_cannot_be_changed() -> Result<()> {
    let (_control_plane, client) = server().await?;
    let api = tokens(client);
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
    let (_control_plane, client) = server().await?;
    let api = tokens(client);
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
    let (_control_plane, client) = server().await?;
    let api = tokens(client);
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
    let (_control_plane, client) = server().await?;
    let api = tokens(client.clone());
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
    let table = table(&client).await?;
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
async fn table(client: &Client) -> Result<Value> {
    let table = http::Request::get("/apis/tokenwright.dev/v1alpha1/namespaces/default/apitokens")
        .header("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
        .body(Vec::new())?;
    Ok(client.request(table).await?)
}

#[tokio::test]
async fn people_see_the_columns_that_the_kind_promises() -> Result<()> {
    let (_control_plane, client) = server().await?;
    let table = table(&client).await?;
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

#[test]
fn the_chart_gives_the_operator_a_place_to_stand_and_no_more() -> Result<()> {
    let documents = chart::render(&root(), OWN_NAMESPACE, &[])?;
    let of = |kind: &str| {
        documents
            .iter()
            .filter(move |d| d["kind"] == kind)
            .collect::<Vec<_>>()
    };
    let deployment = of("Deployment")
        .into_iter()
        .next()
        .context("no Deployment")?;
    // A new replica stands by until an old one gives up the Lease.
    ensure!(deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0);
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let security = &container["securityContext"];
    ensure!(
        security["readOnlyRootFilesystem"] == true && security["allowPrivilegeEscalation"] == false
    );
    ensure!(security["capabilities"]["drop"][0] == "ALL");
    for rule in of("ClusterRole")
        .iter()
        .flat_map(|role| role["rules"].as_array().into_iter().flatten())
    {
        ensure!(
            !rule.to_string().contains('*'),
            "a rule with a wildcard: {rule}"
        );
    }
    Ok(())
}

#[test]
fn with_namespaces_named_the_operator_reads_nothing_elsewhere() -> Result<()> {
    let documents = chart::render(
        &root(),
        OWN_NAMESPACE,
        &["--set", "watchNamespaces={team-a,team-b}"],
    )?;
    let roles = documents.iter().filter(|d| d["kind"] == "ClusterRole");
    for rule in roles.flat_map(|role| role["rules"].as_array().into_iter().flatten()) {
        ensure!(
            rule["resourceNames"][0] == "kube-system",
            "a cluster-wide rule: {rule}"
        );
    }
    let namespaces: Vec<_> = documents
        .iter()
        .filter(|d| d["kind"] == "Role" && d["metadata"]["namespace"] != OWN_NAMESPACE)
        .map(|d| d["metadata"]["namespace"].clone())
        .collect();
    ensure!(namespaces == ["team-a", "team-b"], "{namespaces:?}");
    Ok(())
}

/// The one Deployment, rendered with these values.
fn deployment(arguments: &[&str]) -> Result<Value> {
    let documents = chart::render(&root(), OWN_NAMESPACE, arguments)?;
    let deployment = documents.into_iter().find(|d| d["kind"] == "Deployment");
    deployment.context("the chart has no Deployment")
}

#[test]
fn a_company_network_is_reached_through_its_proxy_and_its_certificate_authority() -> Result<()> {
    let deployment = deployment(&[
        "--set",
        "proxy.https=http://proxy.example.com:3128",
        "--set",
        "proxy.noProxy=10.0.0.0/8",
        "--set",
        "caBundle.configMap=company-roots",
        "--set-json",
        r#"extraEnv=[{"name":"SCW_REGION","value":"fr-par"}]"#,
        "--set-json",
        r#"extraVolumes=[{"name":"scratch","emptyDir":{}}]"#,
        "--set-json",
        r#"extraVolumeMounts=[{"name":"scratch","mountPath":"/scratch"}]"#,
    ])?;
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let variables = container["env"].as_array().context("no env")?;
    let variable = |name: &str| {
        let found = variables.iter().find(|variable| variable["name"] == name);
        found.map(|variable| variable["value"].clone())
    };
    ensure!(variable("HTTPS_PROXY") == Some("http://proxy.example.com:3128".into()));
    let around = variable("NO_PROXY").context("no NO_PROXY")?;
    let around = around.as_str().context("no text")?;
    // The API server is reached by its address, which Kubernetes fills in.
    ensure!(around.starts_with("$(KUBERNETES_SERVICE_HOST),") && around.ends_with(",10.0.0.0/8"));
    ensure!(variable("SSL_CERT_FILE") == Some("/etc/tokenwright/ca/ca.crt".into()));
    ensure!(variable("SCW_REGION") == Some("fr-par".into()));
    ensure!(container["volumeMounts"][0]["mountPath"] == "/etc/tokenwright/ca");
    ensure!(container["volumeMounts"][1]["mountPath"] == "/scratch");
    ensure!(pod["volumes"][0]["configMap"]["name"] == "company-roots");
    ensure!(pod["volumes"][1]["name"] == "scratch");
    Ok(())
}

#[test]
fn without_values_for_a_network_the_deployment_has_none() -> Result<()> {
    let deployment = deployment(&[])?;
    let pod = &deployment["spec"]["template"]["spec"];
    ensure!(pod["volumes"].is_null() && pod["containers"][0]["volumeMounts"].is_null());
    ensure!(!deployment.to_string().contains("PROXY"));
    Ok(())
}

#[test]
fn two_certificate_bundles_at_once_are_refused() {
    let both = ["--set", "caBundle.configMap=a,caBundle.secret=b"];
    let refused = chart::render(&root(), OWN_NAMESPACE, &both);
    assert!(refused.is_err(), "helm took two bundles");
}

#[test]
fn values_that_the_chart_does_not_know_are_refused() {
    let refused = chart::render(&root(), OWN_NAMESPACE, &["--set", "replicaCount=3"]);
    assert!(refused.is_err(), "helm took a value that does nothing");
}
