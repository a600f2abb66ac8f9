//! Google Cloud's service account keys, after the public reference of its IAM API and of OAuth 2.0.
//!
//! A key is a file, shown once and in base64. It authenticates by what it signs: a JWT for this very API,
//! or an assertion that the token endpoint takes for an access token (`assertion`). An account has ten keys
//! at most; keys have no name, and end only when they are deleted.

mod assertion;
mod desk;
mod files;
mod names;

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use self::assertion::{Invalid, Jwt};
use self::names::{ACCOUNT, ADMIN, NAME, PROJECT};
use crate::asked::{Asked, Route};
use crate::clock;
use crate::desk::Desk;
use crate::faults::Operation;
use crate::http::{Answer, Request};
use crate::ledger::What;
use crate::random;
use crate::settings::Settings;
use crate::store::{Db, Standing, StoreError, Token};
use crate::system::{Account, System};

/// How many keys an account has at most.
const KEYS_MAX: usize = 10;
/// What only this system knows of a key: the SHA-256 of the access token it got last, and its end.
const ACCESS: &str = "access";

#[derive(Debug)]
pub(crate) struct Google;

impl Google {
    pub(crate) fn played() -> Arc<dyn System> {
        Arc::new(Self)
    }
}

impl System for Google {
    fn name(&self) -> &'static str {
        NAME
    }

    fn base_path(&self) -> &'static str {
        ""
    }

    fn open(&self, db: &Db<'_>, now: Timestamp) -> Result<Account, StoreError> {
        let (token, credential) = drawn(ADMIN, now)?;
        let parameters = [("service_account", ACCOUNT.to_owned())];
        Account::of(db, token, credential, parameters)
    }

    fn route(&self, request: &Request) -> Route {
        let mut route = Route::other();
        let path = request.segments();
        let Some(rest) = of_keys(&path) else {
            return route;
        };
        let (operation, id) = match (&request.method, rest) {
            (&Method::GET, []) => (Operation::List, None),
            (&Method::POST, []) => (Operation::Mint, None),
            (&Method::GET, [id]) => (Operation::Get, Some(*id)),
            (&Method::DELETE, [id]) => (Operation::Revoke, Some(*id)),
            (&Method::POST, [act]) => (Operation::Toggle, act.split(':').next()),
            _ => (Operation::Other, None),
        };
        route.operation = operation;
        route.id = id.map(str::to_owned);
        route
    }

    fn caller(
        &self,
        db: &Db<'_>,
        request: &Request,
        _settings: &Settings,
    ) -> Result<Option<Token>, StoreError> {
        let bearer = request.header("authorization");
        if let Some(bearer) = bearer.and_then(|header| header.strip_prefix("Bearer ")) {
            return match Jwt::read(bearer) {
                Some(jwt) => Ok(jwt.of_api(db, clock::now())?.ok()),
                None => by_access_token(db, bearer),
            };
        }
        match (&request.method, request.segments().as_slice()) {
            (&Method::POST, ["token"]) => Ok(asserted(db, request)?.ok()),
            _ => Ok(None),
        }
    }

    fn answer(&self, asked: &Asked<'_>) -> Result<Answer, StoreError> {
        let path = asked.request.segments();
        if (&asked.request.method, path.as_slice()) == (&Method::POST, &["token"]) {
            return granted(asked);
        }
        let Some((caller, Standing::Live)) = &asked.caller else {
            let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.";
            return Ok(refuse(401, message, "UNAUTHENTICATED"));
        };
        let Some(rest) = of_keys(&path) else {
            return Ok(refuse(404, "Method not found.", "NOT_FOUND"));
        };
        if caller.owner != ADMIN {
            let message = "Permission 'iam.serviceAccountKeys.list' denied on resource (or it may not exist).";
            return Ok(refuse(403, message, "PERMISSION_DENIED"));
        }
        match (&asked.request.method, rest) {
            (&Method::GET, []) => list(asked),
            (&Method::POST, []) => create(asked),
            (&Method::GET, [id]) => {
                Ok(key(asked, id)?.map_or_else(unknown, |key| told(shown(&key))))
            }
            (&Method::DELETE, [id]) => delete(asked, id),
            (&Method::POST, [act]) => switch(asked, act),
            _ => Ok(refuse(404, "Method not found.", "NOT_FOUND")),
        }
    }

    fn desk(&self) -> &'static Desk {
        &desk::DESK
    }

    fn items<'a>(&self, body: &'a mut Value) -> Option<&'a mut Vec<Value>> {
        body.get_mut("keys")?.as_array_mut()
    }

    fn finish(&self, answer: Answer) -> Answer {
        answer
    }
}

