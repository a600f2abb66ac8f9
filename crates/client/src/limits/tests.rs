use std::collections::BTreeMap;

use jiff::SignedDuration;
use tokenwright_core::{Inputs, LostAnswer};

use super::{Limits, NameUnit, ParameterRule, ScopesRule};

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn rule(required: bool) -> ParameterRule {
    ParameterRule {
        required,
        values: None,
    }
}

fn limits() -> Limits {
    let known = [
        ("application_id", rule(false)),
        ("user_id", rule(false)),
        ("team", rule(true)),
    ];
    Limits {
        name_max: 64,
        name_unit: NameUnit::Characters,
        name_forbidden: "/".to_owned(),
        name_ascii: false,
        name_allowed: None,
        scopes: ScopesRule::Required,
        scope_separators: [" ".to_owned(), ",".to_owned()].into(),
        parameters: Some(known.map(|(n, r)| (n.to_owned(), r)).into()),
        exactly_one: vec!["application_id".to_owned(), "user_id".to_owned()],
        lifetime_unit: DAY,
        lifetime_max: Some(DAY * 365),
        never: true,
        expiry: true,
        lost_answer: LostAnswer::FindByMarker,
        lost_by_hand: false,
        only_by_hand: None,
    }
}

fn inputs() -> Inputs {
    Inputs {
        name: "deploy".to_owned(),
        scopes: ["models:read".to_owned()].into(),
        parameters: BTreeMap::from([
            ("team".to_owned(), "red".to_owned()),
            ("user_id".to_owned(), "u1".to_owned()),
        ]),
        lifetime: "36h".parse().unwrap(),
    }
}

fn refused(limits: &Limits, change: impl FnOnce(&mut Inputs)) -> String {
    let mut inputs = inputs();
    change(&mut inputs);
    limits.validate(&inputs).unwrap_err().to_string()
}

fn parameter(name: &str, value: &str) -> impl FnOnce(&mut Inputs) {
    move |i| drop(i.parameters.insert(name.to_owned(), value.to_owned()))
}

#[test]
fn what_the_system_can_do_is_taken() {
    assert_eq!(limits().validate(&inputs()), Ok(()));
    assert_eq!(limits().rounded(SignedDuration::from_hours(36)), DAY);
}

#[test]
fn the_name_leaves_room_for_a_space_and_the_longest_marker() {
    let fits = |name: &str, unit| {
        let limits = Limits {
            name_unit: unit,
            ..limits()
        };
        let inputs = Inputs {
            name: name.to_owned(),
            ..inputs()
        };
        limits.validate(&inputs).is_ok()
    };
    assert!(fits(&"é".repeat(23), NameUnit::Characters));
    assert!(!fits(&"é".repeat(24), NameUnit::Characters));
    assert!(!fits(&"é".repeat(23), NameUnit::Bytes));
    assert!(fits(&"é".repeat(11), NameUnit::Bytes));
}

