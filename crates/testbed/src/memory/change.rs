//! Update and patch, of an object or of its status. A patch is an update whose body the server
//! works out itself, so both run through the same checks.

use serde_json::{Map, Value, json};

use super::call::{Call, Verb};
use super::kinds::{self, Kind};
use super::managers;
use super::refusal::{
    Broken, Outcome, bad_request, conflict, internal, invalid, modified, refusal,
    unsupported_media_type,
};
use super::rules;
use super::server::Server;
use super::store::Key;

/// Fields of the metadata that only the server sets.
const OWNED_BY_SERVER: [&str; 4] = [
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

impl Server {
    pub(super) fn change(&mut self, call: &Call, kind: &Kind, now: &str) -> Outcome<(u16, Value)> {
        let name = call.name.as_deref().unwrap_or_default();
        let key = self.key(call, kind, name);
        if call.verb == Verb::Patch {
            check_patch_type(call, kind)?;
        }
        let proposed = match call.verb {
            Verb::Patch => patched(call, &self.stored(&key)?)?,
            _ => call.json()?,
        };
        let new = self.incoming(call, kind, proposed)?;
        if new["metadata"]["name"] != name {
            return Err(bad_request(
                "the name of the object does not match the name on the URL",
            ));
        }
        if kind.created_by_update && self.store.get(&key).is_none() {
            return Ok((201, self.create(call, kind, now)?));
        }
        let old = self.stored(&key)?;
        check_preconditions(call, kind, &key, (&old, &new))?;
        let new = settled(call.subresource.as_deref(), kind, &old, new);
        for field in OWNED_BY_SERVER {
            if new["metadata"][field] != old["metadata"][field] {
                let path = format!("metadata.{field}");
                let broken = Broken::invalid(&path, "Invalid value: field is immutable");
                return Err(invalid(&kind.kind, name, broken));
            }
        }
        rules::check(kind, &new, Some(&old))?;
        let mut new = new;
        managers::keep(&mut new, &old);
        // Nothing to write is nothing written: no new version and no event, as on a real server.
        if call.dry_run || new == old {
            return Ok((200, new));
        }
        managers::note(&mut new, call, now);
        Ok((200, self.put(key, new)))
    }

    /// Stores a changed object, or lets it go when it was only kept by a finalizer.
    pub(super) fn put(&mut self, key: Key, new: Value) -> Value {
        if new["metadata"]["deletionTimestamp"].is_string() && !held(&new) {
            self.store.commit(key, None);
            return super::store::at_version(new, self.store.version);
        }
        Value::clone(&self.store.commit(key, Some(new)))
    }
}

/// Whether a finalizer keeps the object; a namespace is also kept by those of its spec.
pub(super) fn held(object: &Value) -> bool {
    let some = |list: &Value| list.as_array().is_some_and(|list| !list.is_empty());
    some(&object["metadata"]["finalizers"])
        || (object["kind"] == "Namespace" && some(&object["spec"]["finalizers"]))
}

fn check_patch_type(call: &Call, kind: &Kind) -> Outcome<()> {
    match call.content_type.as_str() {
        "application/merge-patch+json" | "application/json-patch+json" => Ok(()),
        // Lists with merge keys do not occur in the kinds that we serve.
        "application/strategic-merge-patch+json" if !kind.custom => Ok(()),
        other => Err(unsupported_media_type(other)),
    }
}

fn patched(call: &Call, old: &Value) -> Outcome<Value> {
    let patch = call.json()?;
    let mut object = old.clone();
    if let Err(status) = rules::check_encoding_of(&patch["data"], &old["kind"]) {
        return Err(Box::new(refusal(422, "Invalid", &status.message)));
    }
    if call.content_type == "application/json-patch+json" {
        let patch: json_patch::Patch = serde_json::from_value(patch)
            .map_err(|error| bad_request(&format!("the JSON patch cannot be read: {error}")))?;
        json_patch::patch(&mut object, &patch)
            .map_err(|error| Box::new(refusal(422, "Invalid", &error.to_string())))?;
    } else {
        merge(&mut object, &patch);
    }
    Ok(object)
}

/// RFC 7386, but for the directives (`$setElementOrder/…`) that kubectl adds for lists.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(target) = target {
        for (key, value) in patch.iter().filter(|(key, _)| !key.starts_with('$')) {
            if value.is_null() {
                target.remove(key);
            } else {
                merge(target.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
    }
}

fn check_preconditions(
    call: &Call,
    kind: &Kind,
    key: &Key,
    (old, new): (&Value, &Value),
) -> Outcome<()> {
    let (resource, name) = (key.resource.as_str(), key.name.as_str());
    let (had, given) = (&old["metadata"], &new["metadata"]);
    // In a patch another uid is a change of an immutable field; only an update takes it as a condition.
    if call.verb == Verb::Update && given["uid"].is_string() && given["uid"] != had["uid"] {
        let why = format!(
            "Precondition failed: UID in precondition: {}, UID in object meta: {}",
            given["uid"].as_str().unwrap_or_default(),
            had["uid"].as_str().unwrap_or_default(),
        );
        return Err(conflict(resource, name, &why));
    }
    match given["resourceVersion"].as_str() {
        Some(version) if had["resourceVersion"] == version => Ok(()),
        Some(version) if version.parse::<u64>().is_err() => {
            Err(internal(&format!("parsing \"{version}\": invalid syntax")))
        }
        Some(_) => Err(modified(resource, name)),
        None if kind.unconditional => Ok(()),
        None => {
            let why = "Invalid value: 0x0: must be specified for an update";
            let broken = Broken::invalid("metadata.resourceVersion", why);
            Err(invalid(resource, name, broken))
        }
    }
}

/// The object as the request may have it: each endpoint writes its own part and no other.
fn settled(subresource: Option<&str>, kind: &Kind, old: &Value, new: Value) -> Value {
    let copy = |into: &mut Value, from: &Value, field: &str| {
        if let Some(fields) = into.as_object_mut() {
            match from.get(field) {
                Some(value) => fields.insert(field.to_owned(), value.clone()),
                None => fields.remove(field),
            };
        }
    };
    let mut result = match subresource {
        Some("status") => {
            let mut result = old.clone();
            copy(&mut result, &new, "status");
            kind.complete(&mut result);
            return result;
        }
        Some(_) => {
            let mut result = old.clone();
            copy(&mut result, &new, "spec");
            return result;
        }
        None => new,
    };
    if kind.status {
        copy(&mut result, old, "status");
    }
    if kind.id() == kinds::NAMESPACES {
        copy(&mut result, old, "spec");
    }
    for field in OWNED_BY_SERVER {
        if result["metadata"].get(field).is_none() {
            copy(&mut result["metadata"], &old["metadata"], field);
        }
    }
    for field in ["resourceVersion", "generation", "creationTimestamp"] {
        copy(&mut result["metadata"], &old["metadata"], field);
    }
    if kind.generation && desired(kind, &result) != desired(kind, old) {
        let generation = old["metadata"]["generation"].as_u64().unwrap_or_default();
        result["metadata"]["generation"] = json!(generation + 1);
    }
    result
}

/// What counts for the generation: everything but the metadata and a separate status.
fn desired(kind: &Kind, object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("metadata");
        fields.remove("apiVersion");
        if kind.status {
            fields.remove("status");
        }
    }
    object
}
