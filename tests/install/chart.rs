//! The chart as it is rendered: held against files, so that a change of it is seen in a review, and against
//! what helm itself finds wrong.

use std::fs;
use std::path::Path;
use std::process::Command;

use tokenwright_testbed::tools;

use super::packed::{holds, root, run};

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

    // The overlay of docs/install.md, beside a copy of the base: kustomize follows no absolute path.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("kustomize");
    run(Command::new("cp")
        .arg("-r")
        .arg(root().join("deploy/kustomize"))
        .arg(&copy));
    let guide = fs::read_to_string(root().join("docs/install.md")).unwrap();
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
