use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Bytes as other implementations of the protocol write them.
#[test]
fn known_encodings_are_read() {
    let cases: [(Type, &[u8], Value); 12] = [
        (Type::String, b"\xa2hi", "hi".into()),
        (Type::String, b"\xc0", Value::Null),
        (Type::Bool, b"\xc3", true.into()),
        (Type::Number, b"\x07", 7.into()),
        (
            Type::Number,
            b"\xcb\x3f\xe0\0\0\0\0\0\0",
            Value::Number(Number::Float(0.5)),
        ),
        (
            Type::Number,
            b"\xa30.1",
            Value::Number(Number::Decimal("0.1".to_owned())),
        ),
        (
            Type::Number,
            b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
            Value::Number(Number::Decimal("18446744073709551615".to_owned())),
        ),
        (Type::String, b"\xd4\x00\x00", Value::Unknown),
        // Refined: not null, with a prefix.
        (
            Type::String,
            b"\xc7\x06\x0c\x82\x01\xc2\x02\xa1a",
            Value::Unknown,
        ),
        (
            Type::list(Type::Number),
            b"\x92\x01\x02",
            Value::List(vec![1.into(), 2.into()]),
        ),
        (
            Type::object([("a", Type::Bool), ("b", Type::String)]),
            b"\x82\xa1a\xc2\xa1b\xc0",
            Value::object([("a", Value::Bool(false)), ("b", Value::Null)]),
        ),
        (
            Type::Dynamic,
            b"\x92\xc4\x08\"string\"\xa1x",
            Value::Dynamic(Box::new((Type::String, "x".into()))),
        ),
    ];
    for (ty, bytes, expected) in cases {
        assert_eq!(
            Value::from_msgpack(&ty, bytes),
            Ok(expected),
            "{ty} {bytes:x?}"
        );
    }
}

#[test]
fn what_does_not_fit_is_refused_without_its_content() {
    let ty = Type::object([("a", Type::list(Type::Number))]);
    let error = Value::from_msgpack(&ty, b"\x81\xa1z\xc0").unwrap_err();
    assert_eq!(
        error.to_string(),
        "object at the root has no attribute \"z\""
    );
    for broken in [b"".as_slice(), b"\x92\x01", b"\x01\x01"] {
        assert!(
            Value::from_msgpack(&Type::Number, broken).is_err(),
            "{broken:x?}"
        );
    }
}

