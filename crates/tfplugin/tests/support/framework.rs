//! What HashiCorp's plugin framework says of a configuration is what is said here: for each attribute of whatever a
//! provider serves, at every depth, null, unknown, set, of a wrong type and, in a collection, with such elements; and
//! for each argument of its functions.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::go::{Host, said};

/// The kinds of blocks: where a schema has them, the word for their values, and the call that judges them.
const KINDS: [(&str, &str, &str); 5] = [
    ("resourceSchemas", "resource", "ValidateResourceConfig"),
    ("dataSourceSchemas", "data", "ValidateDataResourceConfig"),
    (
        "ephemeralResourceSchemas",
        "ephemeral",
        "ValidateEphemeralResourceConfig",
    ),
    ("listResourceSchemas", "list", "ValidateListResourceConfig"),
    ("actionSchemas", "action", "ValidateActionConfig"),
];

/// What is put at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Null,
    Unknown,
    Fits,
    Mistyped,
    /// An element that is null: of a list, a set, or of objects.
    NullElement,
    /// The same of a map of plain values, where null is as good as no entry.
    NullEntry,
    UnknownElement,
}

/// One attribute in a configuration that is right but for it.
struct Place {
    at: String,
    attribute: Value,
    base: Value,
}

/// Compares the two at every place, and tells at how many. `valid` is a configuration of a block that is right,
/// `rules` says where the provider has rules beyond its schema, so that it may say more.
pub(crate) async fn judged_alike(
    host: &mut Host,
    valid: impl Fn(&str) -> Value,
    rules: impl Fn(&str, Put) -> bool,
) -> usize {
    let schema = host.calm("GetProviderSchema", "", Value::Null).await;
    let mut blocks = vec![(
        "provider".to_owned(),
        "ValidateProviderConfig",
        &schema["provider"],
    )];
    for (field, kind, rpc) in KINDS {
        for (name, of) in schema[field].as_object().into_iter().flatten() {
            let of = of.get("schema").unwrap_or(of);
            blocks.push((format!("{kind}:{name}"), rpc, of));
        }
    }
    let (mut judged, mut unlike) = (0, Vec::new());
    for (of, rpc, schema) in blocks {
        let base = valid(&of);
        let (ours, theirs) = both(host, rpc, &of, &base).await;
        assert_eq!((ours, theirs), Default::default(), "{of} = {base}");
        let mut all = Vec::new();
        places(&schema["block"]["attributes"], "", &base, &mut all);
        for place in all {
            for (put, value) in values(&place.attribute) {
                let mut config = place.base.clone();
                *slot(&mut config, &place.at) = value;
                let (ours, theirs) = both(host, rpc, &of, &config).await;
                let more = rules(&format!("{of}{}", place.at), put);
                let same = match put {
                    Put::Mistyped => ours.is_empty() == theirs.is_empty(),
                    // Refused here, too, where no attribute of an object is required; a provider in Go meets it.
                    Put::NullElement => theirs.is_subset(&ours) && refused(&ours),
                    // In Go, what an unknown object computes counts as set.
                    Put::UnknownElement if !more => ours.is_subset(&theirs),
                    _ if more => theirs.is_subset(&ours),
                    _ => ours == theirs,
                };
                if !same {
                    let at = &place.at;
                    let sides = format!("{ours:?}, and by the framework {theirs:?}");
                    unlike.push(format!("{of}{at} is {put:?} in {config}: {sides}"));
                }
                judged += 1;
            }
        }
    }
    for (name, function) in schema["functions"].as_object().into_iter().flatten() {
        let (count, others) = arguments(host, name, function).await;
        judged += count;
        unlike.extend(others);
    }
    assert!(unlike.is_empty(), "{}", unlike.join("\n"));
    judged
}

/// The same of the arguments of a function, of one after the other, and of their number.
async fn arguments(host: &mut Host, name: &str, function: &Value) -> (usize, Vec<String>) {
    let parameters = function["parameters"].as_array().unwrap();
    let fit: Vec<_> = parameters.iter().map(example).collect();
    let mut lists = vec![fit[1..].to_vec(), [&fit[..], &fit[..1]].concat()];
    for (at, parameter) in parameters.iter().enumerate() {
        for (_, value) in values(parameter) {
            let mut list = fit.clone();
            list[at] = value;
            lists.push(list);
        }
    }
    let mut unlike = Vec::new();
    for list in &lists {
        let named = list.iter().enumerate().map(|(at, value)| {
            let at = at.min(parameters.len() - 1);
            json!({ "$of": format!("function:{name}:{at}"), "$value": value })
        });
        let request = json!({ "name": name, "arguments": named.collect::<Vec<_>>() });
        let of = format!("function:{name}");
        let ours = host.answer("CallFunction", &of, request.clone()).await;
        let theirs = host.answer("Framework.CallFunction", &of, request).await;
        let [ours, theirs] = [ours, theirs].map(|answer| answer["responses"][0].clone());
        assert!(
            ours.is_object() && theirs.is_object(),
            "{name} is not answered"
        );
        // Of an argument that is right the function itself may say more; of one that is null or unknown the framework
        // does not say which it is.
        let (ours, theirs) = (&ours["error"], &theirs["error"]);
        let argument = &theirs["functionArgument"];
        let named = argument.is_null() || &ours["functionArgument"] == argument;
        let same = theirs.is_null() || ours.is_object() && named;
        if !same {
            unlike.push(format!(
                "{name}({list:?}): {ours}, and by the framework {theirs}"
            ));
        }
    }
    (lists.len(), unlike)
}

