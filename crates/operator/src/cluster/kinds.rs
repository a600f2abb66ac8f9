//! The definitions of our kinds as the cluster has them, compared with those of this version.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt as _;
use kube::core::DynamicObject;
use serde_json::Value;
use tokenwright_api::names;

/// More fields than this are not named.
const MOST_NAMED: usize = 5;

/// What is asked of the definition of one kind: its fields, since a whole definition takes megabytes.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) name: String,
    pub(crate) is_namespaced: bool,
    fields: BTreeSet<String>,
}

impl Kind {
    /// What this version writes.
    pub(crate) fn of(ours: &CustomResourceDefinition) -> Self {
        let mut versions = ours.spec.versions.iter();
        let version = versions.find(|version| version.name == names::VERSION);
        let schema = version.and_then(|version| version.schema.as_ref());
        let schema = schema.and_then(|schema| serde_json::to_value(schema).ok());
        Self {
            name: ours.metadata.name.clone().unwrap_or_default(),
            is_namespaced: ours.spec.scope == "Namespaced",
            fields: schema.map_or_else(BTreeSet::new, |schema| fields(&schema[SCHEMA])),
        }
    }
}

/// Where a version has its schema.
const SCHEMA: &str = "openAPIV3Schema";

/// What a person should know about one definition, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is as this version knows it.
    Same(String),
    /// It serves what it can, and something is to be done.
    Differs(String),
    /// Nothing of it is served.
    Unserved(String),
}

/// Compares what the cluster has with what this version knows.
pub(crate) fn compare(ours: &Kind, found: Option<&DynamicObject>) -> Found {
    let name = &ours.name;
    let version = names::VERSION;
    let apply = "apply the CRDs of this version: `tokenwright-operator crd | kubectl apply -f -`";
    let Some(found) = found else {
        return Found::Unserved(format!("the CRD {name} is not installed: {apply}"));
    };
    let Some(schema) = schema(found) else {
        return Found::Unserved(format!("the CRD {name} does not serve {version}: {apply}"));
    };
    let annotations = found.annotations();
    let written = annotations.get(names::annotation::VERSION);
    // As the program that wrote it says itself.
    let written = written.map_or("unknown", String::as_str);
    let has = fields(schema);
    let missing = named(ours.fields.difference(&has));
    if !missing.is_empty() {
        return Found::Differs(format!(
            "the CRD {name} is of an older version ({written}), and the API server drops or refuses what it does not know ({missing}): {apply}"
        ));
    }
    let more = named(has.difference(&ours.fields));
    if !more.is_empty() {
        return Found::Differs(format!(
            "the CRD {name} is of a newer version ({written}), and this operator does not know {more}: run the version of the operator that belongs to it"
        ));
    }
    Found::Same(format!("{name} at {version}, written by version {written}"))
}

/// The schema of our version, where it is served.
fn schema(definition: &DynamicObject) -> Option<&Value> {
    let mut versions = definition.data["spec"]["versions"].as_array()?.iter();
    let version = versions.find(|version| version["name"] == names::VERSION)?;
    let schema = version["schema"].get(SCHEMA)?;
    (version["served"] == true).then_some(schema)
}

fn named<'a>(fields: impl Iterator<Item = &'a String>) -> String {
    let mut fields: Vec<&str> = fields.map(String::as_str).collect();
    let more = fields.len() > MOST_NAMED;
    fields.truncate(MOST_NAMED);
    if more {
        fields.push("…");
    }
    fields.join(", ")
}

/// Every field and every value of an enumeration that a schema knows, by path.
fn fields(schema: &Value) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    collect(schema, "", &mut all);
    all
}

fn collect(schema: &Value, path: &str, all: &mut BTreeSet<String>) {
    for (name, inside) in schema["properties"].as_object().into_iter().flatten() {
        let path = match path {
            "" => name.clone(),
            path => format!("{path}.{name}"),
        };
        collect(inside, &path, all);
        all.insert(path);
    }
    for value in schema["enum"].as_array().into_iter().flatten() {
        all.insert(format!("{path}: {}", value.as_str().unwrap_or_default()));
    }
    for inside in [&schema["items"], &schema["additionalProperties"]] {
        if inside.is_object() {
            collect(inside, path, all);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ours() -> CustomResourceDefinition {
        tokenwright_api::crds().remove(0)
    }

    fn changed(change: impl Fn(&mut Value)) -> DynamicObject {
        let mut value = serde_json::to_value(ours()).unwrap();
        change(&mut value);
        serde_json::from_value(value).unwrap()
    }

    fn said(found: Option<&DynamicObject>) -> String {
        match compare(&Kind::of(&ours()), found) {
            Found::Same(said) | Found::Differs(said) | Found::Unserved(said) => said,
        }
    }

    #[test]
    fn a_definition_is_told_with_what_to_do_about_it() {
        let version = env!("CARGO_PKG_VERSION");
        let same = format!("apitokens.tokenwright.dev at v1alpha1, written by version {version}");
        let same = Found::Same(same);
        assert_eq!(compare(&Kind::of(&ours()), Some(&changed(|_| {}))), same);
        assert!(said(None).contains("is not installed"));
        let unserved = changed(|crd| crd["spec"]["versions"][0]["served"] = json!(false));
        assert!(said(Some(&unserved)).contains("does not serve v1alpha1"));
        let properties = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
        let older = changed(|crd| {
            crd["metadata"]["annotations"][names::annotation::VERSION] = json!("0.0.7");
            let spec = crd.pointer_mut(properties).unwrap();
            spec.as_object_mut().unwrap().remove("suspend");
        });
        let sentence = said(Some(&older));
        assert!(sentence.contains("older version (0.0.7)") && sentence.contains("(spec.suspend)"));
        let newer = changed(|crd| {
            let states = crd
                .pointer_mut(&format!("{properties}/state/enum"))
                .unwrap();
            states.as_array_mut().unwrap().push(json!("Paused"));
        });
        let sentence = said(Some(&newer));
        assert!(sentence.contains("newer version") && sentence.contains("spec.state: Paused"));
    }
}
