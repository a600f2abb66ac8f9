//! The Terraform encoder: the one place here where a secret value leaves its type.
//!
//! Values go into the state, whose encoding is Terraform's, and into keyed digests by which tokens are
//! told apart without showing anything.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use tfplugin::Value;
use tokenwright_client::account::SecretDigests;
use tokenwright_client::{SecretText, SecretValue};

/// What a mint delivered, as the state keeps it: `value` and `values`.
pub(crate) fn encode(value: &SecretValue, public: &BTreeMap<String, String>) -> (Value, Value) {
    let secret: Vec<(String, Value)> = value
        .parts()
        .map(|(name, text)| (name.to_owned(), Value::from(exposed(text))))
        .collect();
    let sole = match secret.as_slice() {
        [(_, sole)] => sole.clone(),
        _ => Value::Null,
    };
    let public = public
        .iter()
        .map(|(name, text)| (name.clone(), Value::from(text.as_str())));
    (sole, Value::Map(public.chain(secret).collect()))
}

/// A value that the state keeps, back in its type. `None` where the state has not all of its parts.
pub(crate) fn decode<'a>(
    values: &Value,
    parts: impl Iterator<Item = &'a String>,
) -> Option<SecretValue> {
    let part = |name: &String| {
        let text = values.get(name).as_str()?;
        Some((name.clone(), SecretText::new(text.to_owned())))
    };
    let parts: Option<Vec<_>> = parts.map(part).collect();
    parts
        .filter(|parts| !parts.is_empty())
        .map(SecretValue::new)
}

/// Digests of all parts with their names, by which an adopted value is told from another.
pub(crate) fn named_digests<'a>(
    parts: impl Iterator<Item = (&'a String, &'a SecretText)>,
) -> SecretDigests {
    let pair = |(name, text): (&String, &SecretText)| [Sha256::digest(name).into(), text.sha256()];
    SecretDigests::new(parts.flat_map(pair))
}

/// The same secret once more: the provider block keeps its own.
pub(crate) fn duplicate(text: &SecretText) -> SecretText {
    SecretText::new(exposed(text).to_owned())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the Terraform encoder: the state is where the value is published"
)]
fn exposed(text: &SecretText) -> &str {
    text.expose()
}
