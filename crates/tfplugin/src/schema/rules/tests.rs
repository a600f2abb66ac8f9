use super::*;
use crate::schema::Nesting;

fn text(name: &str) -> Attribute {
    Attribute::new(name, Type::String).optional()
}

/// What is said of a configuration, each with its path.
fn told(attributes: Vec<Attribute>, config: &Value) -> Vec<(String, String, String)> {
    let mut diags = Diagnostics::new();
    Schema::new(attributes).check_rules(config, &mut diags);
    let told = diags.iter().map(|one| {
        let path = one.path.clone().unwrap_or_default().to_string();
        (path, one.summary.clone(), one.detail.clone())
    });
    told.collect()
}

/// The same of one attribute with one value.
fn of_one(attribute: Attribute, value: impl Into<Value>) -> Vec<(String, String, String)> {
    let name = attribute.name().to_owned();
    told(vec![attribute], &Value::object([(name, value.into())]))
}

fn says(path: &str, summary: &str, detail: &str) -> Vec<(String, String, String)> {
    vec![(path.to_owned(), summary.to_owned(), detail.to_owned())]
}

#[test]
fn a_word_is_one_of_those_that_there_are() {
    let two = || text("mode").one_of(["keep", "drop"]);
    assert_eq!(of_one(two(), "drop"), []);
    let neither = says(
        "mode",
        "mode must be \"keep\" or \"drop\"",
        "\"lose\" is neither.",
    );
    assert_eq!(of_one(two(), "lose"), neither);
    let three = text("mode").one_of(["a", "b", "c"]);
    let none = says(
        "mode",
        "mode must be one of \"a\", \"b\" and \"c\"",
        "\"d\" is none of them.",
    );
    assert_eq!(of_one(three, "d"), none);
    let one = says("mode", "mode must be \"a\"", "\"\" is not.");
    assert_eq!(of_one(text("mode").one_of(["a"]), ""), one);
}

#[test]
fn what_is_wrong_with_a_secret_does_not_show_it() {
    let secret = text("pin").sensitive().one_of(["a", "b"]);
    let told = of_one(secret, "hunter2");
    assert_eq!(
        told,
        says("pin", "pin must be \"a\" or \"b\"", "It is neither.")
    );
    let code = Attribute::new("code", Type::Number).optional().write_only();
    let told = of_one(code.between(1..=9), 4711);
    assert_eq!(told[0].2, "It is not.");
}

#[test]
fn a_number_is_whole_and_in_its_range() {
    let size = || {
        Attribute::new("size", Type::Number)
            .optional()
            .between(1..=10)
    };
    for fits in [1, 10] {
        assert_eq!(of_one(size(), fits), []);
    }
    let unfit = |shown: &str| {
        let detail = format!("{shown} is not.");
        says(
            "size",
            "size must be a whole number between 1 and 10",
            &detail,
        )
    };
    assert_eq!(of_one(size(), 0), unfit("0"));
    assert_eq!(of_one(size(), 11), unfit("11"));
    let half = Value::Number(crate::value::Number::Float(2.5));
    assert_eq!(of_one(size(), half), unfit("2.5"));
}

#[test]
fn a_blank_text_and_one_that_a_check_refuses_are_told_in_its_words() {
    let named = || text("name").not_blank("Give it a name.");
    assert_eq!(of_one(named(), "a"), []);
    for blank in ["", " \n"] {
        assert_eq!(
            of_one(named(), blank),
            says("name", "name is empty", "Give it a name.")
        );
    }
    let even = text("name").texts(|text| match text.len() % 2 {
        0 => Ok(()),
        _ => Err(Unfit::new("is odd", "Add a letter.")),
    });
    assert_eq!(of_one(even.clone(), "ab"), []);
    assert_eq!(
        of_one(even, "abc"),
        says("name", "name is odd", "Add a letter.")
    );
}

