//! What is generated from this program, or held against it: definitions in the chart, metrics in dashboard,
//! alerts and reference, and the page about rights.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once")]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use tokenwright_operator::crds::{definitions, manifests};
use tokenwright_operator::metrics::{ALL, Metric, Sort};
use tokenwright_operator::rights::{
    NEEDED, NEEDED_AT_HOME, NEEDED_OF_CLUSTER, NEEDED_OF_ONE, Right,
};
use tokenwright_operator::traces::SPANS;

#[test]
fn the_chart_holds_the_definitions_of_this_version() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/tokenwright/files/crds");
    let manifests = manifests().unwrap();
    if std::env::var_os("TOKENWRIGHT_UPDATE").is_some() {
        for manifest in &manifests {
            std::fs::write(folder.join(&manifest.file), &manifest.yaml).unwrap();
        }
    }
    let mut found: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let mut wanted: Vec<_> = manifests
        .iter()
        .map(|manifest| manifest.file.clone())
        .collect();
    wanted.sort();
    assert_eq!(found, wanted);
    for manifest in manifests {
        let chart = std::fs::read_to_string(folder.join(&manifest.file)).unwrap();
        assert_eq!(
            chart, manifest.yaml,
            "{} is stale: run this test with TOKENWRIGHT_UPDATE=1",
            manifest.file
        );
    }
}

/// Where inside of lists a default stands. Whoever applies on the client, and Argo CD, compares a list as a
/// whole: what the API server adds to an entry is a difference that never goes.
fn within_lists(schema: &Value, path: &str, in_list: bool, found: &mut Vec<String>) {
    if in_list && schema.get("default").is_some() {
        found.push(path.to_owned());
    }
    let properties = schema["properties"].as_object().into_iter().flatten();
    for (name, property) in properties {
        within_lists(property, &format!("{path}.{name}"), in_list, found);
    }
    for inner in ["items", "additionalProperties"] {
        let in_list = in_list || inner == "items";
        if let Some(schema) = schema.get(inner) {
            within_lists(schema, &format!("{path}[]"), in_list, found);
        }
    }
}

#[test]
fn no_default_is_added_to_an_entry_of_a_list() {
    for manifest in manifests().unwrap() {
        let kind: Value = serde_saphyr::from_str(&manifest.yaml).unwrap();
        let schema = &kind["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let spec = &schema["properties"]["spec"];
        assert!(spec["properties"].is_object(), "{}", manifest.file);
        let mut found = Vec::new();
        within_lists(spec, "spec", false, &mut found);
        assert!(found.is_empty(), "{}: {found:?}", manifest.file);
    }
}

/// Whoever applies on the client has the whole definition in an annotation, and annotations together have
/// 256 KiB. Half of that is for what is to come.
#[test]
fn each_definition_can_be_applied_on_the_client() {
    const MOST: usize = 256 * 1024 / 2;
    for definition in definitions().unwrap() {
        let size = serde_json::to_string(&definition).unwrap().len();
        let name = &definition.spec.names.plural;
        assert!(size < MOST, "{name}: {size} bytes");
    }
}

/// What the chart brings for a monitoring system.
fn of_chart(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/tokenwright/files/metrics");
    std::fs::read_to_string(path.join(file)).unwrap()
}

/// Every word of a text that begins as our metrics do.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit()));
    let ours = words.filter(|word| word.starts_with("tokenwright_"));
    ours.map(ToOwned::to_owned).collect()
}

/// The metric that a name is of.
fn metric(name: &str) -> Option<&'static Metric> {
    let ends = ["_bucket", "_sum", "_count"];
    let of = |metric: &&Metric| match metric.sort {
        Sort::Counter | Sort::Gauge => metric.name == name,
        Sort::Histogram => ends
            .iter()
            .any(|end| name.strip_suffix(end) == Some(metric.name)),
    };
    ALL.iter().find(of)
}

/// Every label that a text groups by, compares or shows.
fn labels(text: &str) -> BTreeSet<String> {
    let after = |text: &str, open: &str, close: &str| -> Vec<String> {
        let parts = text.split(open).skip(1);
        parts
            .filter_map(|part| Some(part.split_once(close)?.0.to_owned()))
            .collect()
    };
    let mut found = Vec::new();
    for (open, close) in [(" by (", ")"), (" on (", ")")] {
        for list in after(text, open, close) {
            found.extend(list.split(", ").map(ToOwned::to_owned));
        }
    }
    for shown in after(text, "{{", "}}") {
        let words = shown.split_whitespace().filter(|word| *word != "or");
        found.extend(words.map(|word| word.trim_start_matches("$labels.").to_owned()));
    }
    found
        .into_iter()
        // A scraper that keeps its own label gives ours this name.
        .map(|label| label.trim_start_matches("exported_").to_owned())
        .filter(|label| !["le", "$value"].contains(&label.as_str()))
        .collect()
}

