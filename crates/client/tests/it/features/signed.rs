//! Credentials that sign: JWTs, AWS's signatures, key files.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value as Json, json as value};
use tokenwright_client::{
    ErrorKind as K, Issuer, Profile, ProfileIssuer, ProfileSettings, SecretText, SecretValue,
};
use tokenwright_core::Liveness;

use crate::support::{answer, json, serve};
use crate::tiny::{chain, file, request};

const KEY: &str = include_str!("../../keys/rsa-pkcs8.pem");
const EC: &str = include_str!("../../keys/p256-pkcs8.pem");

const FILE: &str = "{ parts: { file: { json: { email: { at: /client_email, public: true }, key: { at: /private_key } } } }, \
    jwt: { algorithm: RS256, key: key, keyId: $(email), claims: { iss: $(email), aud: us }, lifetime: 10m }, \
    header: { name: Authorization, prefix: 'Bearer ', part: jwt } }";

fn key_file(key: &str) -> String {
    value!({"client_email": "bot@example.com", "private_key": key}).to_string()
}

fn secret(parts: &[(&str, &str)]) -> SecretValue {
    SecretValue::new(
        parts
            .iter()
            .map(|(name, text)| ((*name).to_owned(), SecretText::new((*text).to_owned()))),
    )
}

fn made(
    changed: &[(&str, &str)],
    endpoint: &str,
    parts: &[(&str, &str)],
) -> Result<ProfileIssuer, String> {
    let profile = Profile::parse(&file(changed)).map_err(|error| chain(&error))?;
    let settings = ProfileSettings {
        endpoint: Some(endpoint.to_owned()),
        credential: secret(parts),
        request_timeout: Duration::from_secs(5),
    };
    ProfileIssuer::new(Arc::new(profile), settings).map_err(|error| chain(&error))
}

/// Header and claims of the bearer in a request.
fn bearer(request: &str) -> (Json, Json) {
    let line = request
        .lines()
        .find(|line| line.starts_with("authorization: Bearer "));
    let token = line.unwrap().rsplit(' ').next().unwrap().to_owned();
    opened(&token)
}

fn opened(token: &str) -> (Json, Json) {
    let part = |nth: usize| {
        let part = token.split('.').nth(nth).unwrap();
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part);
        serde_json::from_slice(&bytes.unwrap()).unwrap()
    };
    (part(0), part(1))
}

#[tokio::test]
async fn a_key_file_signs_a_bearer_for_every_request() {
    let server = serve(|_| json("200 OK", "[]")).await;
    let issuer = made(
        &[("credential", FILE)],
        &server.endpoint,
        &[("file", &key_file(KEY))],
    )
    .unwrap();
    issuer.list(&Default::default()).await.unwrap();
    let (header, claims) = bearer(&server.received()[0]);
    assert_eq!(
        header,
        value!({"alg": "RS256", "typ": "JWT", "kid": "bot@example.com"})
    );
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&value!("bot@example.com"), &value!("us"))
    );
    let (issued, ends) = (
        claims["iat"].as_i64().unwrap(),
        claims["exp"].as_i64().unwrap(),
    );
    assert_eq!(ends - issued, 600);
}

