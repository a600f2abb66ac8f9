//! What is written into requests: forms, lifetimes, what a living token shows.

use jiff::SignedDuration;
use tokenwright_client::{Clock, ErrorKind as K, Issuer};
use tokenwright_core::instant::before;
use tokenwright_core::{Change, Parameters, Switch, TokenId, UpdateKind};

use crate::support::{json, serve};
use crate::tiny::{issuer, request};

/// The body of the mint that a profile writes.
async fn written(changed: &[(&str, &str)], lifetime: &str) -> String {
    let server = serve(|_| json("201 Created", r#"{"id": 1, "key": "s"}"#)).await;
    let issuer = issuer(changed, &server.endpoint);
    issuer.mint(&request(lifetime)).await.unwrap();
    let received = server.received();
    received[0].split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[tokio::test]
async fn every_unit_and_every_never_is_written_as_the_system_reads_it() {
    // Asked at 2026-01-31T20:00:00Z.
    for (lifetime, wanted, body) in [
        ("{ unit: second }", "90s", r#"{"name":"n","ttl":90}"#),
        (
            "{ unit: millisecond }",
            "90s",
            r#"{"name":"n","ttl":90000}"#,
        ),
        (
            "{ unit: unixMillisecond }",
            "1d",
            r#"{"name":"n","ttl":1769976000000}"#,
        ),
        ("{ unit: minute }", "90s", r#"{"name":"n","ttl":1}"#),
        ("{ unit: hour }", "36h", r#"{"name":"n","ttl":36}"#),
        ("{ unit: day }", "36h", r#"{"name":"n","ttl":1}"#),
        (
            "{ unit: instant }",
            "1d",
            r#"{"name":"n","ttl":"2026-02-01T20:00:00Z"}"#,
        ),
        ("{ unit: unix }", "1d", r#"{"name":"n","ttl":1769976000}"#),
        (
            "{ unit: date }",
            "36h",
            r#"{"name":"n","ttl":"2026-02-02"}"#,
        ),
        ("{ unit: none }", "never", r#"{"name":"n"}"#),
        ("{ unit: day, never: omit }", "never", r#"{"name":"n"}"#),
        (
            "{ unit: day, never: zero }",
            "never",
            r#"{"name":"n","ttl":0}"#,
        ),
        (
            "{ unit: day, never: minusOne }",
            "never",
            r#"{"name":"n","ttl":-1}"#,
        ),
        (
            "{ unit: day, never: explicitNull }",
            "never",
            r#"{"name":"n","ttl":null}"#,
        ),
        (
            "{ unit: day, never: { word: no end } }",
            "never",
            r#"{"name":"n","ttl":"no end"}"#,
        ),
    ] {
        let sent = written(&[("lifetime", lifetime)], wanted).await;
        assert_eq!(sent, body, "{lifetime} {wanted}");
    }
}

#[tokio::test]
async fn a_system_that_only_asks_whether_a_token_ends_is_told_so() {
    for (wanted, body) in [
        ("1d", r#"{"expires":true,"name":"n"}"#),
        ("never", r#"{"expires":false,"name":"n"}"#),
    ] {
        let mint = "{ send: POST /t, body: { name: $(name), expires: $(lifetime is not none) } }";
        let changed = [
            ("lifetime", "{ unit: second, never: omit }"),
            ("mint", mint),
        ];
        assert_eq!(written(&changed, wanted).await, body, "{wanted}");
    }
}

#[tokio::test]
async fn three_numbers_may_say_one_lifetime() {
    let mint = "{ send: POST /t, body: { days: $(lifetime // 1440), hours: $(lifetime // 60 % 24), \
                minutes: $(lifetime % 60) } }";
    let changed = [
        ("lifetime", "{ unit: minute, never: zero }"),
        ("mint", mint),
    ];
    for (wanted, body) in [
        ("93780s", r#"{"days":1,"hours":2,"minutes":3}"#),
        ("never", r#"{"days":0,"hours":0,"minutes":0}"#),
    ] {
        assert_eq!(written(&changed, wanted).await, body, "{wanted}");
    }
}

#[tokio::test]
async fn a_unit_that_cannot_say_a_lifetime_refuses_it() {
    for (lifetime, wanted) in [
        ("{ unit: none }", "1d"),
        ("{ unit: date }", "23h"),
        ("{ unit: day }", "never"),
        ("{ unit: day, max: 2d }", "3d"),
    ] {
        let issuer = issuer(&[("lifetime", lifetime)], "http://127.0.0.1:9");
        let refused = issuer.validate(&request(wanted).inputs).unwrap_err();
        assert_eq!(refused.field, "lifetime", "{lifetime} {wanted}");
    }
}

#[tokio::test]
async fn a_form_takes_the_place_of_a_json_body() {
    let mint = "{ send: POST /t, form: { name: $(name)&, kind: [a, b], none: $(none_given) } }";
    let parameters = ("parameters", "{ none_given: {} }");
    let sent = written(&[("mint", mint), parameters], "1d").await;
    assert_eq!(sent, "kind=a&kind=b&name=n%26");
}

#[tokio::test]
async fn a_revoke_may_have_a_body_and_an_answer_that_is_no_json() {
    let revoke = "{ send: POST /end, body: { ids: [$(id)] }, ignoreBody: true }";
    let body = r#"[{"id": "k", "name": "n"}]"#;
    let server = serve(move |request| match request.starts_with("POST") {
        true => crate::support::answer("200 OK", "text/plain", "OK, gone"),
        false => json("200 OK", body),
    })
    .await;
    let enable = ("enable", revoke);
    let disable = (
        "disable",
        "{ send: POST /off, body: { ids: [$(id)] }, ignoreBody: false }",
    );
    let issuer = issuer(&[enable, disable], &server.endpoint);
    let (id, none) = (TokenId::new("k"), Parameters::new());
    issuer
        .set_enabled(&id, &none, Switch::Enable)
        .await
        .unwrap();
    assert!(server.received()[0].ends_with("{\"ids\":[\"k\"]}"));
    let told = issuer.set_enabled(&id, &none, Switch::Disable).await;
    assert_eq!(told.unwrap_err().kind, K::OutcomeUnknown);
}

const GET: (&str, &str) = (
    "get",
    "{ send: GET /t/$(id), item: answer.it, gone: [404] }",
);
const SWITCH: &str =
    "{ send: PUT /t/$(id), body: { name: $(item.name), policy: $(item.policy), on: false } }";

#[tokio::test]
async fn a_request_that_replaces_the_whole_token_repeats_what_it_showed() {
    let shown = r#"{"it": {"id": "k", "name": "n", "policy": [{"x": 1}], "on": true}}"#;
    let server = serve(move |_| json("200 OK", shown)).await;
    let update = "{ send: PUT /t/$(id), body: { name: $(name or item.name), policy: $(item.policy), ttl: $(lifetime) }, can: [name, addExpiry] }";
    let changed = [
        GET,
        ("update", update),
        ("disable", SWITCH),
        ("enable", SWITCH),
    ];
    let issuer = issuer(&changed, &server.endpoint);
    let (id, none) = (TokenId::new("k"), Parameters::new());
    issuer
        .set_enabled(&id, &none, Switch::Disable)
        .await
        .unwrap();
    let change = |kind| Change {
        inputs: request("1d").inputs,
        kinds: vec![kind],
    };
    // It was minted an hour ago, and a length counts from now on.
    let since = before(Clock::system().now(), SignedDuration::from_hours(1));
    for kind in [UpdateKind::Name, UpdateKind::AddExpiry] {
        issuer
            .update(&id, "new", &change(kind), since)
            .await
            .unwrap();
    }
    let received = server.received();
    let puts: Vec<_> = received.iter().filter(|r| r.starts_with("PUT")).collect();
    let bodies: Vec<_> = puts
        .iter()
        .map(|r| r.split_once("\r\n\r\n").unwrap().1)
        .collect();
    let expected = [
        r#"{"name":"n","on":false,"policy":[{"x":1}]}"#,
        r#"{"name":"new","policy":[{"x":1}]}"#,
    ];
    assert_eq!(bodies[..2], expected);
    let (rest, left) = bodies[2].split_once(r#","ttl":"#).unwrap();
    assert_eq!(rest, r#"{"name":"n","policy":[{"x":1}]"#);
    let left: u32 = left.trim_end_matches('}').parse().unwrap();
    assert!((82_740..=82_800).contains(&left), "{left}");
}

#[tokio::test]
async fn a_token_that_is_gone_or_another_is_not_replaced() {
    for (does, kind) in [
        (json("404 No", "{}"), K::NotFound),
        (
            json("200 OK", r#"{"it": {"id": "other"}}"#),
            K::AnswerNotUnderstood,
        ),
        (json("200 OK", "{}"), K::AnswerNotUnderstood),
        (json("500 Oops", "{}"), K::Unavailable),
    ] {
        let server = serve(move |_| does.clone()).await;
        let changed = [GET, ("disable", SWITCH), ("enable", SWITCH)];
        let issuer = issuer(&changed, &server.endpoint);
        let (id, none) = (TokenId::new("k"), Parameters::new());
        let told = issuer.set_enabled(&id, &none, Switch::Disable).await;
        assert_eq!(told.unwrap_err().kind, kind);
        assert!(server.received().iter().all(|r| r.starts_with("GET")));
    }
}

#[tokio::test]
async fn a_system_without_a_default_wants_an_endpoint() {
    use tokenwright_client::{Profile, ProfileIssuer, ProfileSettings, SecretText, SecretValue};
    let profile = std::sync::Arc::new(Profile::parse(&crate::tiny::file(&[])).unwrap());
    assert_eq!(profile.default_endpoint(), None);
    assert!(profile.mints());
    for endpoint in [None, Some(String::new())] {
        let key = ("key".to_owned(), SecretText::new("k".to_owned()));
        let settings = ProfileSettings {
            endpoint,
            credential: SecretValue::new([key]),
            request_timeout: std::time::Duration::from_secs(1),
        };
        let error = ProfileIssuer::new(std::sync::Arc::clone(&profile), settings).unwrap_err();
        assert!(error.to_string().contains("no default"), "{error}");
    }
}
