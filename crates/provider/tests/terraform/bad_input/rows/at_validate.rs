//! What is wrong whatever the system is.

use crate::bad_input::sheet::Block::{Beside, Issuer, Provider, Token};
use crate::bad_input::sheet::Row;

/// Said at validate.
pub(super) const AT_VALIDATE: &[Row] = &[
    // Wrong types: Terraform says itself what does not fit, and makes a text of a number.
    Row(
        Token,
        "lifetime = 30",
        &["lifetime is no duration", "90d", "[lifetime = 30]"],
    ),
    Row(
        Token,
        r#"scopes = "models:read""#,
        &["\"scopes\"", "set of string", "[scopes = \"models:read\"]"],
    ),
    Row(
        Token,
        r#"enabled = "maybe""#,
        &["\"enabled\"", "bool", "[enabled = \"maybe\"]"],
    ),
    Row(
        Token,
        r#"rotation = "14d""#,
        &["\"rotation\"", "object", "[rotation = \"14d\"]"],
    ),
    Row(
        Token,
        r#"rotation = { triggers = "now" }"#,
        &["triggers", "map of string", "[rotation = "],
    ),
    Row(
        Provider,
        r#"issuers = "seeme""#,
        &["\"issuers\"", "map of object", "[issuers = \"seeme\"]"],
    ),
    Row(
        Provider,
        r#"issuers = { vendor = "seeme" }"#,
        &["vendor", "object", "[issuers = "],
    ),
    // Keys that nobody knows.
    Row(
        Token,
        r#"lifetme = "30d""#,
        &["Unsupported argument", "lifetme", "[lifetme = \"30d\"]"],
    ),
    Row(
        Provider,
        "issuer = {}\n  issuers = {}",
        &["Unsupported argument", "issuer", "[issuer = {}]"],
    ),
    // Lifetimes.
    Row(
        Token,
        r#"lifetime = "soon""#,
        &["lifetime is no duration", "90d", "[lifetime = \"soon\"]"],
    ),
    Row(
        Token,
        r#"lifetime = "1.5h""#,
        &["lifetime is no duration", "1h30m", "[lifetime = \"1.5h\"]"],
    ),
    Row(
        Token,
        r#"lifetime = "-1d""#,
        &["lifetime is no duration", "[lifetime = \"-1d\"]"],
    ),
    Row(
        Token,
        r#"lifetime = "0d""#,
        &["between 10s and 365000d", "[lifetime = \"0d\"]"],
    ),
    Row(
        Token,
        r#"lifetime = "365001d""#,
        &["longer than 365000d", "[lifetime = \"365001d\"]"],
    ),
    Row(
        Token,
        "lifetime = null\n  expires_at = \"tomorrow\"",
        &[
            "expires_at is no instant",
            "2027-01-31T00:00:00Z",
            "[expires_at = \"tomorrow\"]",
        ],
    ),
    Row(
        Token,
        "lifetime = null\n  expires_at = \"9999-12-31T23:59:59Z\"",
        &[
            "expires_at is no instant",
            "beyond 9999-12-30T22:00:00Z",
            "[expires_at = \"9999-12-31T23:59:59Z\"]",
        ],
    ),
    Row(
        Token,
        r#"expires_at = "2099-01-31T00:00:00Z""#,
        &[
            "expires_at stands beside lifetime",
            "one end",
            "[expires_at = ",
        ],
    ),
    // Schedules.
    Row(
        Token,
        "rotation = {\n  renew_before = \"10d\"\n  overlap = \"21d\"\n }",
        &[
            "rotation.overlap must not be longer than the lifetime less renew_before, which is 20d",
            "[overlap = \"21d\"]",
        ],
    ),
    Row(
        Token,
        "rotation = {\n  overlap = \"21d\"\n }",
        &[
            "rotation.overlap must not be longer than the lifetime less renew_before, which is 20d",
            "[overlap = \"21d\"]",
        ],
    ),
    Row(
        Token,
        "rotation = {\n  every = \"10d\"\n  overlap = \"11d\"\n }",
        &[
            "not be longer than rotation every, which is 10d",
            "[overlap = \"11d\"]",
        ],
    ),
    Row(
        Token,
        "rotation = {\n  renew_before = \"30d\"\n }",
        &[
            "rotation.renew_before must be longer than zero and shorter than the lifetime, which is 30d",
            "[renew_before = \"30d\"]",
        ],
    ),
    Row(
        Token,
        "rotation = {\n  renew_before = \"31d\"\n }",
        &["shorter than the lifetime", "[renew_before = \"31d\"]"],
    ),
    Row(
        Token,
        "rotation = {\n  renew_before = \"0d\"\n }",
        &["longer than zero", "[renew_before = \"0d\"]"],
    ),
    Row(
        Token,
        "rotation = {\n  renew_before = \"100%\"\n }",
        &["between 1% and 99%", "[renew_before = \"100%\"]"],
    ),
    Row(
        Token,
        "rotation = {\n  renew_before = \"soon\"\n }",
        &[
            "neither a duration nor a percentage",
            "25%",
            "[renew_before = \"soon\"]",
        ],
    ),
    Row(
        Token,
        "rotation = {\n  renew_before = \"10d\"\n  every = \"soon\"\n }",
        &["rotation.every is no duration", "[every = \"soon\"]"],
    ),
    Row(
        Token,
        "rotation = {\n  every = \"1s\"\n }",
        &[
            "rotation.every must be between 10s and",
            "not 1s",
            "[every = \"1s\"]",
        ],
    ),
    Row(
        Token,
        "timeouts = {\n  create = \"1m\"\n  delete = \"soon\"\n }",
        &["timeouts.delete is no duration", "[delete = \"soon\"]"],
    ),
    // Credentials.
    Row(
        Issuer,
        "profile = \"seeme\"\n    credential = \"a\"\n    credential_parts = { key = \"a\" }",
        &[
            "The credential is given twice",
            "issuers[\"vendor\"].credential_parts",
            "[issuers = { vendor = {]",
        ],
    ),
    Row(
        Issuer,
        "profile = \"seeme\"\n    credential = \"\"",
        &[
            "The credential is empty",
            "issuers[\"vendor\"].credential must not be empty",
            "null",
            "[issuers = { vendor = {]",
        ],
    ),
    Row(
        Issuer,
        "profile = \"scaleway\"\n    credential_parts = { secret_key = \" \" }",
        &[
            "The credential is empty",
            "issuers[\"vendor\"].credential_parts[\"secret_key\"]",
            "[issuers = { vendor = {]",
        ],
    ),
    Row(
        Issuer,
        "profile = \"seeme\"\n    credential_parts = {}",
        &[
            "The credential is empty",
            "issuers[\"vendor\"].credential_parts must not be empty",
            "[issuers = { vendor = {]",
        ],
    ),
    Row(
        Issuer,
        "profile = \"seeme\"\n    endpoint = \"\"",
        &[
            "The endpoint is empty",
            "issuers[\"vendor\"].endpoint must not be empty",
            "[issuers = { vendor = {]",
        ],
    ),
    Row(
        Provider,
        "manager = \"\"\n  issuers = { vendor = { profile = \"seeme\" } }",
        &["The manager is empty", "null", "[manager = \"\"]"],
    ),
    // Recipients of age.
    Row(
        Token,
        r#"secret_output = "encrypted""#,
        &["recipients is required", "age-keygen"],
    ),
    Row(
        Token,
        "secret_output = \"encrypted\"\n  recipients = []",
        &["recipients is required", "[recipients = []]"],
    ),
    Row(
        Token,
        "secret_output = \"encrypted\"\n  recipients = [\"ssh-ed25519 AAAA\"]",
        &[
            "A recipient cannot be read",
            "\"ssh-ed25519 AAAA\"",
            "[recipients = [",
        ],
    ),
    // Its last letter is another.
    Row(
        Token,
        "secret_output = \"encrypted\"\n  recipients = [\"age1hw8f0r2r5j3pv83sjys0pgkerjd73t33lvnxj7ef3lyu05plsqjqntjfdd\"]",
        &["A recipient cannot be read", "[recipients = ["],
    ),
    Row(
        Token,
        r#"recipients = ["age1hw8f0r2r5j3pv83sjys0pgkerjd73t33lvnxj7ef3lyu05plsqjqntjfdc"]"#,
        &["recipients needs secret_output", "[recipients = ["],
    ),
    // Scopes and names.
    Row(
        Token,
        r#"scopes = [""]"#,
        &[
            "scopes must not contain an empty scope",
            "[scopes = [\"\"]]",
        ],
    ),
    Row(
        Token,
        r#"scopes = ["models:read", " "]"#,
        &["scopes must not contain an empty scope", "[scopes = ["],
    ),
    Row(
        Token,
        r#"name = " ""#,
        &["name must not be empty", "[name = \" \"]"],
    ),
    Row(
        Token,
        r#"name = "ci tw1-aaaaa-bbbbbbbbbbbbb-1-cccccccc""#,
        &["name must not contain a tokenwright marker", "[name = "],
    ),
    Row(
        Token,
        r#"name = "c\ni""#,
        &["name must not contain control characters", "[name = "],
    ),
    Row(
        Token,
        r#"name = "c\u0007i""#,
        &["name must not contain control characters", "[name = "],
    ),
    Row(
        Beside,
        "resource \"tokenwright_retirement\" \"e\" {\n  token_id = \"\"\n}",
        &["token_id is empty", "[token_id = \"\"]"],
    ),
    Row(
        Beside,
        "data \"tokenwright_api_token\" \"e\" {\n  token_id = \" \"\n}",
        &["token_id is empty", "[token_id = \" \"]"],
    ),
    Row(
        Beside,
        "data \"tokenwright_api_token\" \"f\" {\n  name = \"\"\n}",
        &["name is empty", "[name = \"\"]"],
    ),
    Row(
        Beside,
        "data \"tokenwright_api_token\" \"g\" {\n  token_id = \"\"\n  name = \"ci\"\n}",
        &["token_id is empty", "[token_id = \"\"]"],
    ),
    Row(
        Beside,
        "data \"tokenwright_api_token\" \"h\" {\n  token_id = \"a\"\n  name = \"\"\n}",
        &["name is empty", "[name = \"\"]"],
    ),
    Row(
        Beside,
        "resource \"tokenwright_adopted_token\" \"a\" {\n  name = \"c\\ni\"\n}",
        &["name must not contain control characters", "[name = "],
    ),
    Row(
        Beside,
        "ephemeral \"tokenwright_api_token\" \"e\" {\n  name = \"c\\ni\"\n  lifetime = \"1d\"\n}",
        &["name must not contain control characters", "[name = "],
    ),
    // Words.
    Row(
        Token,
        r#"on_loss = "panic""#,
        &["\"remint\" or \"report\"", "[on_loss = \"panic\"]"],
    ),
    Row(
        Token,
        r#"on_destroy = "leave""#,
        &["\"revoke\" or \"retain\"", "[on_destroy = \"leave\"]"],
    ),
    Row(
        Token,
        r#"on_missing_value = "mint""#,
        &["\"keep\" or \"rotate\"", "[on_missing_value = \"mint\"]"],
    ),
    Row(
        Token,
        r#"secret_output = "pgp""#,
        &["\"state\" or \"encrypted\"", "[secret_output = \"pgp\"]"],
    ),
    // Profiles, endpoints and times of an issuer.
    Row(
        Issuer,
        r#"profile = "seemee""#,
        &[
            "issuer \"vendor\"",
            "no built-in profile \"seemee\"",
            "Is seeme or seenode meant?",
            "[issuers = { vendor = {]",
        ],
    ),
    Row(
        Issuer,
        r#"profile = "hub.yaml""#,
        &["write file(\"hub.yaml\")", "[issuers = { vendor = {]"],
    ),
    Row(
        Issuer,
        r#"profile = "profile: x\ntitle: y\n""#,
        &["wrong at line 1", "[issuers = { vendor = {]"],
    ),
    Row(
        Issuer,
        "profile = \"seeme\"\n    endpoint = \"http://example.com\"",
        &["must be https", "[issuers = { vendor = {]"],
    ),
    Row(
        Issuer,
        "profile = \"seeme\"\n    endpoint = \"example.com\"",
        &["issuer \"vendor\"", "no URL", "[issuers = { vendor = {]"],
    ),
    Row(
        Issuer,
        "profile = \"seeme\"\n    request_timeout = \"fast\"",
        &[
            "request_timeout is no duration",
            "Write issuers[\"vendor\"].request_timeout as",
            "[issuers = { vendor = {]",
        ],
    ),
    Row(
        Issuer,
        "profile = \"seeme\"\n    request_timeout = \"1h\"",
        &[
            "issuers[\"vendor\"].request_timeout must be between 1s and 10m, not 1h",
            "[issuers = { vendor = {]",
        ],
    ),
    // Null where a value must be.
    Row(Token, "name = null", &["required", "name"]),
    Row(
        Token,
        "lifetime = null",
        &["lifetime is required", "[lifetime = null]"],
    ),
    Row(
        Token,
        r#"scopes = ["models:read", null]"#,
        &["scopes has no value", "[scopes = [\"models:read\", null]]"],
    ),
    Row(
        Token,
        "secret_output = \"encrypted\"\n  recipients = [null]",
        &["recipients has no value", "[recipients = [null]]"],
    ),
    Row(
        Issuer,
        "profile = null",
        &[
            "issuers[\"vendor\"].profile is required",
            "[issuers = { vendor = {]",
        ],
    ),
    Row(
        Provider,
        "issuers = null",
        &["issuers is required", "[issuers = null]"],
    ),
    Row(
        Provider,
        "issuers = { vendor = null }",
        &[
            "issuers[\"vendor\"] has no value",
            "[issuers = { vendor = null }]",
        ],
    ),
    Row(
        Beside,
        "resource \"tokenwright_adopted_token\" \"n\" {\n  name = null\n}",
        &["required", "name"],
    ),
    Row(
        Beside,
        "resource \"tokenwright_retirement\" \"n\" {\n  token_id = null\n}",
        &["required", "token_id"],
    ),
    // What the provider decides.
    Row(
        Token,
        r#"created_at = "2099-01-01T00:00:00Z""#,
        &["created_at cannot be set", "[created_at = "],
    ),
    Row(
        Token,
        r#"value = "mine""#,
        &["value cannot be set", "[value = \"mine\"]"],
    ),
];
