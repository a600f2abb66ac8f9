//! The vendor's own sentence in a refusal: who hears it, and what is never in it.

use std::sync::Arc;

use tokenwright_client::{
    ErrorKind as K, Filter, Issuer, Profile, ProfileIssuer, ProfileSettings, SecretText,
    SecretValue,
};
use tokenwright_core::Liveness;

use crate::support::{CREDENTIAL, answer, json, serve};
use crate::tiny::{chain, file, issuer, request, value};

const ERRORS: (&str, &str) = ("errors", "{ message: answer.message or answer.key }");

#[tokio::test]
async fn a_refusal_is_told_in_the_vendor_s_own_words_beside_ours() {
    let server = serve(|_| json("403 No", r#"{"message": "Only owners\nmay."}"#)).await;
    let error = issuer(&[ERRORS], &server.endpoint)
        .mint(&request("1d"))
        .await
        .unwrap_err();
    assert_eq!(error.vendor.as_deref(), Some("Only owners may."));
    assert_eq!(error.sentence(), "the issuer does not allow it (403)");
    let told = error.sentence_with_vendor();
    assert_eq!(
        told,
        "the issuer does not allow it (403); it says: Only owners may."
    );
    assert!(
        chain(&error).contains("Only owners may."),
        "{}",
        chain(&error)
    );
}

#[tokio::test]
async fn a_refusal_with_a_status_of_success_is_told_with_its_cause() {
    let errors = "{ when: answer.ok == false, kind: answer.code, map: { full: LimitReached }, message: answer.message }";
    let body = r#"{"ok": false, "code": "full", "message": "No room for more."}"#;
    let server = serve(move |_| json("200 OK", body)).await;
    let issuer = issuer(&[("errors", errors)], &server.endpoint);
    let error = issuer.mint(&request("1d")).await.unwrap_err();
    assert_eq!(error.kind, K::LimitReached);
    assert_eq!(error.vendor.as_deref(), Some("No room for more."));
    let told = chain(&error);
    for word in [
        "errors.when",
        "a quota of the issuer is used up",
        "No room for more.",
    ] {
        assert!(told.contains(word), "{told}");
    }
    let listed = issuer.list(&Filter::default()).await.unwrap_err();
    assert_eq!(listed.vendor.as_deref(), Some("No room for more."));
}

#[tokio::test]
async fn nobody_else_s_words_are_the_vendor_s_and_no_reading_fails_for_them() {
    for (head, kind, body) in [
        ("403 No", "text/html", "<html>Only owners may.</html>"),
        ("403 No", "application/json", r#"{"message": {"a": 1}}"#),
        ("403 No", "application/json", r#"{"message": ""}"#),
        ("403 No", "application/json", "[]"),
    ] {
        let does = answer(head, kind, body);
        let server = serve(move |_| does.clone()).await;
        let issuer = issuer(&[ERRORS], &server.endpoint);
        let error = issuer.list(&Filter::default()).await.unwrap_err();
        assert_eq!(error.vendor, None, "{body}");
    }
}

#[tokio::test]
async fn no_piece_of_the_credential_nor_a_secret_of_the_answer_is_in_the_vendor_s_words() {
    let piece = &CREDENTIAL[..16];
    for (body, told) in [
        (
            format!(r#"{{"message": "{CREDENTIAL} is old"}}"#),
            Some("[redacted] is old"),
        ),
        (
            format!(r#"{{"message": "{piece}... is old"}}"#),
            Some("[redacted]... is old"),
        ),
        // Where a mint would answer with the value.
        (r#"{"key": "s3cr3t"}"#.to_owned(), None),
    ] {
        let server = serve(move |_| json("403 No", &body)).await;
        let issuer = issuer(&[ERRORS], &server.endpoint);
        let error = issuer.mint(&request("1d")).await.unwrap_err();
        assert_eq!(error.vendor.as_deref(), told);
    }
}

/// A credential, its parts, and what of it goes out as something else.
type Echoed<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

#[tokio::test]
async fn what_is_made_of_a_credential_for_a_request_is_as_secret_as_the_credential() {
    let key = "k".repeat(32);
    let cases: [Echoed<'_>; 6] = [
        (
            "{ parts: { file: { json: { user: { at: /u }, word: { at: /w } } } }, basic: { user: user, password: word } }",
            &[("file", r#"{"u": "u!1", "w": "pw 7Z!q"}"#)],
            &["pw 7Z!q", "dSExOnB3IDdaIXE="],
        ),
        (
            "{ parts: { user: {}, word: {} }, basic: { user: user, password: word } }",
            &[("user", "u"), ("word", "pw!7")],
            &["dTpwdyE3", "pw!7"],
        ),
        (
            "{ parts: { word: {} }, header: { name: X-S, part: login }, login: { send: POST /l, form: {}, put: { w: word }, at: /t } }",
            &[("word", "pw 7Z!q%")],
            &["pw+7Z%21q%25", "pw%207Z%21q%25", "pw 7Z!q%"],
        ),
        (
            "{ parts: { key: {} }, jwt: { algorithm: HS256, key: key, claims: { sub: us }, lifetime: 2m }, header: { name: Authorization, part: jwt } }",
            &[("key", &key)],
            &[],
        ),
        (
            "{ parts: { key: {} }, sigv4: { keyId: key, secret: key, region: here, service: iam } }",
            &[("key", "pw!7")],
            &["Signature=", "pw!7"],
        ),
        (
            "{ parts: { word: {} }, header: { name: X-S, part: login }, login: { send: POST /l, basic: { user: '', password: word }, at: /t } }",
            &[("word", "pw!7")],
            &["OnB3ITc=", "pw!7"],
        ),
    ];
    for (credential, parts, secrets) in cases {
        // Whoever asks reads what was sent, as it was and in words.
        let told = secrets.join(" and ").replace('"', "");
        let server = serve(move |request| {
            let sent: Vec<_> = request.lines().map(|line| line.replace('"', "'")).collect();
            let sent = sent.join(" ");
            json(
                "403 No",
                &format!(
                    r#"{{"message": "{told} of {}"}}"#,
                    &sent[..sent.len().min(600)]
                ),
            )
        })
        .await;
        let profile = Profile::parse(&file(&[("credential", credential)])).unwrap();
        let with_message = Profile::parse(&file(&[("credential", credential), ERRORS])).unwrap();
        for profile in [profile, with_message] {
            let parts = parts
                .iter()
                .map(|(name, text)| ((*name).to_owned(), SecretText::new((*text).to_owned())));
            let settings = ProfileSettings {
                endpoint: Some(server.endpoint.clone()),
                credential: SecretValue::new(parts),
                request_timeout: std::time::Duration::from_secs(5),
            };
            let issuer = ProfileIssuer::new(Arc::new(profile), settings).unwrap();
            let error = issuer.list(&Filter::default()).await.unwrap_err();
            let shown = format!("{} {:?}", chain(&error), error.vendor);
            for secret in secrets.iter().filter(|secret| **secret != "Signature=") {
                assert!(!shown.contains(secret), "{credential}: {secret} in {shown}");
            }
            assert!(!shown.contains("eyJ"), "{shown}");
            let signature = shown.split("Signature=").nth(1).unwrap_or_default();
            let hex = signature.chars().take_while(char::is_ascii_hexdigit);
            assert!(hex.count() < 16, "{shown}");
        }
    }
}

#[tokio::test]
async fn a_refusal_that_has_the_value_all_the_same_is_told_without_it() {
    let mint = (
        "mint",
        "{ send: POST /t, body: { n: $(name) }, unsure: [406] }",
    );
    for body in [
        r#"{"id": "7", "key": "v@lue!7"}"#,
        r#"{"sorry": [{"key": "v@lue!7"}]}"#,
    ] {
        let server = serve(move |_| json("406 Not Acceptable", body)).await;
        let issuer = issuer(&[mint], &server.endpoint);
        let error = match body.contains("sorry") {
            true => issuer.list(&Filter::default()).await.unwrap_err(),
            false => issuer.mint(&request("1d")).await.unwrap_err(),
        };
        assert!(!chain(&error).contains("lue"), "{}", chain(&error));
    }
}

#[tokio::test]
async fn a_message_alone_changes_no_kind_and_no_proof() {
    let server = serve(|_| json("401 No", r#"{"message": "Who are you?"}"#)).await;
    let issuer = issuer(&[ERRORS, ("check", "{ send: GET /me }")], &server.endpoint);
    assert_eq!(issuer.check(&value("v")).await, Liveness::Dead);
    let error = issuer.list(&Filter::default()).await.unwrap_err();
    assert_eq!(error.kind, K::Unauthenticated);
}
