//! Values that stand in the request itself: to be proven, and to be ended.

use tokenwright_client::{
    About, ErrorKind as K, Evidence, Issuer, Nomination, SecretText, SecretValue, revoke,
};
use tokenwright_core::{Liveness, Marker, Parameters, TokenId, TokenRef};

use crate::support::{CREDENTIAL, Server, json, serve};
use crate::tiny::{chain, issuer, value};

async fn checked(check: &str, answer: &'static str) -> (Liveness, String) {
    let server = serve(move |_| json("200 OK", answer)).await;
    let told = issuer(&[("check", check)], &server.endpoint)
        .check(&value("a/b c"))
        .await;
    (told, server.received().concat())
}

#[tokio::test]
async fn a_value_is_proven_where_it_stands_in_body_form_query_and_path() {
    for (check, sent) in [
        (
            "{ send: POST /p, put: { /it/token: key } }",
            r#"{"it":{"token":"a/b c"}}"#,
        ),
        (
            "{ send: POST /p, body: { as: robot }, put: { /token: key } }",
            r#"{"as":"robot","token":"a/b c"}"#,
        ),
        (
            "{ send: POST /p, form: {}, put: { token: key } }",
            "token=a%2Fb+c",
        ),
        (
            "{ send: GET /p, query: { v: 1 }, put: { '?token': key } }",
            "GET /p?v=1&token=a%2Fb+c ",
        ),
        (
            "{ send: 'GET /p/:token/me', put: { ':token': key } }",
            "GET /p/a%2Fb%20c/me ",
        ),
    ] {
        let (told, received) = checked(check, "{}").await;
        assert_eq!(told, Liveness::Alive, "{check}");
        assert!(received.contains(sent), "{check}: {received}");
        // Nobody authenticates beside the value.
        assert!(
            !received.to_lowercase().contains("authorization"),
            "{received}"
        );
    }
}

#[tokio::test]
async fn a_segment_that_would_be_another_path_is_not_sent() {
    let server = serve(|_| json("200 OK", "{}")).await;
    let check = ("check", "{ send: 'GET /p/:token', put: { ':token': key } }");
    let issuer = issuer(&[check], &server.endpoint);
    for text in ["..", "."] {
        assert_eq!(issuer.check(&value(text)).await, Liveness::Unknown);
    }
    assert_eq!(server.received().len(), 0);
}

