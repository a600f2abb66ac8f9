//! Reading the body of a create, as leniently as the server does.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::text;

/// The longest string that the server's JSON reader takes.
const LONGEST_TEXT: usize = 20_000_000;

/// The body, or the value of a field, is refused with 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// Whether a body of this type is read at all; otherwise the status that refuses it.
pub(super) fn accepted(kind: Option<&str>) -> Result<(), StatusCode> {
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    match essence.strip_prefix("application/") {
        Some("json" | "yaml") => Ok(()),
        Some(other) if other.ends_with("+json") => Ok(()),
        _ if essence == "*/*" => Err(StatusCode::INTERNAL_SERVER_ERROR),
        _ => Err(StatusCode::UNSUPPORTED_MEDIA_TYPE),
    }
}

/// The first value of the body, which must be an object; what follows is ignored.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Unreadable> {
    let text = decoded(body)?;
    let text = with_halves(&text);
    let mut reader = serde_json::Deserializer::from_str(&text);
    Map::deserialize(&mut reader).map_err(|_| Unreadable)
}

/// UTF-8 or UTF-16, with or without a mark at the beginning.
fn decoded(body: &[u8]) -> Result<String, Unreadable> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.as_chunks().0.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16(&units).map_err(|_| Unreadable)
    };
    match body {
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8(rest.to_vec()).map_err(|_| Unreadable),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0, _, ..] => wide(body, u16::from_be_bytes),
        [_, 0, ..] => wide(body, u16::from_le_bytes),
        _ => String::from_utf8(body.to_vec()).map_err(|_| Unreadable),
    }
}

/// Replaces escapes of half a surrogate pair, which our JSON reader does not take.
fn with_halves(text: &str) -> String {
    let escape = |at: usize| {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u32::from_str_radix(digits, 16).ok()
    };
    let mut whole = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(next) = rest.find('\\') else {
            whole.push_str(rest);
            break;
        };
        whole.push_str(rest.get(..next).unwrap_or_default());
        at += next;
        let taken = match (escape(at), escape(at + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(half @ 0xD800..=0xDFFF), _) => {
                whole.extend(text::half(half));
                at += 6;
                continue;
            }
            // The backslash and what it escapes: also a second backslash, which begins nothing.
            _ => text
                .get(at + 1..)
                .and_then(|rest| rest.chars().next())
                .map_or(1, |letter| 1 + letter.len_utf8()),
        };
        whole.push_str(text.get(at..at + taken).unwrap_or_default());
        at += taken;
    }
    whole
}

/// A whole number as Java's reader makes one: fractions are dropped, texts are read, null is 0.
pub(super) fn number(value: Option<&Value>) -> Result<i64, Unreadable> {
    let whole = match value {
        None | Some(Value::Null) => 0,
        Some(Value::Number(number)) => match number.as_i64() {
            Some(whole) => whole,
            #[expect(
                clippy::cast_possible_truncation,
                reason = "dropping the fraction is what is played; the range is checked below"
            )]
            None => number.as_f64().ok_or(Unreadable)?.trunc() as i64,
        },
        Some(Value::String(text)) if text.trim().is_empty() => 0,
        Some(Value::String(text)) => text.trim().parse().map_err(|_| Unreadable)?,
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => return Err(Unreadable),
    };
    i32::try_from(whole).map(i64::from).map_err(|_| Unreadable)
}

/// A text; numbers and booleans become one.
pub(super) fn text(value: Option<&Value>) -> Result<Option<String>, Unreadable> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() > LONGEST_TEXT => Err(Unreadable),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(value.to_string())),
        Some(Value::Array(_) | Value::Object(_)) => Err(Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_read_in_every_encoding_of_unicode_that_json_has() {
        let json = "{\"days\":1}";
        let wide = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            json.encode_utf16().flat_map(bytes).collect()
        };
        let marked = |mark: &[u8], body: Vec<u8>| [mark.to_vec(), body].concat();
        for body in [
            json.as_bytes().to_vec(),
            marked(&[0xEF, 0xBB, 0xBF], json.as_bytes().to_vec()),
            wide(u16::to_be_bytes),
            wide(u16::to_le_bytes),
            marked(&[0xFE, 0xFF], wide(u16::to_be_bytes)),
            marked(&[0xFF, 0xFE], wide(u16::to_le_bytes)),
        ] {
            let read = object(&body).unwrap();
            assert_eq!(number(read.get("days")), Ok(1), "{body:?}");
        }
        assert_eq!(object(b"{\"a\":\"\xFF\"}"), Err(Unreadable));
    }

    #[test]
    fn half_a_pair_is_kept_and_a_whole_one_and_an_escaped_backslash_stay_what_they_are() {
        for (written, units) in [
            (r#"{"a":"\\ud800"}"#, 6),
            (r#"{"a":"\ud83d\ude00"}"#, 2),
            (r#"{"a":"\ud800x"}"#, 2),
            (r#"{"a":"\udc00\ud800"}"#, 2),
        ] {
            let read = object(written.as_bytes()).unwrap();
            let read = super::text(read.get("a")).unwrap().unwrap();
            assert_eq!(
                crate::systems::terrakube::text::units(&read),
                units,
                "{written}"
            );
        }
    }
}
