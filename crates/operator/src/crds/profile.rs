//! The schema of profiles, as far as the API server can hold a `TokenProfile` to it.
//!
//! A definition knows no references and no choice between types; where a profile has those, it says
//! nothing. Unknown keys are kept: dropped ones would hide a typing error from the loader, which tells it.

use serde_json::{Map, Value, json};

/// Nothing in a profile lies deeper.
const DEEPEST: usize = 12;

/// What is taken over as it is.
const SAME: [&str; 9] = [
    "description",
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
];

/// The schema of `spec`, from the schema of the file.
pub(super) fn spec(file: &Value) -> Value {
    let mut spec = structural(file, file, 0);
    // The object has a name already.
    if let Some(required) = spec["required"].as_array_mut() {
        required.retain(|key| key != "profile");
    }
    spec["description"] =
        json!("The description of one token system, as in the file of a profile.");
    spec
}

fn structural(schema: &Value, root: &Value, depth: usize) -> Value {
    let anything = |schema: &Value| {
        let mut anything = json!({ "x-kubernetes-preserve-unknown-fields": true });
        if let Some(description) = schema.get("description") {
            anything["description"] = description.clone();
        }
        anything
    };
    if depth > DEEPEST {
        return anything(schema);
    }
    let deeper = |schema: &Value| structural(schema, root, depth.saturating_add(1));
    if let Some(named) = reference(schema, root) {
        return described(deeper(named), schema);
    }
    if let Some(choices) = schema.get("anyOf").or_else(|| schema.get("oneOf")) {
        if let Some(words) = words(choices) {
            return described(json!({ "type": "string", "enum": words }), schema);
        }
        let mut choices = choices.as_array().into_iter().flatten();
        let mut some = choices.by_ref().filter(|choice| choice["type"] != "null");
        return match (some.next(), some.next()) {
            (Some(only), None) => described(deeper(only), schema),
            _ => anything(schema),
        };
    }
    let Some((type_, nullable)) = type_of(schema) else {
        return anything(schema);
    };
    let mut node = Map::new();
    node.insert("type".to_owned(), json!(type_));
    if nullable {
        node.insert("nullable".to_owned(), json!(true));
    }
    for key in SAME {
        if let Some(value) = schema.get(key) {
            node.insert(key.to_owned(), value.clone());
        }
    }
    match type_ {
        "array" => {
            let items = schema.get("items").map_or_else(|| anything(schema), deeper);
            node.insert("items".to_owned(), items);
        }
        "object" => object(schema, &mut node, deeper),
        _ => {}
    }
    Value::Object(node)
}

fn object(schema: &Value, node: &mut Map<String, Value>, deeper: impl Fn(&Value) -> Value) {
    let preserve = "x-kubernetes-preserve-unknown-fields".to_owned();
    if let Some(properties) = schema["properties"].as_object() {
        let properties = properties
            .iter()
            .map(|(key, one)| (key.clone(), deeper(one)));
        node.insert("properties".to_owned(), Value::Object(properties.collect()));
        if let Some(required) = schema.get("required") {
            node.insert("required".to_owned(), required.clone());
        }
        node.insert(preserve, json!(true));
        return;
    }
    match schema.get("additionalProperties") {
        Some(values) if values.is_object() => {
            node.insert("additionalProperties".to_owned(), deeper(values));
        }
        _ => {
            node.insert(preserve, json!(true));
        }
    }
}

fn reference<'a>(schema: &Value, root: &'a Value) -> Option<&'a Value> {
    let pointer = schema["$ref"].as_str()?.strip_prefix('#')?;
    root.pointer(pointer)
}

/// The words of a choice between nothing but words.
fn words(choices: &Value) -> Option<Vec<&Value>> {
    let choices = choices.as_array()?.iter();
    choices
        .map(|choice| choice.get("const").filter(|word| word.is_string()))
        .collect()
}

/// What stands beside a reference says more than what stands at its end.
fn described(mut node: Value, by: &Value) -> Value {
    if let Some(description) = by.get("description") {
        node["description"] = description.clone();
    }
    node
}

/// The one type of a schema, and whether it may be nothing.
fn type_of(schema: &Value) -> Option<(&str, bool)> {
    match &schema["type"] {
        Value::String(type_) => Some((type_, false)),
        Value::Array(types) => {
            let mut some = types.iter().filter(|type_| *type_ != "null");
            let only = some.next()?.as_str()?;
            some.next().is_none().then_some((only, true))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_definition_cannot_say_is_left_to_the_loader_and_no_key_is_dropped() {
        let file = json!({
            "type": "object",
            "required": ["profile", "title"],
            "properties": {
                "profile": { "type": "string" },
                "title": { "type": ["string", "null"], "description": "A title." },
                "call": { "$ref": "#/$defs/Call", "description": "The call." },
                "body": { "anyOf": [{ "type": "string" }, { "type": "object" }] },
                "unit": { "oneOf": [{ "const": "days", "type": "string" }, { "const": "hours", "type": "string" }] },
                "maybe": { "anyOf": [{ "$ref": "#/$defs/Call" }, { "type": "null" }] },
                "parts": { "type": "object", "additionalProperties": { "type": "integer", "format": "uint" } },
            },
            "additionalProperties": false,
            "$defs": { "Call": { "type": "object", "properties": { "next": { "$ref": "#/$defs/Call" } } } },
        });
        let spec = spec(&file);
        assert_eq!(spec["required"], json!(["title"]));
        let properties = &spec["properties"];
        assert_eq!(
            properties["title"],
            json!({ "type": "string", "nullable": true, "description": "A title." })
        );
        assert_eq!(properties["call"]["description"], "The call.");
        assert_eq!(properties["call"]["type"], "object");
        assert_eq!(
            properties["body"],
            json!({ "x-kubernetes-preserve-unknown-fields": true })
        );
        assert_eq!(
            properties["unit"],
            json!({ "type": "string", "enum": ["days", "hours"] })
        );
        assert_eq!(properties["maybe"]["type"], "object");
        assert_eq!(
            properties["parts"]["additionalProperties"],
            json!({ "type": "integer" })
        );
        assert_eq!(spec["x-kubernetes-preserve-unknown-fields"], true);
        assert!(!spec.to_string().contains("$ref"));
    }
}
