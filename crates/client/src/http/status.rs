//! Status becomes kind, here and nowhere else.

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};

use crate::account::LONGEST_ASKED;
use crate::error::ErrorKind;

/// The kind that a status without success stands for.
///
/// `changes` says whether the request may have had an effect: then what is no clear refusal leaves
/// the outcome open.
#[must_use]
pub fn kind_of_status(
    status: u16,
    changes: bool,
    retry_after: Option<SignedDuration>,
) -> ErrorKind {
    let lost = match changes {
        true => ErrorKind::OutcomeUnknown,
        false => ErrorKind::Unavailable,
    };
    match status {
        // Found and See Other are how some answer after they did something.
        302 | 303 if changes => ErrorKind::OutcomeUnknown,
        401 => ErrorKind::Unauthenticated,
        402 => ErrorKind::LimitReached,
        403 => ErrorKind::Forbidden,
        404 | 410 => ErrorKind::NotFound,
        // The server gave up waiting for us; whether it acted is not known.
        408 => lost,
        409 | 412 | 423 => ErrorKind::Conflict,
        429 => ErrorKind::RateLimited { retry_after },
        400..=499 => ErrorKind::Invalid,
        500..=599 => lost,
        _ => ErrorKind::AnswerNotUnderstood,
    }
}

/// The kind that a status stands for where the issuer itself did not answer: some gateway, proxy or login
/// page did. Its refusals refuse nothing, since it may have let the request through.
#[must_use]
pub fn kind_of_foreign(
    status: u16,
    changes: bool,
    retry_after: Option<SignedDuration>,
) -> ErrorKind {
    match kind_of_status(status, changes, retry_after) {
        kind @ (ErrorKind::RateLimited { .. }
        | ErrorKind::Unavailable
        | ErrorKind::OutcomeUnknown) => kind,
        // Whoever asks for a login of its own first has let nothing through.
        _ if status == 407 => ErrorKind::Unavailable,
        // Nor has whoever says that it is done elsewhere.
        _ if (300..400).contains(&status) => ErrorKind::AnswerNotUnderstood,
        _ if changes => ErrorKind::OutcomeUnknown,
        _ => ErrorKind::AnswerNotUnderstood,
    }
}

/// When the answer was given, by the clock of whoever gave it.
#[must_use]
pub(crate) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(http::header::DATE)?.to_str().ok()?;
    Timestamp::try_from(httpdate::parse_http_date(text).ok()?).ok()
}

/// How long the issuer asks to wait: seconds, or an HTTP date in any of its three forms, which is one of its
/// own clock. Never longer than an hour, whatever it asks: a person who mends something should not wait for
/// years.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // Too many digits for a number are still too long a wait.
        let seconds = text.parse::<u32>().unwrap_or(u32::MAX);
        return Some(SignedDuration::from_secs(i64::from(seconds)).min(LONGEST_ASKED));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    let at = Timestamp::try_from(at).unwrap_or(Timestamp::MAX);
    Some(
        at.duration_since(date(headers).unwrap_or(now))
            .clamp(SignedDuration::ZERO, LONGEST_ASKED),
    )
}
