//! The API server proper: one call in, one answer out, under one lock and without waiting.
//! Faults, stale views and the log are the service's; watches start here and run in `watch`.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use serde_json::{Value, json};

use super::call::{Call, Verb};
use super::kinds::{self, Kind};
use super::refusal::{
    Broken, Outcome, bad_request, invalid, method_not_allowed, no_such_page, no_such_path,
    not_found,
};
use super::rules;
use super::store::{Key, Store, View};

/// Namespaces that are there from the start and cannot be deleted, but for the last.
const FIRST_NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// Letters of generated names; no vowels, so that no words appear.
const SUFFIX_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH: usize = 5;

#[derive(Debug)]
pub(super) struct Server {
    pub(super) store: Store,
    /// Differs between servers, so that a cloned cluster has its own UIDs.
    seed: u64,
    drawn: u64,
}

impl Server {
    pub(super) fn new(now: &str) -> Self {
        let mut server = Self {
            store: Store::new(),
            seed: RandomState::new().build_hasher().finish(),
            drawn: 0,
        };
        for name in FIRST_NAMESPACES {
            let uid = server.uid();
            let key = Key {
                resource: kinds::NAMESPACES.to_owned(),
                namespace: String::new(),
                name: name.to_owned(),
            };
            let namespace = json!({
                "apiVersion": "v1", "kind": "Namespace",
                "metadata": { "name": name, "uid": uid, "creationTimestamp": now,
                    "labels": { "kubernetes.io/metadata.name": name } },
                "spec": { "finalizers": ["kubernetes"] },
                "status": { "phase": "Active" },
            });
            server.store.commit(key, Some(namespace));
        }
        // A server that has just started cannot tell what happened before.
        server.store.compact();
        server
    }

    /// The resource that a call names, if it exists in that scope.
    pub(super) fn kind_of(&self, call: &Call) -> Outcome<Kind> {
        let kind = self
            .store
            .kind(&call.group, &call.version, &call.plural)
            .ok_or_else(|| self.missing(&call.group))?;
        let across = call.namespace.is_none()
            && call.name.is_none()
            && matches!(call.verb, Verb::List | Verb::Watch | Verb::DeleteCollection);
        let subresource = match call.subresource.as_deref() {
            None => true,
            Some("status") => kind.status,
            Some("finalize") => kind.id() == kinds::NAMESPACES,
            Some(_) => false,
        };
        let scope = kind.namespaced == call.namespace.is_some() || across;
        match (subresource, scope) {
            (true, true) => Ok(kind),
            (_, false) if kind.custom => Err(no_such_page()),
            (_, false) if call.name.is_none() => Err(method_not_allowed()),
            _ => Err(no_such_path()),
        }
    }

    fn missing(&self, group: &str) -> Box<kube::core::Status> {
        let built_in = self
            .store
            .kinds
            .iter()
            .any(|kind| !kind.custom && kind.group == group);
        if built_in {
            no_such_path()
        } else {
            no_such_page()
        }
    }

    pub(super) fn write(&mut self, call: &Call, now: &str) -> Outcome<(u16, Value)> {
        let kind = self.kind_of(call)?;
        match call.verb {
            Verb::Create => Ok((201, self.create(call, &kind, now)?)),
            Verb::Update | Verb::Patch => self.change(call, &kind, now),
            Verb::Delete => Ok((200, self.delete(call, &kind, now)?)),
            Verb::DeleteCollection => Ok((200, self.delete_collection(call, &kind, now)?)),
            Verb::Get | Verb::List | Verb::Watch => Err(bad_request("a read is not a write")),
        }
    }

    pub(super) fn key(&self, call: &Call, kind: &Kind, name: &str) -> Key {
        Key {
            resource: kind.id(),
            namespace: call.namespace.clone().unwrap_or_default(),
            name: name.to_owned(),
        }
    }

    pub(super) fn stored(&self, key: &Key) -> Outcome<Value> {
        match self.store.get(key) {
            Some(object) => Ok(Value::clone(object)),
            None => Err(not_found(&key.resource, &key.name)),
        }
    }

    /// Reads the body as an object of this kind, in this namespace, under this name.
    pub(super) fn incoming(&self, call: &Call, kind: &Kind, mut object: Value) -> Outcome<Value> {
        if !object.is_object() {
            return Err(bad_request("the body is not an object"));
        }
        let expected = [
            ("apiVersion", kind.api_version(&call.version)),
            ("kind", kind.kind.clone()),
        ];
        for (field, wanted) in expected {
            match object[field].as_str() {
                None | Some("") if !kind.custom => object[field] = json!(wanted),
                Some(found) if found == wanted => {}
                Some(found) if kind.custom && field == "kind" && !found.is_empty() => {
                    let why = format!("Invalid value: \"{found}\": must be {wanted}");
                    let broken = Broken::invalid("kind", why);
                    return Err(invalid(&kind.id(), "", broken));
                }
                found => {
                    let found = found.unwrap_or_default();
                    let why = format!(
                        "the {field} in the data ({found}) does not match the expected {field} ({wanted})"
                    );
                    return Err(bad_request(&why));
                }
            }
        }
        if !object["metadata"].is_object() {
            object["metadata"] = json!({});
        }
        let namespace = call.namespace.as_deref().unwrap_or_default();
        let found = object["metadata"]["namespace"].as_str().unwrap_or_default();
        if !found.is_empty() && found != namespace {
            return Err(bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        if !namespace.is_empty() {
            object["metadata"]["namespace"] = json!(namespace);
        }
        rules::check_encoding(kind, &object)?;
        rules::normalise(kind, &mut object)?;
        Ok(object)
    }

    pub(super) fn uid(&mut self) -> String {
        self.drawn += 1;
        let (high, low) = (self.seed >> 32, self.seed & 0xffff);
        format!("{high:08x}-{low:04x}-4000-8000-{:012x}", self.drawn)
    }

    pub(super) fn suffix(&mut self) -> String {
        self.drawn += 1;
        let mut number = RandomState::new().hash_one(self.drawn);
        let base = SUFFIX_LETTERS.len() as u64;
        (0..SUFFIX_LENGTH)
            .filter_map(|_| {
                let letter = usize::try_from(number % base).ok()?;
                number /= base;
                SUFFIX_LETTERS.get(letter).copied().map(char::from)
            })
            .collect()
    }

    /// What a person or a test finds under a resource's word, see `Kind::answers_to`.
    pub(super) fn named(&self, word: &str) -> View {
        self.store
            .kinds
            .iter()
            .find(|kind| kind.answers_to(word))
            .map(|kind| self.store.view(&kind.id()))
            .unwrap_or_default()
    }
}
