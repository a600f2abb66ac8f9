//! What users write to end a previous token once its consumers have the next one.

use tfplugin::{Attribute, Schema, Type};

/// The resource type that ends previous tokens.
pub(crate) const RETIREMENT: &str = "tokenwright_retirement";

pub(super) fn retirement() -> Schema {
    let text = |name: &str, text: &str| Attribute::string(name).computed().description(text);
    Schema::new(vec![
        Attribute::string("token_id").required().description(
            "The id of the current token, such as `tokenwright_api_token.ci.token_id`. \
             When it changes, the token that it named before is revoked, without waiting for the end of its overlap.",
        ),
        Attribute::string("issuer").optional().description(
            "The issuer of the token, a key of the provider's `issuers`. May be left out where there is only one. A change replaces the resource, which revokes nothing.",
        ),
        Attribute::new("parameters", Type::map(Type::String)).optional().description(
            "Those of the token, such as `tokenwright_api_token.ci.parameters`, where the profile needs them to find it. A change replaces the resource, which revokes nothing.",
        ),
        text("remote_name", "The name at the issuer of the token that `token_id` names, with the marker by which it is known again."),
        text("endpoint", "The endpoint that the token was minted at."),
        text("revoked_token_id", "The token that was revoked last."),
        text("revoked_at", "When that was."),
    ])
    .description(
        "Revokes the previous token in the very apply that rotated it, once everything that `depends_on` names has the next one. \
         Destroying it revokes nothing.",
    )
}
