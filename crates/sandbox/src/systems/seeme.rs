//! SeeMe.ai API keys: whole days, a bare list, a blind toggle, a soft delete.
//!
//! Only what the vendor documents and its own client calls; where nobody documents an answer, a
//! switch of [`SeemeSettings`] decides. It plays no models: the data calls exist to prove a value.

mod desk;
mod errors;
mod keys;
mod mint;
mod permissions;

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use self::errors::refuse;
use self::keys::{NAME, is_session, key, show};
use crate::asked::{Asked, Route};
use crate::desk::Desk;
use crate::faults::Operation;
use crate::http::{Answer, Request};
use crate::ledger::What;
use crate::random;
use crate::settings::{CreatePath, DeleteAnswer, EmptyScopes, Header, SeemeSettings, Settings};
use crate::store::{Db, Standing, StoreError, Token};
use crate::system::{Account, System};

#[derive(Debug)]
pub(crate) struct Seeme;

const USERNAME: &str = "sandbox";

impl System for Seeme {
    fn name(&self) -> &'static str {
        NAME
    }

    fn base_path(&self) -> &'static str {
        "/api/v1"
    }

    fn open(&self, db: &Db<'_>, now: Timestamp) -> Result<Account, StoreError> {
        let user = db.account(NAME, "user_id", random::uuid)?;
        let organization = db.account(NAME, "organization_id", random::uuid)?;
        let password = random::text(random::MIXED, 24)?;
        db.set_account(NAME, "password_sha256", &random::sha256(&password))?;
        let credential = random::text(random::MIXED, 48)?;
        let mut key = key("management", &user, &credential, now)?;
        db.insert(&mut key)?;
        Ok(Account {
            parameters: BTreeMap::from([
                ("user_id".to_owned(), user),
                ("organization_id".to_owned(), organization),
                ("username".to_owned(), USERNAME.to_owned()),
                ("password".to_owned(), password),
                ("credential_id".to_owned(), key.id),
            ]),
            credential,
        })
    }

    fn route(&self, request: &Request) -> Route {
        let mut route = Route {
            operation: Operation::Other,
            id: None,
            name: None,
        };
        match (&request.method, request.segments().as_slice()) {
            (&Method::GET, ["api", "v1", "me", "apikeys"]) => route.operation = Operation::List,
            (&Method::POST, ["api", "v1", "me", "apikeys"] | ["api", "v1", "api-keys"]) => {
                route.operation = Operation::Mint;
                let name = |body: Map<String, Value>| Some(body.get("name")?.as_str()?.to_owned());
                route.name = request.object().and_then(name);
            }
            (&Method::PUT, ["api", "v1", "me", "apikeys", id]) => {
                route.operation = Operation::Toggle;
                route.id = Some((*id).to_owned());
            }
            (&Method::DELETE, ["api", "v1", "me", "apikeys", id]) => {
                route.operation = Operation::Revoke;
                route.id = Some((*id).to_owned());
            }
            _ => {}
        }
        route
    }

    fn presented(&self, request: &Request, settings: &Settings) -> Option<String> {
        let header = request.header("authorization")?;
        let bearer = header.strip_prefix("Bearer ");
        let old = header
            .strip_prefix(USERNAME)
            .and_then(|rest| rest.strip_prefix(':'));
        match settings.seeme.header {
            Header::Bearer => bearer,
            Header::UserAndKey => old,
            Header::Both => bearer.or(old),
        }
        .map(str::to_owned)
    }

    fn answer(&self, asked: &Asked<'_>) -> Result<Answer, StoreError> {
        let request = asked.request;
        let segments = request.segments();
        let ["api", "v1", path @ ..] = segments.as_slice() else {
            return Ok(refuse(StatusCode::NOT_FOUND, "not found"));
        };
        if (&request.method, path) == (&Method::POST, &["login"]) {
            return login(asked);
        }
        // A stranger is told nothing more than that, whatever ended its key.
        let Some((caller, Standing::Live)) = &asked.caller else {
            return Ok(refuse(
                StatusCode::UNAUTHORIZED,
                "invalid or missing API key",
            ));
        };
        if let Some(scope) = needed(&request.method, path, &asked.settings.seeme)
            && !grants(caller, &scope, asked.settings.seeme.empty_scopes)
        {
            return Ok(refuse(
                StatusCode::FORBIDDEN,
                &format!("missing scope {scope}"),
            ));
        }
        match (&request.method, path) {
            (&Method::GET, ["me", "apikeys"]) => list(asked, caller),
            (&Method::POST, _) if makes(path, asked.settings.seeme.create_path) => {
                mint::answer(asked, caller)
            }
            (&Method::PUT, ["me", "apikeys", id]) => toggle(asked, caller, id),
            (&Method::DELETE, ["me", "apikeys", id]) => delete(asked, caller, id),
            (&Method::POST, ["logout"]) => logout(asked, caller),
            (&Method::GET, ["permissions"]) => {
                Ok(Answer::json(StatusCode::OK, permissions::catalogue()))
            }
            (&Method::GET, ["applications" | "models" | "datasets" | "workflows"]) => {
                Ok(Answer::json(StatusCode::OK, json!([])))
            }
            _ => Ok(refuse(StatusCode::NOT_FOUND, "not found")),
        }
    }

    fn desk(&self) -> &'static Desk {
        &desk::DESK
    }

    fn items<'a>(&self, body: &'a mut Value) -> Option<&'a mut Vec<Value>> {
        body.as_array_mut()
    }

    fn finish(&self, answer: Answer) -> Answer {
        answer
    }
}