#[test]
fn each_element_of_a_collection_is_judged_in_its_place() {
    let of = |ty| Attribute::new("all", ty).optional().one_of(["a", "b"]);
    let wrong = || vec![Value::from("a"), "c".into(), Value::Unknown, Value::Null];
    let paths = |ty, value: Value| {
        let told = of_one(of(ty), value).into_iter();
        told.map(|(path, ..)| path).collect::<Vec<_>>()
    };
    assert_eq!(
        paths(Type::list(Type::String), Value::List(wrong())),
        ["all[1]"]
    );
    assert_eq!(paths(Type::set(Type::String), Value::Set(wrong())), ["all"]);
    let map = Value::Map([("k".to_owned(), "c".into())].into());
    assert_eq!(paths(Type::map(Type::String), map), ["all[\"k\"]"]);
}

#[test]
fn rules_hold_at_every_depth_and_say_nothing_of_what_is_not_known() {
    let inner = || {
        vec![
            text("mode").one_of(["a"]),
            text("one").conflicts_with(&[&"other"]),
            text("other"),
        ]
    };
    let wrong = || {
        Value::object(
            [("mode", "x"), ("one", "1"), ("other", "2")].map(|(k, v)| (k, Value::from(v))),
        )
    };
    for (nesting, value, at) in [
        (Nesting::Single, wrong(), "in"),
        (
            Nesting::List,
            Value::List(vec![Value::Unknown, wrong()]),
            "in[1]",
        ),
        (Nesting::Set, Value::Set(vec![wrong()]), "in"),
        (
            Nesting::Map,
            Value::Map([("k".to_owned(), wrong())].into()),
            "in[\"k\"]",
        ),
    ] {
        let told = of_one(Attribute::nested("in", nesting, inner()).optional(), value);
        let summaries: Vec<_> = told.iter().map(|(_, summary, _)| summary.clone()).collect();
        let expected = [
            format!("{at}.mode must be \"a\""),
            format!("{at}.one and {at}.other are both set"),
        ];
        assert_eq!(summaries, expected);
        assert_eq!(told[1].0, format!("{at}.one"));
        assert_eq!(told[1].2, format!("Set either {at}.one or {at}.other."));
    }
    for open in [Value::Unknown, Value::Null] {
        let nested = Attribute::nested("in", Nesting::List, inner()).optional();
        assert_eq!(of_one(nested, open.clone()), []);
        for name in ["mode", "one", "other"] {
            let mut config = wrong();
            config.insert("mode", "a");
            config.insert(name, open.clone());
            let told = told(inner(), &config);
            assert_eq!(told.is_empty(), name != "mode", "{name}: {told:?}");
        }
    }
}

#[test]
fn one_of_several_is_set_and_no_more() {
    let three = || {
        vec![
            text("a").exactly_one_of(&[&"b", &"c"]),
            text("b"),
            text("c"),
        ]
    };
    let said = |set: &[(&str, Value)]| {
        let config = Value::object(set.iter().map(|(name, value)| (*name, value.clone())));
        let told = told(three(), &config).into_iter();
        told.map(|(path, summary, detail)| format!("{path}: {summary}. {detail}"))
            .collect::<Vec<_>>()
    };
    let known = || Value::from("x");
    for one in ["a", "b", "c"] {
        assert!(said(&[(one, known())]).is_empty(), "{one}");
        assert!(said(&[(one, Value::Unknown)]).is_empty(), "{one}");
    }
    assert_eq!(
        said(&[]),
        ["a: None of a, b and c is set. Set one of a, b and c."]
    );
    let both = ["b: b and c are both set. Set one of a, b and c."];
    assert_eq!(said(&[("b", known()), ("c", known())]), both);
    assert!(said(&[("b", known()), ("c", Value::Unknown)]).is_empty());
    let two = vec![text("a").exactly_one_of(&[&"b"]), text("b")];
    let neither = says("a", "Neither a nor b is set", "Set either a or b.");
    assert_eq!(told(two, &Value::empty()), neither);
}

#[test]
fn one_mistake_is_said_once() {
    let two = || {
        let instead = "Name it.";
        let a = text("a").not_blank(instead).exactly_one_of(&[&"b"]);
        vec![a, text("b").not_blank(instead)]
    };
    for (a, b, name) in [("", "x", "a"), ("x", "", "b")] {
        let config = Value::object([("a", Value::from(a)), ("b", Value::from(b))]);
        let empty = says(name, &format!("{name} is empty"), "Name it.");
        assert_eq!(told(two(), &config), empty);
    }
}
