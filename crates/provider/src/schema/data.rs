//! What users write to read what an issuer shows.

use tfplugin::{Attribute, Schema};

use super::BY_RESOURCE;
use super::names::*;
use super::rules::is_span;

/// One token.
pub(crate) const TOKEN_DATA: &str = "tokenwright_api_token";
/// The inventory.
pub(crate) const TOKENS_DATA: &str = "tokenwright_api_tokens";
/// Who the credential is.
pub(crate) const IDENTITY_DATA: &str = "tokenwright_identity";

pub(super) fn data_sources() -> [(String, Schema); 3] {
    [
        (TOKEN_DATA.to_owned(), token()),
        (TOKENS_DATA.to_owned(), tokens()),
        (IDENTITY_DATA.to_owned(), identity()),
    ]
}

pub(super) fn issuer() -> Attribute {
    ISSUER.optional().description(
        "The issuer, a key of the provider's `issuers`. May be left out where there is only one.",
    )
}

pub(super) fn parameters() -> Attribute {
    PARAMETERS
        .optional()
        .description("What the profile needs to list tokens, such as `application_id`.")
}

fn token() -> Schema {
    let mut attributes = vec![issuer(), parameters()];
    let either = |one: Attribute| match one.name() {
        name if name == TOKEN_ID.as_str() => {
            let named = one.optional().not_blank(BY_RESOURCE);
            named.exactly_one_of(&[&NAME])
        }
        name if name == NAME.as_str() => {
            let instead = "Give the name that its resource has.";
            one.optional().not_blank(instead)
        }
        _ => one,
    };
    attributes.extend(row().into_iter().map(either));
    Schema::new(attributes).description(
        "One token that an issuer shows, whoever made it, by its `token_id` or its `name`: of the tokens of one resource the latest has the name. Never its value, which nobody can have again.",
    )
}

/// Which tokens are wanted.
pub(super) fn filters() -> [Attribute; 7] {
    [
        NAME_PREFIX.optional().description("Only tokens whose name, without the marker, begins so."),
        OWNER.optional().description("Only tokens of this owner, in the issuer's own words."),
        MANAGED.optional().description("`true`: only tokens that carry a marker of Tokenwright; `false`: only others."),
        OURS.optional().description("`true`: only tokens that were minted under this provider's `manager`; `false`: only others."),
        ENABLED.optional().description("`true`: only tokens that the issuer calls enabled; `false`: only suspended ones."),
        EXPIRES_WITHIN.optional().texts(is_span).description("Only tokens that expire within this time from now, such as `14d`; those that expired and are still shown, too."),
        UNUSED_FOR.optional().texts(is_span).description("Only tokens that nobody used for this long, such as `90d`; one that was never used counts from its mint."),
    ]
}

fn tokens() -> Schema {
    let mut attributes = vec![issuer(), parameters()];
    attributes.extend(filters());
    attributes.extend([
        TOKENS
            .nested(row())
            .computed()
            .description("What the issuer shows, ordered by `token_id`."),
        TOKEN_IDS
            .computed()
            .description("The ids of `tokens`, in the same order."),
    ]);
    Schema::new(attributes).description(
        "The inventory of an issuer: every token that it shows to the credential, filtered. All filters must agree. \
         What an issuer does not tell passes no filter that asks for it.",
    )
}

fn row() -> Vec<Attribute> {
    vec![
        TOKEN_ID.computed().description("The issuer's id."),
        NAME.computed().description("The name without the marker."),
        REMOTE_NAME
            .computed()
            .description("The name at the issuer."),
        SCOPES
            .computed()
            .description("The scopes as the issuer shows them."),
        OWNER
            .computed()
            .description("Who owns the token, in the issuer's own words."),
        CREATED_AT.computed().description("When it was made."),
        EXPIRES_AT
            .computed()
            .description("After this instant the issuer refuses it; null is never, or not told."),
        LAST_USED_AT
            .computed()
            .description("When it was last used, where the issuer tells."),
        ENABLED
            .computed()
            .description("Whether it is enabled, where the issuer tells."),
        MANAGED
            .computed()
            .description("Whether it carries a marker of Tokenwright."),
        OURS.computed()
            .description("Whether it was minted under this provider's `manager`."),
        MANAGER
            .computed()
            .description("The manager part of its marker: equal for all tokens of one resource."),
        REVISION
            .computed()
            .description("The revision in its marker."),
    ]
}

fn identity() -> Schema {
    Schema::new(vec![
        issuer(),
        IDENTITY.computed().description("Who the credential is, in the issuer's own words; null where it cannot tell."),
        PROFILE.computed().description("The name of the profile."),
        ENDPOINT.computed().description("The endpoint that is asked."),
        ORIGIN.computed().description("What the markers of tokens of this provider's `manager` carry."),
        MANUAL.computed().description("What a person must do there, where the API does not offer it."),
        CAN_CHECK.computed().description("Whether a value can be shown to authenticate."),
        CAN_LIST.computed().description("Whether tokens can be listed."),
        CAN_DISABLE.computed().description("Whether tokens can be suspended."),
        CAN_REVOKE.computed().description("Whether tokens can be revoked."),
    ])
    .description("Who the credential of an issuer is, and what the issuer can do. Useful in a `check` or a `precondition`, so that nothing is minted in the wrong account.")
}
