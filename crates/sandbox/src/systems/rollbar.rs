//! Rollbar's project access tokens, after its public API reference.
//!
//! A token has no id but its value: lists show it, and a delete names it in the path. An access token may
//! stand in a header or in the query, and what does not authenticate is refused with 403.

use std::sync::Arc;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::asked::{Asked, Route};
use crate::desk::{Desk, Form, Life, Maker};
use crate::faults::Operation;
use crate::http::{Answer, Request};
use crate::random;
use crate::settings::Settings;
use crate::store::{Db, Standing, StoreError, Token};
use crate::system::{Account, System};

const NAME: &str = "rollbar";
const SCOPES: [&str; 4] = ["post_server_item", "post_client_item", "read", "write"];

static DESK: Desk = Desk {
    vendor: "Rollbar",
    place: &["Project", "Settings", "Project Access Tokens"],
    tokens: "Project access tokens",
    generate: "Create new access token",
    name: "Title",
    once: "This is the token. The list shows it again.",
    choice: None,
    scopes: &[
        ("post_server_item", "report from servers"),
        ("post_client_item", "report from browsers"),
        ("read", "all GET requests"),
        ("write", "PATCH and DELETE requests"),
    ],
    life: Life::Unsaid,
    edit: None,
    delete: "Delete",
    maker: Maker::Api(ask, &[("Access token", "/result/access_token")]),
};

fn ask(form: &Form, asked: &Asked<'_>) -> Result<Request, StoreError> {
    let body = json!({ "name": form.name, "scopes": form.scopes });
    let project = project(asked.db)?;
    let path = format!("/api/1/project/{project}/access_tokens");
    Ok(Request::post(&path, &body))
}

#[derive(Debug)]
pub(crate) struct Rollbar;

impl Rollbar {
    pub(crate) fn played() -> Arc<dyn System> {
        Arc::new(Self)
    }
}

fn project(db: &Db<'_>) -> Result<String, StoreError> {
    db.account(NAME, "project_id", || random::text(b"123456789", 6))
}

impl System for Rollbar {
    fn name(&self) -> &'static str {
        NAME
    }

    fn base_path(&self) -> &'static str {
        ""
    }

    fn open(&self, db: &Db<'_>, now: Timestamp) -> Result<Account, StoreError> {
        let credential = random::text(b"0123456789abcdef", 32)?;
        let token = Token::new(NAME, random::uuid()?, &credential, now);
        let parameters = [("project_id", project(db)?)];
        Account::of(db, token, credential, parameters)
    }

    fn route(&self, request: &Request) -> Route {
        let mut route = Route::other();
        match (&request.method, request.segments().as_slice()) {
            (&Method::GET, ["api", "1", "project", _, "access_tokens"]) => {
                route.operation = Operation::List;
            }
            (&Method::POST, ["api", "1", "project", _, "access_tokens"]) => {
                route.operation = Operation::Mint;
                let name = request.object();
                route.name = name.and_then(|body| Some(body.get("name")?.as_str()?.to_owned()));
            }
            (&Method::DELETE, ["api", "1", "project", _, "access_token", _]) => {
                route.operation = Operation::Revoke;
            }
            _ => {}
        }
        route
    }

    fn presented(&self, request: &Request, _settings: &Settings) -> Option<String> {
        let header = request.header("x-rollbar-access-token");
        let token = header.or_else(|| request.query("access_token"));
        token.map(str::to_owned)
    }

    fn answer(&self, asked: &Asked<'_>) -> Result<Answer, StoreError> {
        let Some((caller, Standing::Live)) = &asked.caller else {
            return Ok(refuse(StatusCode::FORBIDDEN, "invalid access token"));
        };
        let path = asked.request.segments();
        match (&asked.request.method, path.as_slice()) {
            (&Method::GET, ["api", "1", "items"]) => {
                let read = caller.scopes.as_deref().unwrap_or_default();
                Ok(match read.iter().any(|scope| scope == "read") {
                    true => told(json!({ "items": [], "page": 1 })),
                    false => refuse(StatusCode::FORBIDDEN, "insufficient privileges"),
                })
            }
            // The rest is for account access tokens.
            (_, ["api", "1", "project", ..]) if caller.counts() => {
                Ok(refuse(StatusCode::FORBIDDEN, "insufficient privileges"))
            }
            (_, ["api", "1", "project", id, rest @ ..]) if *id == project(asked.db)? => {
                match (&asked.request.method, rest) {
                    (&Method::GET, ["access_tokens"]) => list(asked),
                    (&Method::POST, ["access_tokens"]) => mint(asked),
                    (&Method::DELETE, ["access_token", value]) => delete(asked, value),
                    _ => Ok(refuse(StatusCode::NOT_FOUND, "not found")),
                }
            }
            _ => Ok(refuse(StatusCode::NOT_FOUND, "not found")),
        }
    }

    fn desk(&self) -> &'static Desk {
        &DESK
    }

    fn items<'a>(&self, body: &'a mut Value) -> Option<&'a mut Vec<Value>> {
        body.get_mut("result")?.as_array_mut()
    }

    fn finish(&self, answer: Answer) -> Answer {
        answer
    }
}

