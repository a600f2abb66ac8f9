//! What HashiCorp's plugin framework says of a configuration is what is said here: for each attribute of each
//! resource null, unknown, set and of a wrong type.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Host, said};
use crate::support::{CI, World};

/// A valid configuration of each resource.
fn valid(of: &str) -> Value {
    match of {
        "tokenwright_api_token" => json!({ "name": "ci", "lifetime": "30d" }),
        "tokenwright_adopted_token" => json!({ "name": "ci", "value_wo": "a-value" }),
        "tokenwright_retirement" => json!({ "token_id": "token-1" }),
        other => panic!("this test needs a configuration of {other}"),
    }
}

/// Every place in a resource that has a name, from its schema.
fn places(attributes: &Value, above: &[String], found: &mut Vec<(Vec<String>, Value)>) {
    for attribute in attributes.as_array().unwrap() {
        let mut place = above.to_vec();
        place.push(attribute["name"].as_str().unwrap().to_owned());
        found.push((place.clone(), attribute.clone()));
        let nested = &attribute["nestedType"];
        if nested["nesting"] == "SINGLE" {
            places(&nested["attributes"], &place, found);
        }
    }
}

fn put(config: &mut Value, place: &[String], value: Value) {
    match place {
        [name] => config[name] = value,
        [name, rest @ ..] => {
            if config[name].is_null() {
                config[name] = json!({});
            }
            put(&mut config[name], rest, value);
        }
        [] => {}
    }
}

async fn errors(host: &mut Host, rpc: &str, of: &str, config: &Value) -> BTreeSet<String> {
    let request = json!({
        "typeName": of,
        "config": { "$value": config },
        "clientCapabilities": { "writeOnlyAttributesAllowed": true },
    });
    let answer = host.answer(rpc, &format!("resource:{of}"), request).await;
    match answer["responses"].as_array() {
        // What cannot be read at all is an error somewhere.
        None => BTreeSet::from(["unreadable".to_owned()]),
        Some(all) => {
            let said = said(&all[0]).into_iter();
            said.filter(|(severity, ..)| severity == "ERROR")
                .map(|(_, path, _)| path)
                .collect()
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attribute_is_judged_as_the_plugin_framework_judges_it() {
    let world = World::new(86_400.0, CI).await;
    let mut host = Host::start(&world).await;
    let schema = host.calm("GetProviderSchema", "", Value::Null).await;
    let mut judged = 0;
    for (of, resource) in schema["resourceSchemas"].as_object().unwrap() {
        let mut all = Vec::new();
        places(&resource["block"]["attributes"], &[], &mut all);
        for (place, attribute) in all {
            let fits = match attribute["type"].as_str() {
                // "bool", "number", "string" as base64 of JSON; all else takes no text.
                Some("ImJvb2wi") => json!(true),
                Some("Im51bWJlciI=") => json!(7),
                Some("InN0cmluZyI=") => json!("2h"),
                _ => json!({ "$unknown": true }),
            };
            let wrong = match fits.is_string() {
                true => json!([]),
                false => json!("text"),
            };
            let mistyped = wrong.clone();
            for value in [Value::Null, json!({ "$unknown": true }), fits, wrong] {
                let mut config = valid(of);
                put(&mut config, &place, value.clone());
                let theirs =
                    errors(&mut host, "Framework.ValidateResourceConfig", of, &config).await;
                let ours = errors(&mut host, "ValidateResourceConfig", of, &config).await;
                let same = match value == mistyped {
                    true => ours.is_empty() == theirs.is_empty(),
                    // Either of two attributes is required, which a schema cannot say.
                    false if value.is_null() && place == ["lifetime"] => theirs.is_subset(&ours),
                    // Beyond the schema, a resource has rules of its own about a known value.
                    false if value.is_null() || value.is_object() => ours == theirs,
                    false => theirs.is_subset(&ours),
                };
                assert!(
                    same,
                    "{of}.{place:?} = {value}: {ours:?}, and by the framework {theirs:?}"
                );
                judged += 1;
            }
        }
    }
    assert!(judged > 200, "{judged}");
}
