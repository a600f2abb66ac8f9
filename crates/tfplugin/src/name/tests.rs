use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::schema::Nesting;
use crate::value::{Number, RawState, Type};

const TEXT: Name<String> = Name::new("text");
const FLAG: Name<bool> = Name::new("flag");
const COUNT: Name<i64> = Name::new("count");
const RATIO: Name<Number> = Name::new("ratio");
const WORDS: Name<Vec<String>> = Name::new("words");
const SCOPES: Name<BTreeSet<String>> = Name::new("scopes");
const LABELS: Name<BTreeMap<String, i64>> = Name::new("labels");
const ONE: Name<Object> = Name::new("one");
const ROWS: Name<Vec<Object>> = Name::new("rows");
const PILE: Name<BTreeSet<Object>> = Name::new("pile");
const NAMED: Name<BTreeMap<String, Object>> = Name::new("named");

fn schema() -> Schema {
    let inner = || vec![TEXT.computed()];
    Schema::new(vec![
        TEXT.required(),
        FLAG.optional(),
        COUNT.computed(),
        RATIO.optional(),
        WORDS.optional(),
        SCOPES.optional(),
        LABELS.optional(),
        ONE.nested(inner()).computed(),
        ROWS.nested(inner()).computed(),
        PILE.nested(inner()).computed(),
        NAMED.nested(inner()).computed(),
    ])
}

fn texts<C: FromIterator<String>>(texts: &[&str]) -> C {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn row() -> Value {
    Value::empty().with(TEXT, "in it")
}

fn set() -> Value {
    schema()
        .empty()
        .with(TEXT, "a")
        .with(FLAG, true)
        .with(COUNT, 7)
        .with(RATIO, Number::parse("0.1"))
        .with(WORDS, texts::<Vec<_>>(&["b", "a", "b"]))
        .with(SCOPES, texts::<BTreeSet<_>>(&["b", "a"]))
        .with(LABELS, BTreeMap::from([("a".to_owned(), 1)]))
        .with(ONE, row())
        .with(ROWS, vec![row(), row()])
        .with(PILE, vec![row()])
        .with(NAMED, BTreeMap::from([("a".to_owned(), row())]))
}

#[test]
fn what_is_set_by_a_name_has_the_type_of_the_schema_and_is_read_back() {
    let (schema, value) = (schema(), set());
    let wire = value.to_msgpack(&schema.ty()).unwrap();
    assert_eq!(Value::from_msgpack(&schema.ty(), &wire), Ok(value.clone()));
    assert_eq!(value.read(TEXT), Some("a".to_owned()));
    assert_eq!(value.read(FLAG), Some(true));
    assert_eq!(value.read(COUNT), Some(7));
    assert_eq!(value.read(RATIO), Number::parse("0.1"));
    assert_eq!(value.read(WORDS), Some(texts(&["b", "a", "b"])));
    assert_eq!(value.read(SCOPES), Some(texts(&["a", "b"])));
    assert_eq!(value.read(LABELS).unwrap()["a"], 1);
    for nested in [value.get(ONE), &value.get(ROWS).as_slice().unwrap()[1]] {
        assert_eq!(nested.read(TEXT).as_deref(), Some("in it"));
    }
    assert_eq!(value.get(NAMED).get("a"), &row());
}

#[test]
fn a_schema_by_names_is_the_one_that_is_written_out() {
    let inner = || vec![Attribute::new("text", Type::String).computed()];
    let nested = |name, nesting| Attribute::nested(name, nesting, inner()).computed();
    let written = Schema::new(vec![
        Attribute::new("text", Type::String).required(),
        Attribute::new("flag", Type::Bool).optional(),
        Attribute::new("count", Type::Number).computed(),
        Attribute::new("ratio", Type::Number).optional(),
        Attribute::new("words", Type::list(Type::String)).optional(),
        Attribute::new("scopes", Type::set(Type::String)).optional(),
        Attribute::new("labels", Type::map(Type::Number)).optional(),
        nested("one", Nesting::Single),
        nested("rows", Nesting::List),
        nested("pile", Nesting::Set),
        nested("named", Nesting::Map),
    ]);
    assert_eq!(schema().to_proto(), written.to_proto());
}

#[test]
fn only_what_is_known_is_read() {
    let mut value = set();
    value.open(&[&TEXT, &FLAG, &WORDS]);
    value.insert(SCOPES, Value::Set(vec!["a".into(), Value::Unknown]));
    value.insert(LABELS, Value::Null);
    value.insert(COUNT, Value::Number(Number::Float(0.5)));
    assert_eq!(value.read(TEXT), None);
    assert_eq!(value.read(FLAG), None);
    assert_eq!(value.read(WORDS), None);
    assert_eq!(value.read(SCOPES), Some(texts(&["a"])));
    assert_eq!(value.read(LABELS), None);
    assert_eq!(value.read(COUNT), None);
    assert_eq!(schema().empty().read(TEXT), None);
}

#[test]
fn what_a_plan_left_open_is_filled_and_what_it_promised_stands() {
    let mut planned = set().with(LABELS, Value::Null);
    planned.open(&[&COUNT, &ROWS]);
    let found = Value::empty().with(TEXT, "other").with(COUNT, 8);
    planned.fill(&found.with(LABELS, BTreeMap::new()));
    assert_eq!(planned.read(TEXT).as_deref(), Some("a"));
    assert_eq!(planned.read(COUNT), Some(8));
    assert!(planned.get(LABELS).is_null());
    assert!(planned.get(ROWS).is_unknown());
}

#[test]
fn an_empty_value_has_every_attribute_and_each_is_null() {
    let state = RawState::parse(b"{}").unwrap();
    assert_eq!(state.decode(&schema().ty()), Ok(schema().empty()));
}
