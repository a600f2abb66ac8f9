//! What an issuer may answer or not answer, and what comes of it.

use std::time::{Duration, Instant};

use crate::support::{CREDENTIAL, Does, answer, issuer, json, mint, serve};
use crate::tiny::{chain, file};
use tokenwright_client::{ErrorKind as K, Filter, Issuer, Profile, SecretText, SecretValue};
use tokenwright_core::{Liveness, Parameters, Switch, TokenId};

const SECOND: Duration = Duration::from_secs(1);
const CUT: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"id\":";

async fn mint_and_list(does: Does) -> (K, K) {
    let server = serve(move |_| does.clone()).await;
    let issuer = issuer("seeme", &server.endpoint, SECOND);
    let minted = issuer.mint(&mint("seeme")).await.unwrap_err().kind;
    let listed = issuer.list(&Filter::default()).await.unwrap_err().kind;
    assert_eq!(server.received().len(), 2, "each request is sent once");
    (minted, listed)
}

#[tokio::test]
async fn answers_that_cannot_be_read_leave_a_mint_open_and_a_listing_without_result() {
    let page = "<html>hello</html>";
    for (about, does, minted, listed) in [
        (
            "html",
            answer("200 OK", "text/html", page),
            K::OutcomeUnknown,
            K::AnswerNotUnderstood,
        ),
        (
            "cut",
            Does::Answers(CUT.to_vec()),
            K::OutcomeUnknown,
            K::AnswerNotUnderstood,
        ),
        (
            "empty",
            json("200 OK", ""),
            K::OutcomeUnknown,
            K::AnswerNotUnderstood,
        ),
        (
            "text",
            json("200 OK", "\"ok\""),
            K::OutcomeUnknown,
            K::AnswerNotUnderstood,
        ),
        (
            "null",
            json("200 OK", "null"),
            K::OutcomeUnknown,
            K::AnswerNotUnderstood,
        ),
        (
            "no utf-8",
            Does::Answers(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n\"\xff\"".to_vec()),
            K::OutcomeUnknown,
            K::AnswerNotUnderstood,
        ),
        (
            "deep",
            json("200 OK", &"[".repeat(100_000)),
            K::OutcomeUnknown,
            K::AnswerNotUnderstood,
        ),
        (
            "no http",
            Does::Answers(b"SSH-2.0-server\r\n".to_vec()),
            K::OutcomeUnknown,
            K::Unavailable,
        ),
        ("closed", Does::Closes, K::OutcomeUnknown, K::Unavailable),
        (
            "500",
            answer("500 Oops", "text/html", page),
            K::OutcomeUnknown,
            K::Unavailable,
        ),
        (
            "408",
            json("408 Timeout", "{}"),
            K::OutcomeUnknown,
            K::Unavailable,
        ),
        (
            "400",
            json("400 Bad", "{\"message\":\"x\"}"),
            K::Invalid,
            K::Invalid,
        ),
        (
            "404 page",
            answer("404 No", "text/html", page),
            K::OutcomeUnknown,
            K::AnswerNotUnderstood,
        ),
    ] {
        assert_eq!(mint_and_list(does).await, (minted, listed), "{about}");
    }
}

#[tokio::test]
async fn values_of_the_wrong_type_are_no_token() {
    let whole = r#"{"id": "k", "name": "n", "key": "s", "scopes": [], "expires_at": null}"#;
    for (old, new) in [
        ("\"k\"", "{}"),
        ("\"k\"", "null"),
        ("\"k\"", "\"\""),
        ("\"n\"", "[]"),
        ("\"s\"", "7"),
        ("\"s\"", "{\"s\": \"s\"}"),
        ("[]", "\"all\""),
        ("[]", "[1]"),
        ("\"expires_at\": null", "\"expires_at\": \"soon\""),
        ("\"expires_at\": null", "\"expires_at\": true"),
        ("\"expires_at\": null", "\"expires_at\": 1e300"),
    ] {
        let body = whole.replace(old, new);
        let list = format!("[{body}]");
        let shown = body.clone();
        let server = serve(move |request| match request.starts_with("POST") {
            true => json("201 Created", &body),
            false => json("200 OK", &list),
        })
        .await;
        let issuer = issuer("seeme", &server.endpoint, SECOND);
        let minted = issuer.mint(&mint("seeme")).await.unwrap_err();
        assert_eq!(minted.kind, K::OutcomeUnknown, "{shown}");
        if old != "\"s\"" {
            let listed = issuer.list(&Filter::default()).await.unwrap_err();
            assert_eq!(listed.kind, K::AnswerNotUnderstood, "{shown}");
        }
    }
}

#[tokio::test]
async fn a_flood_is_cut_at_the_limit() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[";
    let flood = 300 * 1024 * 1024;
    let server = serve(move |_| Does::Floods(HEAD, flood)).await;
    let issuer = issuer("seeme", &server.endpoint, Duration::from_secs(20));
    let listed = issuer.list(&Filter::default()).await.unwrap_err();
    assert_eq!(listed.kind, K::AnswerNotUnderstood);
    // The limit, and what the sockets of both sides buffer.
    let taken = server.written();
    assert!(taken < 32 * 1024 * 1024, "{taken} bytes were taken");
}

