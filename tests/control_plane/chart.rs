//! The chart as helm renders it: what runs, what it may do, and what of a network it is told.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokenwright_testbed::chart;
use tokenwright_testbed::programs::OWN_NAMESPACE;

use super::cluster::root;

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
    // The others are for people, and bound to nobody.
    let bound = |role: &&Value| {
        let bindings = documents
            .iter()
            .filter(|d| d["kind"] == "ClusterRoleBinding");
        let mut bound = bindings.map(|binding| &binding["roleRef"]["name"]);
        bound.any(|name| *name == role["metadata"]["name"])
    };
    let roles = documents.iter().filter(|d| d["kind"] == "ClusterRole");
    for rule in roles
        .filter(bound)
        .flat_map(|role| role["rules"].as_array().into_iter().flatten())
    {
        let named = rule["resourceNames"].as_array();
        let named = named.is_some_and(|names| !names.is_empty());
        ensure!(
            named && rule["verbs"] == serde_json::json!(["get"]),
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
    let container = &pod["containers"][0];
    let memory = &container["resources"]["limits"]["memory"];
    let said = |variable: &Value| {
        let source = &variable["valueFrom"]["resourceFieldRef"]["resource"];
        match source == "limits.memory" {
            true => (memory == "128Mi").then(|| (128 * 1024 * 1024).to_string()),
            false => variable["value"].as_str().map(str::to_owned),
        }
    };
    let variables = container["env"].as_array().context("no env")?;
    for (name, value) in chart::ENVIRONMENT {
        let set = variables
            .iter()
            .any(|variable| variable["name"] == name && said(variable).as_deref() == Some(value));
        ensure!(set, "{name} is not what tests and figures are had with");
    }
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
