//! The switches of Transiyzi: one for each thing that its documentation leaves open.

use serde::{Deserialize, Serialize};

use super::by_hand::DeadAs;

/// How a token is presented; the documentation prints a colon that is most likely a slip.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorizationForm {
    /// `Authorization: Bearer TOKEN`.
    #[default]
    Bearer,
    /// `Authorization: Bearer: TOKEN`, as it is printed.
    BearerColon,
    /// Either.
    Both,
}

/// Where an export takes its parameters from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportParameters {
    /// The query.
    Query,
    /// The body of the `GET`, as it is documented.
    Body,
    /// Either.
    #[default]
    Both,
}

/// The switches of Transiyzi.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransiyziSettings {
    /// How a token is presented.
    pub authorization: AuthorizationForm,
    /// Where an export takes its parameters from.
    pub export_parameters: ExportParameters,
    /// With which status a dead token is refused.
    pub dead_as: DeadAs,
    /// How many days a token lives that is made from now on; null: for ever.
    pub expires_in_days: Option<f64>,
}
