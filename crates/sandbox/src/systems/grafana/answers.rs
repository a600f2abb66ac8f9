//! Grafana's answers: what was asked for, or one sentence.

use http::StatusCode;
use serde_json::{Value, json};

use crate::http::Answer;

pub(super) fn told(body: Value) -> Answer {
    Answer::json(StatusCode::OK, body)
}

pub(super) fn said(status: u16, message: &str) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    Answer::json(status, json!({ "message": message }))
}
