//! `ApiToken`: one token, delivered to one Secret in its own namespace.

#![allow(
    unreachable_pub,
    clippy::duplicated_attributes,
    reason = "the derives repeat each struct inside a function, and each printer column names a type"
)]

use std::collections::BTreeMap;

use jiff::civil::Weekday;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adopt::AdoptRequest;
use crate::status::ApiTokenStatus;
use tokenwright_core::bounds;

use crate::text::{
    Duration, DurationOrPercent, LONGEST_ANNOTATION, LONGEST_LABEL, LONGEST_TEMPLATE, Lifetime,
    NAME_PATTERN, TimeOfDay, metadata_keys, secret_keys, within,
};

/// What token is wanted, where its value goes, and when it is rotated.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[kube(
    group = "tokenwright.dev",
    version = "v1alpha1",
    kind = "ApiToken",
    namespaced,
    status = "ApiTokenStatus",
    derive = "PartialEq",
    shortname = "apit",
    category = "tokenwright",
    selectable = ".spec.issuerRef.name",
    selectable = ".spec.issuerRef.kind",
    selectable = ".spec.secret.name",
    doc = "An ApiToken is one API token: minted at the issuer, or made by a person and adopted; delivered to a Secret, rotated before it expires, and revoked when the ApiToken is deleted.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        description = "Whether the Secret holds a live token that matches the specification",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Revision",
        type_ = "integer",
        description = "The revision that the Secret holds",
        json_path = ".status['current','adopted'].revision"
    ),
    printcolumn(
        name = "Expires",
        type_ = "string",
        description = "When the token ends",
        json_path = ".status['current','adopted'].expiresAt"
    ),
    printcolumn(
        name = "Renews",
        type_ = "string",
        description = "When the next rotation is due; for an adopted token, when its end is announced",
        json_path = ".status['current','adopted']['renewAt','warnAt']"
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
// Here they sit under `spec`; at the root they would also be asked when a finalizer is removed.
#[x_kube(
    validation = Rule::new("has(self.token) != has(self.adopt)").message("exactly one of token and adopt is required"),
    validation = Rule::new("has(self.adopt) == has(oldSelf.adopt)").message("an ApiToken cannot change between token and adopt: create another ApiToken"),
    validation = Rule::new("!has(self.adopt) || !has(self.state) || self.state == 'Enabled'").message("state must be Enabled with adopt: a person disables what a person made").field_path(".state"),
    validation = Rule::new("!has(self.adopt) || !has(self.rotation) || !(has(self.rotation.renewBefore) || has(self.rotation.every) || has(self.rotation.overlap) || has(self.rotation.windows) || (has(self.rotation.trigger) && self.rotation.trigger != ''))").message("rotation must be empty with adopt: nothing is minted, and a changed Secret is followed").field_path(".rotation"),
    validation = Rule::new("!has(self.adopt) || self.adopt.valueFrom.secretRef.name != self.secret.name").message("adopt.valueFrom must name another Secret than secret.name").field_path(".adopt.valueFrom.secretRef.name")
)]
pub struct ApiTokenSpec {
    /// The issuer that mints the token, or that is asked about an adopted one.
    /// It cannot be changed: tokens that exist could no longer be revoked; make a new ApiToken instead.
    #[x_kube(validation = Rule::new("self == oldSelf").message("issuerRef is immutable: create another ApiToken for another issuer"))]
    pub issuer_ref: IssuerRef,

    /// What is asked of the issuer, to mint a token.
    /// A change here mints a new token, where the issuer cannot change the living one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenRequest>,

    /// A token that a person made: its value is taken from a Secret, checked, delivered and followed, and its end is announced.
    /// Nothing is minted or rotated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt: Option<AdoptRequest>,

    /// When and how the token is replaced.
    /// Changes take effect on the living token and mint nothing by themselves, except for `trigger`.
    #[serde(default)]
    pub rotation: Rotation,

    /// The Secret that receives the value, in the namespace of the ApiToken.
    pub secret: SecretTemplate,

    /// Whether the token works.
    /// `Disabled` suspends it at the issuer, where the issuer can do that; it is not revoked.
    #[serde(default)]
    pub state: State,

