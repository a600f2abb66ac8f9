//! What the status of an `ApiToken` that adopts is made from, and the sentences that several of its
//! conditions say.

use tokenwright_api::names::annotation;
use tokenwright_core::Reason;
use tokenwright_core::adopt::AdoptDecision;

use crate::adopted::managed::Adopted;
use crate::adopted::observe::Observed;
use crate::adopted::source::NoValue;

/// Everything that a status is made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Basis<'a> {
    pub(super) adopted: &'a Adopted,
    pub(super) observed: &'a Observed,
    pub(super) decision: &'a AdoptDecision,
}

/// Why there is no value, as a sentence of its own.
pub(super) fn sentence(why: &NoValue) -> String {
    let text = why.to_string();
    let mut rest = text.chars();
    let first = rest.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(rest).chain(['.']).collect()
}

/// What a person must do.
pub(super) fn next_one(adopted: &Adopted) -> String {
    let by_hand = match adopted.manual() {
        Some(manual) => format!(" ({manual})"),
        None => String::new(),
    };
    let date = match adopted.request.expires_at {
        Some(_) => " and move spec.adopt.expiresAt",
        None => "",
    };
    format!(
        "Make the next one{by_hand}, put its value into the Secret {}{date}.",
        adopted.source()
    )
}

pub(super) fn refused(adopted: &Adopted) -> String {
    let offered = adopted.known.record.offered.as_ref();
    let print = offered.map_or(String::new(), |tried| format!(" {}", tried.fingerprint));
    format!(
        "The value{print} in the Secret {} does not authenticate and is not taken up.",
        adopted.source()
    )
}

/// What is decided where the issuer has another endpoint than the accepted value.
pub(super) fn moved(adopted: &Adopted) -> String {
    let sentence = Reason::IssuerIdentityChanged.sentence();
    match (&adopted.known.record.accepted, &adopted.known.issuer) {
        (Some(tried), Some(issuer)) => {
            let print = &tried.fingerprint;
            let says = annotation::VALUE_BELONGS_TO;
            format!(
                "{sentence} The value {print} was taken up at {issuer}. Give the issuer that endpoint again, or take up a value of the new one. {} If it is the former endpoint that was wrong, or the system itself has moved, annotate this object with {says}: {}",
                next_one(adopted),
                adopted.said_to_belong_here(print)
            )
        }
        _ => sentence.to_owned(),
    }
}

/// Why the token that is to end with its object does not, where somebody would lose what it works with.
pub(super) fn in_use(basis: &Basis<'_>) -> Option<String> {
    let reason = Reason::RevokeInUse;
    let Basis {
        adopted, observed, ..
    } = basis;
    let user = adopted.used_by(observed);
    let user = user.filter(|_| basis.decision.reason == reason)?;
    let id = adopted.spec.token_id.as_ref()?;
    Some(format!(
        "Token {id} is not revoked: {user}. Give that issuer another credential first."
    ))
}

pub(super) fn deleting(basis: &Basis<'_>) -> bool {
    basis.adopted.spec.deletion.since.is_some()
}
