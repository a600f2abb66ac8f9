//! The tokens of the cloud.online.net API: a person makes them with e-mail and password.
//!
//! Of that retired API only the call is played that proves a value. The console stands in for the
//! account page; it lists no values, although the ids of the first generation were just that.

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

const NAME: &str = "online-net";

static DESK: Desk = Desk {
    vendor: "cloud.online.net",
    place: &["Account", "Credentials"],
    tokens: "Tokens",
    generate: "Create a token",
    name: "Description",
    once: "This token is shown once. Copy it now: you will not see it again.",
    choice: None,
    scopes: &[],
    life: Life::Switch("Expires"),
    edit: None,
    delete: "Delete",
    maker: Maker::Value("Token", random::uuid),
};

#[derive(Debug)]
pub(crate) struct OnlineNet;

impl OnlineNet {
    pub(crate) fn played() -> Arc<dyn System> {
        Arc::new(Self)
    }
}

impl System for OnlineNet {
    fn name(&self) -> &'static str {
        NAME
    }

    fn base_path(&self) -> &'static str {
        ""
    }

    fn open(&self, db: &Db<'_>, now: Timestamp) -> Result<Account, StoreError> {
        by_hand::open(db, now, NAME, (random::uuid()?, None))
    }

    fn route(&self, _request: &Request) -> Route {
        Route::other()
    }

    fn presented(&self, request: &Request, _settings: &Settings) -> Option<String> {
        request.header("x-auth-token").map(str::to_owned)
    }

    fn answer(&self, asked: &Asked<'_>) -> Result<Answer, StoreError> {
        if by_hand::live(asked).is_none() {
            let status = asked.settings.online_net.dead_as.status();
            return Ok(refuse(status, "invalid_auth", "authentication failed"));
        }
        let path = asked.request.segments();
        Ok(match (&asked.request.method, path.as_slice()) {
            (&Method::GET, ["servers"]) => Answer::json(StatusCode::OK, json!({ "servers": [] })),
            _ => refuse(
                StatusCode::NOT_FOUND,
                "unknown_resource",
                "no such resource",
            ),
        })
    }

    fn desk(&self) -> &'static Desk {
        &DESK
    }

    fn made(&self, token: &mut Token, form: &Form, settings: &Settings) {
        let seconds = settings.online_net.expires_in_seconds;
        token.expires = by_hand::expiry(token.created, form.expires.then_some(seconds));
    }

    fn items<'a>(&self, body: &'a mut Value) -> Option<&'a mut Vec<Value>> {
        body.get_mut("servers")?.as_array_mut()
    }

    fn finish(&self, answer: Answer) -> Answer {
        answer
    }
}

fn refuse(status: StatusCode, kind: &str, message: &str) -> Answer {
    Answer::json(status, json!({ "type": kind, "message": message }))
}