    /// Pauses: no new token is minted, none is rotated, and no new value is adopted.
    /// Work that was begun is finished, superseded tokens are still revoked, deletion still works, and expiry is still reported.
    #[serde(default)]
    pub suspend: bool,

    /// What happens to the token when the ApiToken is deleted.
    #[serde(default)]
    pub deletion: Deletion,
}

/// Which issuer.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Hash)]
#[serde(rename_all = "camelCase")]
pub struct IssuerRef {
    /// The kind of the issuer.
    #[serde(default)]
    pub kind: IssuerKind,

    /// The name of the issuer: in the namespace of the ApiToken, unless it is a ClusterTokenIssuer.
    #[schemars(length(min = 1, max = 253), regex(pattern = NAME_PATTERN))]
    pub name: String,
}

/// The kinds that can be an issuer.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum IssuerKind {
    /// An issuer of the same namespace.
    #[default]
    TokenIssuer,

    /// An issuer of the whole cluster, which says who may ask it for what.
    ClusterTokenIssuer,
}

/// The inputs of a mint.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct TokenRequest {
    /// The name of the token at the issuer.
    /// A marker of up to 40 characters is appended, so that a token is found again after a lost answer; both must fit the issuer's limit.
    /// A change mints a new token, where the issuer cannot rename the living one.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,

    /// What the issuer needs to know beside the name, such as the application or the organization that the token is for.
    /// They cannot be changed: tokens that exist could no longer be found.
    /// Names and texts have at most 16 KiB together.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 16, "additionalProperties" = { "type": "string", "maxLength": bounds::MOST_TEXT }))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("parameters are immutable: create another ApiToken for other parameters"))]
    pub parameters: BTreeMap<String, String>,

    /// The permissions, spelled as the issuer spells them; at most 16 KiB together.
    /// A change mints a new token, where the issuer cannot change the living one.
    #[serde(default)]
    #[schemars(length(max = 128), inner(length(max = bounds::MOST_TEXT)), extend("x-kubernetes-list-type" = "set"))]
    pub scopes: Vec<String>,

    /// How long a token lives, such as `90d`, or `never`; a day has 24 hours.
    /// A change mints a new token, where the issuer cannot change the living one.
    pub lifetime: Lifetime,
}

/// When and how a token is replaced.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Rotation {
    /// How long before its expiry a token is replaced: a duration such as `30d`, or a share of its lifetime such as `25%`.
    /// Default: one third of the lifetime that the issuer granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renew_before: Option<DurationOrPercent>,

    /// Replaces a token at this age, whatever its expiry; for tokens that never expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = within(bounds::BETWEEN_ROTATIONS))]
    pub every: Option<Duration>,

    /// How long the previous token stays valid after its successor is in the Secret, so that everyone who uses it can pick up the new one.
    /// Default: `24h`, or less where the new token is itself due earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Duration>,

    /// The hours in which scheduled rotations go ahead, such as the nights of workdays; without any, at all times.
    /// A rotation that is due waits for the next one, but never so long that the token would expire: where none opens early enough, it goes ahead outside.
    /// A trigger, changed inputs and a lost token wait for none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub windows: Vec<RotationWindow>,

    /// Whether a rotation may end the old token before there is a new one, at a system that keeps one token at a time; elsewhere it has no effect.
    /// It costs a gap: from the end of the old value until the Secret holds the next one, and consumers have read it, nothing works.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_gap: bool,

    /// Any text; each new text rotates once.
    /// The annotation `tokenwright.dev/rotate` does the same without a change of the specification.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 253))]
    pub trigger: String,
}

/// Hours of some days of the week, in one time zone.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RotationWindow {
    /// The days on which it opens; without any, every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 7), extend("x-kubernetes-list-type" = "set"))]
    pub days: Vec<Day>,

    /// When it opens, such as `22:00`.
    pub from: TimeOfDay,

    /// When it closes, such as `04:00`: on the next day, where that is not later than `from`.
    pub to: TimeOfDay,

    /// The time zone of both, by its name in the IANA database, such as `Europe/Berlin`; UTC where it is left out.
    #[serde(default = "utc", skip_serializing_if = "is_utc")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: String,
}

