//! `TokenIssuer`: one token system, with the credential of its own namespace; and what both kinds of
//! issuers have in common.

#![allow(
    unreachable_pub,
    clippy::duplicated_attributes,
    reason = "the derives repeat each struct inside a function, and each printer column names a type"
)]

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use tokenwright_core::bounds;

use crate::text::{Duration, LONGEST_KEY, NAME_PATTERN, optional_instant, within};

/// Which system mints, where, and with what credential.
// The rules sit under `spec`; at the root they would also be asked when a finalizer is removed.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[kube(
    group = "tokenwright.dev",
    version = "v1alpha1",
    kind = "TokenIssuer",
    namespaced,
    status = "TokenIssuerStatus",
    derive = "PartialEq",
    shortname = "tokiss",
    category = "tokenwright",
    selectable = ".spec.profile",
    selectable = ".spec.profileRef.name",
    doc = "A TokenIssuer is a system that mints API tokens, for the ApiTokens of its namespace.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        description = "Whether the credential works",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Profile",
        type_ = "string",
        description = "The token system, where it is a built-in profile",
        json_path = ".spec.profile"
    ),
    printcolumn(
        name = "TokenProfile",
        type_ = "string",
        description = "The token system, where an administrator describes it",
        json_path = ".spec.profileRef.name"
    ),
    printcolumn(
        name = "Identity",
        type_ = "string",
        description = "Who the credential is at the issuer",
        json_path = ".status.identity",
        priority = 1
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        priority = 1,
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.profile) != has(self.profileRef)").message("exactly one of profile and profileRef is required"),
    validation = Rule::new("has(self.profile) == has(oldSelf.profile)").message("an issuer cannot change between profile and profileRef: create another one")
)]
pub struct TokenIssuerSpec {
    /// The name of a built-in profile, such as `scaleway`.
    /// It cannot be changed: tokens that exist could no longer be revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("profile is immutable: create another issuer for another system"))]
    pub profile: Option<String>,

    /// A TokenProfile, which an administrator wrote, in place of a built-in profile.
    /// It cannot be changed: tokens that exist could no longer be revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("profileRef is immutable: create another issuer for another system"))]
    pub profile_ref: Option<ProfileRef>,

    /// Where the API is, if not where the profile says.
    /// Hosts beside the profile's own must be allowed by the administrator of the operator; plain http is possible on loopback only.
    /// After a change the tokens of the former endpoint are not touched any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048), regex(pattern = "^https?://"))]
    pub endpoint: Option<String>,

    /// What authenticates the operator at the issuer.
    /// Not needed where people make all tokens and ApiTokens only adopt them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Credential>,

    /// How long one request may take.
    /// A mint may be under way for twice as long before its answer counts as lost.
    #[serde(default = "half_a_minute")]
    #[x_kube(validation = within(bounds::REQUEST_TIMEOUT))]
    pub request_timeout: Duration,

    /// How often the issuer's list of tokens is compared with the records.
    /// Where a list shows no names, or there is none, nothing is asked about a minted token before its rotation: one that was ended at the issuer is replaced by `tokenwright.dev/rotate`.
    #[serde(default = "ten_minutes")]
    #[x_kube(validation = within(bounds::RECHECK))]
    pub recheck: Duration,

    /// How much is asked of the issuer at most, where it shall be another rate than the profile's.
    #[serde(default)]
    pub rate: Rate,
}

/// Which TokenProfile.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Hash)]
#[serde(rename_all = "camelCase")]
pub struct ProfileRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253), regex(pattern = NAME_PATTERN))]
    pub name: String,
}

/// Where the credential is.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    /// A Secret in the namespace of the TokenIssuer; that of a ClusterTokenIssuer is in the namespace of the operator.
    pub secret_ref: CredentialSecret,
}

/// The Secret that holds the credential.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CredentialSecret {
    /// Its name.
    #[schemars(length(min = 1, max = 253), regex(pattern = NAME_PATTERN))]
    pub name: String,

    /// Which key of the Secret holds which part of the credential, where the keys are not named like the parts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16, "additionalProperties" = { "type": "string", "maxLength": LONGEST_KEY }))]
    pub keys: BTreeMap<String, String>,
}

/// How much is asked of the issuer at most.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    /// Requests per minute.
    /// Default: what the profile says, where the vendor documents a limit; else 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 60000))]
    pub per_minute: Option<u32>,

    /// Requests at the same time.
    /// Default: what the profile says; else 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub concurrency: Option<u32>,
}

fn half_a_minute() -> Duration {
    Duration::from("30s")
}

fn ten_minutes() -> Duration {
    Duration::from("10m")
}

/// The observed state of an issuer.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct TokenIssuerStatus {
    /// The generation that the conditions are about; -1 while no operator has looked at the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// What is the case, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// Who the credential is at the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,

    /// When the issuer's list of tokens was last read in full; written at most once an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_instant")]
    pub last_inventory: Option<Timestamp>,

    /// The acknowledgement of a loss that is over: the same text acknowledges no other loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_loss: Option<String>,
}
