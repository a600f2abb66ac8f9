//! What a person names to import a token.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use tfplugin::Diagnostics;
use tokenwright_core::{Parameters, TokenId};

/// The highest number that every reader of JSON takes for itself, and not for its neighbour.
const HIGHEST: i64 = (1 << 53) - 1;

/// What a person imports: an id, or this as JSON where an id does not say enough.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::token) struct Asked {
    pub(in crate::token) token_id: String,
    #[serde(default)]
    pub(in crate::token) issuer: Option<String>,
    #[serde(default)]
    pub(in crate::token) parameters: Parameters,
    /// Where the issuer does not tell when the token was made.
    #[serde(default)]
    pub(in crate::token) lifetime: Option<String>,
    /// In place of a lifetime: the end that was wished, in the words of the configuration.
    #[serde(default)]
    pub(in crate::token) expires_at: Option<String>,
    /// The number that consumers have, so that they keep the value that they hold.
    #[serde(default, deserialize_with = "version")]
    pub(in crate::token) value_version: Option<i64>,
}

/// A number that consumers can have: they count up from it.
fn version<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let given = serde_json::Value::deserialize(from)?;
    match given.as_i64() {
        Some(1..=HIGHEST) => Ok(given.as_i64()),
        None if given.is_null() => Ok(None),
        _ => Err(D::Error::custom(format!(
            "must be a whole number from 1 to {HIGHEST}"
        ))),
    }
}

impl Asked {
    pub(super) fn read(id: &str, diags: &mut Diagnostics) -> Option<Self> {
        if !id.trim_start().starts_with('{') {
            return Some(Self {
                token_id: id.to_owned(),
                ..Self::default()
            });
        }
        let read = from_json(id);
        if let Err(why) = &read {
            let detail = format!(
                "It is no such JSON as {{\"issuer\": \"hub\", \"token_id\": \"…\", \"parameters\": {{…}}}}: {why}."
            );
            diags.error("The id cannot be read", detail);
        }
        read.ok()
    }
}

/// Reads it, or says what is wrong, and at which key.
fn from_json(text: &str) -> Result<Asked, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let asked = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (path, error) = (error.path().to_string(), error.inner());
        let what = error.to_string();
        // A place in a line helps where the text itself is broken, a key everywhere else.
        let place = format!(" at line {} column {}", error.line(), error.column());
        match error.is_data() && path != "." && path != "?" {
            true => format!("{path}: {}", what.strip_suffix(&place).unwrap_or(&what)),
            false => what,
        }
    })?;
    json.end().map_err(|error| error.to_string())?;
    Ok(asked)
}

/// What is said of a token that is not to be had.
pub(super) fn cannot(id: &TokenId) -> String {
    format!("Token {id} cannot be imported")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(number: &str) -> (Option<Asked>, String) {
        read_whole(&format!(
            "{{\"token_id\": \"a\", \"value_version\": {number}}}"
        ))
    }

    fn read_whole(id: &str) -> (Option<Asked>, String) {
        let mut diags = Diagnostics::new();
        let asked = Asked::read(id, &mut diags);
        let told = diags.iter().map(|diag| diag.detail.as_str());
        (asked, told.collect())
    }

    #[test]
    fn a_number_that_no_consumer_can_have_or_count_up_from_is_refused_by_name() {
        for number in ["1", "1795000000000", "9007199254740991"] {
            let (asked, told) = read(number);
            let version = asked.and_then(|asked| asked.value_version);
            assert_eq!(
                version.map(|v| v.to_string()).as_deref(),
                Some(number),
                "{told}"
            );
        }
        assert!(
            read("null")
                .0
                .is_some_and(|asked| asked.value_version.is_none())
        );
        for number in [
            "-1",
            "0",
            "1.5",
            "1e3",
            "9007199254740992",
            "1e99",
            "\"7\"",
            "[]",
        ] {
            let (asked, told) = read(number);
            let named = told.contains("value_version: must be a whole number from 1 to");
            assert!(asked.is_none() && named, "{number}: {told:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_key() {
        for (json, told) in [
            (
                "{\"token_id\": 7}",
                "}: token_id: invalid type: integer `7`, expected a string.",
            ),
            (
                "{\"token_id\": null}",
                "}: token_id: invalid type: null, expected a string.",
            ),
            (
                "{\"token_id\": \"a\", \"issuer\": [1]}",
                "}: issuer: invalid type: sequence, expected a string.",
            ),
            (
                "{\"token_id\": \"a\", \"parameters\": \"b\"}",
                "}: parameters: invalid type: string \"b\", expected a map.",
            ),
            (
                "{\"token_id\": \"a\", \"parameters\": {\"p\": 1}}",
                "}: parameters.p: invalid type: integer `1`, expected a string.",
            ),
            (
                "{\"token_id\": \"a\", \"lifetime\": 90}",
                "}: lifetime: invalid type: integer `90`, expected a string.",
            ),
            (
                "{\"token_id\": \"a\", \"expires_at\": true}",
                "}: expires_at: invalid type: boolean `true`, expected a string.",
            ),
            (
                "{\"issuer\": \"a\"}",
                "missing field `token_id` at line 1 column 15.",
            ),
            ("{\"token_id\": \"a\", \"tokn\": 1}", "unknown field `tokn`"),
            (
                "{\"token_id\": \"a\"} {}",
                "trailing characters at line 1 column 19.",
            ),
            (
                "{\"token_id\": \"a\"",
                "EOF while parsing an object at line 1 column 16.",
            ),
        ] {
            let (asked, said) = read_whole(json);
            assert!(asked.is_none() && said.contains(told), "{json}: {said}");
        }
    }
}
