//! What is wrong at a system, what is likely not meant, and what is well.

use crate::bad_input::sheet::Block::{Beside, Issuer, Provider, Token};
use crate::bad_input::sheet::Row;

/// Said at plan: it takes the profile.
pub(super) const AT_PLAN: &[Row] = &[
    Row(
        Token,
        r#"lifetime = "5h""#,
        &["rounds down to zero", "units of 1d", "[lifetime = \"5h\"]"],
    ),
    Row(
        Issuer,
        "profile = \"consul\"\n    endpoint = \"https://consul.example\"\n    credential = \"a\"",
        &[
            "lifetime 30d is longer than 1d, the longest that this system gives",
            "[lifetime = \"30d\"]",
        ],
    ),
    Row(
        Beside,
        "provider \"tokenwright\" {\n  alias = \"never\"\n  issuers = { vendor = { profile = \"databricks\", endpoint = \"https://hub.example\", credential = \"a\" } }\n}\nresource \"tokenwright_api_token\" \"never\" {\n  provider = tokenwright.never\n  name     = \"ci\"\n  lifetime = \"never\"\n}",
        &[
            "lifetime never is not possible: tokens of this system expire",
            "[lifetime = \"never\"]",
        ],
    ),
    Row(
        Beside,
        "provider \"tokenwright\" {\n  alias = \"hub\"\n  issuers = { hub = { profile = \"jupyterhub\", endpoint = \"https://hub.example/hub/api\", credential = \"a\" } }\n}\nresource \"tokenwright_api_token\" \"hub\" {\n  provider = tokenwright.hub\n  name     = \"ci\"\n  lifetime = \"30d\"\n  parameters = { user = \"ci\" }\n  scopes = [\"access:services\"]\n  enabled = false\n}",
        &[
            "enabled must not be false: this system cannot disable tokens",
            "[enabled = false]",
        ],
    ),
    Row(
        Token,
        "scopes = []",
        &["scopes must name at least one", "[scopes = []]"],
    ),
    Row(
        Token,
        "scopes = null",
        &["scopes must name at least one", "[scopes = null]"],
    ),
    Row(
        Token,
        r#"name = "a name that leaves no room for it""#,
        &["marker needs 41", "[name = "],
    ),
    Row(
        Token,
        r#"parameters = { team = "a" }"#,
        &["team is not known", "organization_id", "[parameters = "],
    ),
    Row(
        Token,
        r#"parameters = { organization_id = "" }"#,
        &["organization_id must not be empty", "[parameters = "],
    ),
    Row(
        Token,
        r#"issuer = "other""#,
        &["no issuer \"other\"", "vendor", "[issuer = \"other\"]"],
    ),
    Row(
        Token,
        "lifetime = null\n  expires_at = \"2001-01-31T00:00:00Z\"",
        &["expires_at lies behind", "[expires_at = "],
    ),
    Row(
        Provider,
        "issuers = {}",
        &["There is no issuer", "issuers = { seeme ="],
    ),
    Row(
        Provider,
        "issuers = {\n    a = { profile = \"seeme\" }\n    b = { profile = \"seeme\" }\n  }",
        &["The issuer is missing", "several issuers (a, b)"],
    ),
    Row(
        Issuer,
        r#"profile = "scaleway""#,
        &[
            "Issuer \"vendor\" cannot be used",
            "issuers[\"vendor\"].credential: there is none",
            "SCW_SECRET_KEY",
        ],
    ),
    Row(
        Issuer,
        r#"profile = "gitea""#,
        &[
            "issuers[\"vendor\"].endpoint",
            "no address that all share",
            "https://HOST",
        ],
    ),
    Row(
        Issuer,
        "profile = \"aws-iam\"\n    credential = \"AKIA\"",
        &[
            "issuers[\"vendor\"].credential: one text is too little",
            "credential_parts with access_key_id, secret_access_key",
            "environment variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY",
        ],
    ),
    Row(
        Issuer,
        "profile = \"seeme\"\n    credential_parts = { token = \"a\" }",
        &[
            "issuers[\"vendor\"].credential_parts: there is no part \"token\"",
            "key",
        ],
    ),
    Row(
        Issuer,
        "profile = \"seeme\"\n    credential = \"a\\nb\"",
        &["issuers[\"vendor\"].credential: part key of the credential has more than one line"],
    ),
];

