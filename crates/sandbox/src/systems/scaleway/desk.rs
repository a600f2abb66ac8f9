//! Scaleway's console, as far as API keys go.

use jiff::SignedDuration;
use serde_json::json;

use super::keys::NAME;
use crate::asked::Asked;
use crate::desk::{Desk, Form, Life, Maker};
use crate::http::Request;
use crate::random;
use crate::store::StoreError;

pub(super) static DESK: Desk = Desk {
    vendor: "Scaleway",
    place: &["IAM", "API keys"],
    tokens: "API keys",
    generate: "Generate API key",
    name: "Description",
    once: "The secret key is shown once. Copy it now: you will not see it again.",
    choice: Some(("API key bearer", &["Myself", "An application"])),
    scopes: &[],
    life: Life::Days("Expiration, in days (empty: never)"),
    edit: None,
    delete: "Delete",
    maker: Maker::Api(
        ask,
        &[
            ("Access key ID", "/access_key"),
            ("Secret key", "/secret_key"),
        ],
    ),
};

fn ask(form: &Form, asked: &Asked<'_>) -> Result<Request, StoreError> {
    let bearer = if form.choice == "Myself" {
        "user_id"
    } else {
        "application_id"
    };
    let days = form
        .days
        .map(|days| f64::from(days) * asked.settings.seconds_per_day);
    let expires = days
        .and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok())
        .and_then(|length| asked.now.checked_add(length).ok());
    let body = json!({
        "description": form.name,
        bearer: asked.db.account(NAME, bearer, random::uuid)?,
        "expires_at": expires,
    });
    Ok(Request::post("/iam/v1alpha1/api-keys", &body))
}
