//! What users write: the attributes of the provider block and of the resources, each described for the
//! one who writes it. The registry's pages are made from these texts.

use tfplugin::{Attribute, Diagnostics, ProviderSchema, RawState, Schema, Value};

mod adopted;
mod beside;
mod data;
mod ephemeral;
mod function;
pub(crate) mod names;
mod retirement;
mod rules;
mod times;

pub(crate) use adopted::ADOPTED_TOKEN;
pub(crate) use beside::{DISABLE, ENABLE, REVOKE};
pub(crate) use data::{IDENTITY_DATA, TOKEN_DATA, TOKENS_DATA};
pub(crate) use function::DECRYPT;
use names::*;
pub(crate) use retirement::RETIREMENT;
use rules::{is_instant, is_lifetime, is_renew_before, is_span};
use times::OF_TOKEN;
pub(crate) use times::{READ_TIMEOUT, TIMEOUT, adopted_limit, token_limit};

/// The resource type of tokens that are minted.
pub(crate) const API_TOKEN: &str = "tokenwright_api_token";

/// Of an empty `token_id`.
const BY_RESOURCE: &str =
    "Name the token by its resource, such as tokenwright_api_token.ci.token_id.";

/// Everything that the provider offers.
pub(crate) fn schema() -> ProviderSchema {
    ProviderSchema {
        provider: provider(),
        resources: [
            (API_TOKEN.to_owned(), api_token()),
            (ADOPTED_TOKEN.to_owned(), adopted::adopted_token()),
            (RETIREMENT.to_owned(), retirement::retirement()),
        ]
        .into(),
        data_sources: data::data_sources().into(),
        ephemerals: [(API_TOKEN.to_owned(), ephemeral::api_token())].into(),
        identities: beside::identities().into(),
        lists: beside::lists().into(),
        actions: beside::actions().into(),
        functions: [(function::DECRYPT.to_owned(), function::decrypt())].into(),
    }
}

/// A state of another version, in the current shape.
pub(crate) fn upgrade(
    resource: &str,
    version: i64,
    state: &RawState,
    diags: &mut Diagnostics,
) -> Value {
    let ty = schema().resources.remove(resource).unwrap_or_default().ty();
    state.decode(&ty).unwrap_or_else(|error| {
        diags.error(
            "The state is of another version",
            format!("It has version {version}, and cannot be read: {error}. Is the provider older than the state?"),
        );
        Value::Null
    })
}

fn provider() -> Schema {
    Schema::new(vec![
        MANAGER.optional().description(
            "A name for this Terraform state, unique among all states that manage tokens at the same issuers, such as `acme/net/production`. \
             A short hash of it is part of every token's name, so that leftovers of a killed run can be told from the tokens of others. \
             Choose it once: it names the tokens that are minted from then on.",
        ),
        ISSUERS.nested(issuer()).required()
            .description("The token systems, each under a name that resources use. Nothing is contacted until a resource needs it."),
    ])
    .description("Tokenwright mints API tokens, rotates them with an overlap, and revokes what nobody needs. Tokens that people made are checked and followed.")
}

fn issuer() -> Vec<Attribute> {
    vec![
        PROFILE.required().description(
            "The name of a built-in profile, such as `seeme` or `scaleway`, or the YAML text of a profile of your own, such as `file(\"hub.yaml\")`.",
        ),
        ENDPOINT.optional().description(
            "The base URL of the system. Without it, the profile's own. \
             Tokens remember the endpoint they were minted at; nothing is sent for them to another one.",
        ),
        CREDENTIAL.optional().sensitive().description(
            "What authenticates requests to this issuer. Without it, the environment variable that the profile names \
             (such as `SEEME_API_KEY`). It needs the right to mint, list and revoke tokens. \
             Adopted tokens need none: each is checked with its own value.",
        ),
        CREDENTIAL_PARTS.optional().sensitive().description(
            "The credential of a system whose credential has several parts, by the names of the profile. Instead of `credential`.",
        ),
        REQUEST_TIMEOUT.optional().description(
            "The longest time for one request, such as `30s`, the default. An answer that comes later counts as lost.",
        ),
    ]
}

