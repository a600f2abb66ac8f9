//! Scaleway IAM API keys: absolute expiry, pages, a public and a secret part, typed errors.
//!
//! It plays API keys and the security setting that limits them; users, applications and policies
//! exist only as far as a key needs a bearer.

mod desk;
mod errors;
mod keys;
mod list;

use http::{HeaderName, Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use self::errors::Invalid;
use self::keys::{NAME, access_key, show};
use crate::asked::{Asked, Route};
use crate::desk::Desk;
use crate::faults::Operation;
use crate::http::{Answer, Request};
use crate::ledger::What;
use crate::random;
use crate::settings::{ApplicationRights, ExpiryUpdate, Settings};
use crate::store::{Db, Standing, StoreError, Token};
use crate::system::{Account, System};

/// The documented limit, in characters.
const DESCRIPTION_MAX: usize = 200;

#[derive(Debug)]
pub(crate) struct Scaleway;

impl System for Scaleway {
    fn name(&self) -> &'static str {
        NAME
    }

    fn base_path(&self) -> &'static str {
        ""
    }

    fn open(&self, db: &Db<'_>, now: Timestamp) -> Result<Account, StoreError> {
        let user = db.account(NAME, "user_id", random::uuid)?;
        let application = db.account(NAME, "application_id", random::uuid)?;
        let other = db.account(NAME, "other_application_id", random::uuid)?;
        let organization = db.account(NAME, "organization_id", random::uuid)?;
        let project = db.account(NAME, "default_project_id", random::uuid)?;
        let credential = random::uuid()?;
        let mut key = Token::new(NAME, access_key()?, &credential, now);
        key.owner.clone_from(&user);
        key.more.insert("user_id".to_owned(), json!(user));
        key.more
            .insert("default_project_id".to_owned(), json!(project));
        let parameters = [
            ("user_id", user),
            ("application_id", application),
            ("other_application_id", other),
            ("organization_id", organization),
            ("default_project_id", project),
            ("access_key", key.id.clone()),
        ];
        Account::of(db, key, credential, parameters)
    }

    fn route(&self, request: &Request) -> Route {
        let mut route = Route {
            operation: Operation::Other,
            id: None,
            name: None,
        };
        match (&request.method, request.segments().as_slice()) {
            (&Method::GET, ["iam", "v1alpha1", "api-keys"]) => route.operation = Operation::List,
            (&Method::POST, ["iam", "v1alpha1", "api-keys"]) => {
                route.operation = Operation::Mint;
                let name =
                    |body: Map<String, Value>| Some(body.get("description")?.as_str()?.to_owned());
                route.name = request.object().and_then(name);
            }
            (method, ["iam", "v1alpha1", "api-keys", id]) => {
                route.id = Some((*id).to_owned());
                route.operation = match *method {
                    Method::GET => Operation::Get,
                    Method::PATCH => Operation::Update,
                    Method::DELETE => Operation::Revoke,
                    _ => Operation::Other,
                };
            }
            _ => {}
        }
        route
    }

    fn presented(&self, request: &Request, _settings: &Settings) -> Option<String> {
        request.header("x-auth-token").map(str::to_owned)
    }

    fn answer(&self, asked: &Asked<'_>) -> Result<Answer, StoreError> {
        let caller = match &asked.caller {
            Some((caller, Standing::Live)) => caller,
            Some((_, Standing::Expired)) => return Ok(errors::denied("expired")),
            Some((_, Standing::Revoked | Standing::Disabled | Standing::BornDead)) | None => {
                return Ok(errors::denied("not_found"));
            }
        };
        let reads = asked.request.method == Method::GET;
        let rights = rights(asked, caller)?;
        if rights == ApplicationRights::Nothing || (rights == ApplicationRights::Read && !reads) {
            return Ok(errors::forbidden(if reads { "read" } else { "write" }));
        }
        match (&asked.request.method, asked.request.segments().as_slice()) {
            (&Method::GET, ["iam", "v1alpha1", "api-keys"]) => list::answer(asked),
            (&Method::POST, ["iam", "v1alpha1", "api-keys"]) => mint(asked, caller),
            (&Method::GET, ["iam", "v1alpha1", "api-keys", id]) => with_key(asked, id, |key| {
                Ok(Answer::json(StatusCode::OK, show(&key)))
            }),
            (&Method::PATCH, ["iam", "v1alpha1", "api-keys", id]) => {
                with_key(asked, id, |key| update(asked, key))
            }
            (&Method::DELETE, ["iam", "v1alpha1", "api-keys", id]) => {
                with_key(asked, id, |mut key| {
                    asked.revoked(&mut key)?;
                    Ok(Answer::empty(StatusCode::NO_CONTENT))
                })
            }
            (&Method::GET, ["iam", "v1alpha1", "organizations", _, "security-settings"]) => {
                let seconds = asked.settings.scaleway.max_api_key_expiration_seconds;
                let duration = format!("{seconds}.000000000s");
                Ok(Answer::json(
                    StatusCode::OK,
                    json!({ "max_api_key_expiration_duration": duration }),
                ))
            }
            _ => Ok(errors::not_found(
                "path",
                &format!("/{}", asked.request.path.join("/")),
            )),
        }
    }

    fn desk(&self) -> &'static Desk {
        &desk::DESK
    }

    fn items<'a>(&self, body: &'a mut Value) -> Option<&'a mut Vec<Value>> {
        body.get_mut("api_keys")?.as_array_mut()
    }

    fn finish(&self, answer: Answer) -> Answer {
        match random::uuid() {
            Ok(id) => answer.with(HeaderName::from_static("x-request-id"), &id),
            Err(_) => answer,
        }
    }
}

