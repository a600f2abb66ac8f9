//! Okta, with the one application whose secrets it keeps.

use serde_json::{Value, json};

use super::NOTHING;
use crate::install::vendor::{Answer, Asked, CREDENTIAL, ended, fresh, now, one};

/// <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/ApplicationSSOPublicKeys/>,
/// <https://developer.okta.com/docs/reference/api/oidc/#introspect>.
pub(crate) fn okta(asked: &Asked, secrets: &mut Vec<Value>) -> Answer {
    let refused = |status: u16, code: &str, why: &str| {
        let causes = json!([{ "errorSummary": why }]);
        (
            status,
            json!({ "errorCode": code, "errorSummary": why, "errorCauses": causes }),
        )
    };
    let (method, path) = asked.call();
    match (method, &path[..]) {
        ("POST", ["oauth2", "v1", "introspect"]) => {
            let sent = asked.header("authorization", "Basic ");
            let known = secrets.iter().any(|secret| {
                let value = secret["client_secret"].as_str().unwrap_or_default();
                secret["status"] == "ACTIVE" && sent == basic(APPLICATION, value)
            });
            return match known {
                true => (200, json!({ "active": false })),
                false => (401, json!({ "error": "invalid_client" })),
            };
        }
        _ if asked.header("authorization", "SSWS ") != CREDENTIAL => {
            return refused(401, "E0000011", "Invalid token provided");
        }
        _ => {}
    }
    let [
        "api",
        "v1",
        "apps",
        APPLICATION,
        "credentials",
        "secrets",
        rest @ ..,
    ] = &path[..]
    else {
        return refused(404, "E0000007", "Not found: Resource not found");
    };
    let only = secrets.len() == 1;
    match (method, rest) {
        ("GET", []) => (200, json!(secrets)),
        ("POST", []) if secrets.len() >= 2 => {
            let why = "You have reached the maximum number of client secrets per client.";
            refused(400, "E0000001", why)
        }
        ("POST", []) => {
            let at = now().to_string();
            let made = json!({
                "id": fresh("ocs", secrets), "client_secret": fresh("secret", secrets),
                "status": "ACTIVE", "secret_hash": "h", "created": at, "lastUpdated": at,
            });
            secrets.push(made.clone());
            (201, made)
        }
        ("POST", [_, "lifecycle", "deactivate"]) if only => {
            refused(400, "E0000001", "It is the only secret of the client.")
        }
        ("POST", [id, "lifecycle", "deactivate"]) => {
            match secrets.iter_mut().find(|secret| secret["id"] == *id) {
                Some(secret) => {
                    secret["status"] = json!("INACTIVE");
                    (200, secret.clone())
                }
                None => refused(404, "E0000007", "Not found: Resource not found"),
            }
        }
        ("DELETE", [id]) => match one(secrets, "id", id).map(|secret| secret["status"].clone()) {
            None => refused(404, "E0000007", "Not found: Resource not found"),
            Some(status) if status == "ACTIVE" => refused(400, "E0000001", "It is active."),
            Some(_) => {
                ended(secrets, "id", id);
                (204, NOTHING)
            }
        },
        _ => refused(404, "E0000007", "Not found: Resource not found"),
    }
}

/// The application whose secrets Okta keeps, and what stands in a header for it and a secret.
pub(crate) const APPLICATION: &str = "0oafxqCAJWWGELFTYASJ";

fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))
}