/// Whether a `POST` to this path makes a key.
fn makes(path: &[&str], create_path: CreatePath) -> bool {
    match path {
        ["me", "apikeys"] => create_path != CreatePath::ApiKeys,
        ["api-keys"] => create_path != CreatePath::MeApikeys,
        _ => false,
    }
}

/// The scope that a call needs; the catalogue and the applications need none.
fn needed(method: &Method, path: &[&str], settings: &SeemeSettings) -> Option<String> {
    match path {
        ["me", "apikeys", ..] | ["api-keys"] => {
            let resource = settings.keys_need_scopes_of.as_ref()?;
            let action = if method == Method::GET {
                "read"
            } else {
                "write"
            };
            Some(format!("{resource}:{action}"))
        }
        [resource @ ("models" | "datasets" | "workflows"), ..] => Some(format!("{resource}:read")),
        _ => None,
    }
}

fn grants(key: &Token, scope: &str, empty: EmptyScopes) -> bool {
    let scopes = key.scopes.as_deref().unwrap_or_default();
    if scopes.is_empty() {
        // The management key and the key of a login act for their user, without limits.
        return !key.minted || empty == EmptyScopes::Everything;
    }
    let any = scope
        .split_once(':')
        .map(|(resource, _)| format!("{resource}:*"));
    scopes
        .iter()
        .any(|held| held == scope || Some(held) == any.as_ref())
}

fn list(asked: &Asked<'_>, caller: &Token) -> Result<Answer, StoreError> {
    let settings = &asked.settings.seeme;
    let keys = if settings.deleted_stay_listed {
        asked.db.all(NAME)?
    } else {
        asked.db.standing(NAME)?
    };
    let keys: Vec<Value> = keys
        .iter()
        .filter(|key| key.owner == caller.owner && !is_session(key) && key.listed(asked.now))
        .map(|key| show(key, settings))
        .collect();
    Ok(Answer::json(StatusCode::OK, Value::Array(keys)))
}

/// No body, no wanted state: whoever sends it twice is back where he was.
fn toggle(asked: &Asked<'_>, caller: &Token, id: &str) -> Result<Answer, StoreError> {
    let Some(mut key) = own(asked, caller, id)? else {
        return Ok(refuse(StatusCode::NOT_FOUND, "API key not found"));
    };
    if guarded(asked, caller, &key) {
        return Ok(refuse(
            StatusCode::FORBIDDEN,
            "an API key cannot disable itself",
        ));
    }
    key.disabled = !key.disabled;
    key.updated = asked.now;
    asked.db.update(&key)?;
    asked.record(
        &key,
        if key.disabled {
            What::Disable
        } else {
            What::Enable
        },
    )?;
    Ok(Answer::json(
        StatusCode::OK,
        show(&key, &asked.settings.seeme),
    ))
}

fn delete(asked: &Asked<'_>, caller: &Token, id: &str) -> Result<Answer, StoreError> {
    let Some(mut key) = own(asked, caller, id)? else {
        return Ok(refuse(StatusCode::NOT_FOUND, "API key not found"));
    };
    if guarded(asked, caller, &key) {
        return Ok(refuse(
            StatusCode::FORBIDDEN,
            "an API key cannot delete itself",
        ));
    }
    asked.revoked(&mut key)?;
    Ok(match asked.settings.seeme.delete_answer {
        DeleteAnswer::NoContent => Answer::empty(StatusCode::NO_CONTENT),
        DeleteAnswer::EmptyOk => Answer::empty(StatusCode::OK),
    })
}

fn guarded(asked: &Asked<'_>, caller: &Token, key: &Token) -> bool {
    asked.settings.seeme.own_key_guarded && caller.serial == key.serial
}

/// A key of the caller's own user that was not deleted.
fn own(asked: &Asked<'_>, caller: &Token, id: &str) -> Result<Option<Token>, StoreError> {
    let key = asked.db.by_id(NAME, id)?;
    Ok(key.filter(|key| key.owner == caller.owner && key.deleted.is_none() && !is_session(key)))
}

fn login(asked: &Asked<'_>) -> Result<Answer, StoreError> {
    let body = asked.request.object().unwrap_or_default();
    let text = |field: &str| body.get(field).and_then(Value::as_str).unwrap_or_default();
    let password = asked.db.account(NAME, "password_sha256", random::uuid)?;
    if text("username") != USERNAME || random::sha256(text("password")) != password {
        return Ok(refuse(
            StatusCode::UNAUTHORIZED,
            "wrong username or password",
        ));
    }
    let user = asked.db.account(NAME, "user_id", random::uuid)?;
    let value = random::text(random::MIXED, 48)?;
    let mut session = key("login", &user, &value, asked.now)?;
    session.more.insert("session".to_owned(), Value::Bool(true));
    asked.db.insert(&mut session)?;
    Ok(Answer::json(
        StatusCode::OK,
        json!({
            "id": user,
            "username": USERNAME,
            "name": "Sandbox",
            "email": "sandbox@example.com",
            "firstname": "Sandbox",
            "apikey": value,
        }),
    ))
}

fn logout(asked: &Asked<'_>, caller: &Token) -> Result<Answer, StoreError> {
    if is_session(caller) {
        let mut session = caller.clone();
        session.deleted = Some(asked.now);
        asked.db.update(&session)?;
    }
    Ok(Answer::json(StatusCode::OK, json!({})))
}
