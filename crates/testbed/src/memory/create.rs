//! Create, with everything a server sets by itself.

use serde_json::{Value, json};

use super::call::Call;
use super::kinds::{self, Kind};
use super::refusal::{
    Broken, Outcome, already_exists, bad_request, internal, invalid, not_found, terminating,
};
use super::rules;
use super::server::Server;
use super::store::Key;

impl Server {
    pub(super) fn create(&mut self, call: &Call, kind: &Kind, now: &str) -> Outcome<Value> {
        if call.subresource.is_some() {
            return Err(super::refusal::method_not_allowed());
        }
        let mut object = self.incoming(call, kind, call.json()?)?;
        if kind.id() == kinds::REVIEWS {
            // Whoever admits it may know better.
            if object["status"].is_null() {
                object["status"] = everything_is_allowed();
            }
            return Ok(object);
        }
        self.name(kind, &mut object)?;
        let name = object["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        self.check_namespace(call, kind, &name)?;
        // The storage finds this, so it is the one check that a dry run does not make.
        if object["metadata"]["resourceVersion"].is_string() && !call.dry_run {
            let why = "resourceVersion should not be set on objects to be created";
            return Err(internal(why));
        }
        let metadata = &mut object["metadata"];
        metadata["uid"] = json!(self.uid());
        metadata["creationTimestamp"] = json!(now);
        if let Some(fields) = metadata.as_object_mut() {
            fields.remove("deletionTimestamp");
            fields.remove("deletionGracePeriodSeconds");
            fields.remove("generation");
            fields.remove("resourceVersion");
        }
        if kind.generation {
            metadata["generation"] = json!(1);
        }
        set_status(kind, &mut object, now);
        rules::check(kind, &object, None)?;
        if kind.id() == kinds::DEFINITIONS {
            check_definition(&object, &name)?;
        }
        let key = self.key(call, kind, &name);
        if self.store.get(&key).is_some() {
            return Err(already_exists(&key.resource, &name));
        }
        if call.dry_run {
            return Ok(object);
        }
        super::managers::note(&mut object, call, now);
        Ok(Value::clone(&self.store.commit(key, Some(object))))
    }

    fn name(&mut self, kind: &Kind, object: &mut Value) -> Outcome<()> {
        if object["metadata"]["name"].is_string() {
            return Ok(());
        }
        let Some(prefix) = object["metadata"]["generateName"].as_str() else {
            let why = "Required value: name or generateName is required";
            let broken = Broken::required("metadata.name", why);
            return Err(invalid(&kind.kind, "", broken));
        };
        let name = format!("{prefix}{}", self.suffix());
        object["metadata"]["name"] = json!(name);
        Ok(())
    }

    /// The namespace of a new object must be there and not on its way out.
    fn check_namespace(&self, call: &Call, kind: &Kind, name: &str) -> Outcome<()> {
        let Some(namespace) = call.namespace.as_deref() else {
            return Ok(());
        };
        let key = Key {
            resource: kinds::NAMESPACES.to_owned(),
            namespace: String::new(),
            name: namespace.to_owned(),
        };
        match self.store.get(&key) {
            None => Err(not_found(kinds::NAMESPACES, namespace)),
            Some(found) if found["metadata"]["deletionTimestamp"].is_string() => {
                Err(terminating(&kind.id(), name, namespace))
            }
            Some(_) => Ok(()),
        }
    }
}

fn set_status(kind: &Kind, object: &mut Value, now: &str) {
    if kind.status
        && let Some(fields) = object.as_object_mut()
    {
        fields.remove("status");
    }
    kind.complete(object);
    if kind.id() == kinds::NAMESPACES {
        let name = object["metadata"]["name"].clone();
        object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
        object["spec"] = json!({ "finalizers": ["kubernetes"] });
        object["status"] = json!({ "phase": "Active" });
    }
    if kind.id() == kinds::DEFINITIONS {
        let condition = |kind: &str, reason: &str| {
            json!({ "type": kind, "status": "True", "reason": reason,
                "message": "", "lastTransitionTime": now })
        };
        let stored: Vec<Value> = object["spec"]["versions"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|version| version["storage"] == true)
            .map(|version| version["name"].clone())
            .collect();
        object["status"] = json!({
            "acceptedNames": object["spec"]["names"],
            "storedVersions": stored,
            "conditions": [
                condition("NamesAccepted", "NoConflicts"),
                condition("Established", "InitialNamesAccepted"),
            ],
        });
    }
}

fn check_definition(definition: &Value, name: &str) -> Outcome<()> {
    let Some(kind) = kinds::declared(definition) else {
        return Err(bad_request(
            "the definition lacks its group, names or versions",
        ));
    };
    if kind.id() == name {
        return Ok(());
    }
    let why = format!("Invalid value: \"{name}\": must be spec.names.plural+\".\"+spec.group");
    let broken = Broken::invalid("metadata.name", why);
    Err(invalid(
        "CustomResourceDefinition.apiextensions.k8s.io",
        name,
        broken,
    ))
}

/// There is no authorization here: what a client may do is tested on the real server.
fn everything_is_allowed() -> Value {
    let rule = json!({ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] });
    json!({ "incomplete": false, "resourceRules": [rule], "nonResourceRules": [] })
}
