use std::error::Error as _;

use crate::Profile;

/// A small system; each text may be replaced.
const SMALL: &str = r#"profile: small
title: A system with $(token), $(nope) and item.nope in its title
credential:
  parts: { key: {} }
  header: { name: Authorization, part: key } # sent as $(token)
name: { max: 80 }
scopes: none
lifetime: { unit: second, never: omit }
token:
  id: item.id
  name: item.name
value: { key: { at: /key } }
mint:
  # answers with $(nope)
  send: POST /t
  body: { name: $(name), ttl: $(lifetime) }
list:
  send: GET /t
check:
  send: GET /me
revoke:
  send: DELETE /t/$(id)
"#;

/// What is wrong, and the line at which it is said.
fn wrong(old: &str, new: &str) -> (String, usize, String) {
    assert!(SMALL.contains(old), "{old}");
    let text = SMALL.replacen(old, new, 1);
    let error = Profile::parse(&text).unwrap_err();
    let line = error.line().unwrap_or_default();
    let at = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let rest = at.chars().skip(error.column().unwrap_or(1) - 1).collect();
    (error.source().unwrap().to_string(), line, rest)
}

#[test]
fn a_problem_is_told_at_the_key_at_fault_and_not_where_its_text_stands_first() {
    Profile::parse(SMALL).unwrap();
    for (old, new, begins, told) in [
        (
            "body: { name: $(name), ttl: $(lifetime) }\n",
            "then: [{ send: GET /$(first.x) }, { send: GET /$(nope) }]\n",
            "nope)",
            "uses nope",
        ),
        ("ttl: $(lifetime)", "ttl: $(nope)", "nope)", "uses nope"),
        ("ttl: $(lifetime)", "ttl: $(token)", "token)", "uses token"),
        (
            "name: item.name",
            "name: nope + item.nope",
            "nope + item",
            "uses nope",
        ),
        ("DELETE /t/$(id)", "DELETE /t/$(nope)", "nope)", "uses nope"),
        (
            "  send: GET /me\n",
            "  send: GET /me\n  basic: { user: $(token), password: key }\n",
            "token)",
            "uses token",
        ),
        (
            "  send: GET /me\n",
            "  send: GET /me\n  basic: { user: key, password: name }\n",
            "password: name",
            "no part of it",
        ),
        (
            "  send: GET /me\n",
            "  send: GET me\n",
            "send: GET me",
            "begins with /",
        ),
        (
            "  send: GET /t\n",
            "  send: GET /t\n  items: nope.id\n",
            "nope.id",
            "uses nope",
        ),
        ("max: 80", "max: 20", "max: 20", "which needs 40"),
        ("max: 80", "max: 80, without: t", "without", "'t'"),
        ("max: 80", "max: 80, without: '_-'", "without", "'-'"),
        ("max: 80", "max: 80, without: ' '", "without", "' '"),
    ] {
        let (problem, line, at) = wrong(old, new);
        assert!(
            at.starts_with(begins),
            "{new}: line {line}: {at:?}: {problem}"
        );
        assert!(problem.contains(told), "{new}: {problem}");
    }
}

#[test]
fn a_token_that_nothing_could_find_or_end_is_refused_unless_a_person_is_told_what_to_do() {
    let blind = SMALL.replace("list:\n  send: GET /t\n", "");
    let blind = blind.replace("revoke:\n  send: DELETE /t/$(id)\n", "");
    let error = Profile::parse(&blind).unwrap_err();
    assert_eq!(error.line(), Some(13));
    let told = error.source().unwrap().to_string();
    assert!(
        told.contains("say in manual what a person must do"),
        "{told}"
    );
    let manual = format!("{blind}manual: Revoke it on the page of tokens.\n");
    Profile::parse(&manual).unwrap();
}

#[test]
fn an_empty_set_of_names_is_no_list_in_a_message() {
    let (problem, ..) = wrong("  send: GET /t\n", "  send: GET /t/$(nope)\n");
    assert!(
        problem.ends_with("known are the functions before, later, objects"),
        "{problem}"
    );
}
