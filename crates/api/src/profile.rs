//! `TokenProfile`: a token system that an administrator describes.

#![allow(
    unreachable_pub,
    clippy::duplicated_attributes,
    reason = "the derives repeat each struct inside a function, and each printer column names a type"
)]

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The description of one token system, as in the file of a profile.
#[derive(CustomResource, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[kube(
    group = "tokenwright.dev",
    version = "v1alpha1",
    kind = "TokenProfile",
    status = "TokenProfileStatus",
    derive = "PartialEq",
    shortname = "tokprof",
    category = "tokenwright",
    doc = "A TokenProfile describes the API of a token system, for the issuers that name it in profileRef.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        description = "Whether it can be used",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Title",
        type_ = "string",
        description = "The system's name for people",
        json_path = ".spec.title"
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
#[serde(transparent)]
pub struct TokenProfileSpec(pub Map<String, Value>);

/// The keys of a profile are the engine's; whoever installs the kind writes them into the definition.
impl JsonSchema for TokenProfileSpec {
    fn schema_name() -> Cow<'static, str> {
        "TokenProfileSpec".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "The description of one token system, as in the file of a profile.",
            "x-kubernetes-preserve-unknown-fields": true,
        })
    }
}

/// The observed state of a `TokenProfile`.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct TokenProfileStatus {
    /// The generation that the conditions are about; -1 while no operator has looked at the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// What is the case, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}
