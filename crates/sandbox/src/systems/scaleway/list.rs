//! Scaleway's listing: filters, order and pages.

use std::cmp::Ordering;

use http::StatusCode;
use serde_json::{Value, json};

use super::errors::Invalid;
use super::keys::{NAME, show};
use crate::asked::Asked;
use crate::http::{Answer, Request};
use crate::settings::DescriptionFilter;
use crate::store::{StoreError, Token};

/// What the vendor's page shows when nobody asks for more.
const PAGE_SIZE: usize = 20;
/// The documented maximum.
const PAGE_SIZE_MAX: usize = 100;

pub(super) fn answer(asked: &Asked<'_>) -> Result<Answer, StoreError> {
    let request = asked.request;
    let mut invalid = Invalid::default();
    let page = number(request, "page", 1, usize::MAX, &mut invalid);
    let size = number(request, "page_size", PAGE_SIZE, PAGE_SIZE_MAX, &mut invalid);
    let order = request.query("order_by").unwrap_or("created_at_asc");
    let Some(order) = Order::parse(order) else {
        invalid.add(
            "order_by",
            "unknown",
            "must be one of the documented orders",
        );
        return Ok(invalid
            .refusal()
            .unwrap_or_else(|| Answer::empty(StatusCode::BAD_REQUEST)));
    };
    let filter = Filter::read(asked, &mut invalid);
    if let Some(refusal) = invalid.refusal() {
        return Ok(refusal);
    }
    let mut keys = asked.db.standing(NAME)?;
    keys.retain(|key| key.listed(asked.now) && filter.keeps(key, asked));
    keys.sort_by(|one, other| order.compare(one, other));
    let shown: Vec<Value> = keys
        .iter()
        .skip((page - 1).saturating_mul(size))
        .take(size)
        .map(show)
        .collect();
    Ok(Answer::json(
        StatusCode::OK,
        json!({ "api_keys": shown, "total_count": keys.len() }),
    ))
}

fn number(
    request: &Request,
    name: &str,
    absent: usize,
    most: usize,
    invalid: &mut Invalid,
) -> usize {
    let Some(text) = request.query(name) else {
        return absent;
    };
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => return number,
        Ok(_) => invalid.add(name, "constraint", &format!("must be between 1 and {most}")),
        Err(_) => invalid.add(name, "format", "must be a number"),
    }
    absent
}

struct Order {
    field: Field,
    descending: bool,
}

enum Field {
    Created,
    Updated,
    Expires,
    AccessKey,
}

impl Order {
    fn parse(text: &str) -> Option<Self> {
        let (field, direction) = text.rsplit_once('_')?;
        let descending = match direction {
            "asc" => false,
            "desc" => true,
            _ => return None,
        };
        let field = match field {
            "created_at" => Field::Created,
            "updated_at" => Field::Updated,
            "expires_at" => Field::Expires,
            "access_key" => Field::AccessKey,
            _ => return None,
        };
        Some(Self { field, descending })
    }

    /// Keys that never expire come after all that do; ties keep the order of their creation.
    fn compare(&self, one: &Token, other: &Token) -> Ordering {
        let order = match self.field {
            Field::Created => one.created.cmp(&other.created),
            Field::Updated => one.updated.cmp(&other.updated),
            Field::Expires => {
                (one.expires.is_none(), one.expires).cmp(&(other.expires.is_none(), other.expires))
            }
            Field::AccessKey => one.id.cmp(&other.id),
        };
        if self.descending {
            order.reverse()
        } else {
            order
        }
    }
}

struct Filter {
    bearers: Vec<String>,
    bearer_type: Option<String>,
    organization: bool,
    description: Option<String>,
    expired: Option<bool>,
    editable: Option<bool>,
    access_keys: Vec<String>,
}

impl Filter {
    fn read(asked: &Asked<'_>, invalid: &mut Invalid) -> Self {
        let request = asked.request;
        // The deprecated filters still work, one by one and together.
        let bearers = ["bearer_id", "application_id", "user_id"];
        let keys = ["access_keys", "access_key"];
        let organization = request.query("organization_id").is_none_or(|asked_for| {
            asked
                .db
                .account(NAME, "organization_id", || Ok(String::new()))
                .is_ok_and(|own| own == asked_for)
        });
        Self {
            bearers: bearers
                .iter()
                .filter_map(|name| request.query(name))
                .map(str::to_owned)
                .collect(),
            bearer_type: request.query("bearer_type").map(str::to_owned),
            organization,
            description: request.query("description").map(str::to_owned),
            expired: truth(request, "expired", invalid),
            editable: truth(request, "editable", invalid),
            access_keys: request
                .query
                .iter()
                .filter(|(name, _)| keys.contains(&name.as_str()))
                .map(|(_, value)| value.clone())
                .collect(),
        }
    }

    fn keeps(&self, key: &Token, asked: &Asked<'_>) -> bool {
        let partly = asked.settings.scaleway.description_filter == DescriptionFilter::Partial;
        let described = |wanted: &String| {
            if partly {
                key.name.contains(wanted)
            } else {
                key.name == *wanted
            }
        };
        let kind = if key.more.contains_key("user_id") {
            "user"
        } else {
            "application"
        };
        self.organization
            && self.bearers.iter().all(|bearer| key.owner == *bearer)
            && self
                .bearer_type
                .as_ref()
                .is_none_or(|wanted| wanted == kind || wanted == "unknown_bearer_type")
            && self.description.as_ref().is_none_or(described)
            && self
                .expired
                .is_none_or(|wanted| key.expired(asked.now) == wanted)
            && self.editable.is_none_or(|wanted| wanted)
            && (self.access_keys.is_empty() || self.access_keys.contains(&key.id))
    }
}

fn truth(request: &Request, name: &str, invalid: &mut Invalid) -> Option<bool> {
    match request.query(name)? {
        "true" => Some(true),
        "false" => Some(false),
        _ => {
            invalid.add(name, "format", "must be true or false");
            None
        }
    }
}
