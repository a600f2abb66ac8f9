//! The chart with every value set, on a real API server: each of its objects is let in, and an operator that is
//! started as the Deployment says works.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use serde_json::{Value, json};
use tokenwright_testbed::chart;
use tokenwright_testbed::control_plane::ControlPlane;
use tokenwright_testbed::programs::{OWN_NAMESPACE, Sandbox};
use tokenwright_testbed::quickstart::{TEAM_NAMESPACE, Team, namespaces};
use tokenwright_testbed::tools::{Tools, product_binary};
use tokio::process::Command;

use super::cluster::{SYSTEM, listens, root};
use super::installed::{Written, kubectl};
use super::network::{Company, NAME, TARGET};

/// Everything that a value can turn on.
const FULL: &str = "tests/install/golden/full-values.yaml";

/// A kind of the Prometheus operator, as far as the chart uses it; what is not said here is refused.
fn kind_of_monitoring(kind: &str, spec: &Value) -> Value {
    let singular = kind.to_lowercase();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{singular}s.monitoring.coreos.com") },
        "spec": {
            "group": "monitoring.coreos.com",
            "scope": "Namespaced",
            "names": { "kind": kind, "singular": singular, "plural": format!("{singular}s") },
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "schema": { "openAPIV3Schema": {
                    "type": "object",
                    "required": ["spec"],
                    "properties": { "spec": spec },
                } },
            }],
        },
    })
}

fn kinds_of_monitoring() -> [Value; 2] {
    let object = |properties: Value| json!({ "type": "object", "properties": properties });
    let list = |items: Value| json!({ "type": "array", "items": items });
    let texts = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let text = json!({ "type": "string" });
    let duration = json!({ "type": "string", "pattern": "^[0-9]+(ms|[smhdwy])$" });
    let endpoint = object(json!({
        "port": text, "path": text, "interval": duration, "honorLabels": { "type": "boolean" },
    }));
    let monitor = json!({
        "selector": object(json!({ "matchLabels": texts })),
        "endpoints": list(endpoint),
    });
    let rule = object(json!({
        "alert": text, "expr": text, "for": duration, "labels": texts, "annotations": texts,
    }));
    let group = object(json!({ "name": text, "rules": list(rule) }));
    [
        kind_of_monitoring("ServiceMonitor", &object(monitor)),
        kind_of_monitoring("PrometheusRule", &object(json!({ "groups": list(group) }))),
    ]
}

/// The variables of a container, as a kubelet fills them in.
fn environment(container: &Value, api_server: &str) -> Result<BTreeMap<String, String>> {
    let variables = container["env"].as_array().context("no environment")?;
    let variables = variables.iter().map(|variable| {
        let name = variable["name"].as_str().context("no name")?;
        let from = &variable["valueFrom"];
        let text = match from["fieldRef"]["fieldPath"].as_str() {
            Some("metadata.namespace") => OWN_NAMESPACE.to_owned(),
            Some("metadata.name") => "of-the-template".to_owned(),
            Some(other) => anyhow::bail!("{name} is {other}"),
            None if from["resourceFieldRef"]["resource"] == "limits.memory" => {
                memory_of(container)?.to_string()
            }
            None => variable["value"].as_str().context("no value")?.to_owned(),
        };
        let text = text.replace("$(KUBERNETES_SERVICE_HOST)", api_server);
        Ok((name.to_owned(), text))
    });
    variables.collect()
}

/// The bytes that a container may take.
fn memory_of(container: &Value) -> Result<u64> {
    let limit = container["resources"]["limits"]["memory"].as_str();
    let mebibytes = limit.and_then(|limit| limit.strip_suffix("Mi"));
    let mebibytes: u64 = mebibytes.context("no limit in MiB")?.parse()?;
    Ok(mebibytes * 1024 * 1024)
}

/// Brings what is mounted at the folder of this file onto this machine, and says where it is now.
async fn mounted(client: Client, pod: &Value, file: &str, folder: &Path) -> Result<String> {
    let mounts = pod["containers"][0]["volumeMounts"].as_array();
    let mut mounts = mounts.into_iter().flatten();
    let (volume, name) = mounts
        .find_map(|mount| {
            let inside = file.strip_prefix(mount["mountPath"].as_str()?)?;
            Some((&mount["name"], inside.trim_start_matches('/')))
        })
        .context("nothing is mounted there")?;
    let volumes = pod["volumes"].as_array().into_iter().flatten();
    let mut volumes = volumes.filter(|it| it["name"] == *volume);
    let map = volumes
        .next()
        .and_then(|it| it["configMap"]["name"].as_str());
    let maps: Api<ConfigMap> = Api::namespaced(client, OWN_NAMESPACE);
    let map = maps
        .get(map.context("no ConfigMap is mounted there")?)
        .await?;
    let text = map.data.and_then(|mut data| data.remove(name));
    let path = folder.join(name);
    fs::write(&path, text.with_context(|| format!("there is no {name}"))?)?;
    Ok(path.to_str().context("no path")?.to_owned())
}