#[tokio::test]
async fn pages_without_end_are_an_error() {
    let server = serve(|request| {
        let page = request.split_once("page=").unwrap().1;
        let page: String = page.chars().take_while(char::is_ascii_digit).collect();
        let body = format!(
            "{{\"api_keys\": [{{\"access_key\": \"SCW{page}\"}}], \"total_count\": 1000000}}"
        );
        json("200 OK", &body)
    })
    .await;
    let issuer = issuer("scaleway", &server.endpoint, SECOND);
    let filter = Filter::of(mint("scaleway").inputs.parameters);
    let listed = issuer.list(&filter).await.unwrap_err();
    assert_eq!(listed.kind, K::AnswerNotUnderstood);
    assert_eq!(server.received().len(), 1000);
}

#[tokio::test]
async fn a_page_that_comes_again_and_again_is_no_listing() {
    let body = "{\"api_keys\": [{\"access_key\": \"SCW1\"}], \"total_count\": 2}";
    let server = serve(move |_| json("200 OK", body)).await;
    let issuer = issuer("scaleway", &server.endpoint, SECOND);
    let listed = issuer.list(&Filter::default()).await.unwrap_err();
    assert_eq!(listed.kind, K::Unavailable);
    assert_eq!(server.received().len(), 6);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_takes_no_credential_along() {
    let other = serve(|_| json("200 OK", "[]")).await;
    for status in [
        "301 Moved",
        "302 Found",
        "303 See",
        "307 Temporary",
        "308 Permanent",
    ] {
        let target = other.endpoint.clone();
        let server = serve(move |_| {
            let head = format!("HTTP/1.1 {status}\r\nlocation: {target}/me/apikeys");
            Does::Answers(format!("{head}\r\ncontent-length: 0\r\n\r\n").into_bytes())
        })
        .await;
        let issuer = issuer("seeme", &server.endpoint, SECOND);
        let listed = issuer.list(&Filter::default()).await.unwrap_err();
        assert_eq!(listed.kind, K::AnswerNotUnderstood, "{status}");
        let minted = issuer.mint(&mint("seeme")).await.unwrap_err();
        let may_have_minted = status.starts_with("302") || status.starts_with("303");
        let kind = if may_have_minted {
            K::OutcomeUnknown
        } else {
            K::AnswerNotUnderstood
        };
        assert_eq!(minted.kind, kind, "{status}");
        assert!(server.received().iter().all(|r| r.contains(CREDENTIAL)));
    }
    assert_eq!(other.received(), Vec::<String>::new());
}

#[tokio::test]
async fn nothing_waits_longer_than_the_request_timeout() {
    let server = serve(|_| Does::Hangs).await;
    let timeout = Duration::from_millis(200);
    let issuer = issuer("seeme", &server.endpoint, timeout);
    let (id, none) = (TokenId::new("k"), Parameters::new());
    let value = SecretValue::new([("key".to_owned(), SecretText::new("v".to_owned()))]);
    let began = Instant::now();
    let minted = issuer.mint(&mint("seeme")).await.unwrap_err();
    assert_eq!(minted.kind, K::OutcomeUnknown);
    let listed = issuer.list(&Filter::default()).await.unwrap_err();
    assert_eq!(listed.kind, K::Unavailable);
    assert_eq!(
        issuer.get(&id, &none).await.unwrap_err().kind,
        K::Unavailable
    );
    assert_eq!(issuer.check(&value).await, Liveness::Unknown);
    let switched = issuer.set_enabled(&id, &none, Switch::Disable).await;
    assert_eq!(
        switched.unwrap_err().kind,
        K::Unavailable,
        "the look before"
    );
    assert_eq!(server.received().len(), 5);
    assert!(began.elapsed() < timeout * 5 + Duration::from_secs(2));
}

#[tokio::test]
async fn no_connection_means_that_nothing_was_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let issuer = issuer("seeme", &endpoint, SECOND);
    let minted = issuer.mint(&mint("seeme")).await.unwrap_err();
    assert_eq!(minted.kind, K::Unavailable);
}

#[tokio::test]
async fn the_wait_that_is_asked_for_is_passed_on() {
    let wait = "HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n";
    let server = serve(move |_| Does::Answers(wait.as_bytes().to_vec())).await;
    let issuer = issuer("seeme", &server.endpoint, SECOND);
    let minted = issuer.mint(&mint("seeme")).await.unwrap_err();
    assert_eq!(minted.kind.retry_after().map(|w| w.as_secs()), Some(7));
}

#[test]
fn an_expression_that_calls_what_is_not_there_is_refused_with_its_place() {
    for (bad, told) in [
        ("item.name|shout", "filter shout"),
        ("item.name if item.name is loud else item.id", "test loud"),
        ("item.name if item.id else shout(item.name)", "shout"),
        ("item.name.shout()", "method shout"),
    ] {
        let token = format!("\n  id: item.id\n  name: {bad}");
        let text = file(&[("token", &token)]);
        let error = Profile::parse(&text).unwrap_err();
        let message = chain(&error);
        assert!(message.contains(&format!("uses {told}")), "{message}");
        let line = text.lines().position(|line| line.contains(bad)).unwrap();
        let place = (error.line(), error.column());
        assert_eq!(place, (Some(line + 1), Some(9)), "{message}");
    }
}
