//! HTTP Digest: a challenge is answered, and the password never sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokenwright_client::account::{Gate, Limiter};
use tokenwright_client::{
    Clock, ErrorKind as K, Issuer, Profile, ProfileIssuer, ProfileSettings, SecretText, SecretValue,
};
use tokenwright_core::Liveness;

use crate::support::{Does, Server, json, serve};
use crate::tiny::{chain, file, request};

const PARTS: [(&str, &str); 2] = [
    (
        "credential",
        "{ parts: { user: {}, key: {} }, digest: { user: user, password: key } }",
    ),
    (
        "value",
        "{ user: { at: /user, max: 64 }, key: { at: /key, max: 64 } }",
    ),
];

fn secret(user: &str, key: &str) -> SecretValue {
    SecretValue::new(
        [("user", user), ("key", key)]
            .map(|(name, text)| (name.to_owned(), SecretText::new(text.to_owned()))),
    )
}

fn issuer(server: &Server) -> ProfileIssuer {
    let mut parts = PARTS.to_vec();
    parts.push(("check", "{ send: GET /me }"));
    let profile = Profile::parse(&file(&parts)).unwrap_or_else(|e| panic!("{}", chain(&e)));
    let settings = ProfileSettings {
        endpoint: Some(server.endpoint.clone()),
        credential: secret("us", "hunter2-hunter2"),
        request_timeout: Duration::from_secs(5),
    };
    ProfileIssuer::new(Arc::new(profile), settings).unwrap()
}

fn challenge(nonce: usize) -> Does {
    let header = format!(
        "401 No\r\nwww-authenticate: Digest realm=\"there\", nonce=\"n-{nonce}\", qop=\"auth\", algorithm=SHA-256"
    );
    json(&header, "{}")
}

/// Lets in who answers the nonce that is current, which changes after every three answers.
async fn digesting() -> Server {
    let answers = AtomicUsize::new(0);
    serve(move |request| {
        let nonce = answers.load(Ordering::SeqCst) / 3;
        let head = request.to_lowercase();
        let fits = head.contains(&format!("nonce=\"n-{nonce}\"")) && head.contains("response=\"");
        match fits && head.contains("username=\"us\"") {
            true => {
                answers.fetch_add(1, Ordering::SeqCst);
                json("200 OK", "[]")
            }
            false => challenge(nonce),
        }
    })
    .await
}

#[tokio::test]
async fn a_challenge_is_answered_once_and_the_next_request_needs_none() {
    let server = digesting().await;
    let issuer = issuer(&server);
    let sent = |n: usize| server.received().len() == n;
    issuer.list(&Default::default()).await.unwrap();
    assert!(sent(2), "a challenge and its answer");
    issuer.list(&Default::default()).await.unwrap();
    issuer.list(&Default::default()).await.unwrap();
    assert!(sent(4), "no challenge is needed for the next");
    // The nonce is stale now.
    issuer.list(&Default::default()).await.unwrap();
    assert!(sent(6), "{}", server.received().len());
    let received = server.received().concat();
    assert!(received.contains("nc=00000002"), "{received}");
    assert!(!received.contains("hunter2"), "{received}");
}

#[tokio::test]
async fn a_password_that_is_refused_after_its_challenge_is_refused_and_sent_no_more() {
    let server = serve(|_| challenge(7)).await;
    let issuer = issuer(&server);
    let error = issuer.mint(&request("1d")).await.unwrap_err();
    assert_eq!(error.kind, K::Unauthenticated, "{}", chain(&error));
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn a_value_is_proven_by_its_own_answer() {
    let server = digesting().await;
    let issuer = issuer(&server);
    assert_eq!(issuer.check(&secret("us", "k")).await, Liveness::Alive);
    assert_eq!(issuer.check(&secret("them", "k")).await, Liveness::Dead);
    assert!(!server.received().concat().contains("hunter2"));
}

#[tokio::test]
async fn a_challenge_is_no_refusal_of_the_credential() {
    let server = digesting().await;
    let gate = Gate::new(Limiter::unlimited(), Clock::system());
    let issuer = issuer(&server).behind(Arc::clone(&gate));
    issuer.list(&Default::default()).await.unwrap();
    assert!(gate.pause().is_none(), "nothing was refused");
}

#[tokio::test]
async fn a_challenge_that_cannot_be_answered_is_a_refusal() {
    for text in [
        "Digest realm=\"x\"",
        "Digest realm=\"x\", nonce=\"n\", algorithm=ROT13",
        "Bearer realm=\"x\"",
        "Digest \"\"\"",
    ] {
        let header = format!("401 No\r\nwww-authenticate: {text}");
        let server = serve(move |_| json(&header, "{}")).await;
        let error = issuer(&server).list(&Default::default()).await.unwrap_err();
        assert_eq!(error.kind, K::Unauthenticated, "{text}");
        assert_eq!(server.received().len(), 1, "{text}");
    }
}

#[test]
fn what_cannot_answer_a_challenge_is_refused_when_it_is_loaded() {
    for (digest, problem) in [
        ("{ user: other, password: key }", "other is no part of it"),
        ("{ user: user, password: other }", "other is no part of it"),
        ("{ user: $(nope), password: key }", "uses nope"),
        ("{ user: user, password: jwt }", "jwt is no part of it"),
    ] {
        let credential = format!("{{ parts: {{ user: {{}}, key: {{}} }}, digest: {digest} }}");
        let error = Profile::parse(&file(&[("credential", &credential)])).unwrap_err();
        assert!(chain(&error).contains(problem), "{}", chain(&error));
    }
    let both = "{ parts: { user: {}, key: {} }, digest: { user: user, password: key }, basic: { user: user, password: key } }";
    let error = Profile::parse(&file(&[("credential", both)])).unwrap_err();
    assert!(
        chain(&error).contains("needs exactly one of"),
        "{}",
        chain(&error)
    );
}
