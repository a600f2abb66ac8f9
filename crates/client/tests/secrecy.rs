//! No value and no credential is ever printed: not by a type, not by an error, not by a log at TRACE.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy knows only the test functions themselves"
)]

// A binary of its own: the log is that of the whole process.

#[expect(dead_code, reason = "shared with the other tests, which use the rest")]
#[path = "it/support.rs"]
mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{CREDENTIAL, answer, issuer as at, json, mint, serve};
use tokenwright_client::{Error, Filter, Issuer};
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
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
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

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("hyper") && log.contains("tokenwright_client"),
        "{log}"
    );
    for (place, text) in [("a log", &log), ("a type or error", &shown)] {
        for secret in [VALUE, CREDENTIAL, "the-value-itself", "4f1d9a7c2e"] {
            assert!(!text.contains(secret), "{place} shows {secret}: {text}");
        }
    }
}
