//! What the operator says about an `ApiToken`.
//!
//! Status mirrors what the Secret and the issuer say, and holds the intents that must survive a
//! crash. Nobody but the operator writes it, and nothing in it is believed for a revoke but its seals: it
//! only nominates.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adopt::AdoptedToken;
use crate::text::{instant, optional_instant};

/// The observed state of an `ApiToken`.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct ApiTokenStatus {
    /// The generation that the conditions are about; -1 while no operator has looked at the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// What is the case, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// The token whose value the Secret holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<CurrentToken>,

    /// What is known of an adopted token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<AdoptedToken>,

    /// Superseded tokens that are still valid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["tokenID", "marker"]))]
    pub retiring: Vec<RetiringToken>,

    /// Mints that were begun and whose end is not known yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["nonce"]))]
    pub attempts: Vec<Attempt>,

    /// Revokes that were begun and are not seen to be done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["tokenID", "marker"]))]
    pub revokes: Vec<OpenRevoke>,

    /// Failures since the last success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<Failures>,

    /// Duties towards the current token that were refused, each with its own wait.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["duty"]))]
    pub pauses: Vec<Pause>,

    /// How earlier attempts and tokens ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub past: Vec<PastToken>,

    /// The latest token that was minted because something outside was lost or edited; the next one of that
    /// kind waits a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_repair: Option<LastRepair>,

    /// How many tokens may exist that nobody can find; `past` says when they were asked for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub suspects: u32,

    /// The account at the issuer that the tokens belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,

    /// The latest credentials that are known to be of that account, where the issuer does not name it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub account: Vec<String>,

    /// Keyed digest over the parts of the value, to notice a change by somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,

    /// The version of the Secret that holds that value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_version: Option<String>,

    /// Shows that it was the operator who named the tokens that are named here, where the issuer shows no names, or
    /// the endpoint of an adopted value: a keyed digest of each. A token without one is not revoked there, and
    /// an endpoint without one is named in no Secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1024), inner(length(max = 64)))]
    pub seals: Vec<String>,

    /// The trigger that was last acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_trigger: Option<String>,

    /// The trigger of the last mint that was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_tried_trigger: Option<String>,

    /// The highest revision that was ever begun.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub last_revision: u32,
}

/// What was asked of the issuer.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Inputs {
    /// The wanted name, without the marker.
    pub name: String,

    /// The permissions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,

    /// What the issuer needed to know beside the name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,

    /// The wanted lifetime.
    pub lifetime: String,
}

/// The token whose value the Secret holds.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CurrentToken {
    /// Its revision.
    pub revision: u32,

    /// Its id at the issuer.
    #[serde(rename = "tokenID")]
    pub token_id: String,

    /// The marker in its name or description.
    pub marker: String,

    /// The endpoint that minted it.
    pub issuer: String,

    /// The Secret that holds its value.
    pub secret_name: String,

    /// When the issuer made it.
    #[schemars(schema_with = "instant")]
    pub created_at: Timestamp,

    /// When the issuer ends it; absent where it never expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_instant")]
    pub expires_at: Option<Timestamp>,

    /// When it would end by the lifetime that was asked for. Renewals go by the earlier of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_instant")]
    pub wished_end: Option<Timestamp>,

    /// When the next rotation is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_instant")]
    pub renew_at: Option<Timestamp>,

    /// What was asked for when it was minted.
    pub inputs: Inputs,

    /// The account at the issuer that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,

    /// Whether its value was seen to authenticate: `Yes`, `NotYet` or `No`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<String>,

    /// Whether it was the operator who suspended it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled_by_us: bool,
}

/// A superseded token that is still valid.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RetiringToken {
    /// Its id at the issuer.
    #[serde(rename = "tokenID")]
    pub token_id: String,

    /// The marker in its name or description.
    pub marker: String,

    /// The endpoint that minted it.
    pub issuer: String,

    /// The account at the issuer that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,

    /// What the issuer needed to know beside the name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,

    /// It is revoked at this instant, not before.
    #[schemars(schema_with = "instant")]
    pub not_before: Timestamp,

    /// When the issuer ends it; absent where it never expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_instant")]
    pub expires_at: Option<Timestamp>,
}

