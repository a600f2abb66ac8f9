//! Create, list and delete, for both kinds of token.

use http::{StatusCode, header};
use serde_json::{Map, Value};

use super::kind::Kind;
use super::make::{self, Wanted};
use super::negotiate::{self, Shown};
use super::people::groups;
use super::server::Terrakube;
use super::text::{self, Field, Fields};
use super::{body, refuse};
use crate::asked::Asked;
use crate::http::Answer;
use crate::settings::PatSecret;
use crate::store::{StoreError, Token};
use crate::system::System;

const FAILED: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;

impl Terrakube {
    pub(super) fn create(
        &self,
        asked: &Asked<'_>,
        kind: Kind,
        caller: &Map<String, Value>,
    ) -> Result<Answer, StoreError> {
        if let Err(status) = body::accepted(asked.request.header("content-type")) {
            let refusal = refuse::error(asked, status);
            return Ok(if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
                refusal.with(
                    header::ACCEPT,
                    "application/json, application/yaml, application/*+json",
                )
            } else {
                refusal
            });
        }
        let Ok(wanted) = Wanted::read(kind, &asked.request.body) else {
            return Ok(refuse::error(asked, StatusCode::BAD_REQUEST));
        };
        if kind == Kind::Team {
            let Some(groups) = groups(caller) else {
                return Ok(refuse::error(asked, FAILED));
            };
            // The group is checked before anything else, and its refusal looks like a success.
            if !wanted
                .group
                .as_ref()
                .is_some_and(|group| groups.contains(group))
            {
                return Ok(created(asked, String::new()));
            }
        }
        let fits = caller
            .get("email")
            .and_then(Value::as_str)
            .is_some_and(|email| wanted.fits(email));
        let signs = asked.settings.terrakube.pat_secret != PatSecret::Bytes16;
        if !fits || !signs || self.full(asked)? {
            return Ok(refuse::error(asked, FAILED));
        }
        let (mut token, value) = make::token(asked, kind, &wanted, (caller, self.secrets()?))?;
        asked.minted(&mut token)?;
        Ok(created(asked, value))
    }

    /// A quota by order of a fault; the vendor has none.
    fn full(&self, asked: &Asked<'_>) -> Result<bool, StoreError> {
        let Some(quota) = asked.mint.quota else {
            return Ok(false);
        };
        let standing = asked.db.standing(self.name())?;
        let live = standing
            .iter()
            .filter(|token| token.minted && !token.expired(asked.now));
        Ok(live.count() >= quota)
    }

    /// User tokens of the caller's e-mail; team tokens of all the caller's groups. Expired ones stay.
    pub(super) fn list(
        &self,
        asked: &Asked<'_>,
        kind: Kind,
        caller: &Map<String, Value>,
    ) -> Result<Answer, StoreError> {
        let email = caller.get("email").and_then(Value::as_str);
        let groups = match (kind, groups(caller)) {
            (Kind::Team, None) => return Ok(refuse::error(asked, FAILED)),
            (_, groups) => groups.unwrap_or_default(),
        };
        let shown = |token: &Token| match kind {
            Kind::User => email == Some(token.owner.as_str()),
            Kind::Team => groups
                .iter()
                .any(|group| text_of(token, "group").as_ref() == Some(group)),
        };
        let rows = asked.db.standing(self.name())?;
        let rows = rows
            .iter()
            .filter(|token| is(token, kind) && shown(token) && token.listed(asked.now))
            .map(|token| row(token, kind))
            .collect();
        Ok(negotiate::answer(
            asked.request,
            StatusCode::ACCEPTED,
            Shown::Many(rows),
        ))
    }

    /// Nobody asks who the caller is; whoever knows an id can delete it, as often as he likes.
    pub(super) fn delete(
        &self,
        asked: &Asked<'_>,
        kind: Kind,
        id: &str,
    ) -> Result<Answer, StoreError> {
        let Some(id) = text::uuid(id) else {
            return Ok(refuse::error(asked, FAILED));
        };
        let token = asked.db.by_id(self.name(), &id)?;
        match token.filter(|token| is(token, kind)) {
            None => return Ok(Answer::empty(StatusCode::BAD_REQUEST)),
            Some(mut token) if token.deleted.is_none() => asked.revoked(&mut token)?,
            Some(_) => {}
        }
        Ok(Answer::empty(StatusCode::ACCEPTED))
    }
}

fn created(asked: &Asked<'_>, value: String) -> Answer {
    let fields = vec![("token", Field::Text(value))];
    negotiate::answer(asked.request, StatusCode::CREATED, Shown::One(fields))
}

fn is(token: &Token, kind: Kind) -> bool {
    token.more.get("kind").and_then(Value::as_str) == Some(kind.word())
}

fn text_of(token: &Token, field: &str) -> Option<String> {
    Some(token.more.get(field)?.as_str()?.to_owned())
}

fn row(token: &Token, kind: Kind) -> Fields {
    let number = |field: &str| {
        let number = token.more.get(field).and_then(Value::as_i64);
        Field::Number(number.unwrap_or_default())
    };
    let mut row = vec![
        ("createdDate", Field::Time(token.created)),
        ("createdBy", Field::Text(token.owner.clone())),
        ("updatedDate", Field::Time(token.created)),
        ("updatedBy", Field::Text(token.owner.clone())),
        ("id", Field::Text(token.id.clone())),
        ("days", number("days")),
    ];
    let description = ("description", Field::Maybe(text_of(token, "description")));
    let deleted = ("deleted", Field::Flag(false));
    match kind {
        Kind::User => row.extend([deleted, description]),
        Kind::Team => row.extend([
            ("hours", number("hours")),
            ("minutes", number("minutes")),
            (
                "group",
                Field::Text(text_of(token, "group").unwrap_or_default()),
            ),
            description,
            deleted,
        ]),
    }
    row
}
