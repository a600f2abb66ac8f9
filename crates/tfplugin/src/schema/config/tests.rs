//! The table of what each kind of attribute takes, in every position.

use super::*;
use crate::schema::Nesting;
use crate::value::Type;

/// What is said of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Warning,
    Error,
}

/// The modes, and what is said of null, of an unknown and of a known value. The same as a provider answers
/// that is built on Terraform's own framework in Go.
const TABLE: [(&str, [Said; 3]); 5] = [
    ("required", [Said::Error, Said::Nothing, Said::Nothing]),
    ("optional", [Said::Nothing, Said::Nothing, Said::Nothing]),
    ("either", [Said::Nothing, Said::Nothing, Said::Nothing]),
    ("computed", [Said::Nothing, Said::Error, Said::Error]),
    ("old", [Said::Nothing, Said::Nothing, Said::Warning]),
];

fn modes() -> Vec<Attribute> {
    let text = |name: &str| Attribute::new(name, Type::String);
    vec![
        text("required").required(),
        text("optional").optional(),
        text("either").optional().computed(),
        text("computed").computed(),
        text("old").optional().deprecated("Use another."),
    ]
}

fn schema() -> Schema {
    let nested = |name: &str, nesting| Attribute::nested(name, nesting, modes()).optional();
    let mut attributes = modes();
    attributes.extend([
        nested("single", Nesting::Single),
        nested("list", Nesting::List),
        nested("set", Nesting::Set),
        nested("map", Nesting::Map),
        Attribute::nested("shown", Nesting::List, modes()).computed(),
        Attribute::new("words", Type::list(Type::String)).optional(),
        Attribute::new("labels", Type::map(Type::String)).optional(),
    ]);
    Schema::new(attributes)
}

fn said(config: &Value) -> Vec<(String, Said)> {
    let mut diags = Diagnostics::new();
    schema().check(config, &mut diags);
    let said = diags.iter().map(|diagnostic| {
        let path = diagnostic.path.clone().unwrap_or_default();
        let said = match diagnostic.severity {
            crate::Severity::Error => Said::Error,
            crate::Severity::Warning => Said::Warning,
        };
        assert!(diagnostic.summary.starts_with(&path.to_string()));
        (path.to_string(), said)
    });
    said.collect()
}

/// An object with what is required, and this attribute.
fn object(name: &str, value: Value) -> Value {
    let mut object = Value::object([("required", "a".into())]);
    object.insert(name, value);
    object
}

/// The object in every position, and the path of the object there.
fn positions(object: &Value) -> Vec<(String, Value)> {
    let within = |name: &str, value: Value| {
        let mut config = Value::object([("required", "a".into())]);
        config.insert(name, value);
        config
    };
    let map = Value::Map([("key".to_owned(), object.clone())].into());
    vec![
        (String::new(), object.clone()),
        ("single.".to_owned(), within("single", object.clone())),
        (
            "list[0].".to_owned(),
            within("list", Value::List(vec![object.clone()])),
        ),
        (
            "set.".to_owned(),
            within("set", Value::Set(vec![object.clone()])),
        ),
        ("map[\"key\"].".to_owned(), within("map", map)),
    ]
}

#[test]
fn every_mode_takes_what_it_may_in_every_position_and_is_named_there() {
    for (mode, expected) in TABLE {
        for (value, expected) in [Value::Null, Value::Unknown, "a".into()]
            .into_iter()
            .zip(expected)
        {
            for (place, config) in positions(&object(mode, value.clone())) {
                let expected = match expected {
                    Said::Nothing => vec![],
                    said => vec![(format!("{place}{mode}"), said)],
                };
                assert_eq!(said(&config), expected, "{mode} is {value:?}");
            }
        }
    }
}

#[test]
fn what_holds_objects_takes_null_and_unknown_as_any_other_attribute_does() {
    for name in ["single", "list", "set", "map", "words", "labels"] {
        assert_eq!(said(&object(name, Value::Null)), []);
        assert_eq!(said(&object(name, Value::Unknown)), []);
    }
    assert_eq!(said(&object("shown", Value::Null)), []);
    for value in [Value::Unknown, Value::List(vec![])] {
        let expected = [("shown".to_owned(), Said::Error)];
        assert_eq!(said(&object("shown", value)), expected);
    }
}

#[test]
fn an_element_is_not_null_but_an_entry_of_plain_values_may_be() {
    let list = || Value::List(vec![Value::Unknown, Value::Null]);
    let map = || Value::Map([("a".to_owned(), Value::Null)].into());
    let error = |path: &str| vec![(path.to_owned(), Said::Error)];
    assert_eq!(said(&object("words", list())), error("words[1]"));
    assert_eq!(said(&object("list", list())), error("list[1]"));
    assert_eq!(said(&object("map", map())), error("map[\"a\"]"));
    assert_eq!(said(&object("labels", map())), []);
}
