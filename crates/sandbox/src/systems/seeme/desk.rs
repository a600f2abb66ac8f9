//! SeeMe's page of API keys.

use serde_json::json;

use crate::asked::Asked;
use crate::desk::{Desk, Form, Life, Maker};
use crate::http::Request;
use crate::store::StoreError;

pub(super) static DESK: Desk = Desk {
    vendor: "SeeMe.ai",
    place: &["Access control", "API keys"],
    tokens: "API keys",
    generate: "Create API key",
    name: "Name",
    once: "This key is shown once. Copy it now: you will not see it again.",
    choice: None,
    // The catalogue, and the wildcards that the documentation uses.
    scopes: &[
        ("models:read", "see models"),
        ("models:write", "change models"),
        ("models:predict", "run predictions"),
        ("models:*", "all of these"),
        ("datasets:read", "see datasets"),
        ("datasets:write", "change datasets"),
        ("datasets:*", "all of these"),
        ("workflows:read", "see workflows"),
        ("workflows:write", "change workflows"),
        ("workflows:execute", "run workflows"),
        ("workflows:*", "all of these"),
    ],
    life: Life::Days("Expires in days (empty: never)"),
    edit: None,
    delete: "Delete",
    maker: Maker::Api(ask, &[("API key", "/key")]),
};

fn ask(form: &Form, _asked: &Asked<'_>) -> Result<Request, StoreError> {
    let body = json!({
        "name": form.name,
        "scopes": form.scopes,
        "expires_in_days": form.days,
    });
    Ok(Request::post("/api/v1/me/apikeys", &body))
}
