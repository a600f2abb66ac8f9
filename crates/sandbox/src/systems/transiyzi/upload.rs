//! The fields of a body, whatever its form: JSON, a form, or several parts.
//!
//! It reads names and plain values; of a file it knows only that it is there.

use serde_json::Value;

use crate::http::Request;

pub(super) fn fields(request: &Request) -> Vec<(String, String)> {
    let kind = request.header("content-type").unwrap_or_default();
    if let Some(boundary) = kind
        .strip_prefix("multipart/form-data")
        .and_then(|rest| rest.split_once("boundary="))
        .map(|(_, boundary)| boundary.trim_matches('"'))
    {
        let body = String::from_utf8_lossy(&request.body);
        let between = format!("--{boundary}");
        return body.split(&between).filter_map(part).collect();
    }
    if kind.starts_with("application/x-www-form-urlencoded") {
        return url::form_urlencoded::parse(&request.body)
            .into_owned()
            .collect();
    }
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let object = request.object().unwrap_or_default().into_iter();
    object.map(|(name, value)| (name, text(value))).collect()
}

fn part(part: &str) -> Option<(String, String)> {
    let (head, value) = part.split_once("\r\n\r\n")?;
    // Not `filename=`, which ends alike.
    let (_, name) = head.split_once(" name=\"")?;
    let (name, _) = name.split_once('"')?;
    Some((name.to_owned(), value.trim_end_matches("\r\n").to_owned()))
}
