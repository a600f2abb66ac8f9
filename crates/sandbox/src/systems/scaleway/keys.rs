//! An API key, as it is named and shown.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::random;
use crate::store::{StoreError, Token};

pub(super) const NAME: &str = "scaleway";

pub(super) fn access_key() -> Result<String, StoreError> {
    Ok(format!("SCW{}", random::text(random::UPPER, 17)?))
}

/// UTC with microseconds, as recorded from the live service.
fn time(at: Timestamp) -> String {
    format!("{at:.6}")
}

pub(super) fn show(key: &Token) -> Value {
    let mut shown = json!({
        "access_key": key.id,
        "secret_key": null,
        "description": key.name,
        "created_at": time(key.created),
        "updated_at": time(key.updated),
        "expires_at": key.expires.map(time),
        "default_project_id": key.more.get("default_project_id"),
        "editable": true,
        "deletable": true,
        "managed": false,
        "creation_ip": "127.0.0.1",
    });
    for bearer in ["application_id", "user_id"] {
        if let (Some(id), Some(shown)) = (key.more.get(bearer), shown.as_object_mut()) {
            shown.insert(bearer.to_owned(), id.clone());
        }
    }
    shown
}