/// What follows the collection of the account's keys; nothing for all other paths.
fn of_keys<'a, 'p>(path: &'a [&'p str]) -> Option<&'a [&'p str]> {
    match path {
        [
            "v1",
            "projects",
            project,
            "serviceAccounts",
            account,
            "keys",
            rest @ ..,
        ] => {
            let account = account.replace("%40", "@");
            (["-", PROJECT].contains(project) && account == ACCOUNT).then_some(rest)
        }
        _ => None,
    }
}

/// A new key, not yet stored, and its file.
fn drawn(account: &str, now: Timestamp) -> Result<(Token, String), StoreError> {
    let id = random::text(b"0123456789abcdef", 40)?;
    let file = files::of(&id, PROJECT, account);
    let mut token = Token::new(NAME, id, &file, now);
    account.clone_into(&mut token.owner);
    Ok((token, file))
}

fn by_access_token(db: &Db<'_>, bearer: &str) -> Result<Option<Token>, StoreError> {
    let digest = random::sha256(bearer);
    let now = clock::now();
    let holds = |token: &Token| {
        let access = token.more.get(ACCESS);
        let until = access.and_then(|access| access.get("until")?.as_i64());
        access.and_then(|access| access.get("sha256")?.as_str()) == Some(digest.as_str())
            && until.is_some_and(|until| until > now.as_second())
    };
    Ok(db.all(NAME)?.into_iter().find(holds))
}

/// Whose assertion a request to the token endpoint has.
fn asserted(db: &Db<'_>, request: &Request) -> Result<Result<Token, Invalid>, StoreError> {
    let form: BTreeMap<_, _> = url::form_urlencoded::parse(&request.body).collect();
    let kind = form.get("grant_type").map(AsRef::as_ref);
    if kind != Some("urn:ietf:params:oauth:grant-type:jwt-bearer") {
        return Ok(Err(Invalid("Invalid grant_type.")));
    }
    match form.get("assertion").and_then(|text| Jwt::read(text)) {
        Some(jwt) => jwt.of_token_endpoint(db, clock::now()),
        None => Ok(Err(Invalid("Invalid JWT: it cannot be read."))),
    }
}

/// An access token of an hour for whoever signed the assertion.
fn granted(asked: &Asked<'_>) -> Result<Answer, StoreError> {
    let why = match &asked.caller {
        Some((caller, Standing::Live)) => {
            let access = format!("ya29.{}", random::text(random::MIXED, 60)?);
            let mut caller = caller.clone();
            let until = asked.now.as_second() + 3600;
            let granted = json!({ "sha256": random::sha256(&access), "until": until });
            caller.more.insert(ACCESS.to_owned(), granted);
            asked.db.update(&caller)?;
            let body =
                json!({ "access_token": access, "expires_in": 3599, "token_type": "Bearer" });
            return Ok(told(body));
        }
        Some(_) => "Invalid JWT Signature.",
        None => asserted(asked.db, asked.request)?
            .err()
            .map_or("Invalid JWT Signature.", |why| why.0),
    };
    let body = json!({ "error": "invalid_grant", "error_description": why });
    Ok(Answer::json(StatusCode::BAD_REQUEST, body))
}

