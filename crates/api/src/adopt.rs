//! `spec.adopt` and `status.adopted`: a token that a person made, and what is known of it.

#![allow(
    unreachable_pub,
    reason = "the derives repeat each struct inside a function"
)]

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use tokenwright_core::bounds;

use crate::text::{Duration, Instant, LONGEST_KEY, NAME_PATTERN, instant, optional_instant};

/// A token that a person made.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.tokenID) == has(oldSelf.tokenID) && (!has(self.tokenID) || self.tokenID == oldSelf.tokenID)").message("adopt.tokenID is immutable: create another ApiToken for another token").field_path(".tokenID"))]
pub struct AdoptRequest {
    /// Where the value is.
    /// It can be changed, and so can the Secret that it names: the new value is checked, where the issuer can be asked, and delivered; one that does not authenticate replaces nothing.
    pub value_from: ValueFrom,

    /// The issuer's id of the token.
    /// With it, and if the value itself says that it is this token, a deletion under the policy `Revoke` revokes it; without, it is never revoked.
    /// It cannot be changed.
    #[serde(default, rename = "tokenID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub token_id: Option<String>,

    /// What the issuer needs to know beside the value to be asked about it, such as a project that the token may read.
    /// They cannot be changed.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 16, "additionalProperties" = { "type": "string", "maxLength": bounds::MOST_TEXT }))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("adopt.parameters are immutable: create another ApiToken for other parameters"))]
    pub parameters: BTreeMap<String, String>,

    /// When the token ends, such as `2027-03-31T00:00:00Z`, as whoever made it knows it.
    /// The end is announced beforehand, and after it the ApiToken is not Ready.
    /// Move it along with each new value; without it nothing is announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,

    /// How long before `expiresAt` the end is announced.
    #[serde(default = "a_month")]
    pub warn_before: Duration,
}

/// Time enough for a person to notice, and to find whoever may make the next token.
fn a_month() -> Duration {
    Duration::from("30d")
}

/// Where a value is.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ValueFrom {
    /// A Secret in the namespace of the ApiToken, which a person fills.
    /// While an ApiToken names it, it has a label and a finalizer of the operator, so that each change of it is seen, and its deletion waits.
    pub secret_ref: SourceSecret,
}

/// The Secret that a person fills.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SourceSecret {
    /// Its name.
    #[schemars(length(min = 1, max = 253), regex(pattern = NAME_PATTERN))]
    pub name: String,

    /// Which key of the Secret holds which part of the value, where the keys are not named like the parts.
    /// A value of one part needs none where the Secret has a single key.
    /// Line ends at the end of a part, as `kubectl create secret --from-file` leaves them, are cut off.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16, "additionalProperties" = { "type": "string", "maxLength": LONGEST_KEY }))]
    pub keys: BTreeMap<String, String>,
}

/// What is known of an adopted token.
///
/// The times are those of the last write of this status: a check that finds everything as before
/// writes nothing.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct AdoptedToken {
    /// Tells the accepted value from others: the beginning of a keyed digest of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub fingerprint: Option<String>,

    /// The endpoint that the accepted value belongs to: where it authenticated, or was taken up if it cannot be asked about.
    /// About that value nothing is asked at another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,

    /// The last clear answer of the issuer about the accepted value: `Alive`, `Dead`, or `Unknown` where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<String>,

    /// When the issuer was last asked about the accepted value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_instant")]
    pub checked_at: Option<Timestamp>,

    /// When the accepted value last authenticated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_instant")]
    pub verified_at: Option<Timestamp>,

    /// How many answers in a row were not that it authenticates.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u32,

    /// The Secret that the value is looked for in.
    pub source: String,

    /// The issuer's id of the token, where it was named.
    #[serde(default, rename = "tokenID", skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,

    /// Counts the values that were accepted, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,

    /// When the token ends, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_instant")]
    pub expires_at: Option<Timestamp>,

    /// When its end is announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_instant")]
    pub warn_at: Option<Timestamp>,

    /// Another value that is offered and was not accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered: Option<OfferedValue>,
}

/// A value that was not accepted.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct OfferedValue {
    /// Tells it from others.
    #[schemars(length(max = 16))]
    pub fingerprint: String,

    /// The last clear answer of the issuer: `Dead`, or `Unknown` where there was none.
    pub liveness: String,

    /// When the issuer was last asked about it.
    #[schemars(schema_with = "instant")]
    pub checked_at: Timestamp,

    /// How many answers in a row were not that it authenticates.
    pub failures: u32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