fn refused(told: &BTreeSet<String>) -> bool {
    told.iter().any(|one| one.starts_with("ERROR"))
}

/// What is said of a configuration, and what the framework says.
async fn both(
    host: &mut Host,
    rpc: &str,
    of: &str,
    config: &Value,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let mut request = json!({ "config": { "$value": config } });
    if let Some((kind, name)) = of.split_once(':') {
        request["typeName"] = json!(name);
        if kind == "resource" {
            request["clientCapabilities"] = json!({ "writeOnlyAttributesAllowed": true });
        }
    }
    let ours = host.answer(rpc, of, request.clone()).await;
    let theirs = host.answer(&format!("Framework.{rpc}"), of, request).await;
    (told(&ours), told(&theirs))
}

/// The severity and place of each. What lies within what is wrong itself says nothing more.
fn told(answer: &Value) -> BTreeSet<String> {
    let Some(all) = answer["responses"].as_array() else {
        // What cannot be read at all is an error somewhere.
        return BTreeSet::from(["unreadable".to_owned()]);
    };
    // A core shows a place up to the second step.
    let shown = |path: &str| path.split('.').take(2).collect::<Vec<_>>().join(".");
    let told = said(&all[0]).into_iter();
    let told: BTreeSet<_> = told
        .map(|(severity, path, _)| format!("{severity} {}", shown(&path)))
        .collect();
    let around = |one: &String| {
        let (outer, _) = one.rsplit_once('.')?;
        told.get(outer)
    };
    told.iter()
        .filter(|one| around(one).is_none())
        .cloned()
        .collect()
}

fn places(attributes: &Value, above: &str, base: &Value, found: &mut Vec<Place>) {
    for attribute in attributes.as_array().into_iter().flatten() {
        let at = format!("{above}/{}", attribute["name"].as_str().unwrap());
        found.push(Place {
            at: at.clone(),
            attribute: attribute.clone(),
            base: base.clone(),
        });
        let nested = &attribute["nestedType"];
        if nested.is_null() {
            continue;
        }
        let mut base = base.clone();
        let held = slot(&mut base, &at);
        if held.is_null() {
            *held = example(attribute);
        }
        let within = match nested["nesting"].as_str() {
            Some("SINGLE") => at,
            Some("MAP") => format!("{at}/{}", held.as_object().unwrap().keys().next().unwrap()),
            _ => format!("{at}/0"),
        };
        places(&nested["attributes"], &within, &base, found);
    }
}

/// The value of an attribute at a place.
fn slot<'a>(config: &'a mut Value, at: &str) -> &'a mut Value {
    let (above, name) = at.rsplit_once('/').unwrap();
    let object = config.pointer_mut(above).unwrap().as_object_mut().unwrap();
    object.entry(name).or_insert(Value::Null)
}

fn values(attribute: &Value) -> Vec<(Put, Value)> {
    let unknown = || json!({ "$unknown": true });
    let fits = example(attribute);
    let mistyped = match fits.is_string() {
        true => json!([]),
        false => json!("text"),
    };
    let element = |element: Value| match &fits {
        Value::Array(_) => Some(json!([element])),
        // An object is none.
        Value::Object(entries) if entries.contains_key(KEY) => Some(json!({ KEY: element })),
        _ => None,
    };
    let null = match fits.is_object() && attribute["nestedType"].is_null() {
        true => Put::NullEntry,
        false => Put::NullElement,
    };
    let elements = [
        (null, element(Value::Null)),
        (Put::UnknownElement, element(unknown())),
    ];
    let elements = elements
        .into_iter()
        .filter_map(|(put, value)| Some((put, value?)));
    let all = vec![
        (Put::Null, Value::Null),
        (Put::Unknown, unknown()),
        (Put::Fits, fits.clone()),
        (Put::Mistyped, mistyped),
    ];
    all.into_iter().chain(elements).collect()
}

/// Of the entries of a map that is an example.
const KEY: &str = "key";

/// A value of an attribute: of its objects, what they must have.
fn example(attribute: &Value) -> Value {
    if let nested @ Value::Object(_) = &attribute["nestedType"] {
        let within = nested["attributes"].as_array().unwrap().iter();
        let required = within.filter(|one| one["required"] == true);
        let object: Value = required
            .map(|one| (one["name"].as_str().unwrap().to_owned(), example(one)))
            .collect();
        return match nested["nesting"].as_str() {
            Some("SINGLE") => object,
            Some("MAP") => json!({ KEY: object }),
            _ => json!([object]),
        };
    }
    let ty = STANDARD
        .decode(attribute["type"].as_str().unwrap())
        .unwrap();
    let ty: Value = serde_json::from_slice(&ty).unwrap();
    match ty.as_str().or(ty[0].as_str()).unwrap() {
        "bool" => json!(true),
        "number" => json!(7),
        "string" => json!("2h"),
        "map" => json!({ KEY: "2h" }),
        _ => json!(["2h"]),
    }
}
