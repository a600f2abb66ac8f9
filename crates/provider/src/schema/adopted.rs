//! What users write of a token that a person made.

use tfplugin::{Attribute, Schema};

use super::names::*;
use super::rules::{is_instant, is_span};
use super::times::OF_ADOPTED;

/// The resource type.
pub(crate) const ADOPTED_TOKEN: &str = "tokenwright_adopted_token";

pub(super) fn adopted_token() -> Schema {
    let mut attributes = wanted();
    attributes.extend(computed());
    Schema::new(attributes).description(
        "An API token that a person made, where the system offers no API for that, or where it exists already. \
         Its value is checked, followed when it changes, and announced before its end; it is never stored. \
         A value that does not authenticate never replaces one that does.",
    )
}

fn wanted() -> Vec<Attribute> {
    vec![
        ISSUER.optional().description(
            "The issuer, a key of the provider's `issuers`. May be left out where there is only one. It needs no credential. \
             A change has the value checked there.",
        ),
        NAME.required()
            .description("What people call the token; messages name it so. Nothing at the issuer changes."),
        VALUE_WO.optional().write_only().description(
            "The value, where it has one secret part. Read from the configuration alone and never stored. \
             A changed value is seen by its fingerprint. Either this or `values_wo`.",
        ),
        VALUES_WO.optional().write_only().conflicts_with(&[&VALUE_WO]).description(
            "The parts of the value by the profile's names, such as `access_key` and `secret_key`; public ones may be left out. \
             Read from the configuration alone and never stored.",
        ),
        VALUE_WO_VERSION.optional().description(
            "Any change of this number has the value checked and delivered again. \
             Needed only where the value is not known when Terraform plans.",
        ),
        PARAMETERS.optional().description(
            "What the profile's check needs besides the value, such as `project_id`. A change has the value checked again.",
        ),
        EXPIRES_AT.optional().texts(is_instant).description(
            "When the token ends, as a person was told, such as `2027-01-31T00:00:00Z`. The issuer is not asked.",
        ),
        WARN_BEFORE.optional().texts(is_span).description(
            "How long before `expires_at` every run warns, such as `2w`. The default is `30d`.",
        ),
        OF_ADOPTED.attribute()
            .description("How long an issuer is asked about a value before its silence counts."),
    ]
}

fn computed() -> Vec<Attribute> {
    vec![
        VALUE_VERSION.computed().description(
            "Grows with every value that is accepted: the number for the `_wo_version` of consumers, so that they take up only what works. \
             Starts with the Unix time of the first one, in milliseconds.",
        ),
        FINGERPRINT.computed().description("A keyed digest of the accepted value. Tells one value from another, and nothing else."),
        STATUS.computed().description("`alive` (it authenticated when it was taken up), `unverified` (nobody could say), \
             `expires_soon` (less than `warn_before` is left) or `expired`."),
        VERIFIED_AT.computed().description("When the accepted value last authenticated; null where that is not known."),
    ]
}
