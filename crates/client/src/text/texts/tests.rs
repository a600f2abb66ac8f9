use std::collections::BTreeMap;

use serde_json::json;

use super::{InvalidText, Texts};
use crate::text::{MAX_EXPRESSIONS, MAX_RENDERED};

fn rendered(text: &str, value: &[u8]) -> Result<String, InvalidText> {
    let parameter = "p".repeat(9 * 1024);
    let fields =
        json!({"id": "SCW1", "name": "ci", "scopes": ["a", "b"], "application_id": parameter});
    let fields: BTreeMap<_, _> = serde_json::from_value(fields).unwrap();
    let texts = BTreeMap::from([("x".to_owned(), text.to_owned())]);
    let texts = Texts::new(&texts, fields.keys().map(String::as_str))?;
    let rendered = texts.render(&fields, |part| (part == "key").then_some(value))?;
    let bytes = rendered["x"].iter();
    Ok(bytes.map(|byte| char::from(*byte)).collect())
}

/// Key and problem of a refusal.
fn refused(text: &str) -> String {
    let refused = rendered(text, b"s3cret").unwrap_err();
    assert_eq!(refused.key(), "x");
    refused.to_string()
}

#[test]
fn a_slot_takes_the_bytes_of_its_part_as_they_are() {
    assert_eq!(
        rendered("//registry/:_authToken=$(value.key)\n", b"s3\xffcret").unwrap(),
        "//registry/:_authToken=s3\u{ff}cret\n"
    );
    // What looks like an expression in a value is none.
    assert_eq!(rendered("$(value.key)", b"$(id)").unwrap(), "$(id)");
}

#[test]
fn a_slot_is_escaped_by_the_place_where_it_stands() {
    let value = b"a\"b\\c\n";
    assert_eq!(rendered("$(value.key|b64)", value).unwrap(), "YSJiXGMK");
    for text in [
        r#"{"auths": {"r": {"username": "$(name)", "password": $(value.key|json)}}}"#,
        r#"{"auths": {"r": {"username": "$(name)", "password": "$( value.key | json )"}}}"#,
        r#"{"auths": {"r": {"q\"": "\\", "password": "$(value.key|json)"}}}"#,
    ] {
        let read: serde_json::Value =
            serde_json::from_str(&rendered(text, value).unwrap()).unwrap();
        assert_eq!(read["auths"]["r"]["password"], "a\"b\\c\n", "{text}");
    }
    let problem = rendered("$(value.key|json)", b"\xff").unwrap_err();
    let problem = problem.to_string();
    assert!(problem.contains("no UTF-8"), "{problem}");
}

#[test]
fn an_expression_sees_what_is_public() {
    assert_eq!(
        rendered("$(id) of $(name|upper): $(scopes|join(' '))", b"").unwrap(),
        "SCW1 of CI: a b"
    );
    assert_eq!(
        rendered("$(name ~ ')' ~ (\"(\" ~ id))", b"").unwrap(),
        "ci)(SCW1"
    );
    assert_eq!(
        rendered("$HOME (really) $", b"").unwrap(),
        "$HOME (really) $"
    );
}

#[test]
fn no_expression_sees_the_value() {
    for text in [
        "$(value)",
        "$(value.key|upper)",
        "$(value.key|b64|json)",
        "$(value['key'])",
        "$(name ~ value.key)",
    ] {
        let told = refused(text);
        assert!(told.contains("only $(value.PART)"), "{text}: {told}");
    }
}

#[test]
fn what_is_unknown_is_refused_and_never_empty() {
    for (text, told) in [
        ("$(value.other)", "no part \"other\""),
        ("$(owner)", "uses owner, which is not known here; known are"),
        ("$(owner ~ 1)", "uses owner, which is not known here"),
        ("$(id.nope)", "cannot be evaluated"),
        ("$(id|nope)", "filter nope"),
        ("$(name", "no closing parenthesis"),
    ] {
        let shown = refused(text);
        assert!(shown.contains(told), "{text}: {shown}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}

#[test]
fn every_bound_of_a_rendering_refuses_at_once_and_names_itself() {
    let began = std::time::Instant::now();
    let big = "$(application_id)";
    for (text, told) in [
        (
            "$(['xxxxxxxxxxxxxxxx'] * 99999999)".to_owned(),
            "multiplies what may be",
        ),
        ("$('x' * 99999999)".to_owned(), "multiplies what may be"),
        (big.repeat(4_000), "more than 200 expressions"),
        ("$(1)".repeat(60_000), "more than 200 expressions"),
        ("$(value.key)".repeat(60_000), "more than 200 expressions"),
        (big.repeat(200), "more than 1048576 bytes"),
        (
            format!("$({}1)", "1+".repeat(300)),
            "longer than 512 characters",
        ),
        ("x".repeat(MAX_RENDERED + 1), "more than 1048576 bytes"),
        // Work and memory that no bound on the result would see.
        (
            "$(application_id|list|map(attribute='a', default=application_id)|list|string)"
                .to_owned(),
            "more than 5000 steps",
        ),
        (
            "$(application_id|list|select('in', application_id|list)|list|length)".to_owned(),
            "more than 5000 steps",
        ),
        (
            "$(application_id|split('')|map('join', application_id)|list|length)".to_owned(),
            "more than 5000 steps",
        ),
        (
            "$(application_id|list|map('default', application_id)|join(application_id))".to_owned(),
            "more than 5000 steps",
        ),
    ] {
        let shown = refused(&text);
        assert!(
            shown.contains(told),
            "{}: {shown:.300}",
            &text[..60.min(text.len())]
        );
    }
    // The worst that is allowed, as often as it is allowed.
    let worst = "$(application_id|list|sort|list|length)".repeat(MAX_EXPRESSIONS);
    let _ = rendered(&worst, b"");
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}
