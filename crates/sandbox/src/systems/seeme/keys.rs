//! An API key, as it is made and shown.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::random;
use crate::settings::{NeverAs, SeemeSettings};
use crate::store::{StoreError, Token};

pub(super) const NAME: &str = "seeme";

pub(super) fn is_session(key: &Token) -> bool {
    key.more.contains_key("session")
}

pub(super) fn key(
    name: &str,
    user: &str,
    value: &str,
    now: Timestamp,
) -> Result<Token, StoreError> {
    let mut key = Token::new(NAME, random::uuid()?, value, now);
    name.clone_into(&mut key.name);
    user.clone_into(&mut key.owner);
    let prefix: String = value.chars().take(8).collect();
    key.more
        .insert("key_prefix".to_owned(), Value::String(prefix));
    Ok(key)
}

pub(super) fn show(key: &Token, settings: &SeemeSettings) -> Value {
    let scopes = key
        .scopes
        .as_ref()
        .filter(|scopes| !(scopes.is_empty() && settings.empty_scopes_read_null));
    let mut shown = json!({
        "id": key.id,
        "created_at": key.created,
        "updated_at": key.updated,
        "user_id": key.owner,
        "organization_id": key.more.get("organization_id"),
        "name": key.name,
        "key_prefix": key.more.get("key_prefix"),
        "scopes": scopes,
        "last_used_at": key.used,
        "expires_at": key.expires,
        "disabled": key.disabled,
    });
    if let (None, Some(shown)) = (key.expires, shown.as_object_mut()) {
        match settings.never {
            NeverAs::Null => {}
            NeverAs::YearOne => {
                shown.insert("expires_at".to_owned(), json!("0001-01-01T00:00:00Z"));
            }
            NeverAs::Absent => {
                shown.remove("expires_at");
            }
        }
    }
    shown
}
