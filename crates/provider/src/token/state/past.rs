//! Ended tokens in few letters: whoever rotates has eight of them in a state, which Terraform writes often.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokenwright_core::{Ended, Nonce, Past, Revision, TokenId};

/// One of them.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    #[serde(rename = "n")]
    nonce: Nonce,
    #[serde(rename = "r")]
    revision: Revision,
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    id: Option<TokenId>,
    /// `None` is revoked, as nearly all are.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    ended: Option<Ended>,
    /// In milliseconds.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    ended_at: Option<i64>,
    #[serde(rename = "u", default, skip_serializing_if = "std::ops::Not::not")]
    undelivered: bool,
}

/// A row, or what earlier releases wrote.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Row(Row),
    Named(Past),
}

pub(super) fn serialize<S: Serializer>(past: &[Past], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(past.iter().map(|past| Row {
        nonce: past.nonce.clone(),
        revision: past.revision,
        id: past.id.clone(),
        ended: Some(past.ended).filter(|ended| *ended != Ended::Revoked),
        ended_at: past.ended_at.map(not_before),
        undelivered: past.undelivered,
    }))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Past>, D::Error> {
    let rows = Vec::<Written>::deserialize(from)?.into_iter();
    let past = rows.map(|row| match row {
        Written::Row(row) => Past {
            nonce: row.nonce,
            revision: row.revision,
            id: row.id,
            ended: row.ended.unwrap_or(Ended::Revoked),
            ended_at: row
                .ended_at
                .and_then(|at| Timestamp::from_millisecond(at).ok()),
            undelivered: row.undelivered,
            asked: None,
        },
        Written::Named(past) => past,
    });
    Ok(past.collect())
}

/// The first millisecond that is not before an instant: a listing that began before a token ended must not pass
/// for a later one.
fn not_before(at: Timestamp) -> i64 {
    let begun = at.as_nanosecond() % 1_000_000 > 0;
    at.as_millisecond().saturating_add(i64::from(begun))
}