#[test]
fn each_field_is_refused_with_a_sentence() {
    let no_scopes = Limits {
        scopes: ScopesRule::None,
        ..limits()
    };
    let no_never = Limits {
        never: false,
        ..limits()
    };
    let blind = Limits {
        lost_answer: LostAnswer::CannotList,
        ..limits()
    };
    let switch = ParameterRule {
        required: true,
        values: Some(vec!["true".to_owned(), "false".to_owned()]),
    };
    let mut switched = limits();
    let known = switched.parameters.as_mut().unwrap();
    known.insert("team".to_owned(), switch);
    for (name, value) in [("team", "true"), ("team", "false"), ("user_id", "True")] {
        let given = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        assert_eq!(switched.validate_adopted(&given), Ok(()), "{value}");
    }
    let never = |i: &mut Inputs| i.lifetime = "never".parse().unwrap();
    for (message, part) in [
        (
            refused(&limits(), |i| i.name = "a".repeat(24)),
            "name: has 24",
        ),
        (refused(&limits(), |i| i.name = "a/b".to_owned()), "'/'"),
        (
            refused(&limits(), |i| i.scopes.clear()),
            "scopes: must name",
        ),
        (refused(&no_scopes, |_| {}), "scopes: must be empty"),
        (
            refused(&limits(), |i| {
                i.scopes.insert("models:read admin".to_owned());
            }),
            "scopes: must not hold \" \" in one of them, \"models:read admin\"",
        ),
        (
            refused(&limits(), |i| {
                i.scopes.insert("a,b".to_owned());
            }),
            "so that it would be several",
        ),
        (
            refused(&limits(), parameter("tam", "x")),
            "tam is not known",
        ),
        (
            refused(&limits(), parameter("team", "")),
            "must not be empty",
        ),
        (
            refused(&switched, parameter("team", "True")),
            "team is \"True\", and must be one of true, false",
        ),
        (
            refused(&limits(), |i| drop(i.parameters.remove("team"))),
            "team is required",
        ),
        (
            refused(&limits(), |i| drop(i.parameters.remove("user_id"))),
            "exactly one",
        ),
        (
            refused(&limits(), parameter("application_id", "a")),
            "exactly one",
        ),
        (
            refused(&limits(), |i| i.lifetime = "12h".parse().unwrap()),
            "12h rounds down to zero",
        ),
        (
            refused(&limits(), |i| i.lifetime = "366d".parse().unwrap()),
            "366d is longer than 365d",
        ),
        (refused(&no_never, never), "never is not possible"),
        (refused(&blind, never), "could not be found"),
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn names_are_counted_and_spelled_as_the_system_does() {
    let room = 64 - 1 - 40;
    let inputs = |name: String| Inputs { name, ..inputs() };
    let utf16 = Limits {
        name_unit: NameUnit::Utf16,
        ..limits()
    };
    assert_eq!(utf16.validate(&inputs("é".repeat(room))), Ok(()));
    // Two units each.
    assert_eq!(utf16.validate(&inputs("😀".repeat(room / 2))), Ok(()));
    let refused = utf16.validate(&inputs("😀".repeat(room / 2 + 1)));
    assert!(refused.unwrap_err().message.contains("UTF-16"));
    let ascii = Limits {
        name_ascii: true,
        ..limits()
    };
    assert_eq!(ascii.validate(&inputs("why".to_owned())), Ok(()));
    assert_eq!(
        ascii
            .validate(&inputs("café".to_owned()))
            .unwrap_err()
            .field,
        "name"
    );
}

#[test]
fn what_only_a_person_can_do_is_said_before_anything_else() {
    let limits = Limits {
        only_by_hand: Some("ask in the dashboard".to_owned()),
        ..limits()
    };
    let refused = limits.validate(&inputs()).unwrap_err();
    assert_eq!(refused.field, "profile");
    assert!(refused.message.contains("ask in the dashboard"));
}

#[test]
fn a_token_without_end_that_could_not_be_found_is_minted_only_where_a_person_is_told_what_to_do() {
    for (lost_by_hand, lost_answer, allowed) in [
        (false, LostAnswer::CannotAttribute, false),
        (true, LostAnswer::CannotAttribute, true),
        (true, LostAnswer::CannotList, true),
        (false, LostAnswer::FindByMarker, true),
    ] {
        let limits = Limits {
            lost_answer,
            lost_by_hand,
            ..limits()
        };
        assert_eq!(limits.allows_never(), allowed, "{lost_answer:?}");
    }
}

#[test]
fn a_parameter_or_name_that_a_gateway_would_read_as_another_path_is_refused() {
    let slashes = Limits {
        name_forbidden: String::new(),
        ..limits()
    };
    for elsewhere in [
        "..",
        ".",
        "red/../blue",
        "red/./blue",
        "red/..",
        "red\\..\\blue",
        "red%2F..%2fblue",
        "red/%2e%2E/blue",
        "red/.%2e",
    ] {
        let told = refused(&limits(), parameter("team", elsewhere));
        assert!(
            told.starts_with("parameters: team must not have . or .."),
            "{told}"
        );
        let told = refused(&slashes, |i| i.name = elsewhere.to_owned());
        assert!(told.starts_with("name: must not have . or .."), "{told}");
        let adopted = BTreeMap::from([("team".to_owned(), elsewhere.to_owned())]);
        assert!(limits().validate_adopted(&adopted).is_err(), "{elsewhere}");
    }
    for plain in [
        "red/blue",
        "v1..2",
        "...",
        ".github",
        "red/.github/x.y",
        "a%b",
        "*",
    ] {
        let mut inputs = inputs();
        parameter("team", plain)(&mut inputs);
        inputs.name = plain.to_owned();
        assert_eq!(slashes.validate(&inputs), Ok(()), "{plain}");
    }
}
