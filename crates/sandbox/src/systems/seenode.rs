//! seenode's API keys: made, listed and deleted by a person alone; one call proves a value.
//!
//! Nobody documents expiry, scopes or error bodies; the switches of
//! [`SeenodeSettings`](crate::settings::SeenodeSettings) stand for what is unknown.

use std::sync::Arc;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::by_hand;
use crate::asked::{Asked, Route};
use crate::desk::{Desk, Form, Life, Maker};
use crate::http::{Answer, Request};
use crate::random;
use crate::settings::Settings;
use crate::store::{Db, StoreError, Token};
use crate::system::{Account, System};

const NAME: &str = "seenode";

/// The teams of the one person: id and name.
const TEAMS: [(u64, &str); 2] = [(4101, "Sandbox"), (4102, "Side project")];

static DESK: Desk = Desk {
    vendor: "seenode",
    place: &["User profile", "API"],
    tokens: "API secrets",
    generate: "Create new secret",
    name: "Name",
    once: "This key is shown once. Copy it now: you will not see it again.",
    choice: None,
    scopes: &[],
    life: Life::Unsaid,
    edit: None,
    delete: "Delete",
    maker: Maker::Value("API key", || random::text(random::MIXED, 40)),
};

#[derive(Debug)]
pub(crate) struct Seenode;

impl Seenode {
    pub(crate) fn played() -> Arc<dyn System> {
        Arc::new(Self)
    }
}

impl System for Seenode {
    fn name(&self) -> &'static str {
        NAME
    }

    fn base_path(&self) -> &'static str {
        ""
    }

    fn open(&self, db: &Db<'_>, now: Timestamp) -> Result<Account, StoreError> {
        let value = random::text(random::MIXED, 40)?;
        let mut account = by_hand::open(db, now, NAME, (value, None))?;
        for (name, (id, _)) in ["team_id", "other_team_id"].into_iter().zip(TEAMS) {
            account.parameters.insert(name.to_owned(), id.to_string());
        }
        Ok(account)
    }

    fn route(&self, _request: &Request) -> Route {
        Route::other()
    }

    fn presented(&self, request: &Request, _settings: &Settings) -> Option<String> {
        let header = request.header("authorization")?;
        header.strip_prefix("Bearer ").map(str::to_owned)
    }

    fn answer(&self, asked: &Asked<'_>) -> Result<Answer, StoreError> {
        if by_hand::live(asked).is_none() {
            let status = asked.settings.seenode.dead_as.status();
            return Ok(refuse(status, "Unauthorized"));
        }
        let path = asked.request.segments();
        Ok(match (&asked.request.method, path.as_slice()) {
            (&Method::GET, ["v1", "teams"]) => {
                Answer::json(StatusCode::OK, json!({ "teams": TEAMS.map(team) }))
            }
            _ => refuse(StatusCode::NOT_FOUND, "Not found"),
        })
    }

    fn desk(&self) -> &'static Desk {
        &DESK
    }

    fn made(&self, token: &mut Token, _form: &Form, settings: &Settings) {
        let days = settings.seenode.expires_in_days;
        let seconds = days.map(|days| days * settings.seconds_per_day);
        token.expires = by_hand::expiry(token.created, seconds);
    }

    fn items<'a>(&self, body: &'a mut Value) -> Option<&'a mut Vec<Value>> {
        body.get_mut("teams")?.as_array_mut()
    }

    fn finish(&self, answer: Answer) -> Answer {
        answer
    }
}

/// The fields of the documented sample; its time has no zone.
fn team((id, name): (u64, &str)) -> Value {
    json!({
        "id": id,
        "name": name,
        "icon": "1",
        "created": "2024-03-01T09:30:00",
        "membersCount": 1,
        "servicesLimit": 10,
        "billingThreshold": 100,
        "freeTrialAvailable": false,
        "freeTrialEnds": null,
    })
}

/// Nobody documents the error bodies.
fn refuse(status: StatusCode, message: &str) -> Answer {
    Answer::json(status, json!({ "message": message }))
}
