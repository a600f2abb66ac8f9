//! `ClusterTokenIssuer`: one token system for many namespaces, and who may ask it for what.

#![allow(
    unreachable_pub,
    clippy::duplicated_attributes,
    reason = "the derives repeat each struct inside a function, and each printer column names a type"
)]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::{CustomResource, KubeSchema};
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokenwright_core::bounds;

use crate::issuer::{TokenIssuerSpec, TokenIssuerStatus};
use crate::text::{Duration, LONGEST_METADATA_KEY, label_keys, values_of_expressions, within};

/// Which system mints, where, with what credential, and for whom.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[kube(
    group = "tokenwright.dev",
    version = "v1alpha1",
    kind = "ClusterTokenIssuer",
    status = "TokenIssuerStatus",
    derive = "PartialEq",
    shortname = "ctokiss",
    category = "tokenwright",
    selectable = ".spec.profile",
    selectable = ".spec.profileRef.name",
    doc = "A ClusterTokenIssuer is a system that mints API tokens, for the ApiTokens of the namespaces that it allows.",
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
pub struct ClusterTokenIssuerSpec {
    /// What it has in common with a TokenIssuer.
    #[serde(flatten)]
    pub settings: TokenIssuerSpec,

    /// Who may ask for what; without an entry, nobody for anything.
    /// An ApiToken needs one entry that covers all of it.
    /// An entry that is taken away stops minting: tokens that live run out, and are not revoked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub allow: Vec<Grant>,
}

/// What some namespaces may ask for.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// Which namespaces.
    pub namespaces: Namespaces,

    /// The parameters that must be given, and what each may be; no other one may be given.
    /// In a pattern `*` stands for any text, and everything else for itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16))]
    pub parameters: BTreeMap<String, Patterns>,

    /// Patterns of scopes: at least one scope must be asked for, and each must match one of them.
    /// Without any, a token must be asked for without scopes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128), inner(length(min = 1, max = 253)))]
    pub scopes: Vec<String>,

    /// The longest lifetime that may be asked for; `never` is longer than any.
    /// At most `106751d`, some 292 years; left out, any lifetime may be asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = within(bounds::LIFETIME))]
    pub max_lifetime: Option<Duration>,

    /// The most ApiTokens that each of the namespaces may have under this entry; those that have a token go first, then the oldest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub max_tokens: Option<u32>,

    /// Whether tokens that a person made may be adopted, too; not where it is left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopt: bool,
}

/// The patterns of which a parameter must match one.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(transparent)]
pub struct Patterns(
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 253)))] pub Vec<String>,
);

/// Some namespaces.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.names) != has(self.selector)").message("exactly one of names and selector is required"))]
pub struct Namespaces {
    /// Their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 256),
        inner(
            length(min = 1, max = 63),
            regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
        )
    )]
    pub names: Option<Vec<String>>,

    /// Those with these labels; an empty selector is all.
    /// Whoever may label a namespace chooses what it may ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = bounded)]
    #[x_kube(validation = label_keys(), validation = values_of_expressions())]
    pub selector: Option<LabelSelector>,
}

/// The most labels, and the most expressions, of a selector.
const MOST_LABELS: usize = 16;
/// The most values of an expression: as many as there may be names.
const MOST_VALUES: usize = 256;
/// What an expression may ask of a label.
const OPERATORS: [&str; 4] = ["In", "NotIn", "Exists", "DoesNotExist"];
/// The longest value of a label.
const LONGEST_VALUE: usize = 63;

/// Bounds a selector of labels, which is of Kubernetes and has no bounds of its own.
fn bounded(schema: &mut Schema) {
    let text = |longest: usize| json!({ "type": "string", "maxLength": longest });
    let mut put = |at: &str, key: &str, value: Value| {
        if let Some(Value::Object(part)) = schema.pointer_mut(at) {
            part.insert(key.to_owned(), value);
        }
    };
    let (labels, expressions) = ("/properties/matchLabels", "/properties/matchExpressions");
    put(labels, "maxProperties", MOST_LABELS.into());
    put(labels, "additionalProperties", text(LONGEST_VALUE));
    put(expressions, "maxItems", MOST_LABELS.into());
    let each = format!("{expressions}/items/properties");
    put(
        &format!("{each}/key"),
        "maxLength",
        LONGEST_METADATA_KEY.into(),
    );
    put(&format!("{each}/operator"), "enum", json!(OPERATORS));
    put(&format!("{each}/values"), "maxItems", MOST_VALUES.into());
    put(&format!("{each}/values"), "items", text(LONGEST_VALUE));
}
