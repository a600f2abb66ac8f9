//! The body of a request: JSON or a form, with the secrets that stand in it.

use serde_json::Value as Json;
use url::form_urlencoded;

use super::Put;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Content type and bytes; nothing where there is no body.
#[expect(
    clippy::disallowed_methods,
    reason = "the request writer: a credential leaves its type to log in"
)]
pub(super) fn written(
    body: Option<Json>,
    form: Option<Vec<(String, String)>>,
    put: &[Put<'_>],
) -> Option<(&'static str, Vec<u8>)> {
    if let Some(form) = form {
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(form);
        for put in put {
            text.append_pair(put.at.trim_start_matches('/'), put.secret.expose());
        }
        return Some((FORM, text.finish().into_bytes()));
    }
    let mut body = match (body, put) {
        (None, []) => return None,
        (None, _) => Json::Object(serde_json::Map::new()),
        (Some(body), _) => body,
    };
    for put in put {
        put_into(&mut body, put.at, put.secret.expose().into());
    }
    Some((JSON, body.to_string().into_bytes()))
}

/// Puts a value at a pointer, through objects that need not be there yet.
pub(crate) fn put_into(body: &mut Json, pointer: &str, value: Json) {
    let mut place = body;
    for key in pointer.trim_start_matches('/').split('/') {
        if !place.is_object() {
            *place = Json::Object(serde_json::Map::new());
        }
        place = &mut place[key];
    }
    *place = value;
}
