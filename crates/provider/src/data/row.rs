//! One token as the issuer shows it, in Terraform's values.

use jiff::Timestamp;
use tfplugin::Value;
use tokenwright_client::Token;
use tokenwright_core::Origin;

/// What is read of a token, by the names of the attributes; `schema` describes them.
pub(super) fn row(token: &Token, origin: &Origin) -> [(&'static str, Value); 13] {
    let marker = token.marker();
    let marked =
        |text: fn(&tokenwright_core::Marker) -> String| Value::from(marker.as_ref().map(text));
    let scopes = token.scopes.iter().map(|scope| scope.as_str().into());
    [
        ("token_id", token.id.to_string().into()),
        ("remote_name", token.name.clone().into()),
        ("name", wanted_name(token).into()),
        ("scopes", Value::Set(scopes.collect())),
        ("owner", token.owner.clone().into()),
        ("created_at", time(token.created_at)),
        ("expires_at", time(token.expires_at)),
        ("last_used_at", time(token.last_used_at)),
        ("enabled", token.enabled.map_or(Value::Null, Value::from)),
        ("managed", marker.is_some().into()),
        (
            "ours",
            marker.as_ref().is_some_and(|m| m.origin == *origin).into(),
        ),
        ("manager", marked(|marker| marker.manager.to_string())),
        (
            "revision",
            Value::from(marker.as_ref().map(|marker| i64::from(marker.revision))),
        ),
    ]
}

/// The name without the marker.
pub(crate) fn wanted_name(token: &Token) -> Option<String> {
    let name = token.name.as_deref()?;
    let without = token.marker().and_then(|_| name.rsplit_once(' '));
    Some(without.map_or(name, |(name, _)| name).to_owned())
}

fn time(at: Option<Timestamp>) -> Value {
    Value::from(at.map(|at| at.to_string()))
}
