//! Terrakube's refusals: a status, at times a challenge, at times four keys; never a message.

use http::{Method, StatusCode, header};

use super::text;
use crate::asked::Asked;
use crate::http::Answer;
use crate::random;
use crate::store::StoreError;

/// The bytes of request line and headers that the server reads.
const LONGEST_HEAD: usize = 8 * 1024;

/// What stands in place of the page of the server that reads requests; of that only the length is known.
const PAGE: &str = "<!doctype html><html lang=\"en\"><head><title>400</title></head><body><h1>400</h1></body></html>";
const PAGE_LENGTH: usize = 435;

pub(super) const MALFORMED: &str = "Bearer token is malformed";
pub(super) const ALGORITHM: &str =
    "Signed JWT rejected: Another algorithm expected, or no matching key(s) found";

/// The error body, in the recorded order of its keys.
pub(super) fn error(asked: &Asked<'_>, status: StatusCode) -> Answer {
    let body = format!(
        "{{\"timestamp\":\"{}\",\"status\":{},\"error\":{},\"path\":{}}}",
        text::time(asked.now),
        status.as_u16(),
        text::quote(status.canonical_reason().unwrap_or_default()),
        text::quote(&asked.request.raw_path),
    );
    Answer::raw(status, "application/json", body)
}

/// What is refused before anybody looks at the bearer.
pub(super) fn unreadable(asked: &Asked<'_>) -> Option<Answer> {
    let request = asked.request;
    let path = request.raw_path.as_str();
    if request.head_length > LONGEST_HEAD || path.to_ascii_lowercase().contains("%2f") {
        return Some(Answer::raw(
            StatusCode::BAD_REQUEST,
            "text/html;charset=utf-8",
            format!("{PAGE:<PAGE_LENGTH$}"),
        ));
    }
    if path.contains("//") || path.contains(';') {
        return Some(error(asked, StatusCode::BAD_REQUEST));
    }
    let origin = request.header("origin")?;
    let own = request.header("host").map(|host| format!("http://{host}"));
    (Some(origin) != own.as_deref()).then(|| {
        Answer::raw(
            StatusCode::FORBIDDEN,
            "application/json",
            "Invalid CORS request",
        )
    })
}

/// A reading request without a bearer.
pub(super) fn anonymous() -> Result<Answer, StoreError> {
    let answer = Answer::empty(StatusCode::UNAUTHORIZED);
    Ok(answer
        .with(header::WWW_AUTHENTICATE, "Bearer")
        .with(header::SET_COOKIE, &cookie()?))
}

/// A writing request without a usable bearer: 403, not 401.
pub(super) fn forbidden(asked: &Asked<'_>) -> Result<Answer, StoreError> {
    debug_assert_ne!(asked.request.method, Method::GET);
    Ok(error(asked, StatusCode::FORBIDDEN).with(header::SET_COOKIE, &cookie()?))
}

fn cookie() -> Result<String, StoreError> {
    let id = random::text(b"0123456789ABCDEF", 32)?;
    Ok(format!("JSESSIONID={id}; Path=/; HttpOnly"))
}

/// A bearer that the server read, and does not take.
pub(super) fn undecodable(reason: &str) -> Answer {
    invalid(&format!(
        "An error occurred while attempting to decode the Jwt: {reason}"
    ))
}

pub(super) fn invalid(description: &str) -> Answer {
    let challenge = format!(
        "Bearer error=\"invalid_token\", error_description=\"{description}\", error_uri=\"https://tools.ietf.org/html/rfc6750#section-3.1\""
    );
    Answer::empty(StatusCode::UNAUTHORIZED).with(header::WWW_AUTHENTICATE, &challenge)
}
