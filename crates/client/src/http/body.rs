//! The body of a request: JSON or a form, with the secrets that stand in it.

use serde_json::Value as Json;
use url::form_urlencoded;

use super::{At, Put};

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
            if let At::Form(key) = put.at {
                text.append_pair(key, put.secret.expose());
            }
        }
        return Some((FORM, text.finish().into_bytes()));
    }
    let placed = put.iter().filter_map(|put| match put.at {
        At::Body(pointer) => Some((pointer, put.secret)),
        At::Form(_) | At::Query(_) | At::Segment(_) => None,
    });
    let placed: Vec<_> = placed.collect();
    let mut body = match (body, placed.as_slice()) {
        (None, []) => return None,
        (None, _) => Json::Object(serde_json::Map::new()),
        (Some(body), _) => body,
    };
    for (pointer, secret) in placed {
        put_into(&mut body, pointer, secret.expose().into());
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
