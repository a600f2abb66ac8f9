//! What a Secret says about the token whose value it holds, and what expressions know of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use tokenwright_api::names::annotation;
use tokenwright_core::{Held, Parameters, Retiring};

/// The token whose value a Secret holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Token<'a> {
    /// We minted it.
    Minted {
        /// The token itself.
        current: &'a Held,
        /// The previous tokens that are still valid.
        retiring: &'a [Retiring],
        /// What shows that it was we who named them, where the issuer shows no names.
        seals: &'a [String],
    },
    /// A person made it.
    Adopted(&'a AdoptedValue),
}

/// What is known of a token that a person made. Scopes are not among it, nor an id that nobody named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AdoptedValue {
    /// The name of the `ApiToken`, in place of a name at the issuer, which nobody knows.
    pub(crate) name: String,
    /// Where it is valid, where that is known.
    pub(crate) endpoint: Option<String>,
    /// Its id, where a person named it.
    pub(crate) token_id: Option<String>,
    /// Counts the values that were accepted.
    pub(crate) revision: u32,
    /// When it ends, where a person said so.
    pub(crate) expires_at: Option<Timestamp>,
    /// Tells the value from others.
    pub(crate) fingerprint: String,
    /// Shows that it was the operator who found out where it belongs.
    pub(crate) seal: Option<String>,
    /// What the issuer needs to know to be asked about it.
    pub(crate) parameters: Parameters,
}

/// Every annotation that says something about a token.
pub(crate) const ABOUT_TOKENS: [&str; 8] = [
    annotation::REVISION,
    annotation::TOKEN_ID,
    annotation::NONCE,
    annotation::EXPIRES_AT,
    annotation::CURRENT,
    annotation::RETIRING,
    annotation::FINGERPRINT,
    annotation::SEAL,
];

fn or(at: Option<Timestamp>, otherwise: &str) -> String {
    at.map_or_else(|| otherwise.to_owned(), |at| at.to_string())
}

impl AdoptedValue {
    /// Whether a token without a date ends is known to nobody, so `never` would be a promise.
    fn expiry(&self) -> String {
        or(self.expires_at, "unknown")
    }
}

impl Token<'_> {
    /// The annotations that say it.
    pub(crate) fn annotations(&self) -> serde_json::Result<Vec<(&'static str, String)>> {
        Ok(match self {
            Self::Minted {
                current, retiring, ..
            } => {
                let marker = &current.token.marker;
                vec![
                    (annotation::REVISION, marker.revision.to_string()),
                    (annotation::TOKEN_ID, current.token.id.to_string()),
                    (annotation::NONCE, marker.nonce.to_string()),
                    (annotation::EXPIRES_AT, or(current.expires_at, "never")),
                    (annotation::CURRENT, serde_json::to_string(current)?),
                    (annotation::RETIRING, serde_json::to_string(retiring)?),
                ]
            }
            Self::Adopted(adopted) => {
                let id = adopted.token_id.clone();
                let id = id.map(|id| (annotation::TOKEN_ID, id));
                let said = [
                    (annotation::REVISION, adopted.revision.to_string()),
                    (annotation::EXPIRES_AT, adopted.expiry()),
                    (annotation::FINGERPRINT, adopted.fingerprint.clone()),
                ];
                let seal = adopted.seal.clone();
                let seal = seal.map(|seal| (annotation::SEAL, seal));
                said.into_iter().chain(id).chain(seal).collect()
            }
        })
    }

    /// What expressions see: the parameters, and the token's fields before them.
    pub(crate) fn fields(&self) -> BTreeMap<String, Value> {
        let (parameters, fields) = match self {
            Self::Minted { current, .. } => {
                let inputs = &current.inputs;
                let scopes: Vec<String> = inputs.scopes.iter().cloned().collect();
                let fields: Vec<(&str, Value)> = vec![
                    ("id", current.token.id.to_string().into()),
                    ("name", inputs.name.clone().into()),
                    ("revision", current.token.marker.revision.into()),
                    ("scopes", scopes.into()),
                    ("endpoint", current.token.endpoint.clone().into()),
                    ("expires_at", or(current.expires_at, "never").into()),
                ];
                (&inputs.parameters, fields)
            }
            Self::Adopted(adopted) => {
                let id = adopted.token_id.clone();
                let mut fields: Vec<(&str, Value)> = vec![
                    ("name", adopted.name.clone().into()),
                    ("revision", adopted.revision.into()),
                    ("expires_at", adopted.expiry().into()),
                ];
                fields.extend(id.map(|id| ("id", id.into())));
                let endpoint = adopted.endpoint.clone();
                fields.extend(endpoint.map(|endpoint| ("endpoint", endpoint.into())));
                (&adopted.parameters, fields)
            }
        };
        let parameters = parameters.iter();
        let parameters = parameters.map(|(name, text)| (name.clone(), text.clone().into()));
        let fields = fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        parameters.chain(fields).collect()
    }
}
