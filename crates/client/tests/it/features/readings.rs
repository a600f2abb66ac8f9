//! What is read in answers: values, claims, times, refusals that look like successes.

use tokenwright_client::{ErrorKind as K, Filter, Issuer, Minted};
use tokenwright_core::{IMPOSSIBLE_EXPIRY, Parameters, TokenId};

use crate::support::{answer, json, serve};
use crate::tiny::{chain, is, issuer, request};

async fn minted(changed: &[(&str, &str)], head: &str, body: &str) -> Result<Minted, K> {
    let does = answer(head, "application/json", body);
    let server = serve(move |_| does.clone()).await;
    let issuer = issuer(changed, &server.endpoint);
    issuer.mint(&request("1d")).await.map_err(|e| e.kind)
}

#[tokio::test]
async fn an_id_stands_in_the_claims_of_the_value() {
    let mint = "{ send: POST /t, claims: key, body: { name: $(name) }, \
        token: { id: claims.jti, name: name, owner: \"'t' ~ lifetime\", created: at, expires: claims.exp } }";
    // {"jti":"j-1","exp":1795476349}
    let jwt = r#"{"key": "h.eyJqdGkiOiJqLTEiLCJleHAiOjE3OTU0NzYzNDl9.s"}"#;
    let done = minted(&[("mint", mint)], "201 Created", jwt).await.unwrap();
    assert_eq!(done.token.id.as_str(), "j-1");
    assert_eq!(done.token.name.as_deref(), Some("n"));
    assert_eq!(done.token.details.owner.as_deref(), Some("t86400"));
    let time = |t: Option<jiff::Timestamp>| t.unwrap().to_string();
    assert_eq!(time(done.token.expires_at), "2026-11-23T23:25:49Z");
    assert_eq!(time(done.token.details.created_at), "2026-01-31T20:00:00Z");
    // There is a value and no id: a token that nobody can revoke.
    let opaque = minted(&[("mint", mint)], "201 Created", "{\"key\": \"opaque\"}").await;
    assert_eq!(opaque.unwrap_err(), K::OutcomeUnknown);
    let refused = minted(&[("mint", mint)], "201 Created", "{\"key\": \"\"}").await;
    assert_eq!(refused.unwrap_err(), K::Forbidden);
}

