//! The chart as it is rendered: held against files, so that a change of it is seen in a review, and against
//! what helm itself finds wrong.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::slice;

use serde_json::Value;
use tokenwright_testbed::chart::documents;
use tokenwright_testbed::tools;

use super::packed::{VERSION, holds, root, run};

/// Everything that a value can turn on.
const FULL: &str = "tests/install/golden/full-values.yaml";

/// What helm renders without the definitions of the kinds, which are generated from the types.
fn rendered(values: Option<&Path>, arguments: &[&str]) -> String {
    let mut helm = Command::new(tools::helm().unwrap());
    helm.args(["template", "tokenwright"])
        .arg(root().join("charts/tokenwright"))
        .args(["--namespace", "tokenwright-system"])
        .args(arguments);
    if let Some(values) = values {
        helm.arg("--values").arg(values);
    }
    run(&mut helm)
}

/// Without the lines that say that helm installed it, which would not be true.
fn without_helm(text: &str) -> String {
    let lines = text.lines().filter(|line| {
        let line = line.trim_start();
        !line.starts_with("helm.sh/")
            && !line.starts_with("app.kubernetes.io/managed-by:")
            && !line.starts_with("# Source: ")
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// The values of the file that have no others inside, by their whole names.
fn names(file: &str) -> BTreeSet<String> {
    fn within(value: &Value, name: &str, found: &mut BTreeSet<String>) {
        match value.as_object().filter(|inner| !inner.is_empty()) {
            Some(inner) => inner
                .iter()
                .for_each(|(key, value)| within(value, &format!("{name}.{key}"), found)),
            None => {
                found.insert(name.to_owned());
            }
        }
    }
    let text = fs::read_to_string(root().join(file)).unwrap();
    let mut found = BTreeSet::new();
    within(&documents(&text).unwrap()[0], "", &mut found);
    found
}

#[test]
fn no_value_of_the_chart_is_left_out_where_every_value_is_set() {
    let set = names(FULL);
    let left_out = names("charts/tokenwright/values.yaml");
    // A value that is empty by itself may have others inside.
    let left_out = left_out.iter().filter(|name| {
        let inside = format!("{name}.");
        !set.iter()
            .any(|set| set == *name || set.starts_with(&inside))
    });
    let left_out: Vec<_> = left_out.collect();
    let not = [
        ".caBundle.secret",
        ".crds.enabled",
        ".crds.keep",
        ".nameOverride",
        ".topologySpreadConstraints",
    ];
    assert_eq!(left_out, not);
}

#[test]
fn helm_shows_a_readme_that_names_this_version_and_values_that_there_are() {
    let mut helm = Command::new(tools::helm().unwrap());
    let chart = root().join("charts/tokenwright");
    let shown = run(helm.args(["show", "readme"]).arg(&chart));
    assert!(shown.contains(&format!("tokenwright-{VERSION}.tgz")));
    let about = documents(&fs::read_to_string(chart.join("Chart.yaml")).unwrap()).unwrap();
    let lowest = about[0]["kubeVersion"].as_str().unwrap();
    let lowest = lowest.trim_start_matches(">=").trim_end_matches(".0-0");
    assert!(shown.contains(&format!("Kubernetes {lowest} or newer")));
    let values = names("charts/tokenwright/values.yaml");
    let named = shown.split('`').skip(1).step_by(2);
    let named: Vec<_> = named
        .filter(|span| !span.is_empty() && !span.contains(' '))
        .collect();
    assert!(named.len() >= 4, "{shown}");
    for name in named {
        let (name, inside) = (format!(".{name}"), format!(".{name}."));
        let known = values
            .iter()
            .any(|value| *value == name || value.starts_with(&inside));
        assert!(known, "no value {name}");
    }
    let pages = shown.split("/blob/main/").skip(1);
    for page in pages.filter_map(|rest| rest.split(')').next()) {
        assert!(root().join(page).is_file(), "no page {page}");
    }
}

#[test]
fn the_chart_with_every_value_set_renders_the_committed_objects() {
    let text = rendered(Some(&root().join(FULL)), &["--set", "crds.enabled=false"]);
    holds("tests/install/golden/full.yaml", &text);
}

#[test]
fn the_kustomize_base_is_what_the_chart_renders_by_itself() {
    let operator = rendered(None, &["--set", "crds.enabled=false", "--skip-tests"]);
    holds("deploy/kustomize/operator.yaml", &without_helm(&operator));
    let kinds = rendered(
        None,
        &[
            "--set",
            "crds.keep=false",
            "--show-only",
            "templates/crds.yaml",
        ],
    );
    holds("deploy/kustomize/crds.yaml", &without_helm(&kinds));
}

#[test]
fn kubectl_builds_the_kustomize_base_and_what_is_laid_over_it() {
    let kubectl = |folder: &Path| {
        let mut kubectl = Command::new(tools::kubectl().unwrap());
        run(kubectl.arg("kustomize").arg(folder))
    };
    let base = kubectl(&root().join("deploy/kustomize"));
    assert!(base.contains("kind: CustomResourceDefinition"));
    assert!(!base.contains("helm"), "helm is named in the base");

    // The overlay of the guide, beside a copy of the base: kustomize follows no absolute path.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("kustomize");
    run(Command::new("cp")
        .arg("-r")
        .arg(root().join("deploy/kustomize"))
        .arg(&copy));
    let guide = fs::read_to_string(root().join("docs/guides/kustomize.md")).unwrap();
    let overlay = guide
        .split("```yaml\n# overlay/kustomization.yaml\n")
        .nth(1);
    let overlay = overlay.and_then(|rest| rest.split("```").next()).unwrap();
    let overlay = overlay.replace(
        "https://github.com/tokenwright/tokenwright//deploy/kustomize?ref=v0.1.0",
        "../kustomize",
    );
    fs::create_dir(folder.path().join("overlay")).unwrap();
    fs::write(folder.path().join("overlay/kustomization.yaml"), overlay).unwrap();
    let built = kubectl(&folder.path().join("overlay"));
    assert!(
        built.contains("image: registry.example/tokenwright-operator:0.1.0"),
        "{built}"
    );
    assert!(built.contains("replicas: 2"), "{built}");
}

#[test]
fn helm_finds_nothing_wrong_with_the_chart() {
    for values in [None, Some(root().join(FULL))] {
        let mut helm = Command::new(tools::helm().unwrap());
        helm.args(["lint", "--strict"])
            .arg(root().join("charts/tokenwright"));
        if let Some(values) = values {
            helm.arg("--values").arg(values);
        }
        run(&mut helm);
    }
}

/// What helm says to this value, where it refuses it.
fn refused(value: &str) -> Option<String> {
    let mut helm = Command::new(tools::helm().unwrap());
    helm.args(["template", "tokenwright"])
        .arg(root().join("charts/tokenwright"))
        .args(["--set", value]);
    let answered = helm.output().unwrap();
    let told = String::from_utf8(answered.stderr).unwrap();
    (!answered.status.success()).then_some(told)
}

#[test]
fn a_value_that_could_not_be_installed_is_refused_by_its_name() {
    for (value, at) in [
        ("replica=2", "'replica'"),
        ("replicas=0", "/replicas"),
        ("image.repository=ghcr.io/a b", "/image/repository"),
        ("image.tag=a b", "/image/tag"),
        ("nameOverride=Foo_Bar", "/nameOverride"),
        ("fullnameOverride=-x", "/fullnameOverride"),
        ("serviceAccount.name=Foo Bar", "/serviceAccount/name"),
        ("serviceAccount.create=false", "/serviceAccount/name"),
        ("caBundle.configMap=A_B", "/caBundle/configMap"),
        ("caBundle.secret=A_B", "/caBundle/secret"),
        ("watchNamespaces={Team_A}", "/watchNamespaces/0"),
        ("watchNamespaces={a,a}", "/watchNamespaces"),
        ("allowHosts={https://a.example}", "/allowHosts/0"),
        ("allowHosts={a b}", "/allowHosts/0"),
        ("health.port=80", "/health/port"),
        ("metrics.port=80", "/metrics/port"),
        ("proxy.https=socks5://proxy:1080", "/proxy/https"),
        ("traces.endpoint=collector:4318", "/traces/endpoint"),
        (
            "podDisruptionBudget.maxUnavailable=0",
            "/podDisruptionBudget/maxUnavailable",
        ),
        (
            "refuseSecrets.metadata={example.com}",
            "/refuseSecrets/metadata/0",
        ),
    ] {
        let told = refused(value).unwrap_or_else(|| panic!("{value} was taken"));
        assert!(told.contains(at), "{value}: {told}");
    }
    for value in [
        "image.tag=0.1.0@sha256:00",
        "nameOverride=tw",
        "caBundle.secret=a.b",
    ] {
        assert_eq!(refused(value), None, "{value}");
    }
}

/// The objects of one kind, where this is set.
fn objects(kind: &str, set: &str) -> Vec<Value> {
    let mut objects = documents(&rendered(None, &["--set", set])).unwrap();
    objects.retain(|object| object["kind"] == kind);
    objects
}

#[test]
fn a_network_policy_opens_the_ports_that_other_values_name() {
    for (set, opened) in [
        ("proxy.https=http://proxy.example.com:3128", 3128),
        ("proxy.https=http://user:word@proxy.example.com", 80),
        ("traces.endpoint=http://[fd00::1]:4318/otlp", 4318),
        ("allowHosts={tokens.example.com:8443}", 8443),
    ] {
        let set = format!("networkPolicy.enabled=true,{set}");
        let policies = objects("NetworkPolicy", &set);
        let ports = policies[0]["spec"]["egress"][1]["ports"]
            .as_array()
            .unwrap();
        let ports: Vec<_> = ports
            .iter()
            .filter_map(|port| port["port"].as_u64())
            .collect();
        assert_eq!(ports, [443, 6443, opened], "{set}");
    }
    for set in [
        "proxy.https=https://[fd00::3128]",
        "traces.endpoint=https://collector.example.com:443",
        "allowHosts={tokens.example.com}",
    ] {
        let set = format!("networkPolicy.enabled=true,{set}");
        let policies = objects("NetworkPolicy", &set);
        let ports = policies[0]["spec"]["egress"][1]["ports"]
            .as_array()
            .unwrap();
        assert_eq!(ports.len(), 2, "{set}: {ports:?}");
    }
}

#[test]
fn only_whom_a_network_policy_names_reads_the_metrics_and_everybody_asks_for_the_health() {
    let opened = |set: &str| {
        let set = format!("networkPolicy.enabled=true,{set}");
        let policies = objects("NetworkPolicy", &set);
        let rules = policies[0]["spec"]["ingress"].as_array().unwrap();
        let rules = rules.iter().map(|rule| {
            let from = rule["from"][0]["namespaceSelector"]["matchLabels"]["name"].as_str();
            let port = rule["ports"][0]["port"].as_str().unwrap();
            assert_eq!(rule["ports"].as_array().unwrap().len(), 1, "{rule}");
            (from.map(str::to_owned), port.to_owned())
        });
        rules.collect::<Vec<_>>()
    };
    let health = (None, "health".to_owned());
    assert_eq!(opened("replicas=1"), slice::from_ref(&health));
    let named = "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.name=monitoring";
    let read = (Some("monitoring".to_owned()), "metrics".to_owned());
    assert_eq!(opened(named), [health.clone(), read]);
    // One port for both: it is open already, and no other is there.
    let both = format!("{named},metrics.port=8080");
    assert_eq!(opened(&both), [health]);
    let set = "metrics.port=8080,metrics.service=true";
    let container =
        objects("Deployment", set)[0]["spec"]["template"]["spec"]["containers"][0].clone();
    assert_eq!(container["ports"].as_array().unwrap().len(), 1);
    assert!(
        !container["args"]
            .to_string()
            .contains("--metrics-bind-address")
    );
    let port = objects("Service", set)[0]["spec"]["ports"][0].clone();
    assert_eq!(
        (&port["port"], &port["targetPort"]),
        (&8080.into(), &"health".into())
    );
}

#[test]
fn a_cluster_may_choose_the_user_of_each_pod() {
    for kind in ["Deployment", "Pod"] {
        let objects = objects(kind, "replicas=1");
        assert_eq!(objects.len(), 1, "{kind}");
        // OpenShift gives each namespace users of its own, and refuses a pod that names another one.
        let named = objects[0].to_string();
        assert!(named.contains(r#""runAsNonRoot":true"#), "{named}");
        for word in ["runAsUser", "runAsGroup", "fsGroup"] {
            assert!(!named.contains(word), "{kind}: {word}");
        }
    }
}

#[test]
fn the_service_has_a_name_that_kubernetes_takes_whatever_a_release_is_called() {
    let chart = root().join("charts/tokenwright");
    for release in ["x".repeat(53).as_str(), "team-a.prod", "1st", "tokenwright"] {
        let mut helm = Command::new(tools::helm().unwrap());
        helm.args(["template", release]).arg(&chart);
        let shown = run(helm.args(["--set", "metrics.service=true"]));
        let objects = documents(&shown).unwrap();
        let services: Vec<_> = objects.iter().filter(|o| o["kind"] == "Service").collect();
        assert_eq!(services.len(), 1, "{release}");
        let name = services[0]["metadata"]["name"].as_str().unwrap();
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(name.len() <= 63 && name.chars().all(word), "{name}");
        assert!(name.starts_with(|c: char| c.is_ascii_lowercase()), "{name}");
        assert!(name.ends_with("-metrics"), "{name}");
    }
}

/// A chart that depends on this one switches it on and off by the word that such charts use.
#[test]
fn another_chart_depends_on_the_chart_by_a_condition() {
    let folder = tempfile::tempdir().unwrap();
    let umbrella = folder.path();
    fs::create_dir(umbrella.join("charts")).unwrap();
    let chart = root().join("charts/tokenwright");
    run(Command::new("cp")
        .arg("-r")
        .arg(chart)
        .arg(umbrella.join("charts/tokenwright")));
    let described = "apiVersion: v2\nname: platform\nversion: 1.0.0\ndependencies:\n  - name: tokenwright\n    version: \">=0.0.0\"\n    condition: tokenwright.enabled\n";
    fs::write(umbrella.join("Chart.yaml"), described).unwrap();
    for (enabled, there) in [("true", true), ("false", false)] {
        let mut helm = Command::new(tools::helm().unwrap());
        helm.args(["template", "platform"]).arg(umbrella);
        helm.arg(format!("--set=tokenwright.enabled={enabled}"));
        let text = run(&mut helm);
        assert_eq!(text.contains("kind: Deployment"), there, "{text}");
    }
}
