//! Odd profiles: each loads as far as its grammar goes, examples of it could pass, and then it could not
//! observe a token, or not end one. All of them are refused, at the key at fault.

use super::truth::{loads, refused};

const SAME: &str = "is the same whatever is answered";

#[test]
fn what_observes_reads_what_was_answered() {
    refused(&[
        (&[("token", "{ id: '\"x\"', name: item.name }")], SAME),
        (&[("token", "{ id: item.id, name: '\"x\"' }")], SAME),
        (
            &[("token", "{ id: item.id, name: item.name, enabled: 'true' }")],
            SAME,
        ),
        (&[("list", "{ send: GET /t, items: '[]' }")], SAME),
        (&[("list", "{ send: GET /t, skip: 'true' }")], SAME),
        (&[("list", "{ send: GET /t, skip: now > 0 }")], SAME),
        (&[("get", "{ send: 'GET /t/$(id)', skip: 'true' }")], SAME),
        (
            &[("list", "{ send: GET /t, token: { name: '\"x\"' } }")],
            SAME,
        ),
        (
            &[(
                "list",
                "{ send: GET /t, each: { send: 'GET /t/$(id)', item: '{}' } }",
            )],
            SAME,
        ),
        (
            &[(
                "list",
                "{ send: GET /t, pages: { page: p, more: 'false' } }",
            )],
            SAME,
        ),
        (
            &[("list", "{ send: GET /t, pages: { page: p, total: '1' } }")],
            SAME,
        ),
        (
            &[(
                "list",
                "{ send: GET /t, pages: { cursor: c, next: '\"\"' } }",
            )],
            SAME,
        ),
        (&[("list", "{ send: GET /t, pages: { next: none } }")], SAME),
        (&[("get", "{ send: 'GET /t/$(id)', item: '{}' }")], SAME),
        (
            &[(
                "mint",
                "{ send: POST /t, body: { n: $(name), ttl: $(lifetime) }, item: '{}' }",
            )],
            SAME,
        ),
        (
            &[(
                "mint",
                "{ send: POST /t, body: { n: $(name), ttl: $(lifetime) }, refuse: 'true' }",
            )],
            SAME,
        ),
        (
            &[(
                "mint",
                "{ send: POST /t, body: { n: $(name), ttl: $(lifetime) }, token: { id: at } }",
            )],
            SAME,
        ),
        (&[("check", "{ send: GET /me, aliveWhen: 'false' }")], SAME),
        (&[("errors", "{ when: 'true' }")], SAME),
        (&[("answers", "{ own: 'true' }")], SAME),
        (&[("answers", "{ own: status == 401 }")], SAME),
    ]);
    loads(&[
        &[(
            "answers",
            "{ own: empty and status == 401 and 'x' in headers }",
        )],
        &[("list", "{ send: GET /t, skip: 'before(item.ends, now)' }")],
        &[(
            "mint",
            "{ send: POST /t, body: { n: $(name), ttl: $(lifetime) }, token: { name: name } }",
        )],
    ]);
}

#[test]
fn whatever_shows_tokens_shows_their_ids() {
    let only_minted = [
        ("token", "{ name: item.name }"),
        (
            "mint",
            "{ send: POST /t, body: { n: $(name), ttl: $(lifetime) }, token: { id: item.id } }",
        ),
    ];
    let with = |part| [&only_minted[..], &[part]].concat();
    refused(&[
        (
            &with(("list", "{ send: GET /t }")),
            "shows tokens without an id",
        ),
        (
            &[
                &only_minted[..],
                &[
                    ("list", "{ send: GET /t }"),
                    ("get", "{ send: 'GET /t/$(id)', token: { id: item.id } }"),
                ],
            ]
            .concat(),
            "shows tokens without an id",
        ),
    ]);
    loads(&[&with(("list", "{ send: GET /t, token: { id: item.key } }"))]);
}