#[tokio::test]
async fn an_id_that_is_a_number_loses_no_digit_however_large_it_is() {
    for id in [
        "7",
        "9007199254740993",
        "9223372036854775807",
        "18446744073709551615",
    ] {
        let body = format!(r#"{{"id": {id}, "key": "k"}}"#);
        let minted = minted(&[], "201 Created", &body).await.unwrap();
        assert_eq!(minted.token.id.as_str(), id);
    }
    let beyond = r#"{"id": 18446744073709551616, "key": "k"}"#;
    assert!(
        minted(&[], "201 Created", beyond).await.is_err(),
        "digits are lost"
    );
}

#[tokio::test]
async fn an_id_that_no_record_can_hold_again_and_again_is_none() {
    let of = |length: usize| format!(r#"{{"id": "{}", "key": "k"}}"#, "x".repeat(length));
    let longest = minted(&[], "201 Created", &of(1024)).await.unwrap();
    assert_eq!(longest.token.id.as_str().len(), 1024);
    let refused = minted(&[], "201 Created", &of(1025)).await;
    assert_eq!(refused.unwrap_err(), K::OutcomeUnknown);
    let listed = format!("[{}]", of(1_000_000));
    let identity = "{ send: GET /me, read: 'answer[0].id' }";
    let server = serve(move |_| json("200 OK", &listed)).await;
    let issuer = issuer(&[("identity", identity)], &server.endpoint);
    for error in [
        issuer.list(&Filter::default()).await.unwrap_err(),
        issuer.identity().await.unwrap_err(),
    ] {
        assert_eq!(error.kind, K::AnswerNotUnderstood);
        let told = error.sentence();
        assert!(
            told.contains("has 1000000 bytes in the answer, and 1024"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn an_answer_may_begin_with_the_mark_of_its_encoding() {
    let body = "\u{feff}{\"id\": \"1\", \"key\": \"k\"}";
    assert_eq!(
        minted(&[], "201 Created", body)
            .await
            .unwrap()
            .token
            .id
            .as_str(),
        "1"
    );
}

#[tokio::test]
async fn a_value_that_is_too_long_is_no_refusal() {
    let short = ("value", "{ key: { at: /key, max: 8 } }");
    for (body, kind) in [
        (r#"{"id": 1, "key": "12345678"}"#, None),
        (r#"{"id": 1, "key": "123456789"}"#, Some(K::OutcomeUnknown)),
        // A token was made, and nobody knows which.
        (r#"{"key": "123456789"}"#, Some(K::OutcomeUnknown)),
    ] {
        let minted = minted(&[short], "201 Created", body).await;
        assert_eq!(minted.err(), kind, "{body}");
    }
}

#[tokio::test]
async fn values_stand_in_headers_and_are_composed_and_no_expression_sees_them() {
    let value = "{ whole: { header: X-Key }, \
        parts: { compose: [{ text: 'nbt_$(item.pub).' }, { at: /key }, { text: '.' }, { header: X-More }], max: 20 } }";
    let item = "{'id': answer.id, 'pub': answer.pub, \
        'name': answer.key or headers['x-key'] or headers['x-more']}";
    let mint = format!("{{ send: POST /t, item: \"{item}\" }}");
    let changed = [
        ("value", value),
        ("mint", &mint),
        ("public", "{ pub: item.pub }"),
    ];
    let head = "201 Created\r\nx-key: w\r\nx-more: m";
    let body = r#"{"id": 7, "pub": "p", "key": "s"}"#;
    let done = minted(&changed, head, body).await.unwrap();
    assert_eq!(done.token.name, None, "an expression saw a secret header");
    assert!(is(&done.value, "whole", "w") && is(&done.value, "parts", "nbt_p.s.m"));
    assert_eq!(done.public["pub"], "p");
    for (head, body) in [
        ("201 Created\r\nx-key: w", body),
        ("201 Created\r\nx-more: m", body),
        (head, r#"{"id": 7, "pub": "p", "key": ""}"#),
        (head, r#"{"id": 7, "pub": "p"}"#),
        (
            head,
            r#"{"id": 7, "pub": "much longer than twenty", "key": "s"}"#,
        ),
    ] {
        let lost = minted(&changed, head, body).await;
        assert_eq!(lost.unwrap_err(), K::OutcomeUnknown, "{head} {body}");
    }
}

#[tokio::test]
async fn every_way_to_write_an_expiry_is_read() {
    for (written, read) in [
        ("null", None),
        ("\"\"", None),
        ("0", None),
        ("-1", None),
        ("\"0001-01-01T00:00:00Z\"", None),
        ("\"9999-12-31T23:59:59Z\"", None),
        ("\"forever\"", None),
        ("\"2026-01-02\"", Some("2026-01-02T00:00:00Z")),
        ("\"2026-01-02 03:04:05\"", Some("2026-01-02T03:04:05Z")),
        ("\"2026-01-02T03:04:05.5\"", Some("2026-01-02T03:04:05.5Z")),
        (
            "\"2026-01-02T03:04:05+02:00\"",
            Some("2026-01-02T01:04:05Z"),
        ),
        ("1767323045", Some("2026-01-02T03:04:05Z")),
    ] {
        let lifetime = ("lifetime", "{ unit: second, never: { word: forever } }");
        let list = format!("[{{\"id\": 1, \"expires\": {written}}}]");
        let server = serve(move |_| json("200 OK", &list)).await;
        let listed = issuer(&[lifetime], &server.endpoint);
        let listed = listed.list(&Filter::default()).await.unwrap();
        let shown = listed[0].expires_at.map(|at| at.to_string());
        assert_eq!(shown.as_deref(), read, "{written}");
    }
}

#[tokio::test]
async fn expanded_scopes_are_not_read() {
    let list = r#"[{"id": 1, "scopes": ["asked", "and more"]}]"#;
    for (rule, count) in [("optional", 2), ("expanded", 0)] {
        let server = serve(move |_| json("200 OK", list)).await;
        let mint = "{ send: POST /t, body: { s: $(scopes) } }";
        let issuer = issuer(&[("scopes", rule), ("mint", mint)], &server.endpoint);
        let listed = issuer.list(&Filter::default()).await.unwrap();
        assert_eq!(listed[0].details.scopes.len(), count, "{rule}");
        let mut inputs = request("1d").inputs;
        inputs.scopes = ["s".to_owned()].into();
        issuer.validate(&inputs).unwrap();
    }
}

#[tokio::test]
async fn a_success_that_says_no_is_a_refusal() {
    let errors = "{ when: answer.ok == false, kind: answer.code, map: { \"7\": Forbidden, taken: Conflict } }";
    let changed = [("errors", errors)];
    for (body, kind) in [
        (r#"{"ok": false, "code": 7}"#, K::Forbidden),
        (r#"{"ok": false, "code": "taken"}"#, K::Conflict),
        (r#"{"ok": false, "code": "new"}"#, K::OutcomeUnknown),
        (r#"{"ok": false}"#, K::OutcomeUnknown),
    ] {
        let refused = minted(&changed, "200 OK", body).await;
        assert_eq!(refused.unwrap_err(), kind, "{body}");
    }
    let good = r#"{"ok": true, "id": 1, "key": "s"}"#;
    assert!(minted(&changed, "200 OK", good).await.is_ok());
}

#[tokio::test]
async fn the_kind_of_an_error_may_hang_on_status_and_headers() {
    let errors = "{ kind: \"status ~ headers['x-why']\", map: { 400quota: LimitReached } }";
    let changed = [("errors", errors)];
    let quota = minted(&changed, "400 No\r\nx-why: quota", "{}").await;
    assert_eq!(quota.unwrap_err(), K::LimitReached);
    let other = minted(&changed, "400 No\r\nx-why: other", "{}").await;
    assert_eq!(other.unwrap_err(), K::Invalid);
}

#[tokio::test]
async fn only_the_statuses_that_are_named_are_a_success() {
    let mint = "{ send: POST /t, success: [200, 302] }";
    let good = r#"{"id": 1, "key": "s"}"#;
    for (status, kind) in [
        ("200 OK", None),
        ("302 Found", None),
        ("202 Later", Some(K::OutcomeUnknown)),
        ("303 See", Some(K::OutcomeUnknown)),
        ("400 No", Some(K::Invalid)),
    ] {
        let done = minted(&[("mint", mint)], status, good).await;
        assert_eq!(done.err(), kind, "{status}");
    }
}

#[tokio::test]
async fn tokens_are_read_otherwise_where_an_operation_says_so() {
    let list = "{ send: GET /t, token: { id: item.key, name: item.label } }";
    let get = "{ send: GET /t/$(id), item: answer.it, token: { id: id } }";
    let server = serve(|request| match request.starts_with("GET /t/") {
        true => json("200 OK", "{\"it\": {\"name\": \"got\", \"on\": true}}"),
        false => json(
            "200 OK",
            "[{\"key\": 1, \"label\": \"listed\", \"on\": false}]",
        ),
    })
    .await;
    let issuer = issuer(&[("list", list), ("get", get)], &server.endpoint);
    let listed = issuer.list(&Filter::default()).await.unwrap();
    assert_eq!(listed[0].name.as_deref(), Some("listed"));
    assert_eq!(
        (listed[0].id.as_str(), listed[0].enabled),
        ("1", Some(false))
    );
    let got = issuer.get(&TokenId::new("x"), &Parameters::new()).await;
    let got = got.unwrap().unwrap();
    assert_eq!(got.name.as_deref(), Some("got"));
    assert_eq!((got.id.as_str(), got.enabled), ("x", Some(true)));
}

#[tokio::test]
async fn an_error_names_profile_operation_status_and_field_and_never_a_value() {
    let secret = "hunter2-hunter2";
    for (body, field) in [
        ("[{\"id\": {\"x\": \"hunter2-hunter2\"}}]", "id"),
        ("[{\"id\": 1, \"expires\": \"hunter2-hunter2\"}]", "expires"),
        ("[{\"id\": 1, \"scopes\": \"hunter2-hunter2\"}]", "scopes"),
        ("[{\"id\": 1, \"on\": \"hunter2-hunter2\"}]", "enabled"),
        ("{\"hunter2-hunter2\": 1}", "list"),
    ] {
        let server = serve(move |_| json("203 Odd", body)).await;
        let issuer = issuer(&[], &server.endpoint);
        let text = chain(&issuer.list(&Filter::default()).await.unwrap_err());
        for part in ["tiny", "list", "203", field] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn a_number_that_cannot_be_a_time_ends_the_fresh_token_and_fails_every_listing() {
    let milliseconds = r#"{"id": 1, "name": "n", "key": "s", "expires": 1795476349000}"#;
    let fresh = minted(&[], "201 Created", milliseconds).await.unwrap();
    assert_eq!(fresh.token.expires_at, Some(IMPOSSIBLE_EXPIRY));
    let told = "{ id: item.id, name: item.name, expires: item.expires, times: milliseconds }";
    for (token, body) in [
        (told, milliseconds.to_owned()),
        (
            told,
            milliseconds.replace("1795476349000", "\"1795476349000\""),
        ),
        (
            "{ id: item.id, expires: item.expires }",
            milliseconds.replace("1795476349000", "\"1795476349\""),
        ),
    ] {
        let read = minted(&[("token", token)], "201 Created", &body)
            .await
            .unwrap();
        assert_eq!(
            read.token.expires_at.unwrap().as_second(),
            1_795_476_349,
            "{body}"
        );
    }
    let list = format!("[{milliseconds}]");
    let does = answer("200 OK", "application/json", &list);
    let server = serve(move |_| does.clone()).await;
    let error = issuer(&[], &server.endpoint)
        .list(&Filter::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind, K::AnswerNotUnderstood);
    assert!(
        chain(&error).contains("the profile says token.times: milliseconds"),
        "{}",
        chain(&error)
    );
    let told = issuer(&[("token", told)], &server.endpoint)
        .list(&Filter::default())
        .await
        .unwrap();
    assert_eq!(told[0].expires_at.unwrap().as_second(), 1_795_476_349);
}

#[tokio::test]
async fn a_system_that_says_nothing_of_an_end_is_taken_at_its_word() {
    let blind = ("token", "{ id: item.id, name: item.name }");
    let body = r#"{"id": 1, "name": "n", "key": "s"}"#;
    let read = minted(&[blind], "201 Created", body).await.unwrap();
    let at = request("1d").at;
    assert_eq!(
        read.token.expires_at,
        Some(at + jiff::SignedDuration::from_hours(24))
    );
    // One that does, and shows none, has no end.
    let read = minted(&[], "201 Created", body).await.unwrap();
    assert_eq!(read.token.expires_at, None);
}

#[tokio::test]
async fn a_value_that_a_list_shows_is_neither_owner_nor_id() {
    let list =
        r#"{"key": "cursor", "items": [{"id": 1, "key": "s3cret", "deep": {"key": "s3cret"}}]}"#;
    let server = serve(move |_| json("200 OK", list)).await;
    for (token, id) in [
        (
            "{ id: item.id, owner: item.key, name: item.deep.key }",
            Ok("1"),
        ),
        ("{ id: item.deep.key }", Err(K::AnswerNotUnderstood)),
    ] {
        let changed = [
            ("token", token),
            ("list", "{ send: GET /t, items: answer.items }"),
        ];
        let listed = issuer(&changed, &server.endpoint)
            .list(&Filter::default())
            .await;
        let shown = listed.map(|tokens| tokens[0].clone());
        if let Ok(token) = &shown {
            assert_eq!((&token.details.owner, &token.name), (&None, &None));
        }
        let shown = shown.as_ref().map(|token| token.id.as_str());
        assert_eq!(shown.map_err(|error| error.kind), id, "{token}");
    }
}
