//! What the server says instead of an object: one constructor per refusal, with the code and the
//! reason of a real kube-apiserver, because clients branch on exactly these two.

use kube::core::Status;
use kube::core::response::{StatusCause, StatusDetails, StatusSummary};
use serde_json::{Value, json};

pub(super) type Outcome<T> = Result<T, Box<Status>>;

/// A failure with a code, a reason and a sentence, for fault hooks that refuse a request.
#[must_use]
pub fn refusal(code: u16, reason: &str, message: &str) -> Status {
    Status {
        status: Some(StatusSummary::Failure),
        code,
        reason: reason.to_owned(),
        message: message.to_owned(),
        metadata: None,
        details: None,
    }
}

fn about(code: u16, reason: &str, message: &str, (resource, name): (&str, &str)) -> Box<Status> {
    let (kind, group) = resource.split_once('.').unwrap_or((resource, ""));
    let mut status = refusal(code, reason, message);
    status.details = Some(StatusDetails {
        name: name.to_owned(),
        group: group.to_owned(),
        kind: kind.to_owned(),
        uid: String::new(),
        causes: Vec::new(),
        retry_after_seconds: 0,
    });
    Box::new(status)
}

pub(super) fn not_found(resource: &str, name: &str) -> Box<Status> {
    let message = format!("{resource} \"{name}\" not found");
    about(404, "NotFound", &message, (resource, name))
}

pub(super) fn no_such_path() -> Box<Status> {
    Box::new(refusal(
        404,
        "NotFound",
        "the server could not find the requested resource",
    ))
}

/// What a real server says of a path in no group that it knows: plain text, not a Status.
pub(super) fn no_such_page() -> Box<Status> {
    Box::new(refusal(404, "", "404 page not found"))
}

/// An error of the server's own that it passes on without a reason.
pub(super) fn internal(message: &str) -> Box<Status> {
    Box::new(refusal(500, "", message))
}

pub(super) fn too_large_version(asked: u64, newest: u64) -> Box<Status> {
    let message = format!("Too large resource version: {asked}, current: {newest}");
    Box::new(refusal(504, "Timeout", &message))
}

pub(super) fn already_exists(resource: &str, name: &str) -> Box<Status> {
    let message = format!("{resource} \"{name}\" already exists");
    about(409, "AlreadyExists", &message, (resource, name))
}

pub(super) fn conflict(resource: &str, name: &str, why: &str) -> Box<Status> {
    let message = format!("Operation cannot be fulfilled on {resource} \"{name}\": {why}");
    about(409, "Conflict", &message, (resource, name))
}

pub(super) fn modified(resource: &str, name: &str) -> Box<Status> {
    let why = "the object has been modified; please apply your changes to the latest version and try again";
    conflict(resource, name, why)
}

pub(super) fn forbidden(resource: &str, name: &str, why: &str) -> Box<Status> {
    let message = format!("{resource} \"{name}\" is forbidden: {why}");
    about(403, "Forbidden", &message, (resource, name))
}

pub(super) fn terminating(resource: &str, name: &str, namespace: &str) -> Box<Status> {
    let why = format!(
        "unable to create new content in namespace {namespace} because it is being terminated"
    );
    let mut status = forbidden(resource, name, &why);
    if let Some(details) = &mut status.details {
        details.causes.push(StatusCause {
            reason: "NamespaceTerminating".to_owned(),
            message: format!("namespace {namespace} is being terminated"),
            field: "metadata.namespace".to_owned(),
        });
    }
    status
}

/// One field of one object breaks a rule.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) field: String,
    pub(super) reason: &'static str,
    pub(super) why: String,
}

impl Broken {
    pub(super) fn invalid(field: &str, why: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            reason: "FieldValueInvalid",
            why: why.into(),
        }
    }

    pub(super) fn forbidden(field: &str, why: impl Into<String>) -> Self {
        Self {
            reason: "FieldValueForbidden",
            ..Self::invalid(field, why)
        }
    }

    pub(super) fn required(field: &str, why: impl Into<String>) -> Self {
        Self {
            reason: "FieldValueRequired",
            ..Self::invalid(field, why)
        }
    }
}

pub(super) fn invalid(resource: &str, name: &str, broken: Broken) -> Box<Status> {
    let Broken { field, reason, why } = broken;
    let message = format!("{resource} \"{name}\" is invalid: {field}: {why}");
    let mut status = about(422, "Invalid", &message, (resource, name));
    if let Some(details) = &mut status.details {
        details.causes.push(StatusCause {
            reason: reason.to_owned(),
            message: why,
            field,
        });
    }
    status
}

pub(super) fn bad_request(message: &str) -> Box<Status> {
    Box::new(refusal(400, "BadRequest", message))
}

pub(super) fn expired(asked: u64, oldest: u64) -> Box<Status> {
    let message = format!("too old resource version: {asked} ({oldest})");
    Box::new(refusal(410, "Expired", &message))
}

pub(super) fn unsupported_media_type(kind: &str) -> Box<Status> {
    let message = format!("the body of the request was in an unknown format: {kind}");
    Box::new(refusal(415, "UnsupportedMediaType", &message))
}

pub(super) fn method_not_allowed() -> Box<Status> {
    Box::new(refusal(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
    ))
}

/// The Status as an object of its own, as it stands in a response or an ERROR event.
pub(super) fn body(status: &Status) -> Value {
    let mut body = serde_json::to_value(status).unwrap_or_else(|_| json!({}));
    body["kind"] = json!("Status");
    body["apiVersion"] = json!("v1");
    if body["metadata"].is_null() {
        body["metadata"] = json!({});
    }
    body
}
