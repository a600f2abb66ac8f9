//! The service accounts themselves: a table that the store keeps as one field of the account.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answers::{said, told};
use super::names::{FIRST, NAME};
use crate::asked::Asked;
use crate::http::Answer;
use crate::store::{Db, StoreError, Token};

const FIELD: &str = "service_accounts";
const NUMBER: &str = "last_number";
/// What only this system knows of a token: the number of its account.
pub(super) const OF: &str = "account";

/// One service account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ServiceAccount {
    pub(super) id: u64,
    name: String,
    role: String,
    disabled: bool,
}

fn all(db: &Db<'_>) -> Result<Vec<ServiceAccount>, StoreError> {
    let first = ServiceAccount {
        id: FIRST,
        name: "automation".to_owned(),
        role: "Viewer".to_owned(),
        disabled: false,
    };
    let first = serde_json::to_string(&[first])?;
    let table = db.account(NAME, FIELD, || Ok(first))?;
    Ok(serde_json::from_str(&table)?)
}

fn keep(db: &Db<'_>, accounts: &[ServiceAccount]) -> Result<(), StoreError> {
    db.set_account(NAME, FIELD, &serde_json::to_string(accounts)?)
}

/// A number that no account and no token had before.
pub(super) fn next(db: &Db<'_>) -> Result<u64, StoreError> {
    let last = db.account(NAME, NUMBER, || Ok(FIRST.to_string()))?;
    let next = last.parse::<u64>().unwrap_or(FIRST) + 1;
    db.set_account(NAME, NUMBER, &next.to_string())?;
    Ok(next)
}

pub(super) fn find(db: &Db<'_>, id: &str) -> Result<Option<ServiceAccount>, StoreError> {
    let mut accounts = all(db)?.into_iter();
    Ok(accounts.find(|account| account.id.to_string() == id))
}

pub(super) fn create(asked: &Asked<'_>) -> Result<Answer, StoreError> {
    let Some(wanted) = asked.request.object() else {
        return Ok(said(400, "Bad request data"));
    };
    let text = |field: &str| wanted.get(field).and_then(Value::as_str);
    let Some(name) = text("name").filter(|name| !name.is_empty()) else {
        return Ok(said(400, "name is required"));
    };
    let role = text("role").unwrap_or("Viewer");
    if !["None", "Viewer", "Editor", "Admin"].contains(&role) {
        return Ok(said(400, "invalid role"));
    }
    let mut accounts = all(asked.db)?;
    if accounts.iter().any(|account| account.name == name) {
        return Ok(said(400, "service account already exists"));
    }
    let account = ServiceAccount {
        id: next(asked.db)?,
        name: name.to_owned(),
        role: role.to_owned(),
        disabled: wanted.get("isDisabled").and_then(Value::as_bool) == Some(true),
    };
    accounts.push(account.clone());
    keep(asked.db, &accounts)?;
    Ok(Answer::json(StatusCode::CREATED, shown(asked, &account)?))
}

pub(super) fn search(asked: &Asked<'_>) -> Result<Answer, StoreError> {
    let number = |name: &str, otherwise: usize| {
        let given = asked.request.query(name).and_then(|text| text.parse().ok());
        given.filter(|number| *number > 0).unwrap_or(otherwise)
    };
    let (page, size) = (number("page", 1), number("perpage", 1000));
    let query = asked.request.query("query").unwrap_or_default();
    let mut accounts = all(asked.db)?;
    accounts.retain(|account| account.name.contains(query));
    let on_page = accounts.iter().skip((page - 1) * size).take(size);
    let on_page: Result<Vec<_>, _> = on_page.map(|account| shown(asked, account)).collect();
    Ok(told(json!({
        "totalCount": accounts.len(),
        "serviceAccounts": on_page?,
        "page": page,
        "perPage": size,
    })))
}

pub(super) fn show(asked: &Asked<'_>, id: &str) -> Result<Answer, StoreError> {
    match find(asked.db, id)? {
        Some(account) => Ok(told(shown(asked, &account)?)),
        None => Ok(said(404, "service account not found")),
    }
}

/// Ends an account, and with it every token that it has.
pub(super) fn delete(asked: &Asked<'_>, id: &str) -> Result<Answer, StoreError> {
    let Some(account) = find(asked.db, id)? else {
        return Ok(said(404, "service account not found"));
    };
    for mut token in asked.db.standing(NAME)? {
        if of(&token) == Some(account.id) {
            asked.revoked(&mut token)?;
        }
    }
    let mut accounts = all(asked.db)?;
    accounts.retain(|other| other.id != account.id);
    keep(asked.db, &accounts)?;
    Ok(said(200, "Service account deleted"))
}

/// The number of the account that a token belongs to; none for the administrator's.
pub(super) fn of(token: &Token) -> Option<u64> {
    token.more.get(OF)?.as_u64()
}

fn shown(asked: &Asked<'_>, account: &ServiceAccount) -> Result<Value, StoreError> {
    let standing = asked.db.standing(NAME)?;
    let tokens = standing
        .iter()
        .filter(|token| of(token) == Some(account.id));
    Ok(json!({
        "id": account.id,
        "name": account.name,
        "login": format!("sa-1-{}", account.name.replace(' ', "-")),
        "orgId": 1,
        "isDisabled": account.disabled,
        "role": account.role,
        "tokens": tokens.count(),
        "avatarUrl": "",
    }))
}
