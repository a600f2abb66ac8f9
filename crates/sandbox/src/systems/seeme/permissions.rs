//! The permissions that there are.

use serde_json::{Value, json};

/// The catalogue: every `resource:action` that the documentation names.
const PERMISSIONS: [(&str, &str); 8] = [
    ("models", "read"),
    ("models", "write"),
    ("models", "predict"),
    ("datasets", "read"),
    ("datasets", "write"),
    ("workflows", "read"),
    ("workflows", "write"),
    ("workflows", "execute"),
];

pub(super) fn catalogue() -> Value {
    let permission = |(number, (resource, action)): (usize, &(&str, &str))| {
        json!({
            "id": format!("00000000-0000-4000-8000-{number:012}"),
            "name": format!("{resource}:{action}"),
            "description": format!("May {action} {resource}"),
            "resource": resource,
            "action": action,
        })
    };
    PERMISSIONS.iter().enumerate().map(permission).collect()
}

/// Whether a scope is one of the catalogue, or a wildcard of one of its resources.
pub(super) fn known(scope: &str) -> bool {
    PERMISSIONS.iter().any(|(resource, action)| {
        scope
            .strip_prefix(resource)
            .and_then(|rest| rest.strip_prefix(':'))
            .is_some_and(|rest| rest == *action || rest == "*")
    })
}
