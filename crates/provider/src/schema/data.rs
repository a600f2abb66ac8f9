//! What users write to read what an issuer shows.

use tfplugin::{Attribute, Nesting, Schema, Type};

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
    Attribute::string("issuer").optional().description(
        "The issuer, a key of the provider's `issuers`. May be left out where there is only one.",
    )
}

pub(super) fn parameters() -> Attribute {
    Attribute::new("parameters", Type::map(Type::String))
        .optional()
        .description("What the profile needs to list tokens, such as `application_id`.")
}

fn token() -> Schema {
    let mut attributes = vec![issuer(), parameters()];
    for attribute in row() {
        attributes.push(match attribute.name() {
            "token_id" | "name" => attribute.optional(),
            _ => attribute,
        });
    }
    Schema::new(attributes).description(
        "One token that an issuer shows, whoever made it, by its `token_id` or its `name`. Never its value, which nobody can have again.",
    )
}

/// Which tokens are wanted.
pub(super) fn filters() -> [Attribute; 7] {
    let text = |name: &str, text: &str| Attribute::string(name).optional().description(text);
    let flag = |name: &str, text: &str| Attribute::bool(name).optional().description(text);
    [
        text(
            "name_prefix",
            "Only tokens whose name, without the marker, begins so.",
        ),
        text(
            "owner",
            "Only tokens of this owner, in the issuer's own words.",
        ),
        flag(
            "managed",
            "`true`: only tokens that carry a marker of Tokenwright; `false`: only others.",
        ),
        flag(
            "ours",
            "`true`: only tokens that were minted under this provider's `manager`; `false`: only others.",
        ),
        flag(
            "enabled",
            "`true`: only tokens that the issuer calls enabled; `false`: only suspended ones.",
        ),
        text(
            "expires_within",
            "Only tokens that expire within this time from now, such as `14d`; those that expired and are still shown, too.",
        ),
        text(
            "unused_for",
            "Only tokens that nobody used for this long, such as `90d`; one that was never used counts from its mint.",
        ),
    ]
}

fn tokens() -> Schema {
    let mut attributes = vec![issuer(), parameters()];
    attributes.extend(filters());
    attributes.extend([
        Attribute::nested("tokens", Nesting::List, row())
            .computed()
            .description("What the issuer shows, ordered by `token_id`."),
        Attribute::new("token_ids", Type::list(Type::String))
            .computed()
            .description("The ids of `tokens`, in the same order."),
    ]);
    Schema::new(attributes).description(
        "The inventory of an issuer: every token that it shows to the credential, filtered. All filters must agree. \
         What an issuer does not tell passes no filter that asks for it.",
    )
}

fn row() -> Vec<Attribute> {
    let text = |name: &str, text: &str| Attribute::string(name).computed().description(text);
    let flag = |name: &str, text: &str| Attribute::bool(name).computed().description(text);
    vec![
        text("token_id", "The issuer's id."),
        text("name", "The name without the marker."),
        text("remote_name", "The name at the issuer."),
        Attribute::new("scopes", Type::set(Type::String))
            .computed()
            .description("The scopes as the issuer shows them."),
        text("owner", "Who owns the token, in the issuer's own words."),
        text("created_at", "When it was made."),
        text(
            "expires_at",
            "After this instant the issuer refuses it; null is never, or not told.",
        ),
        text(
            "last_used_at",
            "When it was last used, where the issuer tells.",
        ),
        flag("enabled", "Whether it is enabled, where the issuer tells."),
        flag("managed", "Whether it carries a marker of Tokenwright."),
        flag(
            "ours",
            "Whether it was minted under this provider's `manager`.",
        ),
        text(
            "manager",
            "The manager part of its marker: equal for all tokens of one resource.",
        ),
        Attribute::number("revision")
            .computed()
            .description("The revision in its marker."),
    ]
}

fn identity() -> Schema {
    let text = |name: &str, text: &str| Attribute::string(name).computed().description(text);
    let flag = |name: &str, text: &str| Attribute::bool(name).computed().description(text);
    Schema::new(vec![
        issuer(),
        text("identity", "Who the credential is, in the issuer's own words; null where it cannot tell."),
        text("profile", "The name of the profile."),
        text("endpoint", "The endpoint that is asked."),
        text("origin", "What the markers of tokens of this provider's `manager` carry."),
        text("manual", "What a person must do there, where the API does not offer it."),
        flag("can_check", "Whether a value can be shown to authenticate."),
        flag("can_list", "Whether tokens can be listed."),
        flag("can_disable", "Whether tokens can be suspended."),
        flag("can_revoke", "Whether tokens can be revoked."),
    ])
    .description("Who the credential of an issuer is, and what the issuer can do. Useful in a `check` or a `precondition`, so that nothing is minted in the wrong account.")
}
