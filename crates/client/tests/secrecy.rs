//! No value and no credential is ever printed: not by a type, not by an error, not by a log at TRACE.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests; clippy knows only the test functions themselves"
)]

// A binary of its own: the log is that of the whole process.

#[expect(dead_code, reason = "shared with the other tests, which use the rest")]
#[path = "it/support.rs"]
mod support;
#[expect(dead_code, reason = "shared with the other tests, which use the rest")]
#[path = "it/tiny.rs"]
mod tiny;

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use support::{CREDENTIAL, Does, Server, answer, issuer as at, json, mint, serve};
use tokenwright_client::{
    Error, Filter, Issuer, Profile, ProfileIssuer, ProfileSettings, SecretText, SecretValue,
};
use tokenwright_core::{Liveness, Parameters, Switch, TokenId};

const VALUE: &str = "abcd1234-the-value-itself-9c3e5f";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Everything that this process logs, from the first look at it.
static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    log
});

/// Neither the log nor what was shown has any of these.
fn assert_silent(shown: &str, secrets: &[&str]) {
    let log = LOG.text();
    assert!(
        log.contains("hyper") && log.contains("tokenwright_client"),
        "{log}"
    );
    for (place, text) in [("a log", log.as_str()), ("a type or error", shown)] {
        for secret in secrets {
            assert!(!text.contains(secret), "{place} shows {secret}: {text}");
        }
    }
}

fn printed(error: &Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(&format!("{error} {error:?}"));
        source = error.source();
    }
    text
}

#[tokio::test]
async fn a_whole_exchange_prints_neither_value_nor_credential() {
    LazyLock::force(&LOG);
    let server = serve(|request| {
        let head = request.lines().next().unwrap_or_default().to_owned();
        let minted = format!("{{\"id\": \"k-1\", \"name\": \"n\", \"key\": \"{VALUE}\"}}");
        match head.split(' ').next().unwrap_or_default() {
            "POST" => json("201 Created", &minted),
            "DELETE" => json(
                "500 Oops",
                &format!("{{\"message\": \"{VALUE} {CREDENTIAL}\"}}"),
            ),
            "PUT" => answer(
                "403 No",
                "text/plain",
                &format!("Bearer {CREDENTIAL} may not"),
            ),
            _ => json("200 OK", "[{\"id\": \"k-1\", \"disabled\": false}]"),
        }
    })
    .await;
    let issuer = at("seeme", &server.endpoint, Duration::from_secs(5));
    let minted = issuer.mint(&mint("seeme")).await.unwrap();
    assert_eq!(issuer.check(&minted.value).await, Liveness::Alive);
    let listed = issuer.list(&Filter::default()).await.unwrap();
    let (id, none) = (TokenId::new("k-1"), Parameters::new());
    let refused = issuer.set_enabled(&id, &none, Switch::Disable).await;
    let refused = refused.unwrap_err();
    let mut shown = format!("{issuer:?} {minted:?} {listed:?} {}", printed(&refused));

    // A value where none is expected: every reading of it fails without quoting it.
    for body in [
        format!("[{{\"id\": {{\"{VALUE}\": 1}}}}]"),
        format!("[{{\"id\": \"k\", \"expires_at\": \"{VALUE}\"}}]"),
        format!("{{\"{VALUE}\": 1"),
        format!("\"{VALUE}\""),
    ] {
        let server = serve(move |_| json("200 OK", &body)).await;
        let other = at("seeme", &server.endpoint, Duration::from_secs(5));
        let error = other.list(&Filter::default()).await.unwrap_err();
        shown.push_str(&printed(&error));
        let error = other.mint(&mint("seeme")).await.unwrap_err();
        shown.push_str(&printed(&error));
    }
    let sent = server.received();
    assert!(
        sent.iter().any(|r| r.contains(VALUE)),
        "the check sent the value"
    );
    assert!(sent.iter().any(|r| r.contains(CREDENTIAL)));

    assert_silent(
        &shown,
        &[VALUE, CREDENTIAL, "the-value-itself", "4f1d9a7c2e"],
    );
}

// As people choose them: short, and of characters that no key has.
const USER: &str = "robot-77";
const PASSWORD: &str = "pw 7Z!q%";
const SESSION: &str = "s3ss!on";

fn encoded() -> String {
    STANDARD.encode(format!("{USER}:{PASSWORD}"))
}

/// What a careless system could say about whoever asks.
fn gossip() -> String {
    let encoded = encoded();
    format!("{USER} came with {PASSWORD}, as Basic {encoded}")
}

fn with_parts(changed: &[(&str, &str)], server: &Server) -> ProfileIssuer {
    let profile = Profile::parse(&tiny::file(changed)).unwrap();
    let parts = [("user", USER), ("password", PASSWORD)];
    let parts = parts.map(|(name, text)| (name.to_owned(), SecretText::new(text.to_owned())));
    let settings = ProfileSettings {
        endpoint: Some(server.endpoint.clone()),
        credential: SecretValue::new(parts),
        request_timeout: Duration::from_secs(5),
    };
    ProfileIssuer::new(Arc::new(profile), settings).unwrap()
}

const LOGINS: [&str; 4] = [
    "login: { send: POST /login, put: { /user: user, /deep/password: password }, at: /deep/token }",
    "login: { send: POST /login, form: {}, put: { user: user, password: password }, at: /deep/token }",
    "login: { send: POST /login, put: { /user: user, /deep/password: password }, atHeader: X-Session }",
    "login: { send: POST /login, basic: { user: user, password: password }, at: /deep/token }",
];

