use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    text: String,
    #[serde(default)]
    number: Option<u32>,
    #[serde(default)]
    words: Vec<Word>,
    #[serde(default)]
    inner: BTreeMap<String, Box<Shape>>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Word {
    One,
    Other(String),
}

fn deep(level: &str, times: usize) -> String {
    format!("text: {}", level.repeat(times))
}

fn wrong(text: &str) -> String {
    from_yaml::<Shape>(text).unwrap_err().told()
}

#[test]
fn a_text_is_what_is_written_whatever_it_looks_like() {
    for (written, said) in [
        ("1.10", "1.10"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("true", "true"),
        ("no", "no"),
        ("'007'", "007"),
        ("&a 2024-10-01", "2024-10-01"),
        ("é: 'x'", "é"),
    ] {
        let text = match written.strip_suffix(": 'x'") {
            Some(key) => format!("text: {key} # behind a character of two bytes: é"),
            None => format!("# é\ntext: {written}"),
        };
        assert_eq!(from_yaml::<Shape>(&text).unwrap().text, said, "{text}");
    }
    let alias = "text: &version 1.10\ninner: { a: { text: *version, number: 3 } }";
    let shape: Shape = from_yaml(alias).unwrap();
    assert_eq!(shape.inner["a"].text, "1.10");
    assert_eq!(shape.inner["a"].number, Some(3));
}

#[test]
fn words_may_carry_a_text_and_nothing_is_told_by_null() {
    let shape: Shape = from_yaml("text: a\nnumber: ~\nwords: [one, { other: b }]").unwrap();
    assert_eq!(shape.number, None);
    assert_eq!(shape.words, [Word::One, Word::Other("b".to_owned())]);
}

#[test]
fn what_means_something_else_is_told_where_it_stands() {
    for (text, told) in [
        (
            "text: ~",
            "line 1 column 7: invalid type: unit value, expected a string",
        ),
        (
            "text: a\nnumber: '7'",
            "line 2 column 9: invalid type: string \"7\", expected u32",
        ),
        (
            "text: a\nnumber: -1",
            "line 2 column 9: invalid value: integer `-1`, expected u32",
        ),
        ("text: a\nword: []", "line 2 column 1: unknown field `word`"),
        (
            "text: a\nwords: [one, two]",
            "line 2 column 14: unknown variant `two`",
        ),
        (
            "text: a\nwords: [{ other: b, one: c }]",
            "line 2 column 9: expected one word",
        ),
        ("text: a\nwords: [3]", "line 2 column 9: expected one word"),
        (
            "text: a\ninner: { b: [a, 1] }",
            "line 2 column 13: expected keys with values",
        ),
        (
            "text: a\ninner: [a]",
            "line 2 column 8: expected keys with values",
        ),
        (
            "text: a\ninner: { b: { number: 1 } }",
            "line 2 column 13: missing field `text`",
        ),
        ("text: a\ntext: b", "line 2 column 1: duplicate"),
        ("text: [a", "line 1 column "),
        (&deep("[", 200), "line 1 column "),
        (&deep("{ a: ", 200), "line 1 column "),
    ] {
        let wrong = wrong(text);
        assert!(wrong.starts_with(told), "{text}: {wrong}");
    }
}
