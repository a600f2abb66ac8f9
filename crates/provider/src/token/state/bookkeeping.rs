//! What only the program needs, in one attribute: a plan shows one line of it and no content.
//!
//! It stands in the state and not in private data, which may be lost: by it tokens are found and told apart.
//! It is encoded and not sensitive, since it is no secret: Terraform before 1.12 writes several sensitive
//! attributes down in any order, and takes another order for a change.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use tfplugin::{RawState, Value};
use tokenwright_core::{ManagerId, Nonce, Past, Proven, TokenId};

/// The attribute `record`. What an earlier release did not write is unknown.
///
/// Its keys are short: Terraform writes the states of all resources down after each of them. Earlier releases
/// wrote the names of the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bookkeeping {
    /// What the manager part of the marker is made from; drawn once.
    #[serde(rename = "i", alias = "instance")]
    pub(crate) instance: String,
    /// The manager part of the marker, where it is not made from that: of an imported token.
    #[serde(rename = "m", alias = "manager")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) manager: Option<ManagerId>,
    /// The nonce of the next mint, by which a token whose answer was lost is found.
    #[serde(rename = "n", alias = "next_nonce")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_nonce: Option<Nonce>,
    /// A mint lost its answer; after this instant a listing must show its token. A core that replaces what a
    /// create left behind brings no private data.
    #[serde(rename = "l")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lost_until: Option<Timestamp>,
    /// When the first mint was, while that may tell what a killed one left.
    #[serde(rename = "f", alias = "first_mint")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first_mint: Option<FirstMint>,
    /// Whether the current value was shown to authenticate.
    #[serde(rename = "p", alias = "proven")]
    #[serde(default, skip_serializing_if = "is_proven")]
    pub(crate) proven: Proven,
    /// When the current token ends, where `expires_at` says otherwise: it is what was wanted, or is ignored.
    #[serde(rename = "e", alias = "ends")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ends: Option<Timestamp>,
    /// When the current token would end by what was asked for, where that is known.
    #[serde(rename = "w", alias = "wished_end")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wished_end: Option<Timestamp>,
    /// What became of earlier tokens, oldest first.
    #[serde(with = "super::past")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) past: Vec<Past>,
    /// Keyed digests of values that the state has not in the clear, so that a run never revokes its own
    /// credential: of retiring tokens, and of the current one where it is encrypted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) fingerprints: BTreeMap<TokenId, String>,
}

/// The first mint of a resource: what a killed one left is of another run, and not younger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FirstMint {
    #[serde(rename = "a", alias = "at")]
    pub(crate) at: Timestamp,
    /// What the first nonces of its run begin with.
    #[serde(rename = "r", alias = "run")]
    pub(crate) run: String,
}

fn is_proven(proven: &Proven) -> bool {
    *proven == Proven::Yes
}

impl Bookkeeping {
    /// `None` where the state was edited.
    pub(crate) fn read(attribute: &Value) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(attribute.as_str()?).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// The manager part of the markers.
    pub(crate) fn manager(&self) -> ManagerId {
        let own = || ManagerId::of(&self.instance);
        self.manager.clone().unwrap_or_else(own)
    }

    pub(crate) fn text(&self) -> Option<String> {
        let bytes = serde_json::to_vec(self).ok()?;
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// A state as the current release writes it, version by version.
pub(crate) fn upgraded(version: i64, state: RawState) -> RawState {
    let Json::Object(fields) = state.json() else {
        return state;
    };
    let mut fields = fields.clone();
    if version < 1 {
        fields = from_version_0(fields);
    }
    if version < 2 {
        fields = from_version_1(fields);
    }
    if version < 3 {
        fields = from_version_2(fields);
    }
    let upgraded = Json::Object(fields);
    RawState::parse(upgraded.to_string().as_bytes()).unwrap_or(state)
}

/// Version 2 kept the record under long names. What is written anew is no news to a refresh then.
fn from_version_2(mut state: Map<String, Json>) -> Map<String, Json> {
    let record = state.get("record").and_then(Json::as_str);
    let read = record.and_then(|text| Bookkeeping::read(&text.into()));
    if let Some(text) = read.and_then(|record| record.text()) {
        state.insert("record".to_owned(), text.into());
    }
    state
}

/// Version 1 kept the record as JSON, and all parts of a value in a second sensitive attribute.
fn from_version_1(mut state: Map<String, Json>) -> Map<String, Json> {
    let record = state.get("record").and_then(Json::as_str);
    let read = record.and_then(|text| serde_json::from_str::<Bookkeeping>(text).ok());
    if let Some(text) = read.and_then(|record| record.text()) {
        state.insert("record".to_owned(), text.into());
    }
    state.insert("on_missing_value".to_owned(), "keep".into());
    let Some(Json::Object(parts)) = state.remove("values") else {
        return state;
    };
    // Without a sole secret part, nothing here tells which are public: all of them go on as the value.
    let sole = state.get("value").filter(|value| !value.is_null()).cloned();
    let public = match &sole {
        Some(sole) => parts.into_iter().filter(|(_, part)| part != sole).collect(),
        None => {
            let text = Json::Object(parts).to_string();
            state.insert("value".to_owned(), text.into());
            Map::new()
        }
    };
    state.insert("public_parts".to_owned(), Json::Object(public));
    state
}

fn from_version_0(mut state: Map<String, Json>) -> Map<String, Json> {
    let mut take = |name: &str| state.remove(name).unwrap_or_default();
    let past: Vec<_> = match take("past") {
        Json::Array(rows) => rows.iter().map(past_row).collect(),
        _ => Vec::new(),
    };
    let mut record = json!({ "instance": take("instance"), "past": past });
    if let nonce @ Json::String(_) = take("next_nonce") {
        record["next_nonce"] = nonce;
    }
    if state.get("status").and_then(Json::as_str) == Some("unproven") {
        record["proven"] = json!(Proven::NotYet);
    }
    let rows = state.get("retiring").and_then(Json::as_array);
    let fingerprints = rows.into_iter().flatten().filter_map(|row| {
        let text = row.get("fingerprint").filter(|text| text.is_string())?;
        Some((row.get("token_id")?.as_str()?.to_owned(), text.clone()))
    });
    record["fingerprints"] = Json::Object(fingerprints.collect());
    state.insert("record".to_owned(), record.to_string().into());
    state
}

/// A row of version 0: the words of then, in `core`'s form.
fn past_row(row: &Json) -> Json {
    let ended = match row["ended"].as_str().unwrap_or_default() {
        "revoked" => "Revoked",
        "expired" => "Expired",
        "refused" => "Refused",
        "suspect" => "Suspect",
        "gone" => "Gone",
        _ => "Lost",
    };
    json!({ "id": row["token_id"], "revision": row["revision"], "nonce": row["nonce"], "ended": ended })
}