fn create(asked: &Asked<'_>) -> Result<Answer, StoreError> {
    let living = asked.db.standing(NAME)?;
    let living = living.iter().filter(|token| token.counts()).count();
    if living >= asked.mint.quota.unwrap_or(KEYS_MAX) {
        let message = "Maximum number of keys on account reached.";
        return Ok(refuse(429, message, "RESOURCE_EXHAUSTED"));
    }
    let (mut token, file) = drawn(ACCOUNT, asked.now)?;
    asked.minted(&mut token)?;
    let mut body = shown(&token);
    body["privateKeyType"] = "TYPE_GOOGLE_CREDENTIALS_FILE".into();
    body["privateKeyData"] = files::in_base64(&file).into();
    Ok(told(body))
}

fn list(asked: &Asked<'_>) -> Result<Answer, StoreError> {
    let standing = asked.db.standing(NAME)?;
    let keys = standing
        .iter()
        .filter(|token| token.counts() && token.listed(asked.now));
    let mut keys: Vec<Value> = keys.map(shown).collect();
    if asked.request.query("keyTypes") != Some("USER_MANAGED") {
        // One that Google itself rotates.
        keys.push(json!({
            "name": resource("0000000000000000000000000000000000000001"),
            "validAfterTime": "2026-01-01T00:00:00Z",
            "validBeforeTime": "2028-01-01T00:00:00Z",
            "keyAlgorithm": "KEY_ALG_RSA_2048",
            "keyOrigin": "GOOGLE_PROVIDED",
            "keyType": "SYSTEM_MANAGED",
        }));
    }
    // What is empty is left out.
    Ok(told(match keys.is_empty() {
        true => json!({}),
        false => json!({ "keys": keys }),
    }))
}

fn delete(asked: &Asked<'_>, id: &str) -> Result<Answer, StoreError> {
    let Some(mut token) = key(asked, id)? else {
        return Ok(unknown());
    };
    asked.revoked(&mut token)?;
    Ok(told(json!({})))
}

fn switch(asked: &Asked<'_>, act: &str) -> Result<Answer, StoreError> {
    let act = act.replace("%3A", ":");
    let (id, what) = match act.split_once(':') {
        Some((id, "enable")) => (id, What::Enable),
        Some((id, "disable")) => (id, What::Disable),
        _ => return Ok(refuse(404, "Method not found.", "NOT_FOUND")),
    };
    let Some(mut token) = key(asked, id)? else {
        return Ok(unknown());
    };
    token.disabled = what == What::Disable;
    token.updated = asked.now;
    asked.db.update(&token)?;
    asked.record(&token, what)?;
    Ok(told(json!({})))
}

/// The living key of this id.
fn key(asked: &Asked<'_>, id: &str) -> Result<Option<Token>, StoreError> {
    let token = asked.db.by_id(NAME, id)?;
    Ok(token.filter(|token| token.counts() && token.deleted.is_none()))
}

fn resource(id: &str) -> String {
    format!("projects/{PROJECT}/serviceAccounts/{ACCOUNT}/keys/{id}")
}

fn shown(token: &Token) -> Value {
    let mut key = json!({
        "name": resource(&token.id),
        "validAfterTime": token.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "validBeforeTime": "9999-12-31T23:59:59Z",
        "keyAlgorithm": "KEY_ALG_RSA_2048",
        "keyOrigin": "GOOGLE_PROVIDED",
        "keyType": "USER_MANAGED",
    });
    if token.disabled {
        key["disabled"] = true.into();
    }
    key
}

fn told(body: Value) -> Answer {
    Answer::json(StatusCode::OK, body)
}

fn unknown() -> Answer {
    refuse(404, "Unknown key.", "NOT_FOUND")
}

fn refuse(code: u16, message: &str, status: &str) -> Answer {
    let body = json!({ "error": { "code": code, "message": message, "status": status } });
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST);
    Answer::json(status, body)
}
