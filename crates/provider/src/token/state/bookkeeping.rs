//! What only the program needs, in one attribute: a plan shows one line of it and no content.
//!
//! It stands in the state and not in private data, which may be lost: by it tokens are found and told apart.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use tfplugin::{RawState, Value};
use tokenwright_core::{Nonce, Past, Proven, TokenId};

use super::super::orphans::FirstMint;

/// The attribute `record`. What an earlier release did not write is unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bookkeeping {
    /// What the manager part of the marker is made from; drawn once.
    pub(crate) instance: String,
    /// The nonce of the next mint, by which a token whose answer was lost is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_nonce: Option<Nonce>,
    /// When the first mint was, while that may tell what a killed one left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first_mint: Option<FirstMint>,
    /// Whether the current value was shown to authenticate.
    #[serde(default)]
    pub(crate) proven: Proven,
    /// What became of earlier tokens, oldest first.
    #[serde(default)]
    pub(crate) past: Vec<Past>,
    /// Keyed digests of the values of retiring tokens, so that a run never revokes its own credential.
    #[serde(default)]
    pub(crate) fingerprints: BTreeMap<TokenId, String>,
}

impl Bookkeeping {
    /// `None` where the state was edited.
    pub(crate) fn read(attribute: &Value) -> Option<Self> {
        serde_json::from_str(attribute.as_str()?).ok()
    }

    pub(crate) fn text(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

/// A state as the current release writes it. Version 0 kept these as attributes of their own.
pub(crate) fn upgraded(version: i64, state: RawState) -> RawState {
    let Json::Object(fields) = state.json() else {
        return state;
    };
    if version > 0 {
        return state;
    }
    let upgraded = Json::Object(from_version_0(fields.clone()));
    RawState::parse(upgraded.to_string().as_bytes()).unwrap_or(state)
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
    // In the form in which a refresh would write it, so that the first one changes nothing.
    let read = serde_json::from_value::<Bookkeeping>(record);
    let text = read.ok().and_then(|record| record.text());
    state.insert("record".to_owned(), text.into());
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