fn is_utc(time_zone: &String) -> bool {
    *time_zone == utc()
}

/// The time zone of windows that name none.
fn utc() -> String {
    "UTC".to_owned()
}

/// A day of the week.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    /// As the calendar knows it.
    #[must_use]
    pub fn weekday(self) -> Weekday {
        match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        }
    }
}

/// The Secret that receives the value.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SecretTemplate {
    /// The name of the Secret. It cannot be changed.
    #[schemars(length(min = 1, max = 253), regex(pattern = NAME_PATTERN))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("secret.name is immutable: create another ApiToken for another Secret"))]
    pub name: String,

    /// The type of the Secret. It cannot be changed.
    /// Of the types of Kubernetes itself these are possible: `Opaque`, `kubernetes.io/basic-auth`, `kubernetes.io/dockerconfigjson` and `kubernetes.io/tls`.
    #[serde(default = "opaque", rename = "type")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(
        validation = Rule::new("self == oldSelf").message("secret.type is immutable: create another ApiToken for another type"),
        validation = Rule::new("self in ['kubernetes.io/basic-auth', 'kubernetes.io/dockerconfigjson', 'kubernetes.io/tls'] || !self.contains('kubernetes.io')").message("secret.type must be Opaque, kubernetes.io/basic-auth, kubernetes.io/dockerconfigjson, kubernetes.io/tls, or a type outside kubernetes.io")
    )]
    pub type_: String,

    /// Further keys of the Secret, beside one for each part of the value.
    /// Each is rendered from a text in which `$(value.PART)` stands for a part of the value and `$(name)`, `$(id)` and the parameters for what their names say.
    /// At most 32 keys, each with a text of at most 32768 characters.
    /// A change renders anew and mints nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32, "additionalProperties" = { "type": "string", "maxLength": LONGEST_TEMPLATE }))]
    #[x_kube(validation = secret_keys())]
    pub data: BTreeMap<String, String>,

    /// Further labels of the Secret; one that is asked for no more goes.
    /// At most 16, each of at most 63 characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16, "additionalProperties" = { "type": "string", "maxLength": LONGEST_LABEL }))]
    #[x_kube(validation = metadata_keys("labels"))]
    pub labels: BTreeMap<String, String>,

    /// Further annotations of the Secret; one that is asked for no more goes.
    /// At most 16, each of at most 8192 characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16, "additionalProperties" = { "type": "string", "maxLength": LONGEST_ANNOTATION }))]
    #[x_kube(validation = metadata_keys("annotations"))]
    pub annotations: BTreeMap<String, String>,

    /// Keeps the parts of the previous value under `previous.PART`, until the next rotation replaces them.
    #[serde(default)]
    pub keep_previous: bool,
}

/// The default type of a Secret.
fn opaque() -> String {
    "Opaque".to_owned()
}

/// Whether a token works.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// It works.
    #[default]
    Enabled,

    /// It is suspended at the issuer.
    Disabled,
}

/// What happens when the object is deleted.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Deletion {
    /// `Revoke` deletes the Secret and revokes all tokens; `Retain` leaves the Secret and the token in it.
    /// An adopted token is revoked only if `adopt.tokenID` names it and its own value says so.
    /// It is read at each step, so that it can be changed while the deletion waits.
    #[serde(default)]
    pub policy: DeletionPolicy,

    /// How long a deletion waits for what stands in its way, such as an issuer that does not answer or refuses.
    /// After that the tokens stay alive, an event and the log name their ids, a metric counts them, and the object goes.
    #[serde(default = "a_day")]
    pub timeout: Duration,
}

impl Default for Deletion {
    fn default() -> Self {
        Self {
            policy: DeletionPolicy::default(),
            timeout: a_day(),
        }
    }
}

/// How long a deletion waits by default.
fn a_day() -> Duration {
    Duration::from("24h")
}

/// The fate of the current token.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeletionPolicy {
    /// It is revoked.
    #[default]
    Revoke,

    /// It stays alive, and its Secret stays.
    Retain,
}
