//! Eight systems that no sandbox plays, each as the pages named above it say: what they answer to whoever follows a
//! guide, in the vendor's own shapes. Nothing here is taken from the profiles.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::vendor::{Answer, Asked, CREDENTIAL, ended, fresh, now, one, without};

/// Nobody is in here.
const NOTHING: Value = Value::Null;

/// Microsoft Graph, and the login of Microsoft Entra:
/// <https://learn.microsoft.com/en-us/graph/api/application-addpassword>,
/// <https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow>.
pub(crate) fn entra(asked: &Asked, passwords: &mut Vec<Value>) -> Answer {
    match (asked.call(), asked.header("authorization", "Bearer ")) {
        (("POST", path), _) if path.ends_with(&["oauth2", "v2.0", "token"]) => {
            let secret = asked.body["client_secret"].as_str().unwrap_or_default();
            match secret == CREDENTIAL || one(passwords, "secretText", secret).is_some() {
                true => {
                    let token = format!("token-for-{secret}");
                    let body = json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": token });
                    (200, body)
                }
                false => (
                    401,
                    json!({ "error": "invalid_client", "error_codes": [7000215] }),
                ),
            }
        }
        (_, bearer) if bearer != "token-for-a-credential" => (
            401,
            json!({ "error": { "code": "InvalidAuthenticationToken" } }),
        ),
        (("GET", path), _) if matches!(path[..], ["applications", _]) => {
            let shown = passwords.iter().map(|one| without(one, "secretText"));
            (
                200,
                json!({ "passwordCredentials": shown.collect::<Vec<_>>() }),
            )
        }
        (("POST", path), _) if path.ends_with(&["addPassword"]) => {
            let mut made = asked.body["passwordCredential"].clone();
            made["keyId"] = json!(fresh("id", passwords));
            made["secretText"] = json!(fresh("secret", passwords));
            made["startDateTime"] = json!(now().to_string());
            passwords.push(made.clone());
            (200, made)
        }
        (("POST", path), _) if path.ends_with(&["removePassword"]) => {
            match ended(
                passwords,
                "keyId",
                asked.body["keyId"].as_str().unwrap_or_default(),
            ) {
                true => (204, NOTHING),
                false => (400, json!({ "error": { "code": "Request_BadRequest" } })),
            }
        }
        _ => (
            404,
            json!({ "error": { "code": "Request_ResourceNotFound" } }),
        ),
    }
}

/// <https://docs.datadoghq.com/api/latest/key-management/>,
/// <https://docs.datadoghq.com/api/latest/authentication/>.
pub(crate) fn datadog(asked: &Asked, keys: &mut Vec<Value>) -> Answer {
    let (key, app) = (
        asked.header("dd-api-key", ""),
        asked.header("dd-application-key", ""),
    );
    let shown = |key: &Value| {
        let mut attributes = without(key, "key");
        attributes["last4"] = json!("dead");
        json!({ "id": key["id"], "type": "api_keys", "attributes": attributes })
    };
    let (method, path) = asked.call();
    match (method, &path[..]) {
        ("GET", ["api", "v1", "validate"]) => {
            match key == CREDENTIAL || one(keys, "key", key).is_some() {
                true => (200, json!({ "valid": true })),
                false => (403, json!({ "errors": ["Forbidden"] })),
            }
        }
        _ if (key, app) != (CREDENTIAL, CREDENTIAL) => (403, json!({ "errors": ["Forbidden"] })),
        ("GET", ["api", "v2", "api_keys"]) => {
            let page = json!({ "page": { "total_filtered_count": keys.len() } });
            let data: Vec<_> = keys.iter().map(shown).collect();
            (200, json!({ "data": data, "meta": page }))
        }
        ("POST", ["api", "v2", "api_keys"]) => {
            let mut made = asked.body["data"]["attributes"].clone();
            made["id"] = json!(fresh("id", keys));
            made["key"] = json!(fresh("key", keys));
            made["created_at"] = json!(now().to_string());
            keys.push(made.clone());
            let data = json!({ "id": made["id"], "type": "api_keys", "attributes": made });
            (201, json!({ "data": data }))
        }
        ("GET", ["api", "v2", "api_keys", id]) => match one(keys, "id", id) {
            Some(key) => (200, json!({ "data": shown(key) })),
            None => (404, json!({ "errors": ["Not Found"] })),
        },
        ("DELETE", ["api", "v2", "api_keys", id]) if ended(keys, "id", id) => (204, NOTHING),
        _ => (404, json!({ "errors": ["Not Found"] })),
    }
}

