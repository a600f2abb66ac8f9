//! Alerts and dashboard, as Prometheus itself reads them.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tokenwright_client::ErrorKind;
use tokenwright_testbed::tools;

use super::packed::{root, run};

fn promtool(arguments: &[&str], file: &Path) -> String {
    let mut promtool = Command::new(tools::promtool().unwrap());
    promtool.args(arguments).arg(file);
    run(&mut promtool)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

#[test]
fn each_alert_is_raised_by_what_it_is_about_and_by_nothing_close_to_it() {
    promtool(
        &["test", "rules"],
        &root().join("tests/install/alerts.yaml"),
    );
    let tried = text("tests/install/alerts.yaml");
    let alerts = text("charts/tokenwright/files/metrics/alerts.yaml");
    let names = alerts
        .lines()
        .filter_map(|line| line.split_once("- alert: "));
    for (_, name) in names {
        let raised = format!("alertname: {name}\n        exp_alerts:");
        assert!(tried.contains(&raised), "nothing raises {name}");
    }
}

/// Every text under a key, wherever it is.
fn under<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match value.as_str() {
                    Some(text) if name == key => found.push(text),
                    _ => under(value, key, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|value| under(value, key, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn alerts_are_tried_with_series_as_the_operator_says_them() {
    // The one is written by the program, the other is what it said in a run.
    let page = text("docs/metrics.md");
    let run = text("tests/install/dashboard-run.json").replace("\\\"", "\"");
    let tried: Value = serde_saphyr::from_str(&text("tests/install/alerts.yaml")).unwrap();
    let mut all = Vec::new();
    under(&tried, "series", &mut all);
    assert!(all.len() >= 20, "{all:?}");
    for series in all {
        let (name, labels) = series.trim_end_matches('}').split_once('{').unwrap();
        let row = format!("| `{name}` |");
        let row = page.lines().find(|line| line.starts_with(&row)).unwrap();
        for label in labels.split(", ") {
            let (label, value) = label.split_once("=\"").unwrap();
            let value = value.trim_end_matches('"');
            // A scraper that keeps its own label gives ours this name.
            let label = label.trim_start_matches("exported_");
            match label {
                // Prometheus' own.
                "pod" => continue,
                "issuer" => {
                    let named = value
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || "-/".contains(c));
                    assert!(named && value.matches('/').count() <= 1, "{series}");
                }
                "operation" | "class" => {
                    let said = format!("{label}=\"{value}\"");
                    assert!(run.contains(&said), "no operator says {said}");
                }
                "kind" if name == "tokenwright_issuer_requests_total" => {
                    let mut all = ErrorKind::ALL.iter().map(|kind| kind.name());
                    let known = value == "Ok" || all.any(|kind| kind == value);
                    assert!(known, "no request ends with {value}");
                }
                "kind" => {
                    let kinds = ["ApiToken", "TokenIssuer", "ClusterTokenIssuer", "Secret"];
                    assert!(kinds.contains(&value), "{series}");
                }
                "namespace" | "name" => {}
                // One whose words are not known yet: hold it against what says them.
                _ => panic!("{series}: {label}"),
            }
            assert!(row.contains(&format!("`{label}`")), "{series}: {row}");
        }
    }
}

#[test]
fn each_question_of_the_dashboard_is_one_that_prometheus_understands() {
    let dashboard = text("charts/tokenwright/files/metrics/dashboard.json");
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let mut questions = Vec::new();
    under(&dashboard, "expr", &mut questions);
    assert!(questions.len() >= 10, "{questions:?}");
    let rules = questions.iter().enumerate();
    let rules: Vec<Value> = rules
        .map(|(n, question)| json!({ "record": format!("question:{n}"), "expr": question }))
        .collect();
    let rules = json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    std::fs::write(file.path(), rules.to_string()).unwrap();
    promtool(&["check", "rules"], file.path());
}
