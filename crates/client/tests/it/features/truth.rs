//! What loads must work: a profile whose parts contradict each other, or that never asks for what it promises,
//! is refused when it is loaded, at the key at fault.

use tokenwright_client::Profile;

use super::refusals::place;
use crate::tiny::{chain, file};

/// What is changed in a small system, and what its refusal says.
pub(super) type Case<'a> = (&'a [(&'a str, &'a str)], &'a str);

pub(super) fn refused(cases: &[Case<'_>]) {
    for (changed, problem) in cases {
        let text = file(changed);
        let error = match Profile::parse(&text) {
            Ok(_) => panic!("loads, though {problem:?}:\n{text}"),
            Err(error) => error,
        };
        let message = chain(&error);
        assert!(message.contains(problem), "{problem}: {message}");
        let (line, _) = place(&error, &text).unwrap_or_else(|| panic!("no place: {message}"));
        // Told at what was changed, and not at what stands elsewhere.
        let at = text.lines().nth(line - 1).unwrap();
        let key = at.split(':').next().unwrap();
        assert!(
            changed.iter().any(|(part, _)| *part == key) || key == "mint",
            "told at {at:?}: {message}"
        );
    }
}

pub(super) fn loads(cases: &[&[(&str, &str)]]) {
    for changed in cases {
        let text = file(changed);
        if let Err(error) = Profile::parse(&text) {
            panic!("{}\n{text}", chain(&error));
        }
    }
}

#[test]
fn a_call_about_one_token_says_which() {
    let which = "send: does not say which token is meant";
    let twice = "{ send: PUT /t/$(id) }";
    refused(&[
        (&[("revoke", "{ send: DELETE /t }")], which),
        (&[("revoke", "{ send: POST /t, body: { id: 7 } }")], which),
        (&[("get", "{ send: GET /t }")], which),
        (
            &[
                ("get", "{ send: GET /t/$(id) }"),
                (
                    "update",
                    "{ send: PUT /t, body: { n: $(name) }, can: [name] }",
                ),
            ],
            which,
        ),
        (&[("toggle", "{ send: POST /flip }")], which),
        (
            &[("enable", "{ send: PUT /on }"), ("disable", twice)],
            which,
        ),
        (
            &[("enable", twice), ("disable", "{ send: PUT /off }")],
            which,
        ),
        (
            &[("list", "{ send: GET /t, each: { send: GET /one } }")],
            which,
        ),
    ]);
    loads(&[
        &[("revoke", "{ send: POST /r, put: { /token: key } }")],
        &[(
            "revoke",
            "{ send: POST /r, header: { name: X, part: key } }",
        )],
        &[("revoke", "{ send: DELETE /t, query: { id: $(id) } }")],
        &[("revoke", "{ send: DELETE /t, headers: { X-Id: $(id) } }")],
        &[("list", "{ send: GET /t, each: { send: 'GET /t/$(id)' } }")],
    ]);
}

#[test]
fn what_is_promised_is_asked_for() {
    refused(&[
        (
            &[("mint", "{ send: POST /t, body: { ttl: $(lifetime) } }")],
            "mint: never sends $(name)",
        ),
        (
            &[("mint", "{ send: POST /t, body: { n: $(name) } }")],
            "mint: never sends $(lifetime)",
        ),
        (&[("scopes", "required")], "mint: never sends $(scopes)"),
        (&[("scopes", "optional")], "mint: never sends $(scopes)"),
        (
            &[("lifetime", "{ unit: day, max: 12h }")],
            "max: is less than one unit",
        ),
        (
            &[("update", "{ send: 'PUT /t/$(id)', can: [name] }")],
            "can: promises a change that is never sent: $(name)",
        ),
        (
            &[(
                "update",
                "{ send: 'PUT /t/$(id)', body: { n: $(name) }, can: [name, addExpiry] }",
            )],
            "can: promises a change that is never sent: $(lifetime)",
        ),
    ]);
    let only_name = ("mint", "{ send: POST /t, body: { n: $(name) } }");
    loads(&[
        &[only_name, ("lifetime", "{ unit: none }")],
        &[only_name, ("lifetime", "{ unit: hour, max: 1h }")],
        &[only_name, ("lifetime", "{ unit: second, ignored: true }")],
        // A further call of the same mint may say it.
        &[(
            "mint",
            "{ send: POST /t, body: { n: $(name) }, then: [{ send: POST /k, body: { ttl: $(lifetime) } }] }",
        )],
        &[
            ("mint", "{ send: POST /t, body: { ttl: $(lifetime) } }"),
            ("token", "{ id: item.id, expires: item.expires }"),
        ],
    ]);
}

#[test]
fn what_was_made_can_be_ended_by_somebody() {
    let problem = "mint: makes tokens that nothing could end";
    refused(&[
        (&[("revoke", "")], problem),
        (&[("revoke", ""), ("manual", "' '")], problem),
        (&[("revoke", ""), ("list", "")], problem),
    ]);
    loads(&[&[
        ("revoke", ""),
        ("manual", "Revoke it on the page of tokens"),
    ]]);
}

#[test]
fn a_secret_is_no_id_and_one_name_delivers_one_thing() {
    refused(&[
        (
            &[("value", "{ key: { at: /id } }")],
            "key: is moved out of /id, where token.id is read",
        ),
        (
            &[
                ("value", "{ key: { at: /data/token/id } }"),
                (
                    "mint",
                    "{ send: POST /t, body: { n: $(name), ttl: $(lifetime) }, item: answer.data, token: { id: item.token.id } }",
                ),
            ],
            "key: is moved out of /data/token/id, where token.id is read",
        ),
        (
            &[("public", "{ key: item.id }")],
            "key: is the name of a part of the value",
        ),
        (
            &[("value", "{ key: { at: /key, max: 0 } }")],
            "max: must be between 1 and",
        ),
        (
            &[("value", "{ key: { at: /key, max: 300000000 } }")],
            "max: must be between 1 and",
        ),
    ]);
}

#[test]
fn a_status_means_one_thing_in_one_call() {
    refused(&[
        (
            &[("check", "{ send: GET /me, alive: [403], dead: [401, 403] }")],
            "alive: has 403, which dead has, too",
        ),
        (
            &[("check", "{ send: GET /me, unknown: [401], dead: [401] }")],
            "dead: has 401, which unknown has, too",
        ),
        (
            &[(
                "revoke",
                "{ send: 'DELETE /t/$(id)', success: [204, 404], gone: [404] }",
            )],
            "success: has 404, which means that the token is not there",
        ),
        (
            &[(
                "mint",
                "{ send: POST /t, body: { n: $(name), ttl: $(lifetime) }, success: [201], unsure: [201] }",
            )],
            "success: has 201, which means something else",
        ),
        (
            &[("list", "{ send: GET /t, success: [20] }")],
            "success: has 20, which is no status",
        ),
    ]);
}

#[test]
fn a_name_has_room_for_marker_and_separator_as_its_system_counts() {
    refused(&[
        (
            &[("name", "{ max: 43, unit: bytes, separator: '…' }")],
            "before it: 44",
        ),
        (
            &[("name", "{ max: 42, unit: utf16, separator: '🔑' }")],
            "before it: 43",
        ),
        (
            &[("name", "{ max: 64, ascii: true, separator: '…' }")],
            "separator: must be ASCII",
        ),
    ]);
    loads(&[
        &[("name", "{ max: 44, unit: bytes, separator: '…' }")],
        &[("name", "{ max: 42, separator: '…' }")],
    ]);
}

#[test]
fn a_header_that_carries_a_secret_carries_nothing_else() {
    let credential = |name: &str, prefix: &str| {
        format!(
            "{{ parts: {{ key: {{}} }}, header: {{ name: {name}, prefix: \"{prefix}\", part: key }} }}"
        )
    };
    refused(&[
        (
            &[("credential", &credential("Host", ""))],
            "name: is written by Tokenwright itself",
        ),
        (
            &[("credential", &credential("Content-Length", ""))],
            "name: is written by Tokenwright itself",
        ),
        (
            &[("credential", &credential("X-Key", "Bearer\\n"))],
            "prefix: has a character that no header can have",
        ),
        (
            &[
                ("credential", &credential("X-Key", "")),
                ("headers", "{ x-key: constant }"),
            ],
            "x-key: is written by Tokenwright itself",
        ),
    ]);
}

#[test]
fn of_several_parameters_one_can_be_given() {
    refused(&[(
        &[
            ("parameters", "{ a: { required: true }, b: {} }"),
            ("exactlyOne", "[a, b]"),
        ],
        "exactlyOne: a is required",
    )]);
}

#[test]
fn one_token_at_a_time_needs_a_call_that_makes_room() {
    refused(&[(
        &[("one", "true"), ("revoke", ""), ("manual", "end it there")],
        "one: needs revoke",
    )]);
    loads(&[&[("one", "true")], &[("one", "false")]]);
}

#[test]
fn pages_in_a_body_and_prefixes_stand_where_they_can_work() {
    let pages = |text: &'static str| [("list", text)];
    refused(&[
        (
            &pages("{ send: GET /t, pages: { cursor: /after, next: answer.n } }"),
            "cursor: is a place in a JSON body",
        ),
        (
            &pages("{ send: POST /t, form: {}, pages: { page: /p } }"),
            "page: is a place in a JSON body",
        ),
        (
            &pages("{ send: GET /t, pages: { page: p, endsEmpty: true } }"),
            "endsEmpty: is for pages",
        ),
        (
            &[(
                "value",
                "{ key: { compose: [{ at: /key }], publicBefore: . } }",
            )],
            "publicBefore: is for a part",
        ),
        (
            &[("value", "{ key: { at: /key, publicBefore: '' } }")],
            "publicBefore: must be a text",
        ),
        (
            &[(
                "value",
                "{ key: { at: /key, publicBefore: . }, more: { at: /more, publicBefore: . } }",
            )],
            "publicBefore: stands at another part",
        ),
        (
            &[(
                "mint",
                "{ send: POST /t, body: { name: $(name), ttl: $(lifetime) }, token: { id: prefix } }",
            )],
            "prefix",
        ),
        (
            &[
                ("parameters", "{ prefix: {} }"),
                ("value", "{ key: { at: /key, publicBefore: . } }"),
            ],
            "prefix: is a word",
        ),
    ]);
    loads(&[
        &[("parameters", "{ prefix: {} }")],
        &pages("{ send: POST /t, pages: { page: /p, size: /n, max: 5 } }"),
        &pages("{ send: GET /t, pages: { link: true, endsEmpty: true } }"),
    ]);
}
