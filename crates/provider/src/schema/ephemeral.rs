//! What users write for a token of one run.

use tfplugin::Schema;

use super::names::*;
use super::rules::is_lifetime;

pub(super) fn api_token() -> Schema {
    Schema::new(vec![
        ISSUER.optional().description(
            "The issuer, a key of the provider's `issuers`. May be left out where there is only one.",
        ),
        NAME.required().description(
            "The name of the token. A space and a marker of at most 40 characters are added at the issuer: see `remote_name`.",
        ),
        SCOPES.optional()
            .description("The permissions, in the issuer's own words."),
        PARAMETERS.optional()
            .description("What the profile needs besides, such as `application_id`."),
        LIFETIME.required().texts(is_lifetime).description(
            "How long the token lives if the run is killed: at most `24h`, or the shortest time that the system knows.",
        ),
        VALUE.computed().sensitive().description(
            "The secret value. Where the profile names several secret parts, it is a JSON object of them.",
        ),
        PUBLIC_PARTS.computed().description(
            "What is delivered beside the value and is not secret, by the profile's names, such as `access_key`.",
        ),
        TOKEN_ID.computed().description("The issuer's id."),
        REMOTE_NAME.computed().description("The name at the issuer."),
        EXPIRES_AT.computed().description("After this instant the issuer refuses it, whatever became of the run."),
    ])
    .description(
        "A token for one run: minted and proven when the run needs it, revoked at its end, kept in no state and no plan. \
         Each plan and each apply mints its own.",
    )
}
