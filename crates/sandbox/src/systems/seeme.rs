//! SeeMe.ai API keys: whole days, a bare list, a blind toggle, a soft delete.
//!
//! Only what the vendor documents and its own client calls; where nobody documents an answer, a
//! switch of [`SeemeSettings`] decides. It plays no models: the data calls exist to prove a value.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Account, Asked, Route, System};
use crate::faults::Operation;
use crate::http::{Answer, Request};
use crate::ledger::What;
use crate::random;
use crate::settings::Settings;
use crate::store::{Db, Standing, StoreError, Token};

/// How the API says that a key does not expire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NeverAs {
    /// `null`.
    #[default]
    Null,
    /// Go's zero time, `0001-01-01T00:00:00Z`.
    YearOne,
    /// The field is missing.
    Absent,
}

/// What a key without scopes may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyScopes {
    /// All that its user may.
    #[default]
    Everything,
    /// Nothing that needs a scope.
    Nothing,
}

/// What `expires_in_days` of zero or less does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DaysBelowOne {
    /// 400.
    #[default]
    Refused,
    /// A key that never expires.
    Never,
    /// A key that has expired already.
    BornExpired,
}

/// What a delete answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeleteAnswer {
    /// 204.
    #[default]
    NoContent,
    /// 200 with an empty body.
    EmptyOk,
}

/// Whether two keys may have one name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Names {
    /// Yes.
    #[default]
    Free,
    /// Not while both exist: 409.
    Unique,
    /// Never again, also after a delete: 409.
    Reserved,
}

/// How a key is presented.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Header {
    /// `Authorization: Bearer KEY`, as today.
    #[default]
    Bearer,
    /// `Authorization: USERNAME:KEY`, as older servers want it.
    UserAndKey,
    /// Either.
    Both,
}

/// The switches of SeeMe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeemeSettings {
    /// The resource whose `:read` and `:write` scopes key management needs; null: any live key manages its user's keys.
    pub keys_need_scopes_of: Option<String>,
    /// How "no expiry" reads.
    pub never: NeverAs,
    /// What an empty list of scopes grants.
    pub empty_scopes: EmptyScopes,
    /// An empty list of scopes reads back as null.
    pub empty_scopes_read_null: bool,
    /// Scopes that are neither in the catalogue nor a wildcard of one of its resources get 400.
    pub unknown_scopes_refused: bool,
    /// What zero days and less do.
    pub days_below_one: DaysBelowOne,
    /// More days than this get 400; null: no limit.
    pub days_max: Option<i64>,
    /// Deleted keys stay in the list.
    pub deleted_stay_listed: bool,
    /// What a delete answers.
    pub delete_answer: DeleteAnswer,
    /// A mint answers 200 in place of 201.
    pub mint_answers_200: bool,
    /// Whether names are unique.
    pub names: Names,
    /// More characters than this in a name get 400; null: no limit.
    pub name_max: Option<usize>,
    /// All keys begin with this, so that their `key_prefix` may be the same.
    pub product_prefix: Option<String>,
    /// A key may not disable or delete itself: 403.
    pub own_key_guarded: bool,
    /// More keys than this get 403; null: no limit.
    pub keys_max: Option<usize>,
    /// How keys are presented.
    pub header: Header,
}

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

#[derive(Debug)]
pub(crate) struct Seeme;

const NAME: &str = "seeme";
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
            (&Method::POST, ["api", "v1", "me", "apikeys"]) => {
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
            (&Method::POST, ["me", "apikeys"]) => mint(asked, caller),
            (&Method::PUT, ["me", "apikeys", id]) => toggle(asked, caller, id),
            (&Method::DELETE, ["me", "apikeys", id]) => delete(asked, caller, id),
            (&Method::POST, ["logout"]) => logout(asked, caller),
            (&Method::GET, ["permissions"]) => Ok(Answer::json(StatusCode::OK, catalogue())),
            (&Method::GET, ["applications" | "models" | "datasets" | "workflows"]) => {
                Ok(Answer::json(StatusCode::OK, json!([])))
            }
            _ => Ok(refuse(StatusCode::NOT_FOUND, "not found")),
        }
    }

    fn items<'a>(&self, body: &'a mut Value) -> Option<&'a mut Vec<Value>> {
        body.as_array_mut()
    }

    fn finish(&self, answer: Answer) -> Answer {
        answer
    }
}