#[test]
fn dashboard_and_alerts_use_the_metrics_and_labels_that_there_are() {
    let (alerts, dashboard) = (of_chart("alerts.yaml"), of_chart("dashboard.json"));
    let known: BTreeSet<&str> = ALL.iter().flat_map(|m| m.labels).copied().collect();
    for text in [&alerts, &dashboard] {
        for name in named(text) {
            assert!(metric(&name).is_some(), "there is no metric {name}");
        }
        for label in labels(text) {
            assert!(
                known.contains(label.as_str()),
                "no metric has the label {label}"
            );
        }
    }
    let shown: BTreeSet<_> = named(&dashboard)
        .iter()
        .filter_map(|n| metric(n))
        .map(|m| m.name)
        .collect();
    for metric in ALL {
        assert!(
            shown.contains(metric.name),
            "the dashboard does not show {}",
            metric.name
        );
    }
    // Both are read by other programs.
    serde_json::from_str::<serde_json::Value>(&dashboard).unwrap();
    let rules: serde_json::Value = serde_saphyr::from_str(&alerts).unwrap();
    for rule in rules["groups"][0]["rules"].as_array().unwrap() {
        assert!(
            rule["alert"].is_string() && rule["annotations"]["summary"].is_string(),
            "{rule}"
        );
    }
}

#[test]
fn the_reference_of_metrics_is_that_of_the_program() {
    let mut page = String::from(
        "# Metrics\n\nThe operator serves these at `/metrics`, beside its health endpoint or, with `--metrics-bind-address`, at an address of their own.\nNames, labels and meanings are API.\nThe label `issuer` is the namespace and name of a TokenIssuer, `team-a/scaleway`, or the name alone of a ClusterTokenIssuer, `scaleway`; texts of alerts and traces say the same.\nThis page is written by `cargo xtask generate`.\n\n| metric | sort | labels | meaning |\n|---|---|---|---|\n",
    );
    for metric in ALL {
        let labels: Vec<_> = metric
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        page.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            metric.name,
            format!("{:?}", metric.sort).to_lowercase(),
            labels.join(", "),
            metric.meaning
        ));
    }
    page.push_str("\n## Traces\n\nWhere `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector, these spans are exported as OTLP over HTTP, and nothing else is.\nOpenTelemetry's other variables are read, too.\nNames and attributes are API.\n\n| span | attributes | meaning |\n|---|---|---|\n");
    for span in SPANS {
        let attributes: Vec<_> = span
            .attributes
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        let attributes = attributes.join(", ");
        page.push_str(&format!(
            "| `{}` | {attributes} | {} |\n",
            span.name, span.meaning
        ));
    }
    is_the_page("docs/metrics.md", &page);
}

/// Holds a page against what is committed of it, or writes it.
fn is_the_page(path: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path);
    if std::env::var_os("TOKENWRIGHT_UPDATE").is_some() {
        std::fs::write(&path, page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(committed, page, "run cargo xtask generate");
}

fn row(right: &Right, of: &str) -> String {
    let group = match right.group {
        "" => "",
        group => &format!("`{group}`"),
    };
    format!(
        "| `{}` | {group} | `{}` | {of} | {} |\n",
        right.verb, right.resource, right.without
    )
}

#[test]
fn the_page_about_rights_is_that_of_the_program() {
    let head = "\n\n| verb | group | resource | of which | without it |\n|---|---|---|---|---|\n";
    let of_all = |rights: &[Right]| rights.iter().map(|right| row(right, "all")).collect();
    let of_one = |rights: &[(Right, &str)]| {
        let rows = rights.iter().map(|(right, of)| row(right, of));
        rows.collect::<String>()
    };
    let tables: [(&str, String); 4] = [
        (
            "## In each namespace that it serves\n\nIn a ClusterRole where it serves all, else in a Role of each namespace of `watchNamespaces`.",
            of_all(NEEDED),
        ),
        (
            "## Where it serves all namespaces\n\nIn the same ClusterRole; with `watchNamespaces` it has none of these, and serves no ClusterTokenIssuer.",
            of_all(NEEDED_OF_CLUSTER),
        ),
        (
            "## Of single objects of the cluster\n\nIn a ClusterRole, whatever it serves.",
            of_one(NEEDED_OF_ONE),
        ),
        (
            "## In its own namespace\n\nIn a Role there.",
            of_one(NEEDED_AT_HOME),
        ),
    ];
    let mut page = String::from(
        "# What the operator may do\n\nThe chart gives the operator these rights and no others, and it uses each of them.\nAt its start, and every five minutes while one is missing, it says which of the first two tables it lacks, in its log and at `/readyz`; one of the others is named there whenever it is refused.\nThis page is written by `cargo xtask generate`.\n",
    );
    for (heading, rows) in tables {
        page.push_str(&format!("\n{heading}{head}{rows}"));
    }
    is_the_page("docs/reference/rights.md", &page);
}
