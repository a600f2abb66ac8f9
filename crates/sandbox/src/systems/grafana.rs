//! Grafana's service accounts and their tokens, after its public HTTP API.
//!
//! A client that wants an account of its own for each token makes two calls: the account, then its token.
//! Deleting an account ends its tokens. Here every account belongs to one organization, and the credential
//! is an administrator's token.

mod accounts;
mod answers;
mod desk;
mod names;

use std::sync::Arc;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::accounts::{OF, of};
use self::answers::{said, told};
use self::names::{FIRST, NAME};
use crate::asked::{Asked, Route};
use crate::desk::Desk;
use crate::faults::Operation;
use crate::http::{Answer, Request};
use crate::random;
use crate::settings::Settings;
use crate::store::{Db, Standing, StoreError, Token};
use crate::system::{Account, System};

#[derive(Debug)]
pub(crate) struct Grafana;

impl Grafana {
    pub(crate) fn played() -> Arc<dyn System> {
        Arc::new(Self)
    }
}

impl System for Grafana {
    fn name(&self) -> &'static str {
        NAME
    }

    fn base_path(&self) -> &'static str {
        ""
    }

    fn open(&self, db: &Db<'_>, now: Timestamp) -> Result<Account, StoreError> {
        let credential = value()?;
        let token = Token::new(NAME, random::uuid()?, &credential, now);
        let parameters = [("service_account_id", FIRST.to_string())];
        Account::of(db, token, credential, parameters)
    }

    fn route(&self, request: &Request) -> Route {
        let mut route = Route::other();
        let path = request.segments();
        let ["api", "serviceaccounts", rest @ ..] = path.as_slice() else {
            return route;
        };
        let (operation, id) = match (&request.method, rest) {
            (&Method::GET, ["search"] | [_, "tokens"]) => (Operation::List, None),
            // A client that makes both counts two calls of one mint.
            (&Method::POST, [] | [_, "tokens"]) => (Operation::Mint, None),
            (&Method::GET, [id]) => (Operation::Get, Some(*id)),
            (&Method::DELETE, [id] | [_, "tokens", id]) => (Operation::Revoke, Some(*id)),
            _ => (Operation::Other, None),
        };
        route.operation = operation;
        route.id = id.map(str::to_owned);
        if operation == Operation::Mint {
            let name = request.object();
            route.name = name.and_then(|body| Some(body.get("name")?.as_str()?.to_owned()));
        }
        route
    }

    fn presented(&self, request: &Request, _settings: &Settings) -> Option<String> {
        let header = request.header("authorization")?;
        header.strip_prefix("Bearer ").map(str::to_owned)
    }

    fn answer(&self, asked: &Asked<'_>) -> Result<Answer, StoreError> {
        let Some((caller, Standing::Live)) = &asked.caller else {
            return Ok(said(401, "Invalid API key"));
        };
        let path = asked.request.segments();
        let rest = match (&asked.request.method, path.as_slice()) {
            (&Method::GET, ["api", "org"]) => {
                return Ok(told(json!({ "id": 1, "name": "Main Org." })));
            }
            (_, ["api", "serviceaccounts", rest @ ..]) => rest,
            _ => return Ok(said(404, "Not found")),
        };
        if caller.counts() {
            let message = "You'll need additional permissions to perform this action. Permissions needed: serviceaccounts:write";
            return Ok(said(403, message));
        }
        match (&asked.request.method, rest) {
            (&Method::POST, []) => accounts::create(asked),
            (&Method::GET, ["search"]) => accounts::search(asked),
            (&Method::GET, [id]) => accounts::show(asked, id),
            (&Method::DELETE, [id]) => accounts::delete(asked, id),
            (method, [id, "tokens", rest @ ..]) => {
                let Some(account) = accounts::find(asked.db, id)? else {
                    return Ok(said(404, "service account not found"));
                };
                match (method, rest) {
                    (&Method::GET, []) => list(asked, account.id),
                    (&Method::POST, []) => mint(asked, account.id),
                    (&Method::DELETE, [id]) => delete(asked, account.id, id),
                    _ => Ok(said(404, "Not found")),
                }
            }
            _ => Ok(said(404, "Not found")),
        }
    }

    fn desk(&self) -> &'static Desk {
        &desk::DESK
    }

    fn items<'a>(&self, body: &'a mut Value) -> Option<&'a mut Vec<Value>> {
        match body {
            Value::Array(items) => Some(items),
            body => body.get_mut("serviceAccounts")?.as_array_mut(),
        }
    }

    fn finish(&self, answer: Answer) -> Answer {
        answer
    }
}

fn value() -> Result<String, StoreError> {
    let secret = random::text(random::MIXED, 32)?;
    let checksum = random::text(b"0123456789abcdef", 8)?;
    Ok(format!("glsa_{secret}_{checksum}"))
}

fn list(asked: &Asked<'_>, account: u64) -> Result<Answer, StoreError> {
    let standing = asked.db.standing(NAME)?;
    let tokens = standing
        .iter()
        .filter(|token| of(token) == Some(account) && token.listed(asked.now));
    Ok(told(tokens.map(|token| shown(token, asked.now)).collect()))
}

fn mint(asked: &Asked<'_>, account: u64) -> Result<Answer, StoreError> {
    let Some(wanted) = asked.request.object() else {
        return Ok(said(400, "Bad request data"));
    };
    let name = wanted.get("name").and_then(Value::as_str);
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Ok(said(400, "name is required"));
    };
    let standing = asked.db.standing(NAME)?;
    let mut others = standing.iter().filter(|token| of(token) == Some(account));
    if others.any(|token| token.name == name) {
        return Ok(said(
            409,
            "service account token with given name already exists",
        ));
    }
    let minted = standing.iter().filter(|token| token.minted).count();
    if asked.mint.quota.is_some_and(|most| minted >= most) {
        return Ok(said(403, "Quota reached"));
    }
    let seconds = wanted.get("secondsToLive").and_then(Value::as_i64);
    let value = value()?;
    let number = accounts::next(asked.db)?;
    let mut token = Token::new(NAME, number.to_string(), &value, asked.now);
    name.clone_into(&mut token.name);
    token.more.insert(OF.to_owned(), account.into());
    token.expires = match seconds.unwrap_or_default() {
        0 => None,
        seconds => asked
            .now
            .checked_add(SignedDuration::from_secs(seconds))
            .ok(),
    };
    asked.minted(&mut token)?;
    Ok(told(json!({ "id": number, "name": name, "key": value })))
}

fn delete(asked: &Asked<'_>, account: u64, id: &str) -> Result<Answer, StoreError> {
    let token = asked.db.by_id(NAME, id)?;
    match token.filter(|token| of(token) == Some(account) && token.deleted.is_none()) {
        Some(mut token) => {
            asked.revoked(&mut token)?;
            Ok(said(200, "Service account token deleted"))
        }
        None => Ok(said(404, "service account token not found")),
    }
}

fn shown(token: &Token, now: Timestamp) -> Value {
    let left = token.expires.map(|end| end.duration_since(now).as_secs());
    json!({
        "id": token.id.parse::<u64>().unwrap_or_default(),
        "name": token.name,
        "created": token.created.to_string(),
        "lastUsedAt": token.used.map(|used| used.to_string()),
        "expiration": token.expires.map(|end| end.to_string()),
        "secondsUntilExpiration": left.unwrap_or_default().max(0),
        "hasExpired": token.expired(now),
        "isRevoked": false,
    })
}
