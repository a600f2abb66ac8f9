//! One token as the issuer shows it, in Terraform's values.

use tfplugin::Value;
use tokenwright_client::Token;
use tokenwright_core::Origin;

use crate::schema::names::*;
use crate::values::time;

/// What is read of a token.
pub(super) fn row(token: &Token, origin: &Origin) -> Value {
    let marker = token.marker();
    let marker = marker.as_ref();
    Value::empty()
        .with(TOKEN_ID, token.id.as_str())
        .with(REMOTE_NAME, token.name.clone())
        .with(NAME, wanted_name(token))
        .with(SCOPES, token.details.scopes.clone())
        .with(OWNER, token.details.owner.clone())
        .with(CREATED_AT, time(token.details.created_at))
        .with(EXPIRES_AT, time(token.expires_at))
        .with(LAST_USED_AT, time(token.details.last_used_at))
        .with(ENABLED, token.enabled)
        .with(MANAGED, marker.is_some())
        .with(OURS, marker.is_some_and(|marker| marker.origin == *origin))
        .with(MANAGER, marker.map(|marker| marker.manager.as_str()))
        .with(REVISION, marker.map(|marker| i64::from(marker.revision)))
}

/// The name without the marker.
pub(crate) fn wanted_name(token: &Token) -> Option<String> {
    let name = token.name.as_deref()?;
    let without = token.marker().and_then(|_| name.rsplit_once(' '));
    Some(without.map_or(name, |(name, _)| name).to_owned())
}