fn list(asked: &Asked<'_>) -> Result<Answer, StoreError> {
    let tokens = asked.db.standing(NAME)?;
    let shown = tokens
        .iter()
        .filter(|token| token.counts() && token.listed(asked.now));
    Ok(told(shown.map(show).collect()))
}

fn mint(asked: &Asked<'_>) -> Result<Answer, StoreError> {
    let Some(wanted) = asked.request.object() else {
        return Ok(refuse(StatusCode::BAD_REQUEST, "the body must be JSON"));
    };
    let name = wanted
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if name.is_empty() {
        return Ok(refuse(StatusCode::UNPROCESSABLE_ENTITY, "name is required"));
    }
    let scopes = wanted.get("scopes").and_then(Value::as_array);
    let scopes: Option<Vec<String>> = scopes.and_then(|scopes| {
        let known = |scope: &Value| {
            let scope = scope.as_str()?;
            SCOPES.contains(&scope).then(|| scope.to_owned())
        };
        scopes.iter().map(known).collect()
    });
    let Some(scopes) = scopes.filter(|scopes| !scopes.is_empty()) else {
        return Ok(refuse(StatusCode::UNPROCESSABLE_ENTITY, "invalid scopes"));
    };
    let living = asked.db.standing(NAME)?.iter().filter(|t| t.minted).count();
    if asked.mint.quota.is_some_and(|most| living >= most) {
        return Ok(refuse(StatusCode::FORBIDDEN, "too many access tokens"));
    }
    let value = random::text(b"0123456789abcdef", 32)?;
    let mut token = Token::new(NAME, random::uuid()?, &value, asked.now);
    name.clone_into(&mut token.name);
    token.scopes = Some(scopes);
    token.more.insert("value".to_owned(), Value::String(value));
    asked.minted(&mut token)?;
    Ok(told(show(&token)))
}

fn delete(asked: &Asked<'_>, value: &str) -> Result<Answer, StoreError> {
    let token = asked.db.by_value(NAME, value)?;
    match token.filter(|token| token.counts() && token.deleted.is_none()) {
        Some(mut token) => {
            asked.revoked(&mut token)?;
            Ok(told(Value::Null))
        }
        None => Ok(refuse(StatusCode::NOT_FOUND, "access token not found")),
    }
}

fn show(token: &Token) -> Value {
    json!({
        "access_token": token.more.get("value"),
        "name": token.name,
        "scopes": token.scopes,
        "status": "enabled",
        "date_created": token.created.as_second(),
        "rate_limit_window_size": 0,
        "rate_limit_window_count": 0,
    })
}

fn told(result: Value) -> Answer {
    Answer::json(StatusCode::OK, json!({ "err": 0, "result": result }))
}

fn refuse(status: StatusCode, message: &str) -> Answer {
    Answer::json(status, json!({ "err": 1, "message": message }))
}