#[tokio::test]
async fn a_value_that_is_a_key_file_is_proven_by_what_it_signs_itself() {
    let server = serve(|request| {
        let (header, _) = bearer(request);
        let dead = header["kid"] != "bot@example.com";
        json(if dead { "401 No" } else { "200 OK" }, "{}")
    })
    .await;
    let parts = [
        ("credential", FILE),
        ("value", "{ file: { at: /file, decode: base64 } }"),
        ("check", "{ send: GET /me }"),
    ];
    let issuer = made(&parts, &server.endpoint, &[("file", &key_file(KEY))]).unwrap();
    let other = key_file(KEY).replace("bot@", "gone@");
    for (text, told) in [
        (key_file(KEY), Liveness::Alive),
        (other, Liveness::Dead),
        // What cannot sign is never sent at all.
        ("hunter2".to_owned(), Liveness::Unknown),
        (key_file("hunter2"), Liveness::Unknown),
    ] {
        assert_eq!(issuer.check(&secret(&[("file", &text)])).await, told);
    }
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn a_request_that_is_not_valid_is_told_with_the_clock_that_is_wrong() {
    let status = "400 No\r\ndate: Wed, 01 Jan 2020 00:00:00 GMT";
    let server = serve(|_| answer(status, "application/json", "{}")).await;
    let issuer = made(&[], &server.endpoint, &[("key", "word")]).unwrap();
    let error = issuer.list(&Default::default()).await.unwrap_err();
    assert_eq!(error.kind, K::Invalid);
    let told = chain(&error);
    assert!(
        told.contains("not valid for this issuer (400), and the clock here is"),
        "{told}"
    );
    assert!(told.contains("ahead of the issuer's"), "{told}");
    assert!(!told.contains("signed"), "{told}");
}

#[tokio::test]
async fn with_a_wrong_clock_nothing_signed_is_dead_and_the_clock_is_told() {
    let answered = |date: &'static str| {
        move |_: &str| {
            let status = format!("401 No\r\ndate: {date}");
            answer(&status, "application/json", "{}")
        }
    };
    let parts = [
        ("credential", FILE),
        ("value", "{ file: { at: /file } }"),
        ("check", "{ send: GET /me }"),
    ];
    let server = serve(answered("Wed, 01 Jan 2020 00:00:00 GMT")).await;
    let issuer = made(&parts, &server.endpoint, &[("file", &key_file(KEY))]).unwrap();
    let told = issuer.check(&secret(&[("file", &key_file(KEY))])).await;
    assert_eq!(told, Liveness::Unknown);
    let error = issuer.list(&Default::default()).await.unwrap_err();
    assert_eq!(error.kind, K::Unauthenticated);
    assert!(
        chain(&error).contains("ahead of the issuer's"),
        "{}",
        chain(&error)
    );
    // A bearer that is not signed here knows no clock.
    let parts = [("check", "{ send: GET /me }")];
    let server = serve(answered("Wed, 01 Jan 2020 00:00:00 GMT")).await;
    let issuer = made(&parts, &server.endpoint, &[("key", "word")]).unwrap();
    assert_eq!(issuer.check(&secret(&[("key", "v")])).await, Liveness::Dead);
}

#[tokio::test]
async fn a_jwt_may_be_the_assertion_of_a_login_which_sees_what_is_no_secret() {
    let server = serve(|request| match request.starts_with("POST /acme/token ") {
        true => json("200 OK", "{\"access_token\": \"tkt\"}"),
        false => json("200 OK", "[]"),
    })
    .await;
    let credential = "{ parts: { tenant: { public: true }, key: {} }, \
        jwt: { algorithm: ES256, key: key, claims: { sub: robot }, lifetime: 1h }, \
        header: { name: Authorization, prefix: 'Bearer ', part: login }, \
        login: { send: POST /$(tenant)/token, form: { grant_type: jwt-bearer }, put: { assertion: jwt }, at: /access_token } }";
    let list = ("list", "{ send: GET /$(tenant)/t }");
    let parts = [("tenant", "acme"), ("key", EC)];
    let issuer = made(
        &[("credential", credential), list],
        &server.endpoint,
        &parts,
    )
    .unwrap();
    issuer.list(&Default::default()).await.unwrap();
    issuer.list(&Default::default()).await.unwrap();
    let received = server.received();
    assert_eq!(received.len(), 3, "one login for both");
    let form = received[0].rsplit("assertion=").next().unwrap();
    let (header, claims) = opened(form);
    assert_eq!(
        (&header["alg"], &claims["sub"]),
        (&value!("ES256"), &value!("robot"))
    );
    assert!(received[1].starts_with("GET /acme/t ") && received[1].contains("Bearer tkt"));
}

#[tokio::test]
async fn a_session_and_a_jwt_may_be_shown_side_by_side() {
    let server = serve(|request| match request.starts_with("POST /login ") {
        true => json("200 OK", "{\"t\": \"tkt\"}"),
        false => json("200 OK", "[]"),
    })
    .await;
    let credential = "{ parts: { word: {}, key: {} }, \
        jwt: { algorithm: ES256, key: key, claims: { sub: robot }, lifetime: 1h }, \
        headers: [{ name: X-Session, part: login }, { name: Authorization, prefix: 'Bearer ', part: jwt }], \
        login: { send: POST /login, put: { /w: word }, at: /t } }";
    let parts = [("word", "hunter2"), ("key", EC)];
    let issuer = made(&[("credential", credential)], &server.endpoint, &parts).unwrap();
    issuer.list(&Default::default()).await.unwrap();
    let received = server.received();
    assert!(
        received[1].contains("x-session: tkt\r\n"),
        "{}",
        received[1]
    );
    assert_eq!(bearer(&received[1]).1["sub"], "robot");
}

