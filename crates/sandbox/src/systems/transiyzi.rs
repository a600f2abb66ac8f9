//! Transiyzi's access tokens: made, edited and revoked by a person; `read` exports, `write` imports.
//!
//! It keeps no translations: one export of two words proves a value that may read, and an import is
//! checked and forgotten.

mod upload;

use std::sync::Arc;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::by_hand;
use crate::asked::{Asked, Route};
use crate::desk::{Desk, Form, Life, Maker};
use crate::http::{Answer, Request};
use crate::random;
use crate::settings::{AuthorizationForm, ExportParameters, Settings};
use crate::store::{Db, StoreError, Token};
use crate::system::{Account, System};

const NAME: &str = "transiyzi";
const READ: &str = "read";
const WRITE: &str = "write";

static DESK: Desk = Desk {
    vendor: "Transiyzi",
    place: &["Profile Settings", "Access Tokens"],
    tokens: "Access Tokens",
    generate: "Generate Token",
    name: "Name",
    once: "This token is shown once. Copy it now: you will not see it again.",
    choice: None,
    scopes: &[
        (READ, "download translations"),
        (WRITE, "upload translations"),
    ],
    life: Life::Unsaid,
    edit: Some("Edit"),
    delete: "Revoke",
    maker: Maker::Value("Access token", || random::text(random::MIXED, 48)),
};

#[derive(Debug)]
pub(crate) struct Transiyzi;

impl Transiyzi {
    pub(crate) fn played() -> Arc<dyn System> {
        Arc::new(Self)
    }
}

impl System for Transiyzi {
    fn name(&self) -> &'static str {
        NAME
    }

    fn base_path(&self) -> &'static str {
        "/api/v1"
    }

    fn open(&self, db: &Db<'_>, now: Timestamp) -> Result<Account, StoreError> {
        let value = random::text(random::MIXED, 48)?;
        let scopes: &[&str] = &[READ, WRITE];
        let mut account = by_hand::open(db, now, NAME, (value, Some(scopes)))?;
        let project = db.account(NAME, "project_id", random::uuid)?;
        account.parameters.insert("project_id".to_owned(), project);
        Ok(account)
    }

    fn route(&self, _request: &Request) -> Route {
        Route::other()
    }

    fn presented(&self, request: &Request, settings: &Settings) -> Option<String> {
        let header = request.header("authorization")?;
        let plain = header.strip_prefix("Bearer ");
        let colon = header.strip_prefix("Bearer: ");
        match settings.transiyzi.authorization {
            AuthorizationForm::Bearer => plain,
            AuthorizationForm::BearerColon => colon,
            AuthorizationForm::Both => colon.or(plain),
        }
        .map(str::to_owned)
    }

    fn answer(&self, asked: &Asked<'_>) -> Result<Answer, StoreError> {
        let settings = &asked.settings.transiyzi;
        let Some(caller) = by_hand::live(asked) else {
            return Ok(refuse(settings.dead_as.status(), "unauthenticated"));
        };
        let path = asked.request.segments();
        let scope = match (&asked.request.method, path.as_slice()) {
            (&Method::GET, ["api", "v1", "export", "locale"]) => READ,
            (&Method::POST, ["api", "v1", "import", "locale"]) => WRITE,
            _ => return Ok(refuse(StatusCode::NOT_FOUND, "not found")),
        };
        let scopes = caller.scopes.as_deref().unwrap_or_default();
        if !scopes.iter().any(|granted| granted == scope) {
            return Ok(refuse(StatusCode::FORBIDDEN, "the token lacks a scope"));
        }
        let fields = if scope == READ {
            match settings.export_parameters {
                ExportParameters::Query => asked.request.query.clone(),
                ExportParameters::Body => upload::fields(asked.request),
                ExportParameters::Both => {
                    [asked.request.query.clone(), upload::fields(asked.request)].concat()
                }
            }
        } else {
            upload::fields(asked.request)
        };
        let field = |name: &str| fields.iter().find(|(known, _)| known == name);
        let Some((_, project)) = field("project_id") else {
            return Ok(refuse(StatusCode::BAD_REQUEST, "project_id is required"));
        };
        if *project != asked.db.account(NAME, "project_id", random::uuid)? {
            return Ok(refuse(StatusCode::NOT_FOUND, "no such project"));
        }
        if scope == WRITE && field("file").is_none() {
            return Ok(refuse(StatusCode::BAD_REQUEST, "file is required"));
        }
        let body = if scope == READ {
            json!({ "greeting": "Hello", "farewell": "Goodbye" })
        } else {
            json!({ "imported": true })
        };
        Ok(Answer::json(StatusCode::OK, body))
    }

    fn desk(&self) -> &'static Desk {
        &DESK
    }

    fn made(&self, token: &mut Token, _form: &Form, settings: &Settings) {
        let days = settings.transiyzi.expires_in_days;
        let seconds = days.map(|days| days * settings.seconds_per_day);
        token.expires = by_hand::expiry(token.created, seconds);
    }

    fn items<'a>(&self, _body: &'a mut Value) -> Option<&'a mut Vec<Value>> {
        None
    }

    fn finish(&self, answer: Answer) -> Answer {
        answer
    }
}

/// Nobody documents the error bodies.
fn refuse(status: StatusCode, message: &str) -> Answer {
    Answer::json(status, json!({ "error": message }))
}