/// The scope that a call needs; the catalogue and the applications need none.
fn needed(method: &Method, path: &[&str], settings: &SeemeSettings) -> Option<String> {
    match path {
        ["me", "apikeys", ..] => {
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

fn mint(asked: &Asked<'_>, caller: &Token) -> Result<Answer, StoreError> {
    let settings = &asked.settings.seeme;
    let wanted = match Wanted::read(asked) {
        Ok(wanted) => wanted,
        Err(reason) => return Ok(refuse(StatusCode::BAD_REQUEST, &reason)),
    };
    if taken(asked, &wanted.name)? {
        return Ok(refuse(StatusCode::CONFLICT, "a key with this name exists"));
    }
    let standing = asked.db.standing(NAME)?;
    let minted = standing
        .iter()
        .filter(|key| key.minted && !key.expired(asked.now))
        .count();
    if asked
        .mint
        .quota
        .or(settings.keys_max)
        .is_some_and(|most| minted >= most)
    {
        return Ok(refuse(
            StatusCode::FORBIDDEN,
            "the limit of API keys is reached",
        ));
    }
    let prefix = settings.product_prefix.clone().unwrap_or_default();
    let value = format!("{prefix}{}", random::text(random::MIXED, 48)?);
    let mut key = key(&wanted.name, &caller.owner, &value, asked.now)?;
    key.scopes = Some(wanted.scopes);
    key.expires = wanted.expires;
    key.more
        .insert("organization_id".to_owned(), wanted.organization);
    asked.minted(&mut key)?;
    let shown = show(&key, settings);
    let mut answer: Map<String, Value> = ["id", "name", "key_prefix", "scopes", "expires_at"]
        .into_iter()
        .filter_map(|field| Some((field.to_owned(), shown.get(field)?.clone())))
        .collect();
    answer.insert("key".to_owned(), Value::String(value));
    let status = if settings.mint_answers_200 {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok(Answer::json(status, Value::Object(answer)))
}

/// What a mint asks for.
struct Wanted {
    name: String,
    scopes: Vec<String>,
    organization: Value,
    expires: Option<Timestamp>,
}

impl Wanted {
    fn read(asked: &Asked<'_>) -> Result<Self, String> {
        let settings = &asked.settings.seeme;
        let body = asked.request.object().ok_or("the body is no JSON object")?;
        let field = |name: &str| body.get(name).filter(|value| !value.is_null());
        let name = field("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        if name.is_empty() {
            return Err("name is required".to_owned());
        }
        if settings
            .name_max
            .is_some_and(|most| name.chars().count() > most)
        {
            return Err("name is too long".to_owned());
        }
        let scopes = match field("scopes") {
            None => Vec::new(),
            Some(scopes) => serde_json::from_value::<Vec<String>>(scopes.clone())
                .map_err(|_| "scopes must be a list of strings")?,
        };
        if let Some(unknown) = scopes
            .iter()
            .find(|scope| settings.unknown_scopes_refused && !known(scope))
        {
            return Err(format!("unknown scope {unknown}"));
        }
        let organization = match field("organization_id") {
            None => Value::Null,
            Some(Value::String(organization)) => Value::String(organization.clone()),
            Some(_) => return Err("organization_id must be a string".to_owned()),
        };
        let expires = match field("expires_in_days") {
            None => None,
            Some(days) => expiry(
                days.as_i64()
                    .ok_or("expires_in_days must be a whole number")?,
                asked,
            )?,
        };
        Ok(Self {
            name,
            scopes,
            organization,
            expires,
        })
    }
}

/// When a key of so many days ends; a day is as long as the settings say.
fn expiry(days: i64, asked: &Asked<'_>) -> Result<Option<Timestamp>, String> {
    let settings = &asked.settings.seeme;
    if days < 1 {
        match settings.days_below_one {
            DaysBelowOne::Refused => return Err("expires_in_days must be positive".to_owned()),
            DaysBelowOne::Never => return Ok(None),
            DaysBelowOne::BornExpired => {}
        }
    }
    if settings.days_max.is_some_and(|most| days > most) {
        return Err("expires_in_days is too large".to_owned());
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "more days than a double holds exactly are refused below"
    )]
    let seconds = days as f64 * asked.settings.seconds_per_day;
    SignedDuration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|length| asked.now.checked_add(length).ok())
        .map(Some)
        .ok_or_else(|| "expires_in_days is too large".to_owned())
}

fn known(scope: &str) -> bool {
    PERMISSIONS.iter().any(|(resource, action)| {
        scope
            .strip_prefix(resource)
            .and_then(|rest| rest.strip_prefix(':'))
            .is_some_and(|rest| rest == *action || rest == "*")
    })
}

fn taken(asked: &Asked<'_>, name: &str) -> Result<bool, StoreError> {
    let keys = match asked.settings.seeme.names {
        Names::Free => return Ok(false),
        Names::Unique => asked.db.standing(NAME)?,
        Names::Reserved => asked.db.all(NAME)?,
    };
    Ok(keys.iter().any(|key| key.name == name && !is_session(key)))
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

fn is_session(key: &Token) -> bool {
    key.more.contains_key("session")
}

fn key(name: &str, user: &str, value: &str, now: Timestamp) -> Result<Token, StoreError> {
    let mut key = Token::new(NAME, random::uuid()?, value, now);
    name.clone_into(&mut key.name);
    user.clone_into(&mut key.owner);
    let prefix: String = value.chars().take(8).collect();
    key.more
        .insert("key_prefix".to_owned(), Value::String(prefix));
    Ok(key)
}

fn show(key: &Token, settings: &SeemeSettings) -> Value {
    let scopes = key
        .scopes
        .as_ref()
        .filter(|scopes| !(scopes.is_empty() && settings.empty_scopes_read_null));
    let mut shown = json!({
        "id": key.id,
        "created_at": key.created,
        "updated_at": key.updated,
        "user_id": key.owner,
        "organization_id": key.more.get("organization_id"),
        "name": key.name,
        "key_prefix": key.more.get("key_prefix"),
        "scopes": scopes,
        "last_used_at": key.used,
        "expires_at": key.expires,
        "disabled": key.disabled,
    });
    if let (None, Some(shown)) = (key.expires, shown.as_object_mut()) {
        match settings.never {
            NeverAs::Null => {}
            NeverAs::YearOne => {
                shown.insert("expires_at".to_owned(), json!("0001-01-01T00:00:00Z"));
            }
            NeverAs::Absent => {
                shown.remove("expires_at");
            }
        }
    }
    shown
}

fn catalogue() -> Value {
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

/// Nobody documents the error bodies; these have the fields that registration errors carry.
fn refuse(status: StatusCode, message: &str) -> Answer {
    Answer::json(status, json!({ "message": message, "severity": "error" }))
}
