//! Who wrote an object last, and when: `metadata.managedFields`, without the fields themselves.

use serde_json::{Value, json};

use super::call::Call;

const FIELD: &str = "managedFields";

/// Whoever changes an object changes nothing of who wrote it before.
pub(super) fn keep(new: &mut Value, old: &Value) {
    if let (Some(metadata), Some(known)) =
        (new["metadata"].as_object_mut(), old["metadata"].get(FIELD))
    {
        metadata.insert(FIELD.to_owned(), known.clone());
    }
}

/// Notes who writes.
pub(super) fn note(object: &mut Value, call: &Call, now: &str) {
    let manager = match call.option("fieldManager") {
        "" => "unknown",
        named => named,
    };
    let mut entry = json!({ "manager": manager, "operation": "Update",
        "apiVersion": object["apiVersion"], "time": now });
    if let Some(subresource) = &call.subresource {
        entry["subresource"] = json!(subresource);
    }
    let same = |known: &Value| {
        known["manager"] == entry["manager"] && known["subresource"] == entry["subresource"]
    };
    let mut all = object["metadata"][FIELD]
        .as_array()
        .cloned()
        .unwrap_or_default();
    all.retain(|known| !same(known));
    all.push(entry);
    object["metadata"][FIELD] = Value::Array(all);
}
