//! The shape of a profile's file.
//!
//! No untagged and no flattened types: errors keep their line, column and field.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Reads YAML in which only `true` and `false` are that: a token may be called `n` or `no`.
pub(super) fn from_yaml<T: DeserializeOwned>(text: &str) -> Result<T, Box<serde_saphyr::Error>> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(Box::new)
}

/// One token system. Texts that are called expressions are read from answers; texts with `$(…)` are
/// written into requests.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct File {
    pub(super) profile: String,
    pub(super) title: String,
    pub(super) endpoint: String,
    pub(super) docs: Option<String>,
    pub(super) credential: Credential,
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, Parameter>,
    #[serde(default)]
    pub(super) exactly_one: Vec<String>,
    pub(super) name: Name,
    pub(super) scopes: Scopes,
    pub(super) lifetime: LifetimeOf,
    pub(super) token: TokenOf,
    pub(super) value: BTreeMap<String, ValuePart>,
    #[serde(default)]
    pub(super) public: BTreeMap<String, String>,
    pub(super) check: Option<Check>,
    pub(super) identity: Option<IdentityCall>,
    pub(super) mint: MintCall,
    pub(super) get: Option<Call>,
    pub(super) list: Option<ListCall>,
    pub(super) update: Option<UpdateCall>,
    pub(super) toggle: Option<Call>,
    pub(super) enable: Option<Call>,
    pub(super) disable: Option<Call>,
    pub(super) revoke: Option<Call>,
    pub(super) errors: Option<Errors>,
    pub(super) settle: Option<String>,
    pub(super) manual: Option<String>,
}

/// What we authenticate with, and how; the value of a token is proven the same way.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Credential {
    pub(super) parts: BTreeMap<String, CredentialPart>,
    pub(super) header: Option<HeaderAuth>,
    pub(super) basic: Option<BasicAuth>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialPart {
    /// The environment variable that the system's own users know.
    pub(super) env: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeaderAuth {
    pub(super) name: String,
    #[serde(default)]
    pub(super) prefix: String,
    pub(super) part: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BasicAuth {
    pub(super) user: String,
    pub(super) password: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameter {
    #[serde(default)]
    pub(super) required: bool,
    /// For people.
    pub(super) help: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Name {
    pub(super) max: usize,
    #[serde(default)]
    pub(super) unit: NameUnit,
    #[serde(default)]
    pub(super) without: String,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum NameUnit {
    #[default]
    Characters,
    Bytes,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Scopes {
    None,
    Required,
    Optional,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LifetimeOf {
    pub(super) unit: Unit,
    #[serde(default)]
    pub(super) never: Never,
    pub(super) max: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Unit {
    /// An absolute time.
    Instant,
    Second,
    Minute,
    Hour,
    Day,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Never {
    /// Tokens always expire.
    #[default]
    Impossible,
    /// The key is left out.
    Omit,
    /// The number zero.
    Zero,
}

/// How a token is read: expressions over `item`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenOf {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) scopes: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) created: Option<String>,
    pub(super) expires: Option<String>,
    pub(super) used: Option<String>,
    pub(super) enabled: Option<String>,
}

/// Where a secret part stands in the answer of a mint.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ValuePart {
    /// A JSON pointer.
    pub(super) at: String,
    pub(super) max: Option<usize>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    /// Method and path.
    pub(super) send: String,
    #[serde(default)]
    pub(super) query: BTreeMap<String, serde_json::Value>,
    pub(super) body: Option<serde_json::Value>,
    /// Statuses that mean that the token is gone.
    #[serde(default)]
    pub(super) gone: Vec<u16>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Check {
    pub(super) send: String,
    #[serde(default)]
    pub(super) query: BTreeMap<String, serde_json::Value>,
    /// Statuses that prove that the value authenticates, whatever they say elsewhere.
    #[serde(default)]
    pub(super) alive: Vec<u16>,
    /// Statuses that prove that it does not.
    #[serde(default)]
    pub(super) dead: Vec<u16>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentityCall {
    pub(super) send: String,
    /// An expression over `answer`: a stable id.
    pub(super) read: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct MintCall {
    pub(super) send: String,
    #[serde(default)]
    pub(super) query: BTreeMap<String, serde_json::Value>,
    pub(super) body: Option<serde_json::Value>,
    /// Statuses that are no success, after which a token may exist all the same.
    #[serde(default)]
    pub(super) unsure: Vec<u16>,
    /// The header that carries an idempotency key; only where the system honours it.
    pub(super) idempotency_header: Option<String>,
    /// An expression over `answer`: the token; the whole answer where absent.
    pub(super) item: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListCall {
    pub(super) send: String,
    #[serde(default)]
    pub(super) query: BTreeMap<String, serde_json::Value>,
    /// An expression over `answer`: the list; the whole answer where absent.
    pub(super) items: Option<String>,
    pub(super) pages: Option<Pages>,
}

/// Pages by number.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pages {
    /// The query key of the page number, counted from 1.
    pub(super) page: String,
    /// The query key of the page size.
    pub(super) size: String,
    /// The largest page size.
    pub(super) max: usize,
    /// An expression over `answer`: how many tokens there are on all pages.
    pub(super) total: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateCall {
    pub(super) send: String,
    pub(super) body: Option<serde_json::Value>,
    pub(super) can: Vec<Can>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Can {
    Name,
    Scopes,
    AddExpiry,
    ShortenExpiry,
    ExtendExpiry,
}

/// Kinds from the body of a refusal; they beat the status.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Errors {
    /// An expression over `answer`: the vendor's word.
    pub(super) kind: String,
    pub(super) map: BTreeMap<String, Kind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Kind {
    NotFound,
    Unauthenticated,
    Forbidden,
    Invalid,
    Conflict,
    LimitReached,
    RateLimited,
    Unavailable,
    OutcomeUnknown,
    Unexpected,
}