fn api_token() -> Schema {
    let mut attributes = wanted();
    attributes.extend(computed());
    Schema::new(attributes).version(3).description(
        "An API token that is minted, proven to work, rotated in place before it expires, and revoked at the end. \
         A rotation mints the next token first and keeps the previous one valid for an overlap.",
    )
}

fn wanted() -> Vec<Attribute> {
    vec![
        ISSUER.optional().description(
            "The issuer, a key of the provider's `issuers`. May be left out where there is only one. A change replaces the resource.",
        ),
        NAME.required().description(
            "The name of the token. A space and a marker of at most 40 characters are added at the issuer: see `remote_name`. \
             A change renames the token where the issuer can, else it mints the next one.",
        ),
        SCOPES.optional().description(
            "The permissions, in the issuer's own words. A change is made on the living token where the issuer can, else it mints the next one.",
        ),
        PARAMETERS.optional().description(
            "What the profile needs besides, such as `application_id`. A change replaces the resource.",
        ),
        LIFETIME.optional().texts(is_lifetime).description(
            "How long the token lives: `90d`, `36h`, or the explicit `never`. Compared by meaning: `48h` is `2d`. \
             Required, unless `expires_at` stands in its place. A change is made on the living token where the issuer can, else it mints the next one.",
        ),
        EXPIRES_AT.optional().computed().texts(is_instant).description(
            "After this instant the issuer refuses the current token; null is never. \
             May be set in place of `lifetime`, for a token with a fixed end such as `2027-01-31T00:00:00Z`: \
             another instant is given to the living token where the issuer can, else it mints the next one.",
        ),
        ROTATION.nested(rotation()).optional().description(
            "When to rotate. Without it, the token is rotated only when its inputs change; `{}` rotates when one third of the lifetime is left.",
        ),
        ENABLED.optional().computed().description(
            "`false` suspends the token where the issuer can. Only an explicit `true` enables a token that somebody disabled. \
             Without it, the token stays as it is at the issuer.",
        ),
        ON_LOSS.optional().computed().one_of(["remint", "report"]).defaults_to("remint").description(
            "What follows when the token was revoked or removed outside: `remint` (the default) plans the next token, `report` only warns.",
        ),
        ON_MISSING_VALUE.optional().computed().one_of(["keep", "rotate"]).defaults_to("keep").description(
            "What follows where the state has no value of the token, as after an import: `keep` (the default) leaves it as it is, `rotate` plans the next token, whose value the state will have.",
        ),
        ON_DESTROY.optional().computed().one_of(["revoke", "retain"]).defaults_to("revoke").description(
            "Whether the token ends with the resource: `revoke` (the default) or `retain`. Takes effect with the apply that stores it.",
        ),
        SECRET_OUTPUT.optional().one_of(["state", "encrypted"]).description(
            "In which form the state has the value: `state` (the default), which is as it is in `value`, or `encrypted`, which is in `encrypted_value` for `recipients` alone. \
             A change rotates, since the value of before lies in old states.",
        ),
        RECIPIENTS.optional().description(
            "Who can decrypt `encrypted_value`: recipients of [age](https://age-encryption.org) as `age-keygen` prints them, `age1…`. Required with `secret_output = \"encrypted\"`. A change rotates.",
        ),
        OF_TOKEN.attribute()
            .description("How long an operation tries, waits that the issuer asks for included."),
    ]
}