/// <https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/>.
pub(crate) fn cloudflare(asked: &Asked, tokens: &mut Vec<Value>) -> Answer {
    let told =
        |result: Value| json!({ "success": true, "errors": [], "messages": [], "result": result });
    let refused =
        |code: u32| json!({ "success": false, "errors": [{ "code": code, "message": "m" }] });
    let bearer = asked.header("authorization", "Bearer ");
    let (method, path) = asked.call();
    match (method, &path[..]) {
        ("GET", ["accounts", _, "tokens", "verify"]) => match one(tokens, "value", bearer) {
            Some(token) => (
                200,
                told(json!({ "id": token["id"], "status": token["status"] })),
            ),
            None => (401, refused(1000)),
        },
        _ if bearer != CREDENTIAL => (403, refused(9109)),
        ("GET", ["accounts", _, "tokens"]) => {
            let shown: Vec<_> = tokens.iter().map(|token| without(token, "value")).collect();
            let mut body = told(json!(shown));
            body["result_info"] = json!({ "page": 1, "per_page": 50, "total_count": tokens.len() });
            (200, body)
        }
        ("POST", ["accounts", _, "tokens"]) => {
            let mut made = asked.body.clone();
            made["id"] = json!(fresh("id", tokens));
            made["value"] = json!(fresh("value", tokens));
            made["status"] = json!("active");
            made["issued_on"] = json!(now().to_string());
            tokens.push(made.clone());
            (200, told(made))
        }
        ("GET", ["accounts", _, "tokens", id]) => match one(tokens, "id", id) {
            Some(token) => (200, told(without(token, "value"))),
            None => (404, refused(1003)),
        },
        ("DELETE", ["accounts", _, "tokens", id]) if ended(tokens, "id", id) => {
            (200, told(json!({ "id": id })))
        }
        _ => (404, refused(1003)),
    }
}