/// Told at validate, and no error.
pub(super) const TOLD_AT_VALIDATE: &[Row] = &[
    Row(
        Token,
        "lifetime = \"never\"\n  rotation = {\n  renew_before = \"14d\"\n }",
        &[
            "rotation.renew_before never comes due",
            "is 14d, and with the lifetime never",
            "[renew_before = \"14d\"]",
        ],
    ),
    Row(
        Token,
        "lifetime = \"never\"\n  rotation = {\n  renew_before = \"25%\"\n  every = \"90d\"\n }",
        &[
            "is 25%, and with the lifetime never",
            "every alone rotates",
            "[renew_before = \"25%\"]",
        ],
    ),
    Row(
        Token,
        "lifetime = \"never\"\n  rotation = {}",
        &[
            "rotation never comes due",
            "is empty, and with the lifetime never",
            "[rotation = {}]",
        ],
    ),
    Row(
        Token,
        "lifetime = null\n  expires_at = \"2099-01-31T00:00:00Z\"\n  rotation = {}",
        &[
            "rotation never comes due",
            "is empty",
            "2099-01-31T00:00:00Z",
            "[rotation = {}]",
        ],
    ),
    Row(
        Token,
        "lifetime = \"30d\"\n  rotation = {\n  every = \"60d\"\n }",
        &[
            "rotation.every never comes due",
            "is 60d, and tokens that live 30d are renewed when they are 20d old",
            "[every = \"60d\"]",
        ],
    ),
];

/// Told at plan, and no error.
pub(super) const TOLD_AT_PLAN: &[Row] = &[
    Row(
        Token,
        r#"lifetime = "36h""#,
        &[
            "lifetime is rounded down",
            "is 36h, and the token will live 1d",
            "[lifetime = \"36h\"]",
        ],
    ),
    Row(
        Token,
        "lifetime = null\n  expires_at = \"2099-01-31T00:00:00Z\"",
        &[
            "expires_at is rounded down",
            "is 2099-01-31T00:00:00Z, and the token will end at 2099-01-30T",
            "[expires_at = ",
        ],
    ),
];

/// Nothing is said of these: what is meant by them is clear.
pub(super) const QUIET: &[Row] = &[
    // A parameter that the system requires, and that is known once something else is applied.
    Row(
        Beside,
        r#"provider "tokenwright" {
  alias   = "hub"
  issuers = { hub = { profile = "jupyterhub", endpoint = "https://hub.example/hub/api", credential = "a-credential" } }
}
resource "terraform_data" "user" {
  input = "ci"
}
resource "tokenwright_api_token" "hub" {
  provider   = tokenwright.hub
  name       = "ci"
  lifetime   = "30d"
  parameters = { user = terraform_data.user.output }
}"#,
        &[],
    ),
    Row(Token, "", &[]),
    Row(
        Token,
        "lifetime = \"never\"\n  rotation = { every = \"90d\" }",
        &[],
    ),
    Row(
        Token,
        "lifetime = \"never\"\n  rotation = { triggers = { a = \"1\" } }",
        &[],
    ),
    Row(
        Token,
        "lifetime = \"never\"\n  rotation = { overlap = \"1d\" }",
        &[],
    ),
    Row(Token, "lifetime = \"720h\"\n  rotation = {}", &[]),
    // Terraform and OpenTofu drop these keys before a provider sees them.
    Row(Token, "rotation = { renew_befor = \"14d\" }", &[]),
    Row(
        Issuer,
        "profile = \"seeme\"\n    credential = \"a\"\n    endpint = \"https://hub.example\"",
        &[],
    ),
];