#[test]
fn what_does_not_fit_is_named_down_to_its_element_whichever_way_it_goes() {
    let path = || AttributePath::new("a");
    let object = || Value::object([("x", 1.into()), ("y", "secret".into())]);
    let of = Type::object([("x", Type::Number), ("y", Type::Number)]);
    let has = Type::object([("x", Type::Number), ("y", Type::String)]);
    let one: fn(Value) -> Value = |item| Value::Map([("k".to_owned(), item)].into());
    let list: fn(Value) -> Value = |item| Value::List(vec![Value::Null, item]);
    type Held = (fn(Type) -> Type, fn(Value) -> Value, AttributePath);
    let cases: [Held; 4] = [
        (|of| of, |item| item, path()),
        (Type::list, list, path().index(1)),
        (Type::set, list, path().element()),
        (Type::map, one, path().key("k")),
    ];
    for (held, value, path) in cases {
        let ty = |inner: &Type| Type::object([("a", held(inner.clone()))]);
        let value = Value::object([("a", value(object()))]);
        let expected = path.attribute("y");
        let written = value.to_msgpack(&ty(&of)).unwrap_err();
        let bytes = value.to_msgpack(&ty(&has)).unwrap();
        let read = Value::from_msgpack(&ty(&of), &bytes).unwrap_err();
        for error in [written, read] {
            assert_eq!(error.path(), Some(&expected));
            let told = format!("value at {expected} is not of type number");
            assert_eq!(error.to_string(), told);
        }
    }
    let raw = RawState::parse(br#"{"a":[{"k":[7,"secret"]}]}"#).unwrap();
    let ty = Type::list(Type::map(Type::Tuple(vec![Type::Number, Type::Bool])));
    let error = raw.decode(&Type::object([("a", ty)])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "value at a[0][\"k\"][1] is not of type bool"
    );
}

#[test]
fn an_object_is_written_with_every_attribute() {
    let ty = Type::object([("a", Type::Bool), ("b", Type::String)]);
    let sparse = Value::object([("a", true)].map(|(k, v)| (k, Value::from(v))));
    assert_eq!(sparse.to_msgpack(&ty).unwrap(), b"\x82\xa1a\xc3\xa1b\xc0");
}

#[test]
fn a_stored_state_of_another_release_is_read_leniently() {
    let ty = Type::object([
        ("kept", Type::String),
        ("new", Type::Number),
        ("nested", Type::list(Type::object([("x", Type::Number)]))),
    ]);
    let raw =
        RawState::parse(br#"{"kept":"k","dropped":{"any":1},"nested":[{"x":0.1,"gone":true},{}]}"#);
    let state = raw.unwrap().decode(&ty).unwrap();
    let tenth = Value::Number(Number::Decimal("0.1".to_owned()));
    let expected = Value::object([
        ("kept", "k".into()),
        ("new", Value::Null),
        (
            "nested",
            Value::List(vec![
                Value::object([("x", tenth)]),
                Value::object([("x", Value::Null)]),
            ]),
        ),
    ]);
    assert_eq!(state, expected);
}

#[test]
fn nothing_printable_holds_a_string() {
    let secret = "hunter2";
    let value = Value::object([
        ("plain", Value::from(secret)),
        ("list", Value::List(vec![secret.into()])),
        (
            "map",
            Value::Map(BTreeMap::from([(secret.to_owned(), secret.into())])),
        ),
        (
            "dynamic",
            Value::Dynamic(Box::new((Type::String, secret.into()))),
        ),
    ]);
    let raw = RawState::parse(br#"{"plain":"hunter2"}"#).unwrap();
    let wire = crate::proto::tfplugin6::DynamicValue {
        msgpack: b"\xa7hunter2".to_vec(),
        json: b"\"hunter2\"".to_vec(),
    };
    let mismatch = Value::from(secret).to_msgpack(&Type::Bool).unwrap_err();
    for printed in [
        format!("{value:#?}"),
        format!("{raw:?}"),
        format!("{wire:?}"),
        format!("{mismatch} {mismatch:?}"),
    ] {
        assert!(!printed.contains(secret), "{printed}");
        assert!(!printed.contains("104, 117, 110"), "{printed}");
    }
}

#[test]
fn sets_are_equal_in_any_order_and_lists_are_not() {
    let (ab, ba) = (vec![1.into(), 2.into()], vec![2.into(), 1.into()]);
    assert_eq!(Value::Set(ab.clone()), Value::Set(ba.clone()));
    assert_ne!(Value::List(ab), Value::List(ba));
    assert_ne!(
        Value::Set(vec![1.into(), 1.into(), 2.into()]),
        Value::Set(vec![1.into(), 2.into(), 2.into()])
    );
}

#[test]
fn numbers_are_equal_by_value() {
    for (a, b) in [("1", "1.0"), ("0.5", "0.50"), ("-3", "-3.000")] {
        assert_eq!(Number::parse(a), Number::parse(b));
    }
    assert_eq!(Number::Float(0.5), Number::parse("0.5").unwrap());
    assert_eq!(
        Number::parse("12345678901234567890.5").unwrap().to_string(),
        "12345678901234567890.5"
    );
    for word in ["", "x", "nan", "1x"] {
        assert_eq!(Number::parse(word), None, "{word:?}");
    }
}

fn typed() -> impl Strategy<Value = (Type, Value)> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(|flag| (Type::Bool, flag.into())),
        any::<i64>().prop_map(|number| (Type::Number, number.into())),
        (any::<i32>(), 1_u32..9999).prop_map(|(whole, part)| {
            let text = format!("{whole}.{part:04}");
            (
                Type::Number,
                Number::parse(&text).map_or(Value::Null, Value::Number),
            )
        }),
        ".*".prop_map(|text| (Type::String, text.into())),
        Just((Type::String, Value::Unknown)),
        Just((Type::Bool, Value::Null)),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            (inner.clone(), 0_usize..4)
                .prop_map(|((ty, value), n)| (Type::list(ty), Value::List(vec![value; n]))),
            (inner.clone(), 0_usize..2)
                .prop_map(|((ty, value), n)| (Type::set(ty), Value::Set(vec![value; n]))),
            (inner.clone(), ".*").prop_map(|((ty, value), key)| {
                (Type::map(ty), Value::Map(BTreeMap::from([(key, value)])))
            }),
            inner.clone().prop_map(|(ty, value)| match value {
                // Under `dynamic`, null and unknown lose their type on purpose.
                Value::Null | Value::Unknown => (Type::Dynamic, value),
                known => (Type::Dynamic, Value::Dynamic(Box::new((ty, known)))),
            }),
            prop::collection::btree_map("[a-z]{1,8}", inner, 0..4).prop_map(|attributes| {
                let types = attributes
                    .iter()
                    .map(|(name, (ty, _))| (name.clone(), ty.clone()));
                let ty = Type::object(types);
                let values = attributes
                    .into_iter()
                    .map(|(name, (_, value))| (name, value));
                (ty, Value::object(values))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back((ty, value) in typed()) {
        let bytes = value.to_msgpack(&ty).unwrap();
        prop_assert_eq!(Value::from_msgpack(&ty, &bytes), Ok(value));
    }

    #[test]
    fn no_bytes_make_the_reader_fail_hard((ty, _) in typed(), bytes in any::<Vec<u8>>()) {
        if let Ok(value) = Value::from_msgpack(&ty, &bytes) {
            prop_assert!(value.to_msgpack(&ty).is_ok());
        }
    }
}
