//! What users write to end a previous token once its consumers have the next one.

use tfplugin::Schema;

use super::BY_RESOURCE;
use super::names::*;

/// The resource type that ends previous tokens.
pub(crate) const RETIREMENT: &str = "tokenwright_retirement";

pub(super) fn retirement() -> Schema {
    Schema::new(vec![
        TOKEN_ID.required().not_blank(BY_RESOURCE).description(
            "The id of the current token, such as `tokenwright_api_token.ci.token_id`. \
             When it changes, the token that it named before is revoked, without waiting for the end of its overlap.",
        ),
        ISSUER.optional().description(
            "The issuer of the token, a key of the provider's `issuers`. May be left out where there is only one. A change replaces the resource, which revokes nothing.",
        ),
        PARAMETERS.optional().description(
            "Those of the token, such as `tokenwright_api_token.ci.parameters`, where the profile needs them to find it. A change replaces the resource, which revokes nothing.",
        ),
        REMOTE_NAME.computed().description("The name at the issuer of the token that `token_id` names, with the marker by which it is known again."),
        ENDPOINT.computed().description("The endpoint that the token was minted at."),
        REVOKED_TOKEN_ID.computed().description("The token that was revoked last."),
        REVOKED_AT.computed().description("When that was."),
    ])
    .description(
        "Revokes the previous token in the very apply that rotated it, once everything that `depends_on` names has the next one. \
         Destroying it revokes nothing.",
    )
}
