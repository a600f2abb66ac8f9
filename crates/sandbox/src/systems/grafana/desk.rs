//! The page of a service account's tokens.

use jiff::SignedDuration;
use serde_json::json;

use super::names::FIRST;
use crate::asked::Asked;
use crate::desk::{Desk, Form, Life, Maker};
use crate::http::Request;
use crate::store::StoreError;

pub(super) static DESK: Desk = Desk {
    vendor: "Grafana",
    place: &["Administration", "Service accounts", "automation"],
    tokens: "Tokens",
    generate: "Add service account token",
    name: "Display name",
    once: "Copy the token now as you will not be able to see it again. Losing a token requires creating a new one.",
    choice: None,
    scopes: &[],
    life: Life::Days("Expiration, in days (empty: no expiration)"),
    edit: None,
    delete: "Delete token",
    maker: Maker::Api(ask, &[("Token", "/key")]),
};

fn ask(form: &Form, asked: &Asked<'_>) -> Result<Request, StoreError> {
    let days = f64::from(form.days.unwrap_or_default());
    let life = SignedDuration::try_from_secs_f64((days * asked.settings.seconds_per_day).ceil());
    let seconds = life.map_or(0, |life| life.as_secs());
    let body = json!({ "name": form.name, "secondsToLive": seconds });
    let path = format!("/api/serviceaccounts/{FIRST}/tokens");
    Ok(Request::post(&path, &body))
}
