//! The vendor's own sentence in a refusal: who hears it, and what is never in it.

use tokenwright_client::{ErrorKind as K, Filter, Issuer};
use tokenwright_core::Liveness;

use crate::support::{CREDENTIAL, answer, json, serve};
use crate::tiny::{chain, issuer, request, value};

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

#[tokio::test]
async fn a_message_alone_changes_no_kind_and_no_proof() {
    let server = serve(|_| json("401 No", r#"{"message": "Who are you?"}"#)).await;
    let issuer = issuer(&[ERRORS, ("check", "{ send: GET /me }")], &server.endpoint);
    assert_eq!(issuer.check(&value("v")).await, Liveness::Dead);
    let error = issuer.list(&Filter::default()).await.unwrap_err();
    assert_eq!(error.kind, K::Unauthenticated);
}