/// Keys of the owner do everything; keys of an application what its policies say.
fn rights(asked: &Asked<'_>, caller: &Token) -> Result<ApplicationRights, StoreError> {
    let owner = asked.db.account(NAME, "user_id", random::uuid)?;
    Ok(if caller.owner == owner {
        ApplicationRights::Manage
    } else {
        asked.settings.scaleway.application_rights
    })
}

fn with_key(
    asked: &Asked<'_>,
    id: &str,
    answer: impl FnOnce(Token) -> Result<Answer, StoreError>,
) -> Result<Answer, StoreError> {
    match asked
        .db
        .by_id(NAME, id)?
        .filter(|key| key.deleted.is_none())
    {
        Some(key) => answer(key),
        None => Ok(errors::not_found("access_key", id)),
    }
}

fn mint(asked: &Asked<'_>, caller: &Token) -> Result<Answer, StoreError> {
    let Some(body) = asked.request.object() else {
        return Ok(errors::unreadable());
    };
    let mut invalid = Invalid::default();
    let user = invalid.text(&body, "user_id");
    let application = invalid.text(&body, "application_id");
    let project = invalid.text(&body, "default_project_id");
    let description = description(&body, &mut invalid).unwrap_or_default();
    let expires = expiry(&body, asked, &mut invalid);
    limit(&body, expires, asked, &mut invalid);
    match (&user, &application) {
        (None, None) => invalid.add(
            "application_id",
            "required",
            "exactly one of application_id and user_id is needed",
        ),
        (Some(_), Some(_)) => {
            invalid.add(
                "application_id",
                "constraint",
                "exactly one of application_id and user_id is needed",
            );
        }
        _ => {}
    }
    if let Some(refusal) = invalid.refusal() {
        return Ok(refusal);
    }
    // Nobody can make a key for another user.
    if user.as_ref().is_some_and(|user| *user != caller.owner) {
        return Ok(errors::forbidden("create"));
    }
    if let Some(application) = &application
        && !is_application(asked, application)?
    {
        return Ok(errors::not_found("application", application));
    }
    let standing = asked.db.standing(NAME)?.len();
    // A fault counts the minted keys alone; the vendor's own quota counts all.
    let (quota, current) = match asked.mint.quota {
        Some(quota) => (quota, live_minted(asked)?),
        None => (asked.settings.scaleway.keys_max, standing),
    };
    if current >= quota {
        return Ok(errors::quota_exceeded(quota, current));
    }
    let secret = random::uuid()?;
    let mut key = Token::new(NAME, access_key()?, &secret, asked.now);
    key.name = description;
    key.expires = expires;
    key.owner = user
        .clone()
        .or_else(|| application.clone())
        .unwrap_or_default();
    let project = match project {
        Some(project) => project,
        None => asked.db.account(NAME, "default_project_id", random::uuid)?,
    };
    key.more
        .insert("default_project_id".to_owned(), json!(project));
    if let Some(user) = user {
        key.more.insert("user_id".to_owned(), json!(user));
    }
    if let Some(application) = application {
        key.more
            .insert("application_id".to_owned(), json!(application));
    }
    asked.minted(&mut key)?;
    let mut shown = show(&key);
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("secret_key".to_owned(), Value::String(secret));
    }
    // 200, not 201: recorded from the live service.
    Ok(Answer::json(StatusCode::OK, shown))
}

