//! The Secret that a person fills: which value it offers, and how it is held while it is needed.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};
use tokenwright_api::adopt::SourceSecret;
use tokenwright_api::names::label;

use crate::cluster::finalizers::{hold_as, is_credential, left, sort};
use crate::secret::limits::SecretLimits;
use crate::secret::parts::{Parts, Unusable};

/// Why a source offers no value.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoValue {
    /// It is not there.
    #[error("there is no Secret {0}")]
    Missing(String),

    /// It is a key to the cluster, or another program's.
    #[error(
        "the Secret {name} has the type {type_:?}, which belongs to Kubernetes or another program: put the value into a Secret of its own"
    )]
    NotPlain { name: String, type_: String },

    /// A key is not there.
    #[error("the Secret {secret} has no key {key:?}")]
    NoKey { secret: String, key: String },

    /// There are several keys, or none, for a value of one part.
    #[error(
        "the Secret {secret} has {keys} keys and none of them is {part:?}: name the right one in spec.adopt.valueFrom.secretRef.keys"
    )]
    WhichKey {
        secret: String,
        keys: usize,
        part: String,
    },

    /// What is under the key is no value.
    #[error("the key {key:?} of the Secret {secret} {why}")]
    Unusable {
        secret: String,
        key: String,
        why: Unusable,
    },
}

/// The value that a source offers, where `wanted` names its parts and the most bytes of each.
pub(super) fn offered(
    secret: Option<&Secret>,
    at: &SourceSecret,
    (wanted, limits): (&BTreeMap<String, usize>, &SecretLimits),
) -> Result<Parts, NoValue> {
    let name = || at.name.clone();
    let secret = secret.ok_or_else(|| NoValue::Missing(name()))?;
    if !limits.may_read(secret) {
        let (name, type_) = (name(), secret.type_.clone().unwrap_or_default());
        return Err(NoValue::NotPlain { name, type_ });
    }
    let mut keys = BTreeMap::new();
    for part in wanted.keys() {
        keys.insert(part.as_str(), key_of(part, secret, at, wanted.len())?);
    }
    let mut parts = Parts::default();
    for (part, most) in wanted {
        let key = keys.get(part.as_str()).cloned().unwrap_or_default();
        let taken = parts.take(part, (secret, &key), *most);
        taken.map_err(|why| NoValue::Unusable {
            secret: name(),
            key,
            why,
        })?;
    }
    Ok(parts)
}

/// Where one of `all` parts stands. The one part of a value needs no name: the one key is meant.
fn key_of(part: &str, secret: &Secret, at: &SourceSecret, all: usize) -> Result<String, NoValue> {
    let empty = BTreeMap::new();
    let data = secret.data.as_ref().unwrap_or(&empty);
    let key = at.keys.get(part).map_or(part, String::as_str);
    if data.contains_key(key) {
        return Ok(key.to_owned());
    }
    let secret = at.name.clone();
    if at.keys.contains_key(part) || all != 1 {
        let key = key.to_owned();
        return Err(NoValue::NoKey { secret, key });
    }
    let mut keys = data.keys();
    match (keys.next(), keys.next()) {
        (Some(only), None) => Ok(only.clone()),
        _ => Err(NoValue::WhichKey {
            secret,
            keys: data.len(),
            part: part.to_owned(),
        }),
    }
}

/// The change of metadata that holds a source; `None` where it is held, or must not be.
///
/// What an `ApiToken` delivers and what an issuer authenticates with is watched under a label of its
/// own, and released by whoever holds it; as a source it is used as it is.
pub(super) fn hold(secret: &Secret, limits: &SecretLimits) -> Option<Value> {
    let ours = matches!(
        sort(secret),
        Some(label::SECRET_TOKEN | label::SECRET_CREDENTIAL)
    );
    match ours || !limits.may_read(secret) {
        true => None,
        false => hold_as(secret, label::SECRET_SOURCE),
    }
}

