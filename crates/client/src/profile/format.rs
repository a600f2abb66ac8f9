//! What answers are written in: JSON, JSON behind a prefix, or XML.

use serde_json::Value as Json;

use super::xml;

/// How an answer becomes what expressions see.
#[derive(Debug, Default)]
pub(super) enum FormatPlan {
    #[default]
    Json,
    /// JSON behind this.
    Prefixed(String),
    /// XML, with the names of elements whose children are a list.
    Xml(Vec<String>),
}

impl FormatPlan {
    /// The content, without space around it; nothing where it is written in something else.
    pub(super) fn read(&self, body: &[u8]) -> Option<Json> {
        match self {
            Self::Json => serde_json::from_slice(body).ok(),
            Self::Prefixed(prefix) => {
                serde_json::from_slice(body.strip_prefix(prefix.as_bytes())?).ok()
            }
            Self::Xml(lists) => xml::read(body, lists),
        }
    }

    /// Its name, with its article, for people.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Json | Self::Prefixed(_) => "a JSON answer",
            Self::Xml(_) => "an XML answer",
        }
    }
}
