//! The checks of a write that do not depend on what else is stored: names, labels, finalizers,
//! and the rules of Secrets and ConfigMaps. A dry run makes them all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::kinds::{self, Kind};
use super::refusal::{Broken, Outcome, bad_request, invalid};

/// The API's limit on the sum of a Secret's or ConfigMap's values.
const MAX_DATA_BYTES: usize = 1024 * 1024;
/// The API's limit on the sum of all annotation keys and values.
const MAX_ANNOTATION_BYTES: usize = 256 * 1024;
/// Longest DNS subdomain, the form of most names.
const MAX_SUBDOMAIN: usize = 253;
/// Longest DNS label, label value and name part of a qualified name.
const MAX_LABEL: usize = 63;

/// Brings an incoming object into the form in which it is stored.
pub(super) fn normalise(kind: &Kind, object: &mut Value) -> Outcome<()> {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|_, value| match value {
            Value::Null => false,
            Value::Array(items) => !items.is_empty(),
            Value::Object(map) => !map.is_empty(),
            Value::String(text) => !text.is_empty(),
            Value::Bool(_) | Value::Number(_) => true,
        });
        metadata.remove("managedFields");
        metadata.remove("selfLink");
    }
    if kind.id() == kinds::SECRETS {
        merge_string_data(object)?;
        if object["type"].as_str().is_none_or(str::is_empty) {
            object["type"] = json!("Opaque");
        }
    }
    Ok(())
}

fn merge_string_data(secret: &mut Value) -> Outcome<()> {
    let Some(map) = secret.as_object_mut() else {
        return Err(bad_request("the body is not an object"));
    };
    let plain = map.remove("stringData").unwrap_or_default();
    for (key, value) in plain.as_object().into_iter().flatten() {
        let Some(text) = value.as_str() else {
            return Err(bad_request(
                "stringData holds something that is not a string",
            ));
        };
        secret["data"][key] = json!(STANDARD.encode(text));
    }
    if secret["data"]
        .as_object()
        .is_none_or(serde_json::Map::is_empty)
        && let Some(map) = secret.as_object_mut()
    {
        map.remove("data");
    }
    Ok(())
}

/// Every rule for an object as it would be stored; `old` is what it replaces.
pub(super) fn check(kind: &Kind, object: &Value, old: Option<&Value>) -> Outcome<()> {
    let broken = check_metadata(kind, object, old).and_then(|()| match kind.id().as_str() {
        kinds::SECRETS => check_secret(object, old),
        kinds::CONFIG_MAPS => check_immutable(object, old).and_then(|()| check_size(object, false)),
        _ => Ok(()),
    });
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    broken.map_err(|broken| {
        let what = match kind.group.as_str() {
            "" => kind.kind.clone(),
            group => format!("{}.{group}", kind.kind),
        };
        invalid(&what, name, broken)
    })
}

fn check_metadata(kind: &Kind, object: &Value, old: Option<&Value>) -> Result<(), Broken> {
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    let well_named = match kind.group.as_str() {
        "rbac.authorization.k8s.io" => !name.contains(['/', '%']) && name != "." && name != "..",
        _ if kind.id() == kinds::NAMESPACES => is_dns_label(name),
        _ => is_subdomain(name),
    };
    if !well_named {
        return Err(Broken::invalid(
            "metadata.name",
            format!("Invalid value: \"{name}\": not a name that this kind allows"),
        ));
    }
    for (key, value) in metadata["labels"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or("\n");
        if !is_qualified(key) || !(value.is_empty() || is_word(value)) {
            return Err(Broken::invalid(
                "metadata.labels",
                format!("Invalid value: \"{key}={value}\": not a valid label"),
            ));
        }
    }
    let mut annotated = 0;
    for (key, value) in metadata["annotations"].as_object().into_iter().flatten() {
        if !is_qualified(&key.to_lowercase()) {
            return Err(Broken::invalid(
                "metadata.annotations",
                format!("Invalid value: \"{key}\": not a valid annotation key"),
            ));
        }
        annotated += key.len() + value.as_str().map_or(0, str::len);
    }
    if annotated > MAX_ANNOTATION_BYTES {
        return Err(Broken {
            reason: "FieldValueTooLong",
            ..Broken::invalid(
                "metadata.annotations",
                "Too long: may not be more than 262144 bytes",
            )
        });
    }
    check_finalizers(metadata, old.map(|old| &old["metadata"]))
}

