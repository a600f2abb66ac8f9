//! Which resources the server knows: the built-in ones, and those it learns from
//! CustomResourceDefinitions. It reads names, scope, versions, the status subresource with its default,
//! and the selectable fields of a definition; schemas, pruning, other defaults and CEL are left to a
//! real server.

use serde_json::Value;

/// One resource: what a path segment such as `secrets` stands for.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    pub(super) group: String,
    pub(super) versions: Vec<String>,
    pub(super) kind: String,
    pub(super) plural: String,
    pub(super) singular: String,
    pub(super) short_names: Vec<String>,
    pub(super) namespaced: bool,
    pub(super) status: bool,
    /// The status of an object that has none.
    pub(super) unseen: Option<Value>,
    pub(super) custom: bool,
    /// Whether the server counts `metadata.generation`.
    pub(super) generation: bool,
    /// Whether an update may leave the resourceVersion out.
    pub(super) unconditional: bool,
    /// Whether an update of an absent object creates it.
    pub(super) created_by_update: bool,
    /// Paths that a field selector may name, beside the name and the namespace.
    pub(super) selectable: Vec<String>,
}

impl Kind {
    /// The name by which objects, pins and messages refer to the resource: `secrets`,
    /// `apitokens.tokenwright.dev`.
    pub(super) fn id(&self) -> String {
        id(&self.group, &self.plural)
    }

    pub(super) fn api_version(&self, version: &str) -> String {
        match self.group.as_str() {
            "" => version.to_owned(),
            group => format!("{group}/{version}"),
        }
    }

    /// Gives an object the status that one without a status has.
    pub(super) fn complete(&self, object: &mut Value) {
        if let Some(unseen) = &self.unseen
            && let Some(fields) = object.as_object_mut()
        {
            fields.entry("status").or_insert_with(|| unseen.clone());
        }
    }

    /// Whether a person's word means this resource: its id, plural, singular, short name or kind.
    pub(super) fn answers_to(&self, word: &str) -> bool {
        self.id() == word
            || self.plural == word
            || self.singular == word
            || self.kind == word
            || self.short_names.iter().any(|short| short == word)
    }
}

pub(super) fn id(group: &str, plural: &str) -> String {
    match group {
        "" => plural.to_owned(),
        group => format!("{plural}.{group}"),
    }
}

const NAMESPACED: bool = true;
const CLUSTER: bool = false;

/// Group, version, kind, plural, scope, unconditional update. Field by field as the real server.
const BUILT_IN: &[(&str, &str, &str, &str, bool, bool)] = &[
    ("", "v1", "Namespace", "namespaces", CLUSTER, true),
    ("", "v1", "Secret", "secrets", NAMESPACED, true),
    ("", "v1", "ConfigMap", "configmaps", NAMESPACED, true),
    ("", "v1", "Event", "events", NAMESPACED, true),
    (
        "",
        "v1",
        "ServiceAccount",
        "serviceaccounts",
        NAMESPACED,
        true,
    ),
    ("events.k8s.io", "v1", "Event", "events", NAMESPACED, true),
    ("apps", "v1", "Deployment", "deployments", NAMESPACED, true),
    (
        "coordination.k8s.io",
        "v1",
        "Lease",
        "leases",
        NAMESPACED,
        false,
    ),
    (
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        CLUSTER,
        false,
    ),
    (
        "rbac.authorization.k8s.io",
        "v1",
        "Role",
        "roles",
        NAMESPACED,
        true,
    ),
    (
        "rbac.authorization.k8s.io",
        "v1",
        "RoleBinding",
        "rolebindings",
        NAMESPACED,
        true,
    ),
    (
        "rbac.authorization.k8s.io",
        "v1",
        "ClusterRole",
        "clusterroles",
        CLUSTER,
        true,
    ),
    (
        "rbac.authorization.k8s.io",
        "v1",
        "ClusterRoleBinding",
        "clusterrolebindings",
        CLUSTER,
        true,
    ),
    (
        "authorization.k8s.io",
        "v1",
        "SelfSubjectRulesReview",
        "selfsubjectrulesreviews",
        CLUSTER,
        true,
    ),
];

pub(super) const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";
/// A question, which is answered and not kept.
pub(super) const REVIEWS: &str = "selfsubjectrulesreviews.authorization.k8s.io";
pub(super) const NAMESPACES: &str = "namespaces";
pub(super) const SECRETS: &str = "secrets";
pub(super) const CONFIG_MAPS: &str = "configmaps";

pub(super) fn built_in() -> Vec<Kind> {
    BUILT_IN
        .iter()
        .map(
            |&(group, version, kind, plural, namespaced, unconditional)| Kind {
                group: group.to_owned(),
                versions: vec![version.to_owned()],
                kind: kind.to_owned(),
                plural: plural.to_owned(),
                singular: kind.to_lowercase(),
                short_names: short_names(plural),
                namespaced,
                status: matches!(kind, "Namespace" | "CustomResourceDefinition"),
                unseen: None,
                custom: false,
                generation: kind == "CustomResourceDefinition",
                unconditional,
                created_by_update: matches!(kind, "Lease" | "Event"),
                selectable: if plural == SECRETS {
                    vec!["type".to_owned()]
                } else {
                    Vec::new()
                },
            },
        )
        .collect()
}

fn short_names(plural: &str) -> Vec<String> {
    let short = match plural {
        "namespaces" => "ns",
        "configmaps" => "cm",
        "serviceaccounts" => "sa",
        "customresourcedefinitions" => "crd",
        _ => return Vec::new(),
    };
    vec![short.to_owned()]
}

/// Where a version of a definition says which status an object without one has.
const UNSEEN: &str = "/schema/openAPIV3Schema/properties/status/default";

/// The kind that a CustomResourceDefinition declares; `None` if it lacks a name that we need.
pub(super) fn declared(definition: &Value) -> Option<Kind> {
    let spec = &definition["spec"];
    let names = &spec["names"];
    let versions: Vec<&Value> = spec["versions"]
        .as_array()?
        .iter()
        .filter(|version| version["served"] == true)
        .collect();
    let kind = names["kind"].as_str()?;
    Some(Kind {
        group: spec["group"].as_str()?.to_owned(),
        versions: versions
            .iter()
            .filter_map(|version| version["name"].as_str().map(str::to_owned))
            .collect(),
        kind: kind.to_owned(),
        plural: names["plural"].as_str()?.to_owned(),
        singular: names["singular"]
            .as_str()
            .map_or_else(|| kind.to_lowercase(), str::to_owned),
        short_names: strings(&names["shortNames"]),
        namespaced: spec["scope"] == "Namespaced",
        status: versions
            .iter()
            .any(|version| version["subresources"]["status"].is_object()),
        unseen: versions
            .iter()
            .find_map(|version| version.pointer(UNSEEN))
            .cloned(),
        custom: true,
        generation: true,
        unconditional: false,
        created_by_update: false,
        selectable: versions
            .iter()
            .filter_map(|version| version["selectableFields"].as_array())
            .flatten()
            .filter_map(|field| field["jsonPath"].as_str())
            .map(|path| path.trim_start_matches('.').to_owned())
            .collect(),
    })
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}
