//! The rows of the state's lists: what became of earlier tokens, and what is left alone.

use tfplugin::Value;
use tokenwright_core::{Ended, Past, TokenId};

use super::Orphan;

pub(super) fn rows<'a>(state: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    state.get(name).as_slice().unwrap_or_default().iter()
}

pub(super) fn orphan(row: &Value) -> Option<Orphan> {
    Some(Orphan {
        id: TokenId::new(row.get("token_id").as_str()?),
        remote_name: row.get("remote_name").as_str()?.to_owned(),
    })
}

const ENDED: [(&str, Ended); 6] = [
    ("revoked", Ended::Revoked),
    ("expired", Ended::Expired),
    ("refused", Ended::Refused),
    ("lost", Ended::Lost),
    ("suspect", Ended::Suspect),
    ("gone", Ended::Gone),
];

pub(super) fn past(row: &Value) -> Option<Past> {
    let ended = row.get("ended").as_str()?;
    Some(Past {
        nonce: row.get("nonce").as_str()?.parse().ok()?,
        revision: row.get("revision").as_i64()?.try_into().ok()?,
        id: row.get("token_id").as_str().map(TokenId::new),
        ended: ENDED.iter().find(|(word, _)| *word == ended)?.1,
    })
}

pub(super) fn past_row(past: &Past) -> Value {
    let ended = ENDED.iter().find(|(_, ended)| *ended == past.ended);
    Value::object([
        (
            "token_id",
            Value::from(past.id.as_ref().map(TokenId::as_str)),
        ),
        ("revision", i64::from(past.revision).into()),
        ("nonce", past.nonce.as_str().into()),
        ("ended", ended.map(|(word, _)| *word).into()),
    ])
}