#[test]
fn a_status_that_anybody_answers_with_proves_and_ends_nothing() {
    let nothing = "proves nothing";
    refused(&[
        (
            &[("revoke", "{ send: 'DELETE /t/$(id)', gone: [401] }")],
            nothing,
        ),
        (
            &[("revoke", "{ send: 'DELETE /t/$(id)', gone: [502] }")],
            nothing,
        ),
        (
            &[("revoke", "{ send: 'DELETE /t/$(id)', success: [204, 429] }")],
            nothing,
        ),
        (&[("get", "{ send: 'GET /t/$(id)', gone: [407] }")], nothing),
        (&[("list", "{ send: GET /t, success: [503] }")], nothing),
        (&[("check", "{ send: GET /me, dead: [429] }")], nothing),
        (&[("check", "{ send: GET /me, alive: [408] }")], nothing),
        (
            &[("revoke", "{ send: 'DELETE /t/$(id)', success: [404] }")],
            "success: has 404, which means that the token is not there",
        ),
        (
            &[("get", "{ send: 'GET /t/$(id)', success: [200, 410] }")],
            "success: has 410, which means that the token is not there",
        ),
        (
            &[("revoke", "{ send: 'DELETE /t/$(id)', gone: [204] }")],
            "gone: has 204, which is a success",
        ),
        (
            &[(
                "mint",
                "{ send: POST /t, body: { n: $(name), ttl: $(lifetime) }, unsure: [200] }",
            )],
            "unsure: has 200, which is a success",
        ),
    ]);
    loads(&[
        &[("revoke", "{ send: 'DELETE /t/$(id)', gone: [400, 403] }")],
        // The value itself is refused there.
        &[(
            "revoke",
            "{ send: POST /out, header: { name: A, part: key }, gone: [401] }",
        )],
        &[(
            "revoke",
            "{ send: 'DELETE /t/$(id)', success: [200], gone: [204] }",
        )],
        &[("check", "{ send: GET /me, unknown: [429] }")],
    ]);
}

#[test]
fn what_is_made_can_be_found_from_the_first_call_on_and_by_what_was_given() {
    let late = "does not send $(name) with the first call that makes something";
    refused(&[
        (
            &[(
                "mint",
                "{ send: POST /r, then: [{ send: POST /k, body: { n: $(name), ttl: $(lifetime) } }], item: first }",
            )],
            late,
        ),
        (
            &[
                ("parameters", "{ org: {} }"),
                ("list", "{ send: 'GET /o/$(org)/t' }"),
            ],
            "send: needs the parameter org",
        ),
        (
            &[
                ("parameters", "{ org: {} }"),
                ("revoke", "{ send: 'DELETE /o/$(org)/t/$(id)' }"),
            ],
            "send: needs the parameter org",
        ),
    ]);
    loads(&[
        // A call that only looks makes nothing.
        &[(
            "mint",
            "{ send: GET /r, then: [{ send: POST /k, body: { n: $(name), ttl: $(lifetime) } }] }",
        )],
        &[
            ("parameters", "{ org: { default: ours } }"),
            ("list", "{ send: 'GET /o/$(org)/t' }"),
        ],
        &[
            ("parameters", "{ org: {} }"),
            (
                "mint",
                "{ send: 'POST /o/$(org)/t', body: { n: $(name), ttl: $(lifetime) } }",
            ),
            ("list", "{ send: 'GET /o/$(org)/t' }"),
        ],
    ]);
}

#[test]
fn keys_that_could_do_nothing_are_refused() {
    refused(&[
        (
            &[("value", "{ key: { at: /a }, more: { at: /a } }")],
            "stands where key does",
        ),
        (
            &[("value", "{ key: { at: /a }, more: { at: /a/b } }")],
            "stands where key does",
        ),
        (
            &[("value", "{ key: { compose: [{ at: /a }, { at: /a }] } }")],
            "stands where key does",
        ),
        (
            &[("update", "{ send: 'PUT /t/$(id)', can: [] }")],
            "can: is empty",
        ),
        (
            &[(
                "list",
                "{ send: GET /t, pages: { page: p, size: n, max: 0 } }",
            )],
            "max: must be one entry at least",
        ),
        (
            &[("list", "{ send: GET /t, pages: { link: true, first: 3 } }")],
            "first: is for pages by number",
        ),
        (
            &[("check", "{ send: DELETE /me }")],
            "DELETE ends something",
        ),
        (
            &[("get", "{ send: 'DELETE /t/$(id)' }")],
            "DELETE ends something",
        ),
    ]);
    loads(&[&[("value", "{ key: { at: /a }, more: { at: /ab } }")]]);
}
