//! Profiles that cannot work are refused when they are loaded, with the place of what is wrong.

use tokenwright_client::Profile;
use tokenwright_client::profile::InvalidProfile;

use crate::tiny::{chain, file};

/// Line and column, which lie inside of the text and are said once.
pub(super) fn place(error: &InvalidProfile, text: &str) -> Option<(usize, usize)> {
    let (line, column) = error.line().zip(error.column())?;
    let length = text.lines().nth(line - 1)?.chars().count();
    let said = format!("profile is wrong at line {line} column {column}");
    let inside = (1..=length + 1).contains(&column);
    let once = error.to_string() == said && chain(error).matches("line ").count() == 1;
    (inside && once).then_some((line, column))
}

#[test]
fn every_refusal_says_what_is_wrong_and_where() {
    let adopt = [
        "credential",
        "name",
        "scopes",
        "lifetime",
        "token",
        "list",
        "revoke",
        "mint",
    ];
    let by_hand = |kept: &'static str| -> Vec<(&str, &str)> {
        let dropped = adopt.iter().filter(|part| **part != kept);
        let mut changed: Vec<_> = dropped.map(|part| (*part, "")).collect();
        changed.push(("manual", "ask somebody"));
        if kept != "value" {
            changed.push(("value", "{ key: {} }"));
        }
        changed
    };
    let mut cases: Vec<(Vec<(&str, &str)>, &str)> = vec![
        (vec![("mint", "")], "needs mint, or manual"),
        (by_hand("list"), "list: is only for systems with mint"),
        (by_hand("name"), "name: is only for systems with mint"),
        (
            by_hand("credential"),
            "credential: is only for systems with mint",
        ),
        (by_hand("value"), "key: is brought by a person"),
    ];
    for (part, text, problem) in [
        ("name", "", "mint: needs name"),
        ("credential", "", "mint: needs credential"),
        ("token", "{ name: item.name }", "token: needs id"),
        ("value", "{}", "at least one part"),
        (
            "value",
            "{ key: {} }",
            "exactly one of at, header and compose",
        ),
        (
            "value",
            "{ key: { at: /k, header: X } }",
            "exactly one of at, header and compose",
        ),
        (
            "value",
            "{ key: { compose: [] } }",
            "exactly one of at, header and compose",
        ),
        ("value", "{ key: { compose: [{ at: k }] } }", "JSON pointer"),
        (
            "value",
            "{ key: { compose: [{ text: $(answer) }] } }",
            "uses answer",
        ),
        (
            "value",
            "{ key: { header: 'no header' } }",
            "no name of a header",
        ),
        (
            "mint",
            "{ send: POST /t, claims: other }",
            "other is no simple part",
        ),
        (
            "mint",
            "{ send: POST /t, token: { id: claims.jti } }",
            "uses claims",
        ),
        (
            "mint",
            "{ send: POST /t, body: {}, form: {} }",
            "has a body and a form",
        ),
        ("mint", "{ send: TRACE /t }", "must begin with GET"),
        ("mint", "{ send: post /t }", "must begin with GET"),
        ("mint", "{ send: POST /t?x=1 }", "has no query"),
        (
            "list",
            "{ send: GET /t, pages: {} }",
            "needs exactly one of page",
        ),
        (
            "list",
            "{ send: GET /t, pages: { page: p, offset: o } }",
            "needs exactly one of page",
        ),
        (
            "list",
            "{ send: GET /t, pages: { cursor: c } }",
            "needs exactly one of page",
        ),
        (
            "list",
            "{ send: GET /t, pages: { page: p, size: s } }",
            "size and max",
        ),
        (
            "list",
            "{ send: GET /t, pages: { link: true, more: answer.x } }",
            "by number or offset",
        ),
        ("list", "{ send: GET /t, skip: answer.x }", "uses answer"),
        (
            "get",
            "{ send: GET /t/$(id), skip: answer.x }",
            "uses answer",
        ),
        (
            "list",
            "{ send: GET /t, each: { send: POST /l, body: { i: $(item) } } }",
            "uses item",
        ),
        (
            "check",
            "{ send: GET /me, header: { name: A, part: other } }",
            "other is no part",
        ),
        (
            "check",
            "{ send: GET /me, header: { name: A, part: key }, basic: { user: key, password: key } }",
            "not both",
        ),
        (
            "identity",
            "{ send: GET /me }",
            "needs send and read, or claim",
        ),
        (
            "identity",
            "{ send: GET /me, read: answer.x, claim: y }",
            "needs send and read, or claim",
        ),
        (
            "update",
            "{ send: PUT /t/$(id), body: { x: $(item.x) }, can: [] }",
            "uses item, which needs get",
        ),
        ("enable", "{ send: PUT /t/$(id) }", "belong together"),
        ("disable", "{ send: PUT /t/$(id) }", "belong together"),
        (
            "parameters",
            "{ later: {} }",
            "is a word of the profile language",
        ),
        (
            "parameters",
            "{ headers: {} }",
            "is a word of the profile language",
        ),
        ("parameters", "{ Team: {} }", "is no name for a parameter"),
        ("endpoint", "http://example.com", "must be https"),
        ("endpoint", "''", "is needed"),
        ("settle", "soon", "settle"),
        ("lifetime", "{ unit: fortnight }", "fortnight"),
        (
            "lifetime",
            "{ unit: day, never: { word: x, other: y } }",
            "line",
        ),
        (
            "errors",
            "{ kind: answer.x, map: {}, when: item.x }",
            "uses item",
        ),
        ("errors", "{ message: item.x }", "uses item"),
        (
            "errors",
            "{ kind: answer.x, message: answer.y }",
            "kind: needs map",
        ),
        (
            "errors",
            "{ map: { x: Invalid }, message: answer.y }",
            "map: needs kind",
        ),
        ("public", "{ a: answer.x }", "uses answer"),
        ("public", "{ a: item.x|nope }", "uses filter nope"),
        (
            "credential",
            "{ parts: { key: {} } }",
            "needs exactly one of header",
        ),
        (
            "credential",
            "{ parts: { login: {} }, header: { name: A, part: login } }",
            "login: is a part that is made",
        ),
        (
            "credential",
            "{ parts: { key: {} }, header: { name: A, part: login } }",
            "login is no part",
        ),
        (
            "credential",
            "{ parts: { key: {} }, header: { name: A, part: login }, login: { send: POST /l } }",
            "needs exactly one of at, atHeader and cookie",
        ),
        (
            "credential",
            "{ parts: { key: {} }, header: { name: A, part: login }, login: { send: POST /l, at: /t, put: { k: key } } }",
            "k is no JSON pointer",
        ),
        (
            "credential",
            "{ parts: { key: {} }, header: { name: A, part: login }, login: { send: POST /l, at: /t, put: { /k: other } } }",
            "other is no part",
        ),
        ("nonsense", "1", "nonsense"),
        (
            "name",
            "{ max: 64, separator: '--' }",
            "separator: must be one character",
        ),
        (
            "name",
            "{ max: 64, separator: x }",
            "separator: must be one character",
        ),
        (
            "name",
            "{ max: 64, separator: '-', without: '-' }",
            "without: must not have '-'",
        ),
        (
            "name",
            "{ max: 64, separator: '_', without: '_' }",
            "without: must not have '_'",
        ),
        (
            "name",
            "{ max: 64, allowed: '[a-z0-9-]' }",
            "say in separator what stands there",
        ),
        (
            "name",
            "{ max: 64, separator: '_', allowed: '[a-z0-9_]' }",
            "allowed: must have '-'",
        ),
        (
            "name",
            "{ max: 64, allowed: '[^ ]' }",
            "is no class of characters",
        ),
        ("name", "{ max: 41 }", "before it: 42"),
        (
            "mint",
            "{ send: POST /t, then: [{ send: POST /u/$(second.id) }] }",
            "uses second",
        ),
        ("mint", "{ send: POST /t, item: first.it }", "uses first"),
        (
            "mint",
            "{ send: POST /t, then: [{ send: GET /1 }, { send: GET /2 }, { send: GET /3 }, { send: GET /4 }] }",
            "then: has more than 3 further calls",
        ),
        (
            "parameters",
            "{ team: { default: '' } }",
            "default: is empty",
        ),
        (
            "parameters",
            "{ team: { default: a, required: true } }",
            "default: is never used",
        ),
        (
            "parameters",
            "{ team: { default: a, values: [b, c] } }",
            "default: is none of its values",
        ),
        (
            "check",
            "{ send: POST /p, put: { token: key } }",
            "token is no JSON pointer",
        ),
        (
            "check",
            "{ send: POST /p, put: { /token: other } }",
            "other is no part",
        ),
        (
            "check",
            "{ send: GET /p, put: { ':token': key } }",
            "is no segment of the path",
        ),
        (
            "check",
            "{ send: GET /p, withCredential: true }",
            "withCredential: needs put",
        ),
        (
            "check",
            "{ send: GET /p, put: { '?t': key }, withCredential: true, header: { name: A, part: key } }",
            "withCredential: excludes header",
        ),
        (
            "check",
            "{ send: GET /p, basic: { user: '', password: '' } }",
            "one of them is a part",
        ),
        (
            "check",
            "{ send: GET /p, login: { send: POST /l, at: /t, put: { /k: other } } }",
            "other is no part",
        ),
        (
            "revoke",
            "{ send: POST /r, put: { /token: other } }",
            "other is no part",
        ),
        (
            "revoke",
            "{ send: POST /r, header: { name: A, part: other } }",
            "other is no part",
        ),
        (
            "list",
            "{ send: GET /t, secrets: ['*/key'] }",
            "is no JSON pointer, such as /tokens/*/secret",
        ),
        (
            "credential",
            "{ parts: { key: {} }, login: { send: POST /l, cookie: 'a b' } }",
            "is no name of a cookie",
        ),
        (
            "credential",
            "{ parts: { key: {} }, login: { send: POST /l, cookie: sid, at: /t } }",
            "needs exactly one of at, atHeader and cookie",
        ),
    ] {
        cases.push((vec![(part, text)], problem));
    }
    cases.push((
        vec![
            ("mint", "{ send: POST /t, refuse: item.dead }"),
            ("revoke", ""),
            ("manual", "look for it"),
        ],
        "refuse: needs revoke",
    ));
    cases.push((
        vec![
            ("parameters", "{ a: { default: x }, b: {} }"),
            ("exactlyOne", "[a, b]"),
        ],
        "default: would always be given",
    ));
    let many = "'/*/a', ".repeat(17);
    let list = format!("{{ send: GET /t, secrets: [{many}] }}");
    cases.push((vec![("list", &list)], "secrets: has more than 16 places"));
    let parts: Vec<_> = (0..17).map(|n| format!("p{n}: {{ at: /p{n} }}")).collect();
    let parts = format!("{{ {} }}", parts.join(", "));
    cases.push((vec![("value", &parts)], "value: has more than 16 parts"));
    let bare = [
        ("token", "{ id: item.secret, name: item.label }"),
        ("list", "{ send: GET /t, secrets: ['/*/secret'] }"),
    ];
    for (part, text, problem) in [
        (
            "revoke",
            "{ send: DELETE /t/$(id) }",
            "send: uses id, which is the digest of a secret",
        ),
        (
            "get",
            "{ send: POST /t, body: { t: $(id) } }",
            "send: uses id, which is the digest of a secret",
        ),
    ] {
        let revoke = ("revoke", "{ send: POST /t, put: { /t: key } }");
        let mut changed = bare.to_vec();
        if part != "revoke" {
            changed.push(revoke);
        }
        changed.push((part, text));
        cases.push((changed, problem));
    }
    cases.push((
        vec![
            bare[0],
            bare[1],
            ("value", "{ key: { at: /secret }, other: { at: /other } }"),
            ("revoke", "{ send: POST /t, put: { /t: key } }"),
        ],
        "revoke: needs the value, of which a listing shows one secret",
    ));
    assert!(Profile::parse(&file(&[])).is_ok());
    for (changed, problem) in cases {
        let text = file(&changed);
        let error = Profile::parse(&text).unwrap_err();
        let message = chain(&error);
        assert!(message.contains(problem), "{problem}: {message}");
        assert!(place(&error, &text).is_some(), "no place: {message}");
    }
}

#[test]
fn the_place_is_that_of_the_field_and_not_of_one_that_ends_like_it() {
    let text = file(&[("endpoint", "ftp://x"), ("docs", "an endpoint: none")]);
    let text = text.replace("docs: an endpoint", "docs: 'an other-endpoint'\n#");
    let error = Profile::parse(&text).unwrap_err();
    let at = text
        .lines()
        .position(|line| line.starts_with("endpoint:"))
        .unwrap();
    assert_eq!(place(&error, &text), Some((at + 1, 1)), "{error:?}");
}

#[test]
fn what_has_no_place_is_told_without_one() {
    let text = format!("{}{}", file(&[]), "# long\n".repeat(50_000));
    let error = Profile::parse(&text).unwrap_err();
    assert_eq!((error.line(), error.column()), (None, None));
    let told = "profile is wrong: it is longer than 262144 bytes";
    assert_eq!(chain(&error), told);
}