/// <https://developer.hashicorp.com/vault/api-docs/auth/token>.
pub(crate) fn vault(asked: &Asked, tokens: &mut Vec<Value>) -> Answer {
    let sent = asked.header("x-vault-token", "");
    let refused = |why: &str| (403, json!({ "errors": [why] }));
    let accessor = asked.body["accessor"].as_str().unwrap_or_default();
    let (method, path) = asked.call();
    match (method, &path[..]) {
        ("GET", ["v1", "auth", "token", "lookup-self"]) => {
            match one(tokens, "client_token", sent) {
                Some(token) => (200, json!({ "data": token })),
                None => refused("permission denied"),
            }
        }
        _ if sent != CREDENTIAL => refused("permission denied"),
        ("POST", ["v1", "auth", "token", "create-orphan"]) => {
            let ttl = asked.body["ttl"].as_str().unwrap_or_default();
            let ttl: i64 = ttl.trim_end_matches('s').parse().unwrap_or_default();
            let mut policies: Vec<_> = asked.body["policies"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            policies.push(json!("default"));
            let (token, accessor) = (fresh("hvs", tokens), fresh("accessor", tokens));
            tokens.push(json!({
                "accessor": accessor, "client_token": token, "policies": policies,
                "meta": asked.body["meta"], "creation_time": now().as_second(), "ttl": ttl,
                "expire_time": (now() + SignedDuration::from_secs(ttl)).to_string(), "orphan": true,
            }));
            (
                200,
                json!({ "auth": {
                "client_token": token, "accessor": accessor, "policies": policies,
                "token_policies": policies, "metadata": asked.body["meta"], "lease_duration": ttl,
                "renewable": false, "token_type": "service", "orphan": true,
            } }),
            )
        }
        ("GET", ["v1", "auth", "token", "accessors"]) => {
            let keys: Vec<_> = tokens.iter().map(|token| &token["accessor"]).collect();
            (200, json!({ "data": { "keys": keys } }))
        }
        ("POST", ["v1", "auth", "token", "lookup-accessor"]) => {
            match one(tokens, "accessor", accessor) {
                Some(token) => (200, json!({ "data": without(token, "client_token") })),
                None => refused("1 error occurred:\n\t* invalid accessor\n\n"),
            }
        }
        ("POST", ["v1", "auth", "token", "revoke-accessor"]) => {
            match ended(tokens, "accessor", accessor) {
                true => (204, NOTHING),
                false => (400, json!({ "errors": ["invalid accessor"] })),
            }
        }
        _ => (404, json!({ "errors": [] })),
    }
}

/// <https://jfrog.com/help/r/jfrog-rest-apis/access-tokens>.
pub(crate) fn artifactory(asked: &Asked, tokens: &mut Vec<Value>) -> Answer {
    let refused = |status: u16| json!({ "errors": [{ "code": "E", "status": status }] });
    let bearer = asked.header("authorization", "Bearer ");
    let (method, path) = asked.call();
    match (method, &path[..]) {
        ("GET", ["access", "api", "v1", "tokens", "me"]) => {
            match one(tokens, "access_token", bearer) {
                Some(token) => (200, without(token, "access_token")),
                None => (401, refused(401)),
            }
        }
        _ if bearer != CREDENTIAL => (401, refused(401)),
        ("GET", ["access", "api", "v1", "tokens"]) => {
            let shown = tokens.iter().map(|token| without(token, "access_token"));
            (200, json!({ "tokens": shown.collect::<Vec<_>>() }))
        }
        ("POST", ["access", "api", "v1", "tokens"]) => {
            let seconds = asked.body["expires_in"].as_i64().unwrap_or_default();
            let (id, value) = (fresh("id", tokens), fresh("eyJ0", tokens));
            tokens.push(json!({
                "token_id": id, "access_token": value, "description": asked.body["description"],
                "subject": asked.body["username"], "issued_at": now().as_second(),
                "expiry": now().as_second() + seconds, "issuer": "jfac@1", "refreshable": false,
            }));
            (
                200,
                json!({
                    "token_id": id, "access_token": value, "expires_in": seconds,
                    "scope": asked.body["scope"], "token_type": "Bearer",
                }),
            )
        }
        ("GET", ["access", "api", "v1", "tokens", id]) => match one(tokens, "token_id", id) {
            Some(token) => (200, without(token, "access_token")),
            None => (404, refused(404)),
        },
        ("DELETE", ["access", "api", "v1", "tokens", id]) if ended(tokens, "token_id", id) => {
            (200, NOTHING)
        }
        _ => (404, refused(404)),
    }
}

/// <https://developer.hashicorp.com/terraform/cloud-docs/api-docs/team-tokens>,
/// <https://developer.hashicorp.com/terraform/cloud-docs/api-docs/account>.
pub(crate) fn hcp_terraform(asked: &Asked, tokens: &mut Vec<Value>) -> Answer {
    let refused = |status: u16, title: &str| {
        let status_text = status.to_string();
        (
            status,
            json!({ "errors": [{ "status": status_text, "title": title }] }),
        )
    };
    let whole = |token: &Value| {
        let team = json!({ "data": { "id": token["team"], "type": "teams" } });
        let mut attributes = token.clone();
        for other in ["id", "team"] {
            attributes.as_object_mut().unwrap().remove(other);
        }
        json!({
            "id": token["id"], "type": "authentication-tokens", "attributes": attributes,
            "relationships": { "team": team },
        })
    };
    let shown = |token: &Value| whole(&without(token, "token"));
    let bearer = asked.header("authorization", "Bearer ");
    if bearer != CREDENTIAL && one(tokens, "token", bearer).is_none() {
        return refused(401, "unauthorized");
    }
    let (method, path) = asked.call();
    match (method, &path[..]) {
        ("GET", ["api", "v2", "account", "details"]) => {
            let of = match bearer == CREDENTIAL {
                true => "user-of-an-owner",
                false => "user-of-the-team",
            };
            (200, json!({ "data": { "id": of, "type": "users" } }))
        }
        _ if bearer != CREDENTIAL => refused(404, "not found"),
        ("GET", ["api", "v2", "organizations", "acme", "team-tokens"]) => {
            let data: Vec<_> = tokens.iter().map(shown).collect();
            let pagination = json!({ "current-page": 1, "next-page": null, "total-pages": 1, "total-count": data.len() });
            (
                200,
                json!({ "data": data, "meta": { "pagination": pagination } }),
            )
        }
        ("POST", ["api", "v2", "teams", team, "authentication-tokens"]) => {
            let wanted = &asked.body["data"]["attributes"];
            let description = wanted["description"].as_str().unwrap_or_default();
            if one(tokens, "description", description).is_some() {
                return refused(422, "invalid attribute");
            }
            let made = json!({
                "id": fresh("at", tokens), "team": team, "token": fresh("atlasv1", tokens),
                "description": description, "expired-at": wanted["expired-at"],
                "created-at": now().to_string(), "last-used-at": null,
            });
            tokens.push(made.clone());
            (201, json!({ "data": whole(&made) }))
        }
        ("GET", ["api", "v2", "authentication-tokens", id]) => match one(tokens, "id", id) {
            Some(token) => (200, json!({ "data": shown(token) })),
            None => refused(404, "not found"),
        },
        ("DELETE", ["api", "v2", "authentication-tokens", id]) if ended(tokens, "id", id) => {
            (204, NOTHING)
        }
        _ => refused(404, "not found"),
    }
}

/// <https://docs.newrelic.com/docs/apis/nerdgraph/examples/use-nerdgraph-manage-license-keys-user-keys/>: which
/// question it is, its operation tells.
pub(crate) fn new_relic(asked: &Asked, keys: &mut Vec<Value>) -> Answer {
    if asked.header("api-key", "") != CREDENTIAL {
        return (
            401,
            json!({ "errors": [{ "message": "The API key provided is invalid" }] }),
        );
    }
    let text = asked.body["query"].as_str().unwrap_or_default();
    let of = |what: &str| &asked.body["variables"][what];
    let data = match ["apiAccessCreateKeys", "apiAccessDeleteKeys", "keySearch"]
        .into_iter()
        .find(|operation| text.contains(operation))
    {
        Some("apiAccessCreateKeys") => {
            let mut made = of("keys")["ingest"][0].clone();
            made["id"] = json!(fresh("id", keys));
            made["key"] = json!(fresh("license", keys));
            made["createdAt"] = json!(now().as_second());
            keys.push(made.clone());
            let shown = json!({ "id": made["id"], "name": made["name"], "key": made["key"] });
            json!({ "apiAccessCreateKeys": { "createdKeys": [shown], "errors": [] } })
        }
        Some("apiAccessDeleteKeys") => {
            let id = of("keys")["ingestKeyIds"][0].as_str().unwrap_or_default();
            let errors = match ended(keys, "id", id) {
                true => json!([]),
                false => json!([{ "message": "Key not found", "type": "INGEST" }]),
            };
            json!({ "apiAccessDeleteKeys": { "deletedKeys": [{ "id": id }], "errors": errors } })
        }
        Some(_) => {
            let account = &of("query")["scope"]["accountIds"][0];
            let found = keys.iter().filter(|key| &key["accountId"] == account);
            let shown = |key: &Value| json!({ "id": key["id"], "name": key["name"], "createdAt": key["createdAt"] });
            let found = json!({ "nextCursor": null, "keys": found.map(shown).collect::<Vec<_>>() });
            json!({ "actor": { "apiAccess": { "keySearch": found } } })
        }
        None => {
            return (
                200,
                json!({ "errors": [{ "message": "Cannot query field" }] }),
            );
        }
    };
    (200, json!({ "data": data }))
}

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
