//! What Argo CD asks about our kinds, answered by our scripts in the Lua that Argo CD has inside.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tokenwright_testbed::tools;

use super::packed::{holds, root, run};

const HEALTH: &str = "deploy/argocd/health.lua";
const DISCOVERY: &str = "deploy/argocd/ApiToken/actions/discovery.lua";
const ROTATE: &str = "deploy/argocd/ApiToken/actions/rotate/action.lua";

/// The kinds that have a health.
const KINDS: [&str; 4] = [
    "ApiToken",
    "TokenIssuer",
    "ClusterTokenIssuer",
    "TokenProfile",
];

/// A value as Lua writes it.
fn lua(value: &Value) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| format!("[{key:?}] = {}", lua(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(lua).collect();
            format!("{{ {} }}", items.join(", "))
        }
        plain => plain.to_string(),
    }
}

/// What a script returns for an object.
#[track_caller]
fn asked(script: &str, object: &Value) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("object.lua");
    fs::write(&file, format!("return {}", lua(object))).unwrap();
    let mut glua = Command::new(tools::gopher_lua().unwrap());
    let said = run(glua
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("install/argocd.lua"))
        .arg(root().join(script))
        .arg(file));
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{said}: {error}"))
}

fn token(conditions: Value) -> Value {
    json!({
        "metadata": { "name": "ci", "generation": 2 },
        "spec": { "token": { "name": "ci" } },
        "status": { "observedGeneration": 2, "conditions": conditions },
    })
}

fn condition(kind: &str, is: bool, message: &str) -> Value {
    let status = if is { "True" } else { "False" };
    json!({ "type": kind, "status": status, "message": message, "observedGeneration": 2 })
}

/// The three that every object has.
fn conditions(ready: bool, reconciling: bool, stalled: bool) -> Vec<Value> {
    vec![
        condition("Ready", ready, "of Ready"),
        condition("Reconciling", reconciling, ""),
        condition("Stalled", stalled, if stalled { "of Stalled" } else { "" }),
    ]
}

#[test]
fn argo_cd_sees_the_health_that_the_conditions_tell() {
    let with = |more: Value| {
        let mut all = conditions(true, false, false);
        all.push(more);
        json!(all)
    };
    let wished = |reason: &str, reconciling: bool| {
        let mut all = conditions(false, reconciling, false);
        all[0]["reason"] = json!(reason);
        json!(all)
    };
    let mut earlier = conditions(true, false, false);
    for condition in &mut earlier {
        condition["observedGeneration"] = json!(1);
    }
    let cases = [
        (json!(conditions(true, false, false)), "Healthy", "of Ready"),
        // A rotation that is under way, or cannot be had yet, while the former token works.
        (json!(conditions(true, true, false)), "Healthy", "of Ready"),
        (
            json!(conditions(false, true, false)),
            "Progressing",
            "of Ready",
        ),
        (
            json!(conditions(false, false, true)),
            "Degraded",
            "of Stalled",
        ),
        (
            json!(conditions(true, false, true)),
            "Degraded",
            "of Stalled",
        ),
        (
            json!(conditions(false, false, false)),
            "Degraded",
            "of Ready",
        ),
        (
            with(condition("ExpiresSoon", true, "make another")),
            "Healthy",
            "make another",
        ),
        (
            with(condition("RevokeFailed", false, "none")),
            "Healthy",
            "of Ready",
        ),
        (wished("Disabled", false), "Suspended", "of Ready"),
        (wished("Suspended", false), "Suspended", "of Ready"),
        // While something is still done, and where a person has to do something, that counts.
        (wished("Disabled", true), "Progressing", "of Ready"),
        (wished("DisabledOutside", false), "Degraded", "of Ready"),
        (json!(earlier), "Progressing", "not said anything"),
        (json!([]), "Progressing", "not said anything"),
    ];
    for (conditions, status, message) in cases {
        let health = asked(HEALTH, &token(conditions.clone()));
        let said = health["message"].as_str().unwrap();
        assert!(
            health["status"] == status && said.contains(message),
            "{conditions}: {health}"
        );
    }
    let without_status = json!({ "metadata": { "generation": 1 }, "spec": {} });
    assert_eq!(asked(HEALTH, &without_status)["status"], "Progressing");

    let mut deleted = token(json!(conditions(true, false, false)));
    deleted["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(asked(HEALTH, &deleted)["status"], "Progressing");
}

#[test]
fn argo_cd_offers_a_rotation_where_one_is_possible() {
    let mut minted = token(json!([]));
    assert_eq!(
        asked(DISCOVERY, &minted),
        json!({ "rotate": { "disabled": false } })
    );
    minted["spec"]["suspend"] = json!(true);
    assert_eq!(
        asked(DISCOVERY, &minted),
        json!({ "rotate": { "disabled": true } })
    );
    let adopted = json!({ "metadata": {}, "spec": { "adopt": {} } });
    assert_eq!(asked(DISCOVERY, &adopted), json!({}));
}

#[test]
fn the_action_of_argo_cd_sets_the_annotation_that_rotates_and_nothing_else() {
    let object = token(json!(conditions(true, false, false)));
    let mut rotated = asked(ROTATE, &object);
    let annotations = rotated["metadata"]["annotations"].take();
    let instant = annotations["tokenwright.dev/rotate"].as_str().unwrap();
    instant.parse::<jiff::Timestamp>().unwrap();
    rotated["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("annotations");
    assert_eq!(rotated, object);

    let mut annotated = object;
    annotated["metadata"]["annotations"] = json!({ "theirs": "x" });
    let annotations = &asked(ROTATE, &annotated)["metadata"]["annotations"];
    assert_eq!(annotations["theirs"], "x");
    assert!(annotations["tokenwright.dev/rotate"].is_string());
}

/// Text as the content of a block in YAML.
fn indented(text: &str, by: usize) -> String {
    let lines = text.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("{:by$}{line}\n", ""),
    });
    lines.collect()
}

#[test]
fn the_config_map_for_argo_cd_holds_the_scripts_that_are_tested() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let mut text = "# What Argo CD is to know of our kinds: patch its ConfigMap with this.\n\
                    # Made of the scripts beside it by `cargo xtask generate`.\n\
                    apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-cm\n  namespace: argocd\ndata:\n"
        .to_owned();
    for kind in KINDS {
        let _ = writeln!(
            text,
            "  resource.customizations.health.tokenwright.dev_{kind}: |"
        );
        text.push_str(&indented(&read(HEALTH), 4));
    }
    text.push_str(
        "  resource.customizations.actions.tokenwright.dev_ApiToken: |\n    discovery.lua: |\n",
    );
    text.push_str(&indented(&read(DISCOVERY), 6));
    text.push_str("    definitions:\n      - name: rotate\n        action.lua: |\n");
    text.push_str(&indented(&read(ROTATE), 10));
    holds("deploy/argocd/argocd-cm.yaml", &text);

    // Read back as Argo CD reads it, a YAML text inside a YAML text.
    let documents = tokenwright_testbed::chart::documents(&text).unwrap();
    let actions = &documents[0]["data"]["resource.customizations.actions.tokenwright.dev_ApiToken"];
    let actions = tokenwright_testbed::chart::documents(actions.as_str().unwrap()).unwrap();
    assert_eq!(actions[0]["discovery.lua"], read(DISCOVERY));
    assert_eq!(actions[0]["definitions"][0]["action.lua"], read(ROTATE));
}