#[tokio::test]
async fn a_login_elsewhere_goes_to_the_endpoint_of_whoever_names_one() {
    let server = serve(|request| match request.starts_with("POST /login ") {
        true => json("200 OK", "{\"t\": \"tkt\"}"),
        false => json("200 OK", "[]"),
    })
    .await;
    let credential = "{ parts: { key: {} }, header: { name: X, part: login }, \
        login: { endpoint: 'https://login.example.com', send: POST /login, put: { /k: key }, at: /t } }";
    let parts = [
        ("endpoint", "https://api.example.com"),
        ("credential", credential),
    ];
    let issuer = made(&parts, &server.endpoint, &[("key", "word")]).unwrap();
    issuer.list(&Default::default()).await.unwrap();
    assert_eq!(server.received().len(), 2);
    let without = Profile::parse(&file(&[("credential", credential)])).unwrap_err();
    assert!(chain(&without).contains("endpoint: needs an endpoint of the profile"));
}

#[tokio::test]
async fn requests_are_signed_as_aws_wants_it() {
    let server = serve(|_| json("200 OK", "[]")).await;
    let credential = "{ parts: { id: {}, key: {} }, sigv4: { keyId: id, secret: key, region: us-east-1, service: iam } }";
    let list = ("list", "{ send: GET /, query: { Action: ListAccessKeys } }");
    let parts = [("id", "AKIDEXAMPLE"), ("key", "hunter2-hunter2")];
    let issuer = made(
        &[("credential", credential), list],
        &server.endpoint,
        &parts,
    )
    .unwrap();
    issuer.list(&Default::default()).await.unwrap();
    issuer.mint(&request("1d")).await.unwrap_err();
    let received = server.received();
    let signed = |request: &str, headers: &str| {
        let line = request
            .lines()
            .find(|line| line.starts_with("authorization: "))
            .unwrap();
        assert!(
            line.contains("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"),
            "{line}"
        );
        assert!(
            line.contains(&format!(
                "/us-east-1/iam/aws4_request, SignedHeaders={headers}, Sig"
            )),
            "{line}"
        );
        assert!(request.contains("x-amz-date: 2") && !request.contains("hunter2"));
    };
    signed(&received[0], "host;x-amz-date");
    signed(&received[1], "content-type;host;x-amz-date");
}

#[test]
fn what_cannot_sign_is_refused_before_anything_is_sent() {
    for (text, told) in [
        ("hunter2", "part file of the credential is no JSON document"),
        (
            "{\"client_email\": \"hunter2\"}",
            "is a JSON document without a text at /private_key",
        ),
        (
            &key_file("hunter2"),
            "part file of the credential is no RSA private key",
        ),
        (
            &key_file(EC),
            "part file of the credential is no RSA private key",
        ),
        ("", "the credential has no part file"),
    ] {
        let endpoint = "https://issuer.example.com";
        let error = made(&[("credential", FILE)], endpoint, &[("file", text)]).unwrap_err();
        assert!(error.contains(told), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_credential_that_could_never_sign_is_refused_when_it_is_loaded() {
    for (from, to, told) in [
        (
            "key: key,",
            "key: nobody,",
            "key: nobody is no part that could be a key",
        ),
        (
            "key: key,",
            "key: jwt,",
            "key: jwt is no part that could be a key",
        ),
        ("key: key,", "key: email,", "key: email is public"),
        ("aud: us", "exp: 1", "exp: follows from lifetime"),
        ("lifetime: 10m", "lifetime: 90s", "between 2m and 1d"),
        ("lifetime: 10m", "lifetime: 30d", "between 2m and 1d"),
        ("RS256", "none", "none"),
        (
            "iss: $(email)",
            "iss: $(key)",
            "uses key, which is not known here",
        ),
        ("part: jwt", "part: key", "jwt: is used by nothing"),
        (
            "at: /private_key",
            "at: private_key",
            "at: must be a JSON pointer",
        ),
        (
            "email: { at",
            "name: { at",
            "name: is public and so a name in requests",
        ),
        ("key: { at", "jwt: { at", "jwt: is a part that is made"),
        (
            "key: { at",
            "file: { at",
            "file: is the name of another part",
        ),
    ] {
        let changed = FILE.replacen(from, to, 1);
        assert_ne!(changed, FILE, "{from}");
        let error = Profile::parse(&file(&[("credential", &changed)])).unwrap_err();
        assert!(chain(&error).contains(told), "{to}: {}", chain(&error));
        assert_eq!(error.line(), Some(11), "{to}: {}", chain(&error));
    }
}
