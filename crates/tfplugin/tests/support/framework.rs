//! What HashiCorp's plugin framework says of a configuration is what is said here: for each attribute of whatever a
//! provider serves, at every depth, null, unknown, set, of each wrong type and, in a collection, with such elements; and
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
    /// Or is one.
    is_in_a_set: bool,
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
        let said = both(host, rpc, &of, &base)
            .await
            .map(|answer| told(&answer));
        assert_eq!(said, <[BTreeSet<String>; 2]>::default(), "{of} = {base}");
        let mut all = Vec::new();
        places(&schema["block"]["attributes"], "", &base, &mut all);
        for place in all {
            for (put, value) in values(&place.attribute) {
                let mut config = place.base.clone();
                *slot(&mut config, &place.at) = value;
                let [ours, theirs] = both(host, rpc, &of, &config).await;
                let misfits = [
                    misfit(&ours),
                    misfit_by_framework(&theirs, place.is_in_a_set),
                ];
                let (ours, theirs) = (told(&ours), told(&theirs));
                let more = rules(&format!("{of}{}", place.at), put);
                let same = match put {
                    Put::Mistyped => misfits[0].is_some() && misfits[0] == misfits[1],
                    // Refused here, too, where no attribute of an object is required; a provider in Go meets it.
                    Put::NullElement => theirs.is_subset(&ours) && refused(&ours),
                    // In Go, what an unknown object computes counts as set.
                    Put::UnknownElement if !more => ours.is_subset(&theirs),
                    _ if more => theirs.is_subset(&ours),
                    _ => ours == theirs,
                };
                if !same {
                    let at = &place.at;
                    let sides = format!("{ours:?}, and by the framework {theirs:?} {misfits:?}");
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
async fn both(host: &mut Host, rpc: &str, of: &str, config: &Value) -> [Value; 2] {
    let mut request = json!({ "config": { "$value": config } });
    if let Some((kind, name)) = of.split_once(':') {
        request["typeName"] = json!(name);
        if kind == "resource" {
            request["clientCapabilities"] = json!({ "writeOnlyAttributesAllowed": true });
        }
    }
    let ours = host.answer(rpc, of, request.clone()).await;
    let theirs = host.answer(&format!("Framework.{rpc}"), of, request).await;
    [ours, theirs]
}

/// The place of a value of another type, if it is all that an answer is about.
fn misfit(answer: &Value) -> Option<String> {
    match said(&answer["responses"][0]).as_slice() {
        [(severity, path, _)] if severity == "ERROR" => Some(shown(path)),
        _ => None,
    }
}

/// The same by the framework, which names the place in its text, and the elements of a set by their numbers.
fn misfit_by_framework(answer: &Value, is_in_a_set: bool) -> Option<String> {
    let all = answer["responses"][0]["diagnostics"].as_array()?;
    let text = all.first()?["detail"].as_str()?;
    let (_, place) = text.split_once("Unable to unmarshal DynamicValue: ")?;
    let (path, _) = place.split_once(": ")?;
    let steps = path.split(").").filter_map(|step| step.split_once('('));
    let names = steps.map(|(_, name)| name.trim_end_matches(')').trim_matches('"'));
    let most = if is_in_a_set { 1 } else { usize::MAX };
    let path = names.take(most).collect::<Vec<_>>().join(".");
    (all.len() == 1).then(|| shown(&path))
}

/// A core shows a place up to the second step.
fn shown(path: &str) -> String {
    path.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// The severity and place of each. What lies within what is wrong itself says nothing more.
fn told(answer: &Value) -> BTreeSet<String> {
    let Some(all) = answer["responses"].as_array() else {
        // What cannot be read at all is an error somewhere.
        return BTreeSet::from(["unreadable".to_owned()]);
    };
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
    // A path is shown up to the second step: of a set further down, none is cut off.
    let around = |place: &Place| {
        above
            .strip_prefix(&place.at)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    let is_in_a_set = found.iter().any(|place| place.is_in_a_set && around(place));
    for attribute in attributes.as_array().into_iter().flatten() {
        let at = format!("{above}/{}", attribute["name"].as_str().unwrap());
        found.push(Place {
            at: at.clone(),
            attribute: attribute.clone(),
            base: base.clone(),
            is_in_a_set: is_in_a_set || above.is_empty() && is_a_set(attribute),
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
    ];
    let inner = fits.get(0).or_else(|| fits.get(KEY)).into_iter();
    let inner = inner.flat_map(mistyped).filter_map(element);
    let mistyped = mistyped(&fits)
        .chain(inner)
        .map(|value| (Put::Mistyped, value));
    let elements: Vec<_> = elements.chain(mistyped).collect();
    all.into_iter().chain(elements).collect()
}

/// A value of each kind but that of this one.
fn mistyped(fits: &Value) -> impl Iterator<Item = Value> + use<> {
    let kind = std::mem::discriminant(fits);
    let all = [json!("text"), json!(7), json!(true), json!([]), json!({})];
    all.into_iter()
        .filter(move |one| std::mem::discriminant(one) != kind)
}

fn is_a_set(attribute: &Value) -> bool {
    let plain = attribute["type"].as_str().unwrap_or_default();
    let plain = STANDARD.decode(plain).unwrap();
    attribute["nestedType"]["nesting"] == "SET" || plain.starts_with(b"[\"set\"")
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
