//! What a client asks before it knows any resource: health, version, groups and resources, and
//! whether it is allowed (it always is). Just enough for kubectl's mapping of words to paths;
//! there is no OpenAPI document, so kubectl needs `--validate=false`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::call::{Call, Verb};
use super::kinds::Kind;
use super::refusal::Outcome;

/// The Kubernetes version whose behaviour the conformance suite was compared with.
const VERSION: (&str, &str, &str) = ("v1.37.2", "1", "37");

pub(super) fn answer(path: &str, kinds: &[Kind]) -> Option<Value> {
    let path = path.trim_matches('/');
    let segments: Vec<&str> = path.split('/').collect();
    Some(match segments.as_slice() {
        ["healthz" | "readyz" | "livez"] => json!("ok"),
        ["version"] => {
            let (version, major, minor) = VERSION;
            json!({ "major": major, "minor": minor, "gitVersion": version, "gitCommit": "",
                "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "",
                "platform": "memory" })
        }
        ["api"] => json!({ "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [] }),
        ["apis"] => json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups(kinds) }),
        ["apis", group] => groups(kinds)
            .into_iter()
            .find(|found| found["name"] == *group)?,
        ["api", version] => resources(kinds, "", version)?,
        ["apis", group, version] => resources(kinds, group, version)?,
        _ => return None,
    })
}

fn groups(kinds: &[Kind]) -> Vec<Value> {
    let names: BTreeSet<&str> = kinds.iter().map(|kind| kind.group.as_str()).collect();
    names
        .into_iter()
        .filter(|group| !group.is_empty())
        .map(|group| {
            let versions: Vec<Value> = kinds
                .iter()
                .filter(|kind| kind.group == group)
                .flat_map(|kind| &kind.versions)
                .collect::<BTreeSet<_>>()
                .into_iter()
                .map(|version| {
                    json!({ "groupVersion": format!("{group}/{version}"), "version": version })
                })
                .collect();
            json!({ "kind": "APIGroup", "apiVersion": "v1", "name": group,
                "preferredVersion": versions.first(), "versions": versions })
        })
        .collect()
}

fn resources(kinds: &[Kind], group: &str, version: &str) -> Option<Value> {
    let served = kinds
        .iter()
        .filter(|kind| kind.group == group && kind.versions.iter().any(|v| v == version));
    let mut resources = Vec::new();
    for kind in served {
        let mut verbs = vec!["create", "delete", "deletecollection", "get"];
        verbs.extend(["list", "patch", "update", "watch"]);
        resources.push(json!({ "name": kind.plural, "singularName": kind.singular,
            "namespaced": kind.namespaced, "kind": kind.kind,
            "shortNames": kind.short_names, "verbs": verbs }));
        if kind.status {
            resources.push(
                json!({ "name": format!("{}/status", kind.plural), "singularName": "",
                "namespaced": kind.namespaced, "kind": kind.kind,
                "verbs": ["get", "patch", "update"] }),
            );
        }
    }
    let group_version = match group {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    };
    (!resources.is_empty()).then(|| {
        json!({ "kind": "APIResourceList", "apiVersion": "v1",
            "groupVersion": group_version, "resources": resources })
    })
}

/// A question whether something is allowed. There is no authorisation here, so it is.
pub(super) fn review(call: &Call) -> Outcome<Option<Value>> {
    let asked = call.verb == Verb::Create
        && call.group == "authorization.k8s.io"
        && call.plural == "selfsubjectaccessreviews";
    if !asked {
        return Ok(None);
    }
    let mut review = call.json()?;
    review["status"] = json!({ "allowed": true });
    Ok(Some(review))
}
