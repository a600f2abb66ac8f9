//! Diagnostics: who, what, in whose words, at which attribute, and what happens next. Never a value.
//!
//! Of a vendor's body only its own sentence is shown, which the client has cut and searched for secrets:
//! the person who reads a diagnostic is the one who asked.

use tfplugin::{AnyName, AttributePath, Diagnostics, Value};
use tokenwright_client::{Error, ErrorKind, NotProven, NotSeen, RevokeError};
use tokenwright_core::{Inputs, InvalidSpec, Reason, reason};

use crate::schema::names::*;

/// What follows a refusal that stays one.
const UNTIL_CHANGED: &str = "Trying again does not help until what it refuses is changed.";

/// An issuer's refusal, with the sentence of its kind and what follows. The chain goes to the log.
pub(crate) fn issuer_error(diags: &mut Diagnostics, summary: &str, error: &Error, next: &str) {
    log(error);
    diags.error(summary, detail(error, next));
}

/// The same at the attribute that the issuer's own words name, where they do.
pub(crate) fn inputs_refused(
    diags: &mut Diagnostics,
    (summary, next): (&str, &str),
    error: &Error,
    inputs: &Inputs,
) {
    let vendor = error.vendor.as_deref().unwrap_or_default();
    let Some(field) = named_in(vendor, inputs).filter(|_| error.is_clear_refusal()) else {
        return issuer_error(diags, summary, error, next);
    };
    log(error);
    diags.error_at(path(field), summary, detail(error, next));
}

/// The one attribute of which a value stands in a sentence.
fn named_in(sentence: &str, inputs: &Inputs) -> Option<&'static str> {
    let has = |text: &String| stands_in(sentence, text);
    let named = [
        (NAME.as_str(), has(&inputs.name)),
        (SCOPES.as_str(), inputs.scopes.iter().any(has)),
        (PARAMETERS.as_str(), inputs.parameters.values().any(has)),
    ];
    let mut named = named.iter().filter(|(_, named)| *named);
    match (named.next(), named.next()) {
        (Some((field, _)), None) => Some(field),
        _ => None,
    }
}

/// Whether a text stands in a sentence as a word, or as words, of its own.
fn stands_in(sentence: &str, text: &str) -> bool {
    let bare = |end: Option<char>| !end.is_some_and(char::is_alphanumeric);
    let mut found = sentence.match_indices(text).map(|(at, _)| {
        let (before, rest) = sentence.split_at(at);
        let after = rest.strip_prefix(text).unwrap_or_default();
        bare(before.chars().next_back()) && bare(after.chars().next())
    });
    // A shorter one is as likely a word of the sentence's own.
    text.chars().count() > 2 && found.any(|alone| alone)
}

/// Whether what was asked for may have been done all the same.
pub(crate) fn may_be_done(error: &Error) -> bool {
    matches!(
        error.kind,
        ErrorKind::OutcomeUnknown | ErrorKind::AnswerNotUnderstood | ErrorKind::NoRoom
    )
}

/// That something was not done, as far as that is known.
pub(crate) fn not_done(what: &str, done: &str, error: &Error) -> String {
    match may_be_done(error) {
        true => not_known(what, done),
        false => format!("{what} was not {done}"),
    }
}

pub(crate) fn not_known(what: &str, done: &str) -> String {
    format!("Whether {what} was {done} is not known")
}

/// What follows a refusal: what is said where it may pass, else that somebody must change something.
pub(crate) fn then(error: &Error, passing: &str) -> String {
    match error.kind {
        kind if kind.is_transient() => passing.to_owned(),
        ErrorKind::LimitReached => {
            let advice = error.kind.advice();
            format!("Trying again does not help until there is room. {advice}")
        }
        _ => UNTIL_CHANGED.to_owned(),
    }
}

/// What the issuer itself said, as a sentence to follow ours.
fn in_its_words(error: &Error) -> String {
    match &error.vendor {
        Some(vendor) => format!(" It says: {vendor:?}."),
        None => String::new(),
    }
}

/// The same, where what matters is done already.
pub(crate) fn issuer_warning(diags: &mut Diagnostics, summary: &str, error: &Error, next: &str) {
    log(error);
    diags.warning(summary, detail(error, next));
}

