//! Scaleway's error bodies: `type`, `message`, and what belongs to the type.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::http::Answer;

/// The value does not authenticate.
pub(super) fn denied(reason: &str) -> Answer {
    Answer::json(
        StatusCode::UNAUTHORIZED,
        json!({
            "message": "authentication is denied",
            "method": "api_key",
            "reason": reason,
            "type": "denied_authentication",
        }),
    )
}

/// The bearer's policies do not allow it.
pub(super) fn forbidden(action: &str) -> Answer {
    Answer::json(
        StatusCode::FORBIDDEN,
        json!({
            "details": [{ "resource": "api_key", "action": action }],
            "message": "insufficient permissions",
            "type": "permissions_denied",
        }),
    )
}

/// No such thing.
pub(super) fn not_found(resource: &str, id: &str) -> Answer {
    Answer::json(
        StatusCode::NOT_FOUND,
        json!({
            "message": "resource is not found",
            "resource": resource,
            "resource_id": id,
            "type": "not_found",
        }),
    )
}

/// Too many keys.
pub(super) fn quota_exceeded(quota: usize, current: usize) -> Answer {
    Answer::json(
        StatusCode::FORBIDDEN,
        json!({
            "details": [{ "resource": "iam_api_keys", "quota": quota, "current": current }],
            "message": "quota exceeded",
            "type": "quotas_exceeded",
        }),
    )
}

/// The body is no JSON object.
pub(super) fn unreadable() -> Answer {
    let mut invalid = Invalid::default();
    invalid.add("body", "format", "must be a JSON object");
    invalid.answer()
}

/// Everything that is wrong with the arguments of one request.
#[derive(Debug, Default)]
pub(super) struct Invalid(Vec<Value>);

impl Invalid {
    pub(super) fn add(&mut self, argument: &str, reason: &str, help: &str) {
        self.0
            .push(json!({ "argument_name": argument, "reason": reason, "help_message": help }));
    }

    /// A text field; absent, null and the empty text are the same.
    pub(super) fn text(&mut self, body: &Map<String, Value>, field: &str) -> Option<String> {
        match body.get(field) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
            Some(_) => {
                self.add(field, "format", "must be a string");
                None
            }
        }
    }

    pub(super) fn refusal(self) -> Option<Answer> {
        (!self.0.is_empty()).then(|| self.answer())
    }

    fn answer(self) -> Answer {
        Answer::json(
            StatusCode::BAD_REQUEST,
            json!({ "details": self.0, "message": "invalid argument(s)", "type": "invalid_arguments" }),
        )
    }
}
