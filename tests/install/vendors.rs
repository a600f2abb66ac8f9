//! Nine systems that no sandbox plays, each as the pages named above it say: what they answer to whoever follows a
//! guide, in the vendor's own shapes. Nothing here is taken from the profiles.

use jiff::SignedDuration;
use serde_json::{Value, json};

mod hub;
mod okta;

pub(crate) use hub::hub;
pub(crate) use okta::{APPLICATION, okta};

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
            let context = "https://graph.microsoft.com/v1.0/$metadata#applications/$entity";
            let shown = shown.collect::<Vec<_>>();
            let body = json!({ "@odata.context": context, "passwordCredentials": shown });
            (200, body)
        }
        (("POST", path), _) if path.ends_with(&["addPassword"]) => {
            let mut made = asked.body["passwordCredential"].clone();
            made["keyId"] = json!(fresh("id", passwords));
            made["secretText"] = json!(fresh("secret", passwords));
            made["hint"] = json!("sec");
            made["customKeyIdentifier"] = NOTHING;
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
                false => {
                    let why = "No password credential found with keyId.";
                    let error = json!({ "code": "Request_BadRequest", "message": why });
                    (400, json!({ "error": error }))
                }
            }
        }
        _ => (
            404,
            json!({ "error": { "code": "Request_ResourceNotFound" } }),
        ),
    }
}

/// <https://docs.datadoghq.com/api/latest/key-management/>,
/// <https://docs.datadoghq.com/api/latest/authentication/>; and what was recorded for the tests of their own provider
/// (`TestAccDatadogApiKey_Update`): a look at one key shows the whole of it, and a list its last letters.
pub(crate) fn datadog(asked: &Asked, keys: &mut Vec<Value>) -> Answer {
    let (key, app) = (
        asked.header("dd-api-key", ""),
        asked.header("dd-application-key", ""),
    );
    let whole = |key: &Value| {
        let mut attributes = key.clone();
        attributes.as_object_mut().unwrap().remove("id");
        let text = key["key"].as_str().unwrap_or_default();
        attributes["last4"] = json!(&text[text.len().saturating_sub(4)..]);
        json!({ "type": "api_keys", "attributes": attributes, "id": key["id"] })
    };
    let shown = |key: &Value| {
        let mut shown = whole(key);
        shown["attributes"].as_object_mut().unwrap().remove("key");
        shown
    };
    let gone = || (404, json!({ "errors": ["API key not found"] }));
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
            let page = json!({ "total_filtered_count": keys.len() });
            let data: Vec<_> = keys.iter().map(shown).collect();
            let meta = json!({ "max_allowed": 50, "page": page });
            (200, json!({ "meta": meta, "data": data }))
        }
        ("POST", ["api", "v2", "api_keys"]) => {
            let at = now().strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string();
            let made = json!({
                "id": fresh("id", keys), "key": fresh("key", keys),
                "name": asked.body["data"]["attributes"]["name"],
                "created_at": at, "modified_at": at,
            });
            keys.push(made.clone());
            (201, json!({ "data": whole(&made) }))
        }
        ("GET", ["api", "v2", "api_keys", id]) => match one(keys, "id", id) {
            Some(key) => (200, json!({ "data": whole(key) })),
            None => gone(),
        },
        ("DELETE", ["api", "v2", "api_keys", id]) if ended(keys, "id", id) => (204, NOTHING),
        _ => gone(),
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
            // Whole seconds; a policy comes back with an id, and its groups with their names.
            let at = now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            made["issued_on"] = json!(at);
            made["modified_on"] = json!(at);
            for policy in made["policies"].as_array_mut().unwrap() {
                policy["id"] = json!("of-the-policy");
                for group in policy["permission_groups"].as_array_mut().unwrap() {
                    group["name"] = json!("Zone Read");
                }
            }
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