fn live_minted(asked: &Asked<'_>) -> Result<usize, StoreError> {
    let standing = asked.db.standing(NAME)?;
    Ok(standing
        .iter()
        .filter(|key| key.minted && !key.expired(asked.now))
        .count())
}

fn is_application(asked: &Asked<'_>, id: &str) -> Result<bool, StoreError> {
    for field in ["application_id", "other_application_id"] {
        if asked.db.account(NAME, field, random::uuid)? == id {
            return Ok(true);
        }
    }
    Ok(false)
}

fn update(asked: &Asked<'_>, mut key: Token) -> Result<Answer, StoreError> {
    let Some(body) = asked.request.object() else {
        return Ok(errors::unreadable());
    };
    let mut invalid = Invalid::default();
    let description = description(&body, &mut invalid);
    let project = invalid.text(&body, "default_project_id");
    let expires = expiry(&body, asked, &mut invalid);
    if expires.is_some() {
        limit(&body, expires, asked, &mut invalid);
        if key.expires.is_some() && asked.settings.scaleway.expiry_update == ExpiryUpdate::AddOnly {
            invalid.add(
                "expires_at",
                "constraint",
                "the expiration of an API key cannot be modified",
            );
        }
    }
    if let Some(refusal) = invalid.refusal() {
        return Ok(refusal);
    }
    key.name = description.unwrap_or(key.name);
    key.expires = expires.or(key.expires);
    key.updated = asked.now;
    if let Some(project) = project {
        key.more
            .insert("default_project_id".to_owned(), json!(project));
    }
    asked.db.update(&key)?;
    asked.record(&key, What::Update)?;
    Ok(Answer::json(StatusCode::OK, show(&key)))
}

fn description(body: &Map<String, Value>, invalid: &mut Invalid) -> Option<String> {
    let description = invalid.text(body, "description")?;
    if description.chars().count() > DESCRIPTION_MAX {
        invalid.add(
            "description",
            "constraint",
            "must be at most 200 characters long",
        );
    }
    Some(description)
}

/// The instant asked for; any offset is understood, and forgotten.
fn expiry(
    body: &Map<String, Value>,
    asked: &Asked<'_>,
    invalid: &mut Invalid,
) -> Option<Timestamp> {
    let text = invalid.text(body, "expires_at")?;
    match text.parse::<Timestamp>() {
        Err(_) => {
            invalid.add("expires_at", "format", "must be an RFC 3339 time");
            None
        }
        Ok(expires) => {
            if expires <= asked.now {
                invalid.add("expires_at", "constraint", "must be in the future");
            }
            Some(expires)
        }
    }
}

/// The organization's longest life of a key, which also forbids keys without an end.
fn limit(
    body: &Map<String, Value>,
    expires: Option<Timestamp>,
    asked: &Asked<'_>,
    invalid: &mut Invalid,
) {
    let seconds = asked.settings.scaleway.max_api_key_expiration_seconds;
    let unreadable =
        expires.is_none() && body.get("expires_at").is_some_and(|value| !value.is_null());
    if seconds == 0 || unreadable {
        return;
    }
    let latest = asked
        .now
        .checked_add(std::time::Duration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX);
    if expires.is_none_or(|expires| expires > latest) {
        invalid.add(
            "expires_at",
            "constraint",
            "must respect the maximum API key expiration duration of the organization",
        );
    }
}