fn with_login(login: &str, server: &Server) -> ProfileIssuer {
    let credential = format!(
        "{{ parts: {{ user: {{}}, password: {{}} }}, header: {{ name: X-Session, part: login }}, {login} }}"
    );
    with_parts(&[("credential", &credential)], server)
}

/// An answer to a login that has the token at both places.
fn welcome() -> Does {
    let body = format!("{{\"deep\": {{\"token\": \"{SESSION}\"}}}}");
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
    let text = format!("{head}\r\nx-session: {SESSION}\r\ncontent-length: {length}\r\n\r\n{body}");
    Does::Answers(text.into_bytes())
}

#[tokio::test]
async fn a_login_prints_neither_what_it_sends_nor_what_it_gets() {
    LazyLock::force(&LOG);
    let mut shown = String::new();
    for login in LOGINS {
        let server = serve(|request| {
            let gossip = format!("{{\"message\": \"{}, now {SESSION}\"}}", gossip());
            match request.split(' ').next().unwrap_or_default() {
                "POST" if request.starts_with("POST /login") => welcome(),
                "POST" => json("401 Old", &gossip),
                "DELETE" => json("403 No", &gossip),
                _ => json("200 OK", "[]"),
            }
        })
        .await;
        let issuer = with_login(login, &server);
        let listed = issuer.list(&Filter::default()).await.unwrap();
        shown.push_str(&format!("{issuer:?} {listed:?}"));
        let refused = issuer.mint(&tiny::request("1d")).await.unwrap_err();
        shown.push_str(&printed(&refused));
        let sent = server.received();
        assert_eq!(sent.len(), 5, "login, list, mint, login, mint");
        assert!(sent[1].contains(SESSION), "{sent:?}");
        let encoded = encoded();
        let form = "password=pw+7Z%21q%25";
        let there = [PASSWORD, form, &encoded].map(|text| sent[0].contains(text));
        assert!(there.contains(&true), "{sent:?}");
    }
    assert_silent(&shown, &[USER, PASSWORD, SESSION, &encoded()]);
}

#[tokio::test]
async fn a_login_that_fails_says_so_without_quoting_anything() {
    LazyLock::force(&LOG);
    let mut shown = String::new();
    for login in LOGINS {
        for does in [
            json("401 No", &format!("{{\"message\": \"{}\"}}", gossip())),
            answer("400 No", "text/plain", &gossip()),
            answer("200 OK", "text/html", &gossip()),
            json(
                "200 OK",
                &format!("{{\"deep\": {{\"token\": {{\"{SESSION}\": 1}}}}}}"),
            ),
            json(
                "200 OK",
                &format!("{{\"deep\": {{\"token\": [\"{SESSION}\"]}}}}"),
            ),
            json("200 OK", &format!("{{\"deep\": \"{SESSION}\"}}")),
            json("200 OK", &format!("{{\"deep\": {{\"token\": \"{SESSION}")),
            Does::Closes,
        ] {
            let server = serve(move |_| does.clone()).await;
            let issuer = with_login(login, &server);
            let error = issuer.list(&Filter::default()).await.unwrap_err();
            shown.push_str(&printed(&error));
            assert_eq!(server.received().len(), 1, "{error}");
        }
    }
    assert_silent(&shown, &[USER, PASSWORD, SESSION, &encoded()]);
}

#[tokio::test]
async fn a_credential_and_a_value_of_two_parts_are_not_printed() {
    LazyLock::force(&LOG);
    let mut shown = String::new();
    for header in ["", ", header: X-Auth"] {
        let server = serve(|request| {
            let body = format!(
                "{{\"id\": \"k\", \"name\": \"n\", \"u\": \"{USER}\", \"p\": \"{PASSWORD}\"}}"
            );
            match request.split(' ').next().unwrap_or_default() {
                "POST" => json("201 Created", &body),
                "GET" if request.starts_with("GET /me") => json("200 OK", &body),
                _ => answer("403 No", "text/plain", &gossip()),
            }
        })
        .await;
        let basic = format!("basic: {{ user: user, password: password{header} }}");
        let credential = format!("{{ parts: {{ user: {{}}, password: {{}} }}, {basic} }}");
        let changed = [
            ("credential", credential.as_str()),
            ("value", "{ user: { at: /u }, password: { at: /p } }"),
            ("check", "{ send: GET /me }"),
        ];
        let issuer = with_parts(&changed, &server);
        let minted = issuer.mint(&tiny::request("1d")).await.unwrap();
        assert_eq!(issuer.check(&minted.value).await, Liveness::Alive);
        let refused = issuer.list(&Filter::default()).await.unwrap_err();
        shown.push_str(&format!("{issuer:?} {minted:?} {}", printed(&refused)));
        let encoded = encoded();
        let sent = server.received();
        assert!(sent.iter().all(|request| request.contains(&encoded)));
    }
    assert_silent(&shown, &[PASSWORD, &encoded()]);
}

#[tokio::test]
async fn a_success_that_the_profile_does_not_expect_is_not_quoted() {
    LazyLock::force(&LOG);
    let server = serve(|_| json("202 Soon", "{\"id\": \"k\", \"key\": \"v@lue7\"}")).await;
    let mint = [("mint", "{ send: POST /t, success: [201] }")];
    let issuer = tiny::issuer(&mint, &server.endpoint);
    let error = issuer.mint(&tiny::request("1d")).await.unwrap_err();
    let shown = printed(&error);
    assert!(shown.contains("answered 202"), "{shown}");
    assert_silent(&shown, &["v@lue7"]);
}
