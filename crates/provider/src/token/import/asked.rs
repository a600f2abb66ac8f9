//! What a person names to import a token.

use serde::Deserialize;
use tfplugin::Diagnostics;
use tokenwright_core::Parameters;

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
    /// The number that consumers have, so that they keep the value that they hold.
    #[serde(default)]
    pub(in crate::token) value_version: Option<i64>,
}

impl Asked {
    pub(super) fn read(id: &str, diags: &mut Diagnostics) -> Option<Self> {
        if !id.trim_start().starts_with('{') {
            return Some(Self {
                token_id: id.to_owned(),
                ..Self::default()
            });
        }
        match serde_json::from_str(id) {
            Ok(asked) => Some(asked),
            Err(error) => {
                let detail = format!(
                    "It is no such JSON as {{\"issuer\": \"hub\", \"token_id\": \"…\", \"parameters\": {{…}}}}: {error}."
                );
                diags.error("The id cannot be read", detail);
                None
            }
        }
    }
}
