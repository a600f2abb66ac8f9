//! Who asks: the bearer as it was presented, and whether the server takes it.

use http::{Method, StatusCode};
use serde_json::{Map, Value};

use super::jwt::{Jwt, Secrets};
use super::refuse::{self, MALFORMED};
use crate::asked::Asked;
use crate::http::{Answer, Request};
use crate::settings::{Dex, PatSecret};
use crate::store::{Standing, StoreError};

/// What stands in `Authorization`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Presented {
    /// No header, or another scheme.
    Nothing,
    /// The scheme, and something after it that cannot be a token.
    Malformed,
    Token(String),
}

/// The first `Authorization` counts; letter case of the scheme and `=` at the end do not.
pub(super) fn presented(request: &Request) -> Presented {
    let Some(header) = request.headers.get("authorization") else {
        return Presented::Nothing;
    };
    let Some((scheme, rest)) = header.as_bytes().split_at_checked("bearer".len()) else {
        return Presented::Nothing;
    };
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Presented::Nothing;
    }
    let token = std::str::from_utf8(rest)
        .ok()
        .and_then(|rest| rest.strip_prefix(' '))
        .map(|token| token.trim_end_matches('='));
    let good = |letter: u8| letter.is_ascii_alphanumeric() || b"-._~+/".contains(&letter);
    match token {
        Some(token) if !token.is_empty() && token.bytes().all(good) => {
            Presented::Token(token.to_owned())
        }
        _ => Presented::Malformed,
    }
}

/// The claims of the caller, or the refusal of what was presented.
pub(super) fn judge(
    asked: &Asked<'_>,
    system: &'static str,
    secrets: &Secrets,
    honours_deletions: bool,
) -> Result<Result<Map<String, Value>, Answer>, StoreError> {
    let reads = matches!(asked.request.method, Method::GET | Method::HEAD);
    let token = match presented(asked.request) {
        Presented::Token(token) => token,
        Presented::Nothing if reads => return Ok(Err(refuse::anonymous()?)),
        Presented::Malformed if reads => return Ok(Err(refuse::invalid(MALFORMED))),
        Presented::Nothing | Presented::Malformed => return Ok(Err(refuse::forbidden(asked)?)),
    };
    let Some(jwt) = Jwt::read(&token) else {
        return Ok(Err(foreign(asked, "Malformed token")));
    };
    let born_dead = matches!(asked.caller, Some((_, Standing::BornDead)));
    let secret = match jwt.text("iss") {
        Some("Terrakube") if jwt.recognised => secrets.pat(),
        Some("TerrakubeInternal") if jwt.recognised => secrets.internal(),
        _ => return Ok(Err(foreign(asked, refuse::ALGORITHM))),
    };
    if asked.settings.terrakube.pat_secret == PatSecret::Bytes16 {
        return Ok(Err(refuse::error(asked, StatusCode::INTERNAL_SERVER_ERROR)));
    }
    if jwt.algorithm == "none" {
        return Ok(Err(refuse::invalid("Unsupported algorithm of none")));
    }
    if jwt.algorithm != "HS256" || born_dead {
        return Ok(Err(refuse::undecodable(refuse::ALGORITHM)));
    }
    // A token of an earlier start: its secret is gone, its hash is known.
    let earlier = asked.caller.is_some();
    let deleted = match jwt.text("jti") {
        Some(id) if honours_deletions => asked
            .db
            .by_id(system, id)?
            .is_some_and(|token| token.deleted.is_some()),
        _ => false,
    };
    if !(jwt.signed_with(secret) || earlier) || deleted {
        return Ok(Err(refuse::undecodable(
            "Signed JWT rejected: Invalid signature",
        )));
    }
    Ok(match too_early_or_late(asked, &jwt) {
        Some(reason) => Err(refuse::undecodable(&reason)),
        None => Ok(jwt.claims),
    })
}

fn too_early_or_late(asked: &Asked<'_>, jwt: &Jwt<'_>) -> Option<String> {
    let grace = asked.settings.terrakube.grace().as_secs().cast_signed();
    // In milliseconds: a token is good until its expiry plus the grace, to the instant.
    let now = asked.now.as_millisecond();
    let past = |at: i64| at.saturating_add(grace).saturating_mul(1000) <= now;
    let ahead = |at: i64| at.saturating_sub(grace).saturating_mul(1000) > now;
    let (expires, issued) = (jwt.seconds("exp"), jwt.seconds("iat"));
    if let (Some(expires), Some(issued)) = (expires, issued)
        && expires <= issued
    {
        return Some("expiresAt must be after issuedAt".to_owned());
    }
    let time = |at: i64| jiff::Timestamp::from_second(at).map(|at| at.to_string());
    let expired = expires.filter(|at| past(*at));
    if let Some(Ok(at)) = expired.map(time) {
        return Some(format!("Jwt expired at {at}"));
    }
    let early = jwt.seconds("nbf").filter(|at| ahead(*at));
    Some(format!("Jwt used before {}", early.map(time)?.ok()?))
}

/// Not Terrakube's own: the OIDC server is asked, who knows nobody.
fn foreign(asked: &Asked<'_>, reason: &str) -> Answer {
    match asked.settings.terrakube.dex {
        Dex::Reachable => refuse::undecodable(reason),
        Dex::Unreachable => refuse::error(asked, StatusCode::INTERNAL_SERVER_ERROR),
    }
}
