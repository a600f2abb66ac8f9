//! The switches of SeeMe: one for each answer that nobody documents.

use serde::{Deserialize, Serialize};

/// How the API says that a key does not expire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NeverAs {
    /// `null`.
    #[default]
    Null,
    /// Go's zero time, `0001-01-01T00:00:00Z`.
    YearOne,
    /// The field is missing.
    Absent,
}

/// What a key without scopes may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyScopes {
    /// All that its user may.
    #[default]
    Everything,
    /// Nothing that needs a scope.
    Nothing,
}

/// What `expires_in_days` of zero or less does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DaysBelowOne {
    /// 400.
    #[default]
    Refused,
    /// A key that never expires.
    Never,
    /// A key that has expired already.
    BornExpired,
}

/// What a delete answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeleteAnswer {
    /// 204.
    #[default]
    NoContent,
    /// 200 with an empty body.
    EmptyOk,
}

/// Whether two keys may have one name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Names {
    /// Yes.
    #[default]
    Free,
    /// Not while both exist: 409.
    Unique,
    /// Never again, also after a delete: 409.
    Reserved,
}

/// How a key is presented.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Header {
    /// `Authorization: Bearer KEY`, as today.
    #[default]
    Bearer,
    /// `Authorization: USERNAME:KEY`, as older servers want it.
    UserAndKey,
    /// Either.
    Both,
}

/// Where keys are made; the vendor's reference and another of its pages disagree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreatePath {
    /// `POST /me/apikeys`, as the reference and the vendor's client say.
    #[default]
    MeApikeys,
    /// `POST /api-keys`, as the page about access control says.
    ApiKeys,
    /// Either.
    Both,
}

/// The switches of SeeMe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeemeSettings {
    /// The resource whose `:read` and `:write` scopes key management needs; null: any live key manages its user's keys.
    pub keys_need_scopes_of: Option<String>,
    /// How "no expiry" reads.
    pub never: NeverAs,
    /// What an empty list of scopes grants.
    pub empty_scopes: EmptyScopes,
    /// An empty list of scopes reads back as null.
    pub empty_scopes_read_null: bool,
    /// Scopes that are neither in the catalogue nor a wildcard of one of its resources get 400.
    pub unknown_scopes_refused: bool,
    /// What zero days and less do.
    pub days_below_one: DaysBelowOne,
    /// More days than this get 400; null: no limit.
    pub days_max: Option<i64>,
    /// Deleted keys stay in the list.
    pub deleted_stay_listed: bool,
    /// What a delete answers.
    pub delete_answer: DeleteAnswer,
    /// A mint answers 200 in place of 201.
    pub mint_answers_200: bool,
    /// Whether names are unique.
    pub names: Names,
    /// More characters than this in a name get 400; null: no limit.
    pub name_max: Option<usize>,
    /// All keys begin with this, so that their `key_prefix` may be the same.
    pub product_prefix: Option<String>,
    /// A key may not disable or delete itself: 403.
    pub own_key_guarded: bool,
    /// More keys than this get 403; null: no limit.
    pub keys_max: Option<usize>,
    /// How keys are presented.
    pub header: Header,
    /// Where keys are made.
    pub create_path: CreatePath,
}
