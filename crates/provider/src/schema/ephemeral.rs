//! What users write for a token of one run.

use tfplugin::{Attribute, Schema, Type};

pub(super) fn api_token() -> Schema {
    let text = |name: &str, text: &str| Attribute::string(name).computed().description(text);
    Schema::new(vec![
        Attribute::string("issuer").optional().description(
            "The issuer, a key of the provider's `issuers`. May be left out where there is only one.",
        ),
        Attribute::string("name").required().description(
            "The name of the token. A space and a marker of at most 40 characters are added at the issuer: see `remote_name`.",
        ),
        Attribute::new("scopes", Type::set(Type::String))
            .optional()
            .description("The permissions, in the issuer's own words."),
        Attribute::new("parameters", Type::map(Type::String))
            .optional()
            .description("What the profile needs besides, such as `application_id`."),
        Attribute::string("lifetime").required().description(
            "How long the token lives if the run is killed: at most `24h`, or the shortest time that the system knows.",
        ),
        Attribute::string("value").computed().sensitive().description(
            "The secret value. Where the profile names several secret parts, it is a JSON object of them.",
        ),
        Attribute::new("public_parts", Type::map(Type::String)).computed().description(
            "What is delivered beside the value and is not secret, by the profile's names, such as `access_key`.",
        ),
        text("token_id", "The issuer's id."),
        text("remote_name", "The name at the issuer."),
        text("expires_at", "After this instant the issuer refuses it, whatever became of the run."),
    ])
    .description(
        "A token for one run: minted and proven when the run needs it, revoked at its end, kept in no state and no plan. \
         Each plan and each apply mints its own.",
    )
}
