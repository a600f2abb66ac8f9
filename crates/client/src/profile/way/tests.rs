use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderMap;
use rcgen::{CertificateParams, KeyPair};

use super::*;
use crate::clock::Clock;
use crate::http::{Body, Incoming, NoAnswer, Outgoing, Transport};
use crate::issuer::{Filter, Issuer as _};
use crate::profile::{ProfileIssuer, ProfileSettings};

const TEXT: &str = r#"
profile: mutual
title: Mutual
endpoint: https://api.example.com
credential:
  parts: { certificate: {}, key: {}, token: {} }
  clientCertificate: { certificate: certificate, key: key }
  header: { name: X-Token, part: token }
name: { max: 80 }
scopes: none
lifetime: { unit: none }
token: { id: item.id, name: item.name }
value: { token: { at: /token } }
mint: { send: POST /t, body: { name: $(name) } }
list: { send: GET /t }
check: { send: GET /me }
revoke: { send: DELETE /t/$(id) }
"#;

/// Which requests were sent over a connection that shows a certificate.
#[derive(Debug, Default)]
struct Seen(Mutex<Vec<(String, bool)>>);

#[async_trait]
impl Transport for Seen {
    async fn send(&self, sent: Outgoing<'_>) -> Result<Incoming, NoAnswer> {
        let path = sent.url.path().to_owned();
        self.0
            .lock()
            .unwrap()
            .push((path, sent.certified.is_some()));
        Ok(Incoming {
            status: 200,
            headers: HeaderMap::new(),
            body: Ok(Body::new(b"[]".to_vec())),
        })
    }
}

fn pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["us".to_owned()]).unwrap();
    let certificate = certificate.self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn secret(parts: &[(&str, &str)]) -> SecretValue {
    SecretValue::new(
        parts
            .iter()
            .map(|(name, text)| ((*name).to_owned(), SecretText::new((*text).to_owned()))),
    )
}

fn made(
    text: &str,
    certificate: &str,
    key: &str,
    seen: &Arc<Seen>,
) -> Result<ProfileIssuer, String> {
    let profile = Profile::parse(text).unwrap();
    let settings = ProfileSettings {
        endpoint: None,
        credential: secret(&[
            ("certificate", certificate),
            ("key", key),
            ("token", "word"),
        ]),
        request_timeout: Duration::from_secs(1),
    };
    let transport = Arc::clone(seen) as _;
    ProfileIssuer::over(Arc::new(profile), settings, (transport, Clock::system()))
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_certificate_is_shown_for_us_and_proves_no_value_unless_everybody_needs_one() {
    let (certificate, key) = pair();
    let asked = TEXT.replace("GET /me", "GET /me, withCertificate: true");
    for (text, with_values) in [(TEXT, false), (&asked, true)] {
        let seen = Arc::<Seen>::default();
        let issuer = made(text, &certificate, &key, &seen).unwrap();
        issuer.list(&Filter::default()).await.unwrap();
        issuer.check(&secret(&[("token", "value")])).await;
        let seen = seen.0.lock().unwrap().clone();
        let expected = [("/t".to_owned(), true), ("/me".to_owned(), with_values)];
        assert_eq!(seen, expected);
    }
}

#[test]
fn what_is_no_certificate_and_no_key_is_told_by_its_part_and_never_shown() {
    let (certificate, key) = pair();
    let (_, other) = pair();
    let seen = Arc::<Seen>::default();
    for (certificate, key, told) in [
        (
            "hunter2",
            key.as_str(),
            "part certificate of the credential is no certificate in PEM",
        ),
        (
            &key,
            &key,
            "part certificate of the credential is no certificate in PEM",
        ),
        (
            &certificate,
            "hunter2",
            "part key of the credential is no private key in PEM",
        ),
        (
            &certificate,
            &certificate,
            "part key of the credential is no private key in PEM",
        ),
        (
            &certificate,
            &other,
            "part key of the credential is not the key of the certificate",
        ),
        (&certificate, "", "the credential has no part key"),
    ] {
        let error = made(TEXT, certificate, key, &seen).unwrap_err();
        assert!(error.starts_with(told), "{told}: {error}");
        assert!(
            !error.contains("hunter2") && !error.contains("BEGIN PRIVATE"),
            "{error}"
        );
    }
    made(TEXT, &certificate, &key, &seen).unwrap();
}

#[test]
fn a_certificate_may_be_all_that_authenticates_and_must_be_a_part() {
    let alone = TEXT.replace("  header: { name: X-Token, part: token }\n", "");
    let own = "check: { send: GET /me, header: { name: X-Token, part: token } }";
    let alone = alone.replace("check: { send: GET /me }", own);
    Profile::parse(&alone).unwrap();
    let chain = |text: &str| {
        use std::error::Error as _;
        Profile::parse(text)
            .unwrap_err()
            .source()
            .unwrap()
            .to_string()
    };
    for (old, new, problem) in [
        (
            "certificate: certificate, key: key",
            "certificate: other, key: key",
            "certificate: other is no part",
        ),
        (
            "certificate: certificate, key: key",
            "certificate: certificate, key: other",
            "key: other is no part",
        ),
        (
            "key: {}, token",
            "key: { public: true }, token",
            "key: key is public",
        ),
        (
            own,
            "check: { send: GET /me }",
            "check: needs header, basic or put",
        ),
    ] {
        assert!(alone.contains(old), "{old}");
        let told = chain(&alone.replacen(old, new, 1));
        assert!(told.contains(problem), "{problem}: {told}");
    }
    let without = TEXT.replace(
        "  clientCertificate: { certificate: certificate, key: key }\n",
        "",
    );
    let without = without.replace("GET /me", "GET /me, withCertificate: true");
    let told = chain(&without);
    assert!(
        told.contains("withCertificate: needs clientCertificate"),
        "{told}"
    );
}
