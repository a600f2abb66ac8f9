//! The definitions of our kinds as the cluster has them, compared with those of this version.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt as _;
use kube::core::{NotUsed, Object};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use tokenwright_api::names;

/// More fields than this are not named.
const MOST_NAMED: usize = 5;

/// The definition of one kind, and nothing of it but what is asked of it: a whole one takes megabytes.
pub(crate) type Definition = Object<Defined, NotUsed>;

/// What it defines.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Defined {
    scope: String,
    versions: Vec<Version>,
}

#[derive(Debug, Clone, Deserialize)]
struct Version {
    name: String,
    served: bool,
    schema: Option<VersionSchema>,
}

#[derive(Debug, Clone, Deserialize)]
struct VersionSchema {
    #[serde(rename = "openAPIV3Schema")]
    whole: Option<Schema>,
}

/// What a field may hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Schema {
    properties: BTreeMap<String, Schema>,
    #[serde(rename = "enum")]
    values: Vec<Value>,
    items: Option<Inside>,
    additional_properties: Option<Inside>,
}

/// What stands inside of a list or a map.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Inside {
    Schema(Box<Schema>),
    /// Whether there may be anything at all, or several schemas, which are not ours.
    Other(IgnoredAny),
}

/// What is asked of one kind: its fields.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) name: String,
    pub(crate) is_namespaced: bool,
    fields: BTreeSet<String>,
}

impl Kind {
    /// What this version writes, as YAML.
    pub(crate) fn written(yaml: &str) -> Option<Self> {
        // By way of JSON, as those of the API server are read: what reads each of these types from YAML, too, would
        // take a quarter of a megabyte of the program.
        let ours: Value = serde_saphyr::from_str(yaml).ok()?;
        let ours: Definition = serde_json::from_str(&ours.to_string()).ok()?;
        Some(Self {
            name: ours.name_any(),
            is_namespaced: ours.spec.scope == "Namespaced",
            fields: fields(schema(&ours)?),
        })
    }
}

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
pub(crate) fn compare(ours: &Kind, found: Option<&Definition>) -> Found {
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
fn schema(definition: &Definition) -> Option<&Schema> {
    let mut versions = definition.spec.versions.iter();
    let version = versions.find(|version| version.name == names::VERSION && version.served)?;
    version.schema.as_ref()?.whole.as_ref()
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
fn fields(schema: &Schema) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    collect(schema, "", &mut all);
    all
}

fn collect(schema: &Schema, path: &str, all: &mut BTreeSet<String>) {
    for (name, inside) in &schema.properties {
        let path = match path {
            "" => name.clone(),
            path => format!("{path}.{name}"),
        };
        collect(inside, &path, all);
        all.insert(path);
    }
    for value in &schema.values {
        all.insert(format!("{path}: {}", value.as_str().unwrap_or_default()));
    }
    for inside in [&schema.items, &schema.additional_properties] {
        if let Some(Inside::Schema(inside)) = inside {
            collect(inside, path, all);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ours() -> Kind {
        Kind::written(crate::crds::WRITTEN[0]).unwrap()
    }

    fn changed(change: impl Fn(&mut Value)) -> Definition {
        let mut value = serde_json::to_value(tokenwright_api::crds().remove(0)).unwrap();
        change(&mut value);
        serde_json::from_value(value).unwrap()
    }

    fn said(found: Option<&Definition>) -> String {
        match compare(&ours(), found) {
            Found::Same(said) | Found::Differs(said) | Found::Unserved(said) => said,
        }
    }

    #[test]
    fn the_kinds_of_this_version_are_known_with_all_their_fields() {
        let known = crate::crds::WRITTEN.map(|yaml| Kind::written(yaml).unwrap());
        let known = known.map(|kind| (kind.name, kind.is_namespaced, kind.fields.len() > 10));
        let of = |name: &str, is_namespaced| {
            let name = format!("{name}.tokenwright.dev");
            (name, is_namespaced, true)
        };
        let all = [of("apitokens", true), of("tokenissuers", true)];
        let of_cluster = [of("clustertokenissuers", false), of("tokenprofiles", false)];
        assert_eq!(known, [all, of_cluster].concat()[..]);
    }

    #[test]
    fn a_definition_is_told_with_what_to_do_about_it() {
        let version = env!("CARGO_PKG_VERSION");
        let same = format!("apitokens.tokenwright.dev at v1alpha1, written by version {version}");
        let same = Found::Same(same);
        assert_eq!(compare(&ours(), Some(&changed(|_| {}))), same);
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
