use super::*;
use crate::value::Type;

fn text(name: &str) -> Attribute {
    Attribute::new(name, Type::String).optional()
}

/// The same at the top and in an object.
fn schema() -> Schema {
    let all = || {
        vec![
            text("mode").computed().defaults_to("keep"),
            text("place").requires_replace(),
            text("note"),
        ]
    };
    let mut attributes = all();
    attributes.push(Attribute::nested("in", Nesting::Single, all()).optional());
    Schema::new(attributes)
}

fn object(entries: &[(&str, Value)]) -> Value {
    Value::object(entries.iter().map(|(name, value)| (*name, value.clone())))
}

#[test]
fn what_a_configuration_leaves_out_has_its_default_whatever_was_there() {
    let config = object(&[("in", object(&[("note", "a".into())]))]);
    let mut planned = object(&[
        ("mode", "drop".into()),
        (
            "in",
            object(&[("mode", Value::Unknown), ("note", "a".into())]),
        ),
    ]);
    schema().set_defaults(&config, &mut planned);
    let expected = object(&[
        ("mode", "keep".into()),
        (
            "in",
            object(&[("mode", "keep".into()), ("note", "a".into())]),
        ),
    ]);
    assert_eq!(planned, expected);
}

#[test]
fn what_is_configured_or_not_known_yet_has_no_default() {
    for mode in [Value::from("drop"), Value::Unknown] {
        let config = object(&[("mode", mode), ("in", Value::Null)]);
        let mut planned = config.clone();
        schema().set_defaults(&config, &mut planned);
        assert_eq!(planned, config);
    }
}

#[test]
fn what_goes_without_saying_is_written_by_nobody() {
    let inner = |mode: Value| object(&[("mode", mode), ("note", "keep".into())]);
    let mut config = object(&[("mode", "drop".into()), ("in", inner("keep".into()))]);
    schema().null_defaults(&mut config);
    let expected = object(&[("mode", "drop".into()), ("in", inner(Value::Null))]);
    assert_eq!(config, expected);
}

#[test]
fn a_change_replaces_where_the_schema_says_so_and_there_is_an_object() {
    let state = |place: Value, deep: Value, note: &str| {
        let inner = object(&[("place", deep), ("note", note.into())]);
        object(&[("place", place), ("note", note.into()), ("in", inner)])
    };
    let prior = state("a".into(), "b".into(), "c");
    let paths = |planned: &Value| schema().replaced_by(&prior, planned);
    assert!(paths(&prior).is_empty());
    assert!(paths(&state("a".into(), "b".into(), "other")).is_empty());
    let place = AttributePath::new("place");
    let deep = AttributePath::new("in").attribute("place");
    let open = state(Value::Unknown, Value::Unknown, "c");
    assert_eq!(paths(&open), [place.clone(), deep]);
    assert_eq!(paths(&state("x".into(), "b".into(), "c")), [place]);
    assert!(paths(&Value::Null).is_empty());
    assert!(schema().replaced_by(&Value::Null, &prior).is_empty());
}
