//! The page of a service account's keys.

use super::names::ACCOUNT;
use crate::asked::Asked;
use crate::desk::{Desk, Form, Life, Maker};
use crate::http::Request;
use crate::store::StoreError;

pub(super) static DESK: Desk = Desk {
    vendor: "Google Cloud",
    place: &["IAM & Admin", "Service Accounts", "ci", "Keys"],
    tokens: "Keys",
    generate: "Add key",
    name: "Note",
    once: "The private key is saved once, and cannot be recovered.",
    choice: None,
    scopes: &[],
    life: Life::Unsaid,
    edit: None,
    delete: "Delete service account key",
    maker: Maker::Api(ask, &[("Key file, in base64", "/privateKeyData")]),
};

fn ask(_form: &Form, _asked: &Asked<'_>) -> Result<Request, StoreError> {
    let path = format!("/v1/projects/-/serviceAccounts/{ACCOUNT}/keys");
    let body = serde_json::json!({ "privateKeyType": "TYPE_GOOGLE_CREDENTIALS_FILE" });
    Ok(Request::post(&path, &body))
}
