//! Delete: preconditions, finalizers, namespaces. There is no garbage collector, so an object
//! deleted in the foreground keeps its finalizer, as on a server without a controller manager.

use serde_json::{Value, json};

use super::call::Call;
use super::change::held;
use super::kinds::{self, Kind};
use super::refusal::{Outcome, conflict, forbidden};
use super::selector::Selector;
use super::server::Server;
use super::store::Key;

const IMMORTAL_NAMESPACES: [&str; 3] = ["default", "kube-system", "kube-public"];

impl Server {
    pub(super) fn delete(&mut self, call: &Call, kind: &Kind, now: &str) -> Outcome<Value> {
        let name = call.name.as_deref().unwrap_or_default();
        let key = self.key(call, kind, name);
        let old = self.stored(&key)?;
        let options = if call.body.is_empty() {
            json!({})
        } else {
            call.json()?
        };
        check_preconditions(&key, &old, &options["preconditions"])?;
        if kind.id() == kinds::NAMESPACES && IMMORTAL_NAMESPACES.contains(&name) {
            return Err(forbidden(
                &key.resource,
                name,
                "this namespace may not be deleted",
            ));
        }
        let policy = options["propagationPolicy"]
            .as_str()
            .unwrap_or_else(|| call.option("propagationPolicy"));
        let mut new = old.clone();
        hold_for_collector(policy, &mut new);
        if !held(&new) {
            if !call.dry_run {
                self.store.commit(key, None);
            }
            return Ok(json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
                "details": { "name": name, "group": kind.group, "kind": kind.plural,
                    "uid": old["metadata"]["uid"] },
            }));
        }
        if new["metadata"]["deletionTimestamp"].is_null() {
            mark(kind, &mut new, now);
        }
        if call.dry_run || new == old {
            return Ok(new);
        }
        Ok(self.put(key, new))
    }

    pub(super) fn delete_collection(
        &mut self,
        call: &Call,
        kind: &Kind,
        now: &str,
    ) -> Outcome<Value> {
        let selector = Selector::parse(
            kind,
            call.option("labelSelector"),
            call.option("fieldSelector"),
        )?;
        let chosen: Vec<(Key, Value)> = self
            .store
            .view(&kind.id())
            .into_iter()
            .filter(|(key, object)| {
                call.namespace
                    .as_ref()
                    .is_none_or(|ns| *ns == key.namespace)
                    && selector.matches(object)
            })
            .map(|(key, object)| (key, Value::clone(&object)))
            .collect();
        for (key, _) in &chosen {
            let mut one = call.clone();
            one.name = Some(key.name.clone());
            one.namespace = kind.namespaced.then(|| key.namespace.clone());
            self.delete(&one, kind, now)?;
        }
        let items: Vec<Value> = chosen.into_iter().map(|(_, object)| object).collect();
        Ok(json!({
            "kind": format!("{}List", kind.kind),
            "apiVersion": kind.api_version(&call.version),
            "metadata": { "resourceVersion": self.store.version.to_string() },
            "items": items,
        }))
    }
}

fn check_preconditions(key: &Key, old: &Value, wanted: &Value) -> Outcome<()> {
    for (field, label) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
        let (Some(want), Some(have)) = (wanted[field].as_str(), old["metadata"][field].as_str())
        else {
            continue;
        };
        if want != have {
            let why = format!(
                "Precondition failed: {label} in precondition: {want}, {label} in object meta: {have}"
            );
            return Err(conflict(&key.resource, &key.name, &why));
        }
    }
    Ok(())
}

/// A policy decides which of the collector's two finalizers the object carries; the last one wins.
fn hold_for_collector(policy: &str, object: &mut Value) {
    let finalizer = match policy {
        "Foreground" => Some("foregroundDeletion"),
        "Orphan" => Some("orphan"),
        "Background" => None,
        _ => return,
    };
    let mut list = object["metadata"]["finalizers"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    list.retain(|held| held != "foregroundDeletion" && held != "orphan");
    list.extend(finalizer.map(|finalizer| json!(finalizer)));
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("finalizers");
        if !list.is_empty() {
            metadata.insert("finalizers".to_owned(), json!(list));
        }
    }
}

fn mark(kind: &Kind, object: &mut Value, now: &str) {
    let metadata = &mut object["metadata"];
    metadata["deletionTimestamp"] = json!(now);
    if kind.id() != kinds::NAMESPACES {
        metadata["deletionGracePeriodSeconds"] = json!(0);
    }
    if let Some(generation) = metadata["generation"].as_u64() {
        metadata["generation"] = json!(generation + 1);
    }
    if kind.id() == kinds::NAMESPACES {
        object["status"]["phase"] = json!("Terminating");
    }
}