fn detail(error: &Error, next: &str) -> String {
    let advice = match error.kind {
        ErrorKind::Unauthenticated => " Check the credential of this issuer.",
        ErrorKind::Forbidden => " Check what the credential may do.",
        ErrorKind::Unavailable => " Check the endpoint and the network.",
        ErrorKind::NotFound
        | ErrorKind::Invalid
        | ErrorKind::Conflict
        | ErrorKind::LimitReached
        | ErrorKind::RateLimited { .. }
        | ErrorKind::Paused { .. }
        | ErrorKind::OutcomeUnknown
        | ErrorKind::AnswerNotUnderstood
        | ErrorKind::NoRoom => "",
    };
    format!(
        "Profile {:?}, operation {:?}: {}.{}{advice} {next} {}",
        error.profile,
        error.operation.name(),
        error.sentence(),
        in_its_words(error),
        reason::more(error.kind.name())
    )
}

pub(crate) fn log(error: &Error) {
    let chain = chain(error);
    tracing::warn!(kind = error.kind.name(), "{chain}");
}

/// An error and what caused it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut chain = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        chain = format!("{chain}: {cause}");
        source = cause.source();
    }
    chain
}

/// Why a token was not revoked, in one sentence.
pub(crate) fn not_revoked(error: &RevokeError) -> String {
    match error {
        RevokeError::Issuer(error) => {
            log(error);
            format!("{}.{}", capital(&error.sentence()), in_its_words(error))
        }
        RevokeError::NotSeen(NotSeen::StillShown { .. }) => {
            not_seen("the issuer accepted the revoke and still shows the token.")
        }
        RevokeError::NotSeen(NotSeen::StillAlive { .. }) => {
            not_seen("the issuer says that the token is gone, and its value still authenticates.")
        }
        RevokeError::NotSeen(NotSeen::NotChecked { .. }) => {
            not_seen("the issuer does not show the token, and did not say whether its value still authenticates.")
        }
        RevokeError::NotSeen(NotSeen::MissedOnce { .. }) => {
            not_seen("the issuer did not show the token when it was looked for once, and one look may miss it.")
        }
        RevokeError::NotSeen(NotSeen::NotTold { .. }) => {
            not_seen("the issuer accepted the revoke, and did not answer when it was asked what came of it.")
        }
        RevokeError::NotProven(NotProven::OtherMarker { .. }) => {
            "The issuer shows it under another name than the one it was minted with, so nothing proves that it is ours.".to_owned()
        }
        RevokeError::NotProven(NotProven::NotSealed { .. }) => {
            "The issuer shows no names, and nothing else shows that it is ours.".to_owned()
        }
        RevokeError::NotProven(NotProven::OtherIssuer { .. }) => {
            "It was minted at another endpoint or by another account.".to_owned()
        }
        RevokeError::NotProven(
            NotProven::ListingDoesNotCover { .. } | NotProven::TooYoung { .. },
        ) => "The issuer does not show it yet.".to_owned(),
    }
}

fn not_seen(sentence: &str) -> String {
    let name = Reason::RevokeNotSeen.name();
    format!("{name}: {sentence} {}", reason::more(name))
}

/// A wish that cannot be carried out, at its attribute.
pub(crate) fn invalid(diags: &mut Diagnostics, invalid: &InvalidSpec) {
    let InvalidSpec { field, message } = invalid;
    let name = full_name(field);
    diags.error_at(
        path(field),
        format!("{name} cannot be used as it is"),
        format!("{name} {message}."),
    );
}

/// A wish that is carried out and may not be what was meant, at its attribute.
pub(crate) fn advice(diags: &mut Diagnostics, what: &str, of: &InvalidSpec) {
    let InvalidSpec { field, message } = of;
    let name = full_name(field);
    diags.warning_at(
        path(field),
        format!("{name} {what}"),
        format!("{name} {message}."),
    );
}

/// Where a field of `core` stands in the resource: the names of the attributes, from the top.
fn place(field: &str) -> [&str; 2] {
    let among = |names: &[AnyName]| names.iter().any(|name| AsRef::<str>::as_ref(name) == field);
    match field {
        "deletion.timeout" => [TIMEOUTS.as_str(), DELETE.as_str()],
        _ if among(&IN_ROTATION) => [ROTATION.as_str(), field],
        top => [top, ""],
    }
}

fn names(field: &str) -> impl Iterator<Item = &str> {
    place(field).into_iter().filter(|name| !name.is_empty())
}

/// The path of a field of `core` in the resource.
pub(crate) fn path(field: &str) -> AttributePath {
    names(field).fold(AttributePath::default(), AttributePath::attribute)
}

/// The same as people write it, such as `rotation.every`.
pub(crate) fn full_name(field: &str) -> String {
    names(field).collect::<Vec<_>>().join(".")
}

/// Whether a field of `core` is known in a resource, with everything in it.
pub(crate) fn known(resource: &Value, field: &str) -> bool {
    names(field).fold(resource, Value::get).is_wholly_known()
}

pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
