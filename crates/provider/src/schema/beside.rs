//! What users write beside resources: lists of what could be imported, and actions. And what identifies a
//! token's resource.

use tfplugin::{IdentitySchema, Schema};

use super::data::{filters, issuer, parameters};
use super::names::*;
use super::{API_TOKEN, BY_RESOURCE};

/// The actions, and what each does.
pub(crate) const REVOKE: &str = "tokenwright_revoke";
pub(crate) const DISABLE: &str = "tokenwright_disable";
pub(crate) const ENABLE: &str = "tokenwright_enable";

pub(super) fn identities() -> [(String, IdentitySchema); 1] {
    let attributes = vec![
        MANAGER
            .identity()
            .required()
            .description("The manager part of the markers of its tokens: equal for all of them, and for no other's."),
        ENDPOINT.identity().description(
            "The endpoint that its tokens are minted at. May be left out where there is one issuer.",
        ),
        PARAMETER_LIST
            .identity()
            .description("What the profile needs to list tokens, each as `name=value`."),
    ];
    let identity = IdentitySchema {
        version: 0,
        attributes,
    };
    [(API_TOKEN.to_owned(), identity)]
}

pub(super) fn lists() -> [(String, Schema); 1] {
    let mut attributes = vec![issuer(), parameters()];
    let of_tokens = filters().into_iter();
    attributes.extend(of_tokens.filter(|filter| filter.name() != MANAGED.as_str()));
    let list = Schema::new(attributes).description(
        "The tokens that Tokenwright minted, the latest of each resource, to be imported. All filters must agree.",
    );
    [(API_TOKEN.to_owned(), list)]
}

pub(super) fn actions() -> [(String, Schema); 3] {
    let action = |name: &str, text: &str| {
        let attributes = vec![
            issuer(),
            TOKEN_ID.required().not_blank(BY_RESOURCE).description(
                "The issuer's id of a token that was minted under this provider's `manager`.",
            ),
            parameters(),
        ];
        (name.to_owned(), Schema::new(attributes).description(text))
    };
    [
        action(
            REVOKE,
            "Ends a token now, once the issuer shows that it is ours. The next plan of its resource mints the next one.",
        ),
        action(DISABLE, "Suspends a token now, where the issuer can."),
        action(ENABLE, "Ends a suspension now, where the issuer can."),
    ]
}
