//! A new SeeMe key: what is asked for, what is refused, and when it ends.

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::errors::refuse;
use super::keys::{NAME, is_session, key, show};
use super::permissions;
use crate::asked::Asked;
use crate::http::Answer;
use crate::random;
use crate::settings::{DaysBelowOne, Names};
use crate::store::{StoreError, Token};

pub(super) fn answer(asked: &Asked<'_>, caller: &Token) -> Result<Answer, StoreError> {
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
            .find(|scope| settings.unknown_scopes_refused && !permissions::known(scope))
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

fn taken(asked: &Asked<'_>, name: &str) -> Result<bool, StoreError> {
    let keys = match asked.settings.seeme.names {
        Names::Free => return Ok(false),
        Names::Unique => asked.db.standing(NAME)?,
        Names::Reserved => asked.db.all(NAME)?,
    };
    Ok(keys.iter().any(|key| key.name == name && !is_session(key)))
}
