//! Credentials that sign, and parts that are files.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// A field of a part that is a JSON document, such as a key file; it is a part of its own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::profile) struct FieldOfPart {
    /// Where it stands: a JSON pointer.
    pub(in crate::profile) at: String,
    /// Whether it is no secret, as `public` of a part.
    #[serde(default)]
    pub(in crate::profile) public: bool,
}

/// A JWT that the credential signs: the part `jwt`, which a header, HTTP Basic or `login.put` carries.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::profile) struct JwtOf {
    /// How it is signed.
    pub(in crate::profile) algorithm: Algorithm,
    /// The part that is the key: a private key in PEM, or the secret of HS256.
    pub(in crate::profile) key: String,
    /// The `kid` of its header: a text with `$(…)` over the public parts.
    pub(in crate::profile) key_id: Option<String>,
    /// Its claims beside `iat` and `exp`: texts with `$(…)` over the public parts.
    #[serde(default)]
    pub(in crate::profile) claims: BTreeMap<String, Json>,
    /// How long it is good, such as `10m`. It is dated a minute back, for clocks that differ.
    pub(in crate::profile) lifetime: String,
}

/// How a JWT is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[allow(clippy::upper_case_acronyms, reason = "the words of the JWT standard")]
pub(in crate::profile) enum Algorithm {
    /// RSA with SHA-256; keys of 2048 bits and more.
    RS256,
    /// ECDSA over P-256.
    ES256,
    /// HMAC with SHA-256.
    HS256,
}

/// AWS Signature Version 4.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::profile) struct Sigv4Of {
    /// The part that is the id of the key.
    pub(in crate::profile) key_id: String,
    /// The part that is the key.
    pub(in crate::profile) secret: String,
    /// The region, such as `us-east-1`.
    pub(in crate::profile) region: String,
    /// The service, such as `iam`.
    pub(in crate::profile) service: String,
}
