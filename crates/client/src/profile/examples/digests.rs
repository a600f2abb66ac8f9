//! Digests in examples: an id that is a secret is written as `digest(SECRET)`, since nobody knows it otherwise.

use serde_json::Value as Json;

use crate::secret::SecretText;

/// The text with the digest of what it names, where it names one.
pub(super) fn written(text: &str, endpoint: &str) -> String {
    let named = text
        .strip_prefix("digest(")
        .and_then(|rest| rest.strip_suffix(')'));
    match named {
        Some(secret) => SecretText::new(secret.to_owned()).digest_under(endpoint),
        None => text.to_owned(),
    }
}

/// The same everywhere in a document.
pub(super) fn write(json: &mut Json, endpoint: &str) {
    let mut nodes = vec![json];
    while let Some(node) = nodes.pop() {
        match node {
            Json::String(text) => *text = written(text, endpoint),
            Json::Array(items) => nodes.extend(items),
            Json::Object(map) => nodes.extend(map.values_mut()),
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }
}