/// A revoke that was begun and is not seen to be done.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct OpenRevoke {
    /// The id of the token at the issuer.
    #[serde(rename = "tokenID")]
    pub token_id: String,

    /// The marker in its name or description.
    pub marker: String,

    /// The endpoint that minted it.
    pub issuer: String,

    /// The account at the issuer that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,

    /// What the issuer needed to know beside the name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,

    /// When the issuer last said that it did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_instant")]
    pub sent_at: Option<Timestamp>,

    /// How often it was tried without coming to its end.
    pub tries: u32,

    /// Not tried again before this instant.
    #[schemars(schema_with = "instant")]
    pub retry_at: Timestamp,

    /// What stands in its way: `Failed`, `InUse`, `NotProven` or `NotSeen`; absent while it waits to be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,

    /// What the issuer said, by kind, or what still needs the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// A mint that was begun.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// The random part of its marker.
    pub nonce: String,

    /// The revision that it would become.
    pub revision: u32,

    /// When it began: a mint whose answer was lost is asked for again as of then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_instant")]
    pub began_at: Option<Timestamp>,

    /// Nothing is sent for it after this instant.
    #[schemars(schema_with = "instant")]
    pub deadline: Timestamp,

    /// What is asked for.
    pub inputs: Inputs,

    /// UID of the Secret when it was begun; absent where there was none.
    #[serde(default, rename = "secretUID", skip_serializing_if = "Option::is_none")]
    pub secret_uid: Option<String>,

    /// Version of the Secret when it was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_resource_version: Option<String>,

    /// The trigger that its success handles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,

    /// Whose credential mints it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,

    /// What its success repairs, `Loss` or `Value`; absent where it was planned or asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repairs: Option<String>,
}

/// A token that was minted because something outside was lost or edited.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct LastRepair {
    /// What was repaired: `Loss` of the token or its Secret, or an edited `Value`.
    pub what: String,

    /// When its token was minted.
    #[schemars(schema_with = "instant")]
    pub at: Timestamp,
}

/// Failures since the last success.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Failures {
    /// How many in a row.
    pub count: u32,

    /// How many of the latest mints had an answer that could not be read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unreadable: u32,

    /// When the last one happened.
    #[schemars(schema_with = "instant")]
    pub last_at: Timestamp,

    /// Nothing is tried before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_instant")]
    pub retry_at: Option<Timestamp>,

    /// Digest of what was wanted when that wait began; another wish, trigger or credential ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_basis: Option<String>,

    /// What went wrong last, in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,

    /// What went wrong last, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A duty towards the current token that was refused and waits for its next try.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// Which one: `Prove`, `Update` or `Switch`.
    pub duty: String,

    /// How often in a row it was refused.
    pub failures: u32,

    /// Not tried before this instant.
    #[schemars(schema_with = "instant")]
    pub retry_at: Timestamp,

    /// Whether something of it may have been done all the same, since the answer was lost.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsure: bool,
}

/// How an earlier attempt or token ended.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PastToken {
    /// The random part of its marker.
    pub nonce: String,

    /// Its revision.
    pub revision: u32,

    /// Its id at the issuer, where it was known.
    #[serde(default, rename = "tokenID", skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,

    /// How it ended.
    pub ended: String,

    /// When that was written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_instant")]
    pub ended_at: Option<Timestamp>,

    /// Whether it was a token whose value was never in the Secret.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undelivered: bool,

    /// Of a suspect: nothing was sent for it after this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_instant")]
    pub deadline: Option<Timestamp>,

    /// Of a suspect: when it would end by the lifetime that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_instant")]
    pub wished_end: Option<Timestamp>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