#[tokio::test]
async fn the_chart_with_every_value_set_is_let_in_and_an_operator_works_as_its_deployment_says()
-> Result<()> {
    let control_plane = ControlPlane::start(&Tools::find()?).await?;
    let client = control_plane.admin().await?;
    namespaces(&client).await?;
    chart::create_all(&client, &kinds_of_monitoring(), OWN_NAMESPACE).await?;
    let sandbox = Sandbox::start(&[SYSTEM]).await?;
    let system = sandbox.system(SYSTEM)?;
    let company = Company::around(system).await?;
    let proxy = company.proxy().await?;

    let values = root().join(FULL);
    let hosts = format!("allowHosts=[{}]", json!(NAME));
    let watched = format!("watchNamespaces=[{}]", json!(TEAM_NAMESPACE));
    let through = format!("proxy.https={}", json!(proxy.url));
    let arguments = [
        "--values",
        values.to_str().context("no path")?,
        "--set-json=observeOnly=false",
        "--set-json",
        &hosts,
        "--set-json",
        &watched,
        "--set-json",
        &through,
    ];
    let documents = chart::render(&root(), OWN_NAMESPACE, &arguments)?;
    let written = Written::new(&documents)?;
    for way in [&["--server-side"][..], &["--server-side=false"]] {
        let rehearse = [&["apply", "--dry-run=server"], way].concat();
        let said = written.kubectl(&control_plane, &rehearse).await?;
        let let_in = said.lines().filter(|line| line.contains("server dry run"));
        ensure!(let_in.count() == documents.len(), "{said}");
        ensure!(
            !said.contains("unrecognized") && !said.contains("unknown field"),
            "{said}"
        );
    }
    let apply = ["apply", "--server-side"];
    written.kubectl(&control_plane, &apply).await?;
    let roots = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "company-roots" },
        "data": { "roots.pem": company.authority() },
    });
    chart::create_all(&client, &[roots], OWN_NAMESPACE).await?;

    let get = [
        "get",
        "deployment",
        "tokens",
        "--output=json",
        "--namespace",
        OWN_NAMESPACE,
    ];
    let deployment = kubectl(&control_plane, &get).await?.succeeded("get")?;
    let deployment: Value = serde_json::from_str(&deployment)?;
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let arguments = container["args"].as_array().context("no arguments")?;
    let arguments = arguments.iter().filter_map(|argument| argument.as_str());
    let arguments = arguments.filter(|argument| !listens(argument));
    let address = control_plane.address().trim_start_matches("https://");
    let (host, _) = address.split_once(':').context("no port")?;
    let mut environment = environment(container, host)?;
    let folder = tempfile::tempdir()?;
    let trusted = environment
        .get_mut("SSL_CERT_FILE")
        .context("no authority")?;
    *trusted = mounted(client.clone(), pod, trusted, folder.path()).await?;
    let (user, groups) = chart::service_account(&documents, OWN_NAMESPACE)?;
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    let log = folder.path().join("log");
    let mut operator = Command::new(product_binary("tokenwright-operator")?)
        .args(arguments)
        .arg("--listen=127.0.0.1:0")
        .env_clear()
        .envs(environment)
        .env("KUBECONFIG", control_plane.kubeconfig(&user, &groups)?)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log)?)
        .kill_on_drop(true)
        .spawn()
        .context("cannot start the operator")?;

    let said = || fs::read_to_string(&log).unwrap_or_default();
    chart::create_all(&client, &company.example(system)?, TEAM_NAMESPACE).await?;
    let team = Team::new(client);
    let held = team.secret_after(None).await.with_context(said)?;
    team.ready().await.with_context(said)?;
    ensure!(sandbox.authenticates(system, &held.value).await?);
    team.delete().await.with_context(said)?;
    let ledger = sandbox.ledger().await?;
    ensure!(ledger.live(SYSTEM).is_empty(), "{ledger:#?}");
    let asked = proxy.asked();
    ensure!(
        !asked.is_empty() && asked.iter().all(|it| it == TARGET),
        "{asked:?}"
    );
    operator.kill().await?;
    Ok(())
}
