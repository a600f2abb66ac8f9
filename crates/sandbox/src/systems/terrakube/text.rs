//! How the server writes: JSON with its own escapes, times with three decimals, ids as Java reads them.

use std::fmt::Write;

use jiff::Timestamp;

/// Where half a surrogate pair is kept: Java's strings can hold one, Rust's cannot.
/// These 2,048 characters have no meaning of their own.
const HALVES: u32 = 0xF_0000;

/// Half a surrogate pair as a character of our own.
pub(super) fn half(surrogate: u32) -> Option<char> {
    char::from_u32(HALVES + surrogate.checked_sub(0xD800)?)
}

fn half_of(letter: char) -> Option<u32> {
    let offset = u32::from(letter).checked_sub(HALVES)?;
    (offset < 0x800).then_some(0xD800 + offset)
}

/// The length that the database's columns count.
pub(super) fn units(text: &str) -> usize {
    text.chars()
        .map(|letter| half_of(letter).map_or(letter.len_utf16(), |_| 1))
        .sum()
}

/// A JSON string: plain letters as they are, those beyond the basic plane as two escapes.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        // Writing into a string cannot fail.
        let _ = match (letter, half_of(letter)) {
            (_, Some(half)) => write!(quoted, "\\u{half:04X}"),
            ('"' | '\\', _) => write!(quoted, "\\{letter}"),
            ('\n', _) => write!(quoted, "\\n"),
            ('\r', _) => write!(quoted, "\\r"),
            ('\t', _) => write!(quoted, "\\t"),
            ('\u{8}', _) => write!(quoted, "\\b"),
            ('\u{c}', _) => write!(quoted, "\\f"),
            ('\0'..='\u{1f}', _) => write!(quoted, "\\u{:04X}", u32::from(letter)),
            ('\u{10000}'.., _) => letter
                .encode_utf16(&mut [0; 2])
                .iter()
                .try_for_each(|unit| write!(quoted, "\\u{unit:04X}")),
            _ => write!(quoted, "{letter}"),
        };
    }
    quoted.push('"');
    quoted
}

/// UTC, always three decimals, never `Z`.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3f+00:00").to_string()
}

/// An id in its canonical form, read as leniently as the server does: `1-1-1-1-1` is one, too.
pub(super) fn uuid(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('-').collect();
    if text.len() > 36 || parts.len() != 5 {
        return None;
    }
    let mut id = Vec::new();
    for (part, digits) in parts.into_iter().zip([8_usize, 4, 4, 4, 12]) {
        let number = u64::from_str_radix(part, 16).ok()?;
        let kept = number & ((1 << (4 * digits)) - 1);
        id.push(format!("{kept:0digits$x}"));
    }
    Some(id.join("-"))
}

/// One value of an answer.
#[derive(Debug, Clone)]
pub(super) enum Field {
    Time(Timestamp),
    Text(String),
    Maybe(Option<String>),
    Texts(Vec<String>),
    Number(i64),
    Flag(bool),
}

impl Field {
    fn json(&self) -> String {
        match self {
            Self::Time(at) => quote(&time(*at)),
            Self::Text(text) => quote(text),
            Self::Maybe(text) => text.as_deref().map_or("null".to_owned(), quote),
            Self::Texts(texts) => {
                let texts: Vec<String> = texts.iter().map(|text| quote(text)).collect();
                format!("[{}]", texts.join(","))
            }
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
        }
    }

    /// YAML reads JSON; only times differ.
    fn yaml(&self) -> String {
        match self {
            Self::Time(at) => at.as_millisecond().to_string(),
            other => other.json(),
        }
    }
}

/// The fields of one object, in their order.
pub(super) type Fields = Vec<(&'static str, Field)>;

pub(super) fn json(fields: &Fields) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, field)| format!("\"{name}\":{}", field.json()))
        .collect();
    format!("{{{}}}", fields.join(","))
}

/// The object as YAML; `first` and `rest` stand before its lines.
pub(super) fn yaml(fields: &Fields, first: &str, rest: &str) -> String {
    let lines = fields.iter().enumerate().map(|(number, (name, field))| {
        let before = if number == 0 { first } else { rest };
        format!("{before}{name}: {}\n", field.yaml())
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_beyond_the_basic_plane_are_two_escapes_and_others_are_themselves() {
        assert_eq!(quote("é😀\"\n\0"), "\"é\\uD83D\\uDE00\\\"\\n\\u0000\"");
        assert_eq!(units("é😀"), 3);
        let half = half(0xD800).unwrap().to_string();
        assert_eq!((quote(&half).as_str(), units(&half)), ("\"\\uD800\"", 1));
    }

    #[test]
    fn ids_are_read_as_leniently_as_java_does() {
        for (text, id) in [
            ("1-1-1-1-1", Some("00000001-0001-0001-0001-000000000001")),
            (
                "93EC8CC5-FA77-4EFA-A463-674B20027EC7",
                Some("93ec8cc5-fa77-4efa-a463-674b20027ec7"),
            ),
            ("not-a-uuid", None),
            ("93ec8cc5fa774efaa463674b20027ec7", None),
            ("{93ec8cc5-fa77-4efa-a463-674b20027ec7}", None),
        ] {
            assert_eq!(uuid(text).as_deref(), id, "{text}");
        }
    }

    #[test]
    fn a_time_has_three_decimals_and_an_offset() {
        let at: Timestamp = "2026-11-22T23:25:48.299871Z".parse().unwrap();
        assert_eq!(time(at), "2026-11-22T23:25:48.299+00:00");
    }
}