fn check_finalizers(metadata: &Value, old: Option<&Value>) -> Result<(), Broken> {
    let known = |finalizer: &Value| {
        old.and_then(|old| old["finalizers"].as_array())
            .is_some_and(|list| list.contains(finalizer))
    };
    for finalizer in metadata["finalizers"].as_array().into_iter().flatten() {
        let text = finalizer.as_str().unwrap_or_default();
        let standard = ["foregroundDeletion", "orphan", "kubernetes"].contains(&text);
        if !is_qualified(text) || !(standard || text.contains('/')) {
            return Err(Broken::invalid(
                "metadata.finalizers",
                format!(
                    "Invalid value: \"{text}\": name is neither a standard finalizer name nor is it fully qualified"
                ),
            ));
        }
        if metadata["deletionTimestamp"].is_string() && !known(finalizer) {
            return Err(Broken::forbidden(
                "metadata.finalizers",
                format!(
                    "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{\"{text}\"}}"
                ),
            ));
        }
    }
    Ok(())
}

fn check_secret(secret: &Value, old: Option<&Value>) -> Result<(), Broken> {
    if let Some(old) = old
        && old["type"] != secret["type"]
    {
        let why = format!("Invalid value: {}: field is immutable", secret["type"]);
        return Err(Broken::invalid("type", why));
    }
    check_immutable(secret, old)?;
    check_size(secret, true)?;
    let has = |key: &str| secret["data"][key].is_string();
    let needed: &[&str] = match secret["type"].as_str().unwrap_or_default() {
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => &["username"],
        _ => &[],
    };
    if let Some(key) = needed.iter().find(|key| !has(key)) {
        return Err(Broken::required(&format!("data[{key}]"), "Required value"));
    }
    for key in needed.iter().filter(|key| key.starts_with(".docker")) {
        let bytes = secret["data"][key]
            .as_str()
            .map(|text| STANDARD.decode(text));
        let parsed = bytes
            .and_then(Result::ok)
            .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        if parsed.is_none() {
            let why = "Invalid value: \"<secret contents redacted>\": not JSON";
            return Err(Broken::invalid(&format!("data[{key}]"), why));
        }
    }
    let account = &secret["metadata"]["annotations"]["kubernetes.io/service-account.name"];
    if secret["type"] == "kubernetes.io/service-account-token" && !account.is_string() {
        let field = "metadata.annotations[kubernetes.io/service-account.name]";
        return Err(Broken::required(field, "Required value"));
    }
    Ok(())
}

fn check_size(object: &Value, encoded: bool) -> Result<(), Broken> {
    let mut total = 0;
    for (key, value) in object["data"].as_object().into_iter().flatten() {
        if key.is_empty()
            || key.len() > MAX_SUBDOMAIN
            || !key
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
        {
            let why = format!("Invalid value: \"{key}\": not a valid config key");
            return Err(Broken::invalid(&format!("data[{key}]"), why));
        }
        let text = value.as_str().unwrap_or_default();
        total += if encoded {
            STANDARD.decode(text).map_or(0, |bytes| bytes.len())
        } else {
            text.len()
        };
    }
    if total > MAX_DATA_BYTES {
        return Err(Broken {
            reason: "FieldValueTooLong",
            ..Broken::invalid("data", "Too long: may not be more than 1048576 bytes")
        });
    }
    Ok(())
}

/// `immutable: true` cannot be taken back and freezes the data, not the metadata.
fn check_immutable(object: &Value, old: Option<&Value>) -> Result<(), Broken> {
    let Some(old) = old.filter(|old| old["immutable"] == true) else {
        return Ok(());
    };
    for field in ["immutable", "data", "binaryData"] {
        if old[field] != object[field] {
            let why = "Forbidden: field is immutable when `immutable` is set";
            return Err(Broken::forbidden(field, why));
        }
    }
    Ok(())
}

/// Values of a Secret must be base64 before anything else about it is looked at.
pub(super) fn check_encoding(kind: &Kind, object: &Value) -> Outcome<()> {
    if kind.id() == kinds::SECRETS {
        check_encoding_of(&object["data"], &object["kind"])?;
    }
    Ok(())
}

/// The same for data on its own, as it stands in a patch.
pub(super) fn check_encoding_of(data: &Value, kind: &Value) -> Outcome<()> {
    if kind != "Secret" {
        return Ok(());
    }
    for (key, value) in data.as_object().into_iter().flatten() {
        let decodes = match value {
            Value::Null => true,
            other => other
                .as_str()
                .is_some_and(|text| STANDARD.decode(text).is_ok()),
        };
        if !decodes {
            return Err(bad_request(&format!("data[{key}] is not base64")));
        }
    }
    Ok(())
}

pub(super) fn is_word(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    text.len() <= MAX_LABEL
        && text.chars().all(inner)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

pub(super) fn is_qualified(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, word)) => is_subdomain(prefix) && is_word(word),
        None => is_word(text),
    }
}

fn is_dns_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty()
        && text.len() <= MAX_LABEL
        && text.chars().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_subdomain(text: &str) -> bool {
    text.len() <= MAX_SUBDOMAIN
        && text.split('.').all(|label| {
            let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            !label.is_empty()
                && label.chars().all(inner)
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}
