//! The Terraform encoder: the one place here where a secret value leaves its type.
//!
//! Values go into the state, whose encoding is Terraform's, and into keyed digests by which tokens are
//! told apart without showing anything.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use tfplugin::Value;
use tokenwright_client::account::SecretDigests;
use tokenwright_client::{SecretText, SecretValue};

use crate::age::{self, Envelope};

/// The one text that stands for a value: its sole part, or the JSON object of all its parts.
pub(crate) fn encode(value: &SecretValue) -> Value {
    Value::from(exposed(&text_of(value)))
}

/// The same text, encrypted.
pub(crate) fn sealed(value: &SecretValue, envelope: &Envelope) -> Result<Value, age::Error> {
    let text = text_of(value);
    Ok(envelope.seal(exposed(&text).as_bytes())?.into())
}

fn text_of(value: &SecretValue) -> SecretText {
    let parts: Vec<_> = value.parts().collect();
    match parts.as_slice() {
        [(_, sole)] => duplicate(sole),
        parts => {
            let parts = parts.iter().map(|(name, text)| (*name, exposed(text)));
            let object = parts.collect::<BTreeMap<_, _>>();
            SecretText::new(serde_json::to_string(&object).unwrap_or_default())
        }
    }
}

/// A value that the state keeps, back in its type. `None` where the state has not all of its parts.
pub(crate) fn decode<'a>(
    value: &Value,
    parts: impl Iterator<Item = &'a String>,
) -> Option<SecretValue> {
    let text = value.as_str()?;
    let names: Vec<_> = parts.collect();
    if let [sole] = names.as_slice() {
        let part = ((*sole).clone(), SecretText::new(text.to_owned()));
        return Some(SecretValue::new([part]));
    }
    let mut kept: BTreeMap<String, String> = serde_json::from_str(text).ok()?;
    let part = |name: &&String| Some(((*name).clone(), SecretText::new(kept.remove(*name)?)));
    let parts: Option<Vec<_>> = names.iter().map(part).collect();
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