/// The change of metadata that gives a source back; `None` where it is no source.
pub(super) fn release(secret: &Secret) -> Option<Value> {
    if sort(secret) != Some(label::SECRET_SOURCE) {
        return None;
    }
    let finalizers = left(secret, is_credential(secret));
    Some(json!({ "finalizers": finalizers, "labels": { label::SECRET: null } }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(data: Value, metadata: Value) -> Secret {
        serde_json::from_value(json!({ "metadata": metadata, "stringData": {}, "data": data }))
            .unwrap()
    }

    fn wanted(parts: &[(&str, usize)]) -> BTreeMap<String, usize> {
        let owned = parts.iter().map(|(name, most)| ((*name).to_owned(), *most));
        owned.collect()
    }

    /// What is read under the base64 of `data`, as text of part `key`; or why there is nothing.
    fn read(data: Value, keys: Value, wanted: &BTreeMap<String, usize>) -> Result<String, String> {
        let at = serde_json::from_value(json!({ "name": "source", "keys": keys })).unwrap();
        let secret = secret(data, json!({}));
        let parts = offered(Some(&secret), &at, (wanted, &SecretLimits::default()));
        let text = |parts: Parts| {
            let texts = wanted.keys().map(|name| {
                let bytes = parts.get(name).unwrap().to_vec();
                String::from_utf8(bytes).unwrap()
            });
            texts.collect::<Vec<_>>().join("/")
        };
        parts.map(text).map_err(|error| error.to_string())
    }

    #[test]
    fn the_one_part_of_a_value_is_the_one_key_whatever_it_is_called() {
        let one = wanted(&[("key", 16)]);
        for data in [
            json!({ "key": "d29yZA==" }),
            json!({ "SEENODE_TOKEN": "d29yZA==" }),
            json!({ "key": "d29yZA==", "note": "eA==" }),
        ] {
            assert_eq!(read(data, json!({}), &one).unwrap(), "word");
        }
        let mapped = json!({ "a": "eA==", "b": "d29yZA==" });
        assert_eq!(read(mapped, json!({ "key": "b" }), &one).unwrap(), "word");
    }

    #[test]
    fn line_ends_at_the_end_of_a_value_are_cut_off_and_nothing_else() {
        let one = wanted(&[("key", 16)]);
        // "word\n", "word\r\n", " word \n\n"
        for (data, value) in [
            ("d29yZAo=", "word"),
            ("d29yZA0K", "word"),
            ("IHdvcmQgCgo=", " word "),
        ] {
            let read = read(json!({ "key": data }), json!({}), &one);
            assert_eq!(read.unwrap(), value);
        }
    }

    #[test]
    fn every_part_is_needed() {
        let two = wanted(&[("access_key", 64), ("secret_key", 64)]);
        let both = json!({ "access_key": "U0NX", "secret_key": "d29yZA==" });
        assert_eq!(read(both, json!({}), &two).unwrap(), "SCW/word");
        let missing = read(json!({ "secret_key": "d29yZA==" }), json!({}), &two);
        assert_eq!(
            missing.unwrap_err(),
            "the Secret source has no key \"access_key\""
        );
    }

    #[test]
    fn what_is_no_value_is_refused_with_its_key_and_without_its_text() {
        let one = wanted(&[("key", 3)]);
        for (data, why) in [
            (
                json!({ "key": "d29yZA==" }),
                "the key \"key\" of the Secret source has 4 bytes, and at most 3 are possible",
            ),
            (
                json!({ "key": "/w==" }),
                "the key \"key\" of the Secret source is not UTF-8",
            ),
            (
                json!({ "key": "Cg==" }),
                "the key \"key\" of the Secret source is empty",
            ),
            (
                json!({ "a": "eA==", "b": "eA==" }),
                "the Secret source has 2 keys and none of them is \"key\": name the right one in spec.adopt.valueFrom.secretRef.keys",
            ),
            (
                json!({}),
                "the Secret source has 0 keys and none of them is \"key\": name the right one in spec.adopt.valueFrom.secretRef.keys",
            ),
        ] {
            assert_eq!(read(data, json!({}), &one).unwrap_err(), why);
        }
        let elsewhere = read(json!({ "a": "eA==" }), json!({ "key": "b" }), &one);
        assert_eq!(elsewhere.unwrap_err(), "the Secret source has no key \"b\"");
    }

    #[test]
    fn a_source_is_held_once_and_what_others_hold_is_left_to_them() {
        let hold = |secret: &Secret| hold(secret, &SecretLimits::default());
        let plain = secret(json!({}), json!({ "finalizers": ["example.com/theirs"] }));
        let change = hold(&plain).unwrap();
        assert_eq!(
            change["finalizers"],
            json!(["example.com/theirs", "tokenwright.dev/in-use"])
        );
        let held = json!({ "finalizers": change["finalizers"], "labels": change["labels"] });
        let held = secret(json!({}), held);
        assert_eq!(hold(&held), None);
        assert_eq!(
            release(&held).unwrap()["finalizers"],
            json!(["example.com/theirs"])
        );
        for sort in [label::SECRET_TOKEN, label::SECRET_CREDENTIAL] {
            let theirs = secret(json!({}), json!({ "labels": { label::SECRET: sort } }));
            assert_eq!((hold(&theirs), release(&theirs)), (None, None));
        }
        let ending = json!({ "deletionTimestamp": "2026-01-01T00:00:00Z" });
        assert_eq!(hold(&secret(json!({}), ending)), None);
    }
}
