//! Terrakube's two pages of tokens, used by Bob.

use serde_json::json;

use super::kind::Kind;
use crate::asked::Asked;
use crate::desk::{Desk, Form, Life, Maker};
use crate::http::Request;
use crate::store::StoreError;

const ONCE: &str = "This token is shown once. Copy it now: you will not see it again.";
const DAYS: Life = Life::Days("Days (empty: never expires)");

pub(super) static USER: Desk = Desk {
    vendor: "Terrakube",
    place: &["User settings", "Tokens"],
    tokens: "API tokens",
    generate: "Create an API token",
    name: "Description",
    once: ONCE,
    choice: None,
    scopes: &[],
    life: DAYS,
    edit: None,
    delete: "Delete",
    maker: Maker::Api(user, &[("Token", "/token")]),
};

pub(super) static TEAM: Desk = Desk {
    vendor: "Terrakube",
    place: &["Organization settings", "Teams", "Team API tokens"],
    tokens: "Team API tokens",
    generate: "Create a team API token",
    name: "Description",
    once: ONCE,
    choice: Some(("Team", &["DEVS", "QA"])),
    scopes: &[],
    life: DAYS,
    edit: None,
    delete: "Delete",
    maker: Maker::Api(team, &[("Token", "/token")]),
};

pub(super) fn desk(kind: Kind) -> &'static Desk {
    match kind {
        Kind::User => &USER,
        Kind::Team => &TEAM,
    }
}

fn user(form: &Form, _asked: &Asked<'_>) -> Result<Request, StoreError> {
    let days = form.days.unwrap_or_default();
    let body = json!({ "description": form.name, "days": days });
    Ok(Request::post("/pat/v1", &body))
}

fn team(form: &Form, _asked: &Asked<'_>) -> Result<Request, StoreError> {
    let days = form.days.unwrap_or_default();
    let body = json!({ "group": form.choice, "description": form.name, "days": days });
    Ok(Request::post("/access-token/v1/teams", &body))
}
