//! Profiles of a few lines: a small system, with the part that a test is about in place of its own.

use std::sync::Arc;
use std::time::Duration;

use tokenwright_client::{
    MintRequest, Profile, ProfileIssuer, ProfileSettings, SecretText, SecretValue,
};
use tokenwright_core::{Inputs, Parameters};

use crate::support::CREDENTIAL;

const PARTS: [(&str, &str); 9] = [
    (
        "credential",
        "{ parts: { key: {} }, header: { name: Authorization, prefix: 'Bearer ', part: key } }",
    ),
    ("name", "{ max: 64 }"),
    ("scopes", "none"),
    ("lifetime", "{ unit: second, never: omit }"),
    (
        "token",
        "{ id: item.id, name: item.name, expires: item.expires, scopes: item.scopes, enabled: item.on }",
    ),
    ("value", "{ key: { at: /key, max: 64 } }"),
    (
        "mint",
        "{ send: POST /t, body: { name: $(name), ttl: $(lifetime) } }",
    ),
    ("list", "{ send: GET /t }"),
    ("revoke", "{ send: DELETE /t/$(id) }"),
];

/// The file; what is given replaces or is added, and an empty text takes a part away.
pub(crate) fn file(changed: &[(&str, &str)]) -> String {
    let own = PARTS
        .iter()
        .filter(|(key, _)| changed.iter().all(|(other, _)| other != key));
    let parts = own.chain(changed).filter(|(_, text)| !text.is_empty());
    let lines = parts.map(|(key, text)| format!("{key}: {text}\n"));
    format!(
        "profile: tiny\ntitle: A tiny system\n{}",
        lines.collect::<String>()
    )
}

pub(crate) fn issuer(changed: &[(&str, &str)], endpoint: &str) -> ProfileIssuer {
    with_credential(changed, endpoint, CREDENTIAL)
}

pub(crate) fn with_credential(
    changed: &[(&str, &str)],
    endpoint: &str,
    text: &str,
) -> ProfileIssuer {
    let whole: Vec<_> = changed
        .iter()
        .map(|(key, text)| (*key, whole(key, text)))
        .collect();
    let whole: Vec<_> = whole
        .iter()
        .map(|(key, text)| (*key, text.as_str()))
        .collect();
    let text_of_profile = file(&whole);
    let profile = Profile::parse(&text_of_profile)
        .unwrap_or_else(|error| panic!("{}\n{text_of_profile}", chain(&error)));
    let parts: Vec<_> = profile.credential().keys().cloned().collect();
    let part = |name: String| (name, SecretText::new(text.to_owned()));
    let settings = ProfileSettings {
        endpoint: Some(endpoint.to_owned()),
        credential: SecretValue::new(parts.into_iter().map(part)),
        request_timeout: Duration::from_secs(5),
    };
    ProfileIssuer::new(Arc::new(profile), settings).unwrap()
}

/// A mint says all that is wished, whatever else a test is about.
fn whole(key: &str, text: &str) -> String {
    let unsaid = [("X-N", "name"), ("X-L", "lifetime"), ("X-S", "scopes")];
    let unsaid = unsaid.map(|(header, name)| match text.contains(&format!("$({name}")) {
        true => String::new(),
        false => format!("{header}: $({name}), "),
    });
    match text.strip_suffix('}') {
        Some(open) if key == "mint" && !text.contains("headers:") => {
            format!("{open}, headers: {{ {} }} }}", unsaid.concat())
        }
        _ => text.to_owned(),
    }
}

pub(crate) fn request(lifetime: &str) -> MintRequest {
    MintRequest {
        remote_name: "n".to_owned(),
        inputs: Inputs {
            name: "n".to_owned(),
            scopes: Default::default(),
            parameters: Parameters::new(),
            lifetime: lifetime.parse().unwrap(),
        },
        at: "2026-01-31T20:00:00Z".parse().unwrap(),
        idempotency_key: "nonce".to_owned(),
        send_by: None,
    }
}

pub(crate) fn value(text: &str) -> SecretValue {
    SecretValue::new([("key".to_owned(), SecretText::new(text.to_owned()))])
}

/// Whether the value's part is this text, which nothing may print or compare.
pub(crate) fn is(value: &SecretValue, part: &str, text: &str) -> bool {
    let expected = SecretText::new(text.to_owned()).sha256();
    value.part(part).is_some_and(|t| t.sha256() == expected)
}

/// An error with its sources.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}