#[tokio::test]
async fn the_credential_may_ask_about_a_value_and_its_own_refusal_says_nothing_of_it() {
    let check = "{ send: POST /introspect, form: {}, put: { token: key }, withCredential: true, aliveWhen: answer.active }";
    for (status, answer, told) in [
        ("200 OK", r#"{"active": true}"#, Liveness::Alive),
        ("200 OK", r#"{"active": false}"#, Liveness::Dead),
        ("401 No", "{}", Liveness::Unknown),
        ("403 No", "{}", Liveness::Unknown),
    ] {
        let server = serve(move |_| json(status, answer)).await;
        let issuer = issuer(&[("check", check)], &server.endpoint);
        assert_eq!(issuer.check(&value("v")).await, told, "{status} {answer}");
        let received = server.received().concat();
        assert!(
            received.contains(&format!("Bearer {CREDENTIAL}")),
            "{received}"
        );
        assert!(received.ends_with("token=v"), "{received}");
    }
}

#[tokio::test]
async fn a_value_may_be_a_user_without_a_password_and_a_password_without_a_user() {
    use base64::Engine as _;
    for (basic, pair) in [
        ("{ user: key, password: '' }", "v:"),
        ("{ user: '', password: key }", ":v"),
    ] {
        let check = format!("{{ send: GET /me, basic: {basic} }}");
        let (told, received) = checked(&check, "{}").await;
        assert_eq!(told, Liveness::Alive);
        let pair = pair.replace('v', "a/b c");
        let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
        assert!(received.contains(&format!("Basic {encoded}")), "{received}");
    }
}

#[tokio::test]
async fn a_value_is_exchanged_before_it_is_proven_and_what_cannot_be_exchanged_is_dead() {
    let check = "{ send: GET /me, header: { name: X-Access, part: login }, \
        login: { send: POST /exchange, form: { grant: refresh }, put: { refresh: key }, at: /access } }";
    let errors = (
        "errors",
        "{ kind: answer.error, map: { invalid_grant: Unauthenticated } }",
    );
    for (exchange, answer, me, told) in [
        ("200 OK", r#"{"access": "acc"}"#, "200 OK", Liveness::Alive),
        ("200 OK", r#"{"access": "acc"}"#, "401 No", Liveness::Dead),
        (
            "400 No",
            r#"{"error": "invalid_grant"}"#,
            "200 OK",
            Liveness::Dead,
        ),
        (
            "400 No",
            r#"{"error": "slow_down"}"#,
            "200 OK",
            Liveness::Unknown,
        ),
        ("500 No", "{}", "200 OK", Liveness::Unknown),
        ("200 OK", "{}", "200 OK", Liveness::Unknown),
    ] {
        let server = serve(move |request| match request.starts_with("POST /exchange") {
            true => json(exchange, answer),
            false if request.to_lowercase().contains("x-access: acc") => json(me, "{}"),
            false => json("500 Oops", "{}"),
        })
        .await;
        let issuer = issuer(&[("check", check), errors], &server.endpoint);
        assert_eq!(
            issuer.check(&value("v")).await,
            told,
            "{exchange} {answer} {me}"
        );
        assert!(server.received()[0].ends_with("grant=refresh&refresh=v"));
        assert!(!server.received().concat().contains(CREDENTIAL));
    }
}

fn token(server: &Server) -> TokenRef {
    TokenRef {
        id: TokenId::new("7"),
        marker: Marker::of_name("n tw1-dio4f-lifkxs4uwjb5e-1-aaaqea77").unwrap(),
        endpoint: server.endpoint.clone(),
        identity: None,
        parameters: Parameters::new(),
    }
}

async fn ended(change: &str, value: Option<&SecretValue>) -> (Option<K>, String) {
    let server = serve(|_| json("200 OK", "{}")).await;
    let issuer = issuer(
        &[("revoke", change), ("check", "{ send: GET /me }")],
        &server.endpoint,
    );
    let token = token(&server);
    let now = jiff::Timestamp::UNIX_EPOCH;
    let nomination = Nomination {
        value,
        ..Nomination::of(&token, now)
    };
    let ended = revoke(&issuer, nomination, Evidence::Minted, now).await;
    let kind = ended.err().map(|error| match error {
        tokenwright_client::RevokeError::Issuer(error) => {
            assert!(
                chain(&error).contains("only with its value"),
                "{}",
                chain(&error)
            );
            error.kind
        }
        error => panic!("{error}"),
    });
    (kind, server.received().concat())
}

#[tokio::test]
async fn a_token_is_ended_by_its_value_in_a_header_or_in_the_request_and_by_nothing_without_it() {
    for (revoke, sent, by_value) in [
        (
            "{ send: POST /logout, header: { name: X-Token, part: key } }",
            "x-token: the-value",
            true,
        ),
        (
            "{ send: POST /revoke, form: { hint: access }, put: { token: key } }",
            "hint=access&token=the-value",
            false,
        ),
        (
            "{ send: POST /logout, basic: { user: key, password: '' } }",
            "Basic dGhlLXZhbHVlOg==",
            true,
        ),
    ] {
        let (kind, received) = ended(revoke, Some(&value("the-value"))).await;
        assert_eq!(kind, None, "{revoke}");
        assert!(received.contains(sent), "{received}");
        assert_eq!(!received.contains(CREDENTIAL), by_value, "{received}");
        let (kind, received) = ended(revoke, None).await;
        assert_eq!(kind, Some(K::Invalid), "{revoke}");
        assert!(!received.contains("POST"), "{received}");
    }
}

#[tokio::test]
async fn a_request_without_a_part_that_it_needs_is_not_sent() {
    let server = serve(|_| json("200 OK", "{}")).await;
    let other = SecretValue::new([("other".to_owned(), SecretText::new("v".to_owned()))]);
    for revoke in [
        "{ send: POST /logout, header: { name: X-Token, part: key } }",
        "{ send: POST /logout, basic: { user: key, password: '' } }",
        "{ send: POST /revoke, form: {}, put: { token: key } }",
    ] {
        let issuer = issuer(&[("revoke", revoke)], &server.endpoint);
        let token = token(&server);
        let now = jiff::Timestamp::UNIX_EPOCH;
        let nomination = Nomination {
            value: Some(&other),
            ..Nomination::of(&token, now)
        };
        let ended = self::revoke(&issuer, nomination, Evidence::Minted, now).await;
        let Err(tokenwright_client::RevokeError::Issuer(error)) = ended else {
            panic!("{revoke}: {ended:?}")
        };
        assert_eq!(error.kind, K::Invalid, "{revoke}");
        assert!(chain(&error).contains("part key"), "{}", chain(&error));
    }
    assert_eq!(server.received().len(), 0);
}

#[tokio::test]
async fn a_check_says_the_id_of_its_token_and_is_not_sent_where_it_is_unknown() {
    let (id, none) = (TokenId::new("k/7"), Parameters::new());
    for (check, sent) in [
        ("{ send: GET /t/$(id)/me }", "GET /t/k%2F7/me "),
        ("{ send: POST /me, body: { id: $(id) } }", r#"{"id":"k/7"}"#),
        (
            "{ send: POST /me, form: {}, query: { id: $(id) } }",
            "?id=k%2F7",
        ),
        ("{ send: GET /me, headers: { X-Id: $(id) } }", "x-id: k/7"),
        (
            "{ send: GET /me, basic: { user: $(id), password: key } }",
            "Basic ay83OnY=",
        ),
    ] {
        let server = serve(|_| json("200 OK", "{}")).await;
        let issuer = issuer(&[("check", check)], &server.endpoint);
        let unknown = About::of(&none);
        assert!(!issuer.can_check(unknown), "{check}");
        assert_eq!(
            issuer.check_with(&value("v"), unknown).await,
            Liveness::Unknown
        );
        assert_eq!(server.received().len(), 0, "{check}");
        let about = About::token(&id, &none);
        assert!(issuer.can_check(about), "{check}");
        assert_eq!(issuer.check_with(&value("v"), about).await, Liveness::Alive);
        let received = server.received().concat();
        assert!(received.contains(sent), "{check}: {received}");
    }
}
