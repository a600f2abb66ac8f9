//! Headers that a profile adds, and credentials that stand in several.

use tokenwright_client::{ErrorKind as K, Issuer, Profile};
use tokenwright_core::{Liveness, Parameters};

use crate::support::{json, serve};
use crate::tiny::{chain, file, issuer, request, value, with_credential};

#[tokio::test]
async fn headers_of_the_profile_stand_in_every_request_and_those_of_a_call_go_before_them() {
    let server = serve(|_| json("200 OK", r#"{"id": 1, "key": "s"}"#)).await;
    let parts = [
        (
            "headers",
            "{ Accept: application/vnd.x+json, X-Org: $(org), X-Api: '2' }",
        ),
        ("parameters", "{ org: {} }"),
        (
            "mint",
            "{ send: POST /t, body: { n: $(name), l: $(lifetime) }, headers: { X-Api: '3', Content-Type: application/vnd.x+json } }",
        ),
        ("check", "{ send: GET /me }"),
    ];
    let issuer = issuer(&parts, &server.endpoint);
    let mut asked = request("1d");
    asked.inputs.parameters = [("org".to_owned(), "7".to_owned())].into();
    issuer.mint(&asked).await.unwrap();
    assert_eq!(issuer.check(&value("v")).await, Liveness::Alive);
    let [minted, checked] = &server.received()[..] else {
        panic!("{:?}", server.received());
    };
    for line in [
        "accept: application/vnd.x+json\r\n",
        "x-org: 7\r\n",
        "x-api: 3\r\n",
        "content-type: application/vnd.x+json\r\n",
    ] {
        assert_eq!(minted.matches(line).count(), 1, "{minted}");
    }
    assert!(!minted.contains("application/json"), "{minted}");
    // What is nothing is left out.
    assert!(
        checked.contains("x-api: 2\r\n") && !checked.contains("x-org"),
        "{checked}"
    );
}

#[tokio::test]
async fn a_header_with_a_line_end_in_a_parameter_is_never_sent() {
    let server = serve(|_| json("200 OK", "{}")).await;
    let parts = [
        ("headers", "{ X-Org: $(org) }"),
        ("parameters", "{ org: {} }"),
    ];
    let issuer = issuer(&parts, &server.endpoint);
    let mut asked = request("1d");
    let bad = "a\r\nx-evil: b".to_owned();
    asked.inputs.parameters = Parameters::from([("org".to_owned(), bad)]);
    let error = issuer.mint(&asked).await.unwrap_err();
    assert_eq!(error.kind, K::Invalid, "{}", chain(&error));
    assert_eq!(server.received().len(), 0);
}

#[test]
fn headers_that_are_ours_or_none_are_refused_at_their_line() {
    for (part, text, told, line) in [
        (
            "headers",
            "{ Authorization: x }",
            "Authorization: is written by Tokenwright itself",
            12,
        ),
        (
            "headers",
            "{ Host: x }",
            "Host: is written by Tokenwright itself",
            12,
        ),
        ("headers", "{ 'a b': x }", "a b: is no name of a header", 12),
        ("headers", "{ A: x, a: y }", "a: stands there twice", 12),
        (
            "headers",
            "{ A: \"x\\ny\" }",
            "A: has a character that no header can have",
            12,
        ),
        (
            "headers",
            "{ A: $(nobody) }",
            "uses nobody, which is not known here",
            12,
        ),
        (
            "list",
            "{ send: GET /t, headers: { Content-Length: '1' } }",
            "Content-Length: is written",
            11,
        ),
    ] {
        let error = Profile::parse(&file(&[(part, text)])).unwrap_err();
        assert!(chain(&error).contains(told), "{text}: {}", chain(&error));
        assert_eq!(error.line(), Some(line), "{text}: {}", chain(&error));
    }
}

const TWO: &str = "{ parts: { api: {}, app: {} }, headers: [{ name: X-Api, part: api }, { name: X-App, prefix: 'k ', part: app }] }";

#[tokio::test]
async fn several_parts_stand_each_in_a_header_of_its_own() {
    let server = serve(|_| json("200 OK", "[]")).await;
    let issuer = with_credential(&[("credential", TWO)], &server.endpoint, "word");
    issuer.list(&Default::default()).await.unwrap();
    let received = &server.received()[0];
    assert!(received.contains("x-api: word\r\n") && received.contains("x-app: k word\r\n"));
}

#[test]
fn a_credential_authenticates_in_exactly_one_way_with_parts_that_it_has() {
    let check = ("check", "{ send: GET /me }");
    for (credential, told) in [
        (
            "{ parts: { a: {} } }",
            "needs exactly one of header, headers, basic, digest, sigv4 and clientCertificate",
        ),
        (
            "{ parts: { a: {} }, header: { name: X, part: a }, headers: [{ name: Y, part: a }] }",
            "needs exactly one of",
        ),
        (
            "{ parts: { a: {} }, headers: [{ name: Y, part: b }] }",
            "b is no part of it",
        ),
        (TWO, "cannot prove a value, which has no part api"),
    ] {
        let error = Profile::parse(&file(&[("credential", credential), check])).unwrap_err();
        assert!(
            chain(&error).contains(told),
            "{credential}: {}",
            chain(&error)
        );
    }
}
