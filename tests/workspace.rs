//! What holds over the workspace: who may know whom, read from cargo, and that the guides are complete.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy tells test functions from others, but not what they share"
)]

#[path = "workspace/book.rs"]
mod book;
#[path = "workspace/guides.rs"]
mod guides;
#[path = "workspace/kinds.rs"]
mod kinds;
#[path = "workspace/links.rs"]
mod links;
#[path = "workspace/modules.rs"]
mod modules;
#[path = "workspace/names.rs"]
mod names;
#[path = "workspace/reasons.rs"]
mod reasons;

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Each crate, and the crates of this workspace that its product code may depend on.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("tokenwright-core", &[]),
    ("tokenwright-client", &["tokenwright-core"]),
    ("tfplugin", &[]),
    (
        "terraform-provider-tokenwright",
        &["tfplugin", "tokenwright-client", "tokenwright-core"],
    ),
    ("tokenwright-api", &["tokenwright-core"]),
    (
        "tokenwright-operator",
        &["tokenwright-api", "tokenwright-client", "tokenwright-core"],
    ),
    // It must not share the client's misreadings of the vendors' APIs.
    ("tokenwright-sandbox", &[]),
    (
        "tokenwright",
        &["tokenwright-api", "tokenwright-client", "tokenwright-core"],
    ),
];

/// Crates that are no product: they test and develop it.
const AROUND: &[&str] = &["tokenwright-testbed", "tokenwright-tests", "xtask"];

/// Libraries that would break a promise of the crate that named them.
const MUST_NOT_NAME: &[(&str, &[&str])] = &[
    // No async, no HTTP, no clock, no logging.
    (
        "tokenwright-core",
        &[
            "tokio",
            "futures",
            "async-trait",
            "reqwest",
            "hyper",
            "http",
            "tracing",
            "log",
            "kube",
        ],
    ),
    // No Kubernetes, no Terraform.
    (
        "tokenwright-client",
        &["kube", "k8s-openapi", "tonic", "prost", "tfplugin"],
    ),
    // The types of the CRDs for other programs: no client of any API.
    ("tokenwright-api", &["tokio", "reqwest", "tonic"]),
    ("terraform-provider-tokenwright", &["kube", "k8s-openapi"]),
    ("tokenwright-operator", &["tonic", "prost"]),
];

fn workspace() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap()
}

/// What each crate of the workspace names as a dependency, its tests' own apart.
fn named() -> BTreeMap<String, Vec<String>> {
    let metadata = workspace();
    let packages = metadata.workspace_packages().into_iter();
    packages
        .map(|package| {
            let named = package.dependencies.iter();
            let named = named
                .filter(|dependency| dependency.kind != DependencyKind::Development)
                .map(|dependency| dependency.name.clone());
            (package.name.to_string(), named.collect())
        })
        .collect()
}

#[test]
fn every_crate_of_the_workspace_has_its_place() {
    let mut expected: Vec<&str> = MAY_KNOW.iter().map(|(name, _)| *name).collect();
    expected.extend(AROUND);
    expected.sort_unstable();
    let found: Vec<String> = named().into_keys().collect();
    assert_eq!(
        found, expected,
        "a new crate is added to this test with what it may know"
    );
}

#[test]
fn crates_know_only_those_that_the_design_lets_them_know() {
    let named = named();
    for (name, allowed) in MAY_KNOW {
        for dependency in &named[*name] {
            let ours = named.contains_key(dependency);
            assert!(
                !ours || allowed.contains(&dependency.as_str()),
                "{name} must not know {dependency}"
            );
        }
    }
}

#[test]
fn crates_name_no_library_that_would_break_their_promise() {
    let named = named();
    for (name, forbidden) in MUST_NOT_NAME {
        for dependency in &named[*name] {
            assert!(
                !forbidden.contains(&dependency.as_str()),
                "{name} must not depend on {dependency}"
            );
        }
    }
}
