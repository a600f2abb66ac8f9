//! SeeMe's error bodies.

use http::StatusCode;
use serde_json::json;

use crate::http::Answer;

/// Nobody documents the error bodies; these have the fields that registration errors carry.
pub(super) fn refuse(status: StatusCode, message: &str) -> Answer {
    Answer::json(status, json!({ "message": message, "severity": "error" }))
}