fn rotation() -> Vec<Attribute> {
    vec![
        RENEW_BEFORE.optional().texts(is_renew_before).description(
            "How long before its expiry the token is rotated, such as `14d` or `25%`. Without it, one third of the lifetime.",
        ),
        EVERY.optional().texts(is_span)
            .description("Rotate at this age, whatever the expiry. Serves tokens that never expire."),
        OVERLAP.optional().texts(is_span).description(
            "How long the previous token stays valid after a rotation. The first apply after that revokes it. \
             Without it, until its own expiry or the next scheduled rotation. At most the lifetime less `renew_before`.",
        ),
        ALLOW_GAP.optional().description(
            "Whether a rotation may end the old token before there is a new one, at a system that keeps one token at a time; elsewhere it has no effect. \
             It costs a gap: from the end of the old value until its consumers have the next one, nothing works.",
        ),
        TRIGGERS.optional()
            .description("Any change of this map rotates the token."),
    ]
}

fn computed() -> Vec<Attribute> {
    vec![
        VALUE.computed().sensitive().description(
            "The secret value. It is kept in the state, as it can be had only once; see `secret_output`. \
             Where the profile names several secret parts, it is a JSON object of them: `jsondecode(…).consumer_key`.",
        ),
        ENCRYPTED_VALUE.computed().description("With `secret_output = \"encrypted\"`, the secret value as an armored age file: for `age --decrypt`, and the function `decrypt`. `value` is null then."),
        PUBLIC_PARTS.computed().description(
            "What is delivered beside the value and is not secret, by the profile's names, such as `access_key`.",
        ),
        VALUE_VERSION.computed().description(
            "Grows with every rotation and is known in its plan: the number for every `_wo_version`. Starts with the Unix time of the first mint, in milliseconds.",
        ),
        TOKEN_ID.computed().description("The issuer's id of the current token."),
        REMOTE_NAME.computed().description("The name at the issuer: the wanted name, a space, and the marker that proves whose the token is."),
        REVISION.computed().description("Counts the tokens of this resource; starts over when it is replaced."),
        STATUS.computed().description("What the issuer said when it was last asked: `active`, `disabled`, `missing`, `dead` (it does not authenticate) or `unproven`."),
        CREATED_AT.computed().description("When the current token was minted."),
        ROTATED_AT.computed().description("When the token was last rotated."),
        ROTATION_REASON.computed().description("Why the current token was minted, such as `due since 2027-01-31T00:00:00Z`, ``trigger `a` changed`` or `missing at the issuer`. \
             A plan that rotates says here why."),
        RENEW_AT.computed().description("From this instant on a plan rotates the token; null without a schedule."),
        GRANTED_SCOPES.computed()
            .description("The scopes as the issuer shows them, which may be more than was asked."),
        OWNER.computed().description("Who owns the token, in the issuer's own words. Where a mint does not tell, it comes with the next refresh that sees anything new."),
        ENDPOINT.computed().description("The endpoint that the token was minted at."),
        IDENTITY.computed().description("Who the credential is, or a keyed digest of it where the issuer cannot tell."),
        RETIRING.nested(retiring()).computed().description("Previous tokens that are still valid. Each is revoked by the first apply after `revoke_after`."),
        ORPHANS.nested(orphan()).computed().description("Tokens that look like ours and that Terraform will not touch. Revoke them if nobody needs them."),
        RECORD.computed().description("What only the provider needs to find its tokens again, encoded: how its markers are made, and what became of earlier tokens. Nothing in it is secret."),
    ]
}

fn retiring() -> Vec<Attribute> {
    vec![
        TOKEN_ID.computed().description("The issuer's id."),
        REMOTE_NAME
            .computed()
            .description("The name at the issuer."),
        REVOKE_AFTER
            .computed()
            .description("It is not revoked before this instant."),
        EXPIRES_AT.computed().description("Its own expiry."),
    ]
}

fn orphan() -> Vec<Attribute> {
    vec![
        TOKEN_ID.computed().description("The issuer's id."),
        REMOTE_NAME
            .computed()
            .description("The name at the issuer."),
    ]
}

#[cfg(test)]
mod tests;