/// <https://developer.hashicorp.com/vault/api-docs/auth/token>; and what Vault 1.21.4 was seen to answer: no token lives
/// longer than 32 days, where nobody set more, and an accessor that is not there is no refusal to a revoke.
pub(crate) fn vault(asked: &Asked, tokens: &mut Vec<Value>) -> Answer {
    const LONGEST: i64 = 32 * 24 * 60 * 60;
    let sent = asked.header("x-vault-token", "");
    let refused = |status: u16, why: &str| {
        let why = format!("1 error occurred:\n\t* {why}\n\n");
        (status, json!({ "errors": [why] }))
    };
    let accessor = asked.body["accessor"].as_str().unwrap_or_default();
    let (method, path) = asked.call();
    // To itself, a token is its own id; to others it has none.
    let shown = |token: &Value, id: &Value| {
        let mut shown = without(token, "client_token");
        shown.as_object_mut().unwrap().remove("client_token");
        shown["id"] = id.clone();
        json!({ "data": shown })
    };
    match (method, &path[..]) {
        ("GET", ["v1", "auth", "token", "lookup-self"]) => {
            match one(tokens, "client_token", sent) {
                Some(token) => (200, shown(token, &token["client_token"])),
                None => {
                    let why = "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n";
                    (403, json!({ "errors": [why] }))
                }
            }
        }
        _ if sent != CREDENTIAL => refused(403, "permission denied"),
        ("POST", ["v1", "auth", "token", "create-orphan"]) => {
            let ttl = asked.body["ttl"].as_str().unwrap_or_default();
            let wanted: i64 = ttl.trim_end_matches('s').parse().unwrap_or_default();
            let ttl = wanted.min(LONGEST);
            let warnings = (wanted > ttl).then(|| json!(["TTL was capped"]));
            let policies = asked.body["policies"].as_array();
            let mut policies: Vec<_> = policies.cloned().unwrap_or_default();
            policies.push(json!("default"));
            policies.sort_by_key(ToString::to_string);
            let (token, accessor) = (fresh("hvs", tokens), fresh("accessor", tokens));
            tokens.push(json!({
                "accessor": accessor, "client_token": token, "policies": policies,
                "meta": asked.body["meta"], "creation_time": now().as_second(), "creation_ttl": ttl,
                "expire_time": (now() + SignedDuration::from_secs(ttl)).to_string(), "ttl": ttl,
                "explicit_max_ttl": ttl, "orphan": true, "type": "service", "num_uses": 0,
            }));
            let auth = json!({
                "client_token": token, "accessor": accessor, "policies": policies,
                "token_policies": policies, "metadata": asked.body["meta"], "lease_duration": ttl,
                "renewable": false, "token_type": "service", "orphan": true,
            });
            (200, json!({ "warnings": warnings, "auth": auth }))
        }
        ("GET", ["v1", "auth", "token", "accessors"]) => {
            let keys: Vec<_> = tokens.iter().map(|token| &token["accessor"]).collect();
            (200, json!({ "data": { "keys": keys } }))
        }
        ("POST", ["v1", "auth", "token", "lookup-accessor"]) => {
            match one(tokens, "accessor", accessor) {
                Some(token) => (200, shown(token, &json!(""))),
                None => refused(400, "invalid accessor"),
            }
        }
        ("POST", ["v1", "auth", "token", "revoke-accessor"]) => {
            match ended(tokens, "accessor", accessor) {
                true => (204, NOTHING),
                false => {
                    let warnings = json!(["No token found with this accessor"]);
                    let nothing = json!({ "data": null, "auth": null, "warnings": warnings });
                    (200, nothing)
                }
            }
        }
        _ => (404, json!({ "errors": [] })),
    }
}

/// <https://jfrog.com/help/r/jfrog-rest-apis/access-tokens>,
/// <https://jfrog.com/help/r/jfrog-rest-apis/revoke-token-by-id>,
/// <https://docs.jfrog.com/administration/reference/createtoken>.
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
            let scope = asked.body["scope"].as_str().unwrap_or_default();
            if scope.len() > 500 {
                return (400, refused(400));
            }
            let user = asked.body["username"].as_str().unwrap_or("ops");
            let (id, value) = (fresh("id", tokens), fresh("eyJ0", tokens));
            tokens.push(json!({
                "token_id": id, "access_token": value, "description": asked.body["description"],
                "subject": format!("jfac@1/users/{user}"), "issued_at": now().as_second(),
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
        // What was revoked before is no refusal.
        ("DELETE", ["access", "api", "v1", "tokens", id]) => match ended(tokens, "token_id", id) {
            true => (200, NOTHING),
            false => (204, NOTHING),
        },
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
