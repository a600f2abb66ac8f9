//! Clocks that differ: what is signed is good for minutes only, and a refusal of it may be about the time
//! and not about the key.

use http::header;
use jiff::{SignedDuration, Timestamp};
use tokenwright_core::duration;

use super::ProfileIssuer;
use super::answered::Arrived;
use super::asking::Asking;
use super::plan::AuthPlan;
use super::signed::JWT;

/// As far as a JWT is dated back; the windows of systems are not shorter.
const TOLERATED: SignedDuration = SignedDuration::from_secs(60);

/// Whether the request is good for some minutes only.
pub(super) fn is_signed(asking: &Asking<'_>) -> bool {
    let put = asking.call.put.iter().any(|put| put.part == JWT);
    put || asking.auth.is_some_and(|auth| match auth {
        AuthPlan::Sigv4(_) => true,
        auth => auth.parts().contains(&JWT),
    })
}

impl ProfileIssuer {
    /// How far the clock here is from that of whoever answered, in words; nothing where they agree, where
    /// the answer has no date, and where nothing was signed.
    pub(super) fn skew(&self, asking: &Asking<'_>, answer: &Arrived) -> Option<String> {
        let date = answer.headers.get(header::DATE)?.to_str().ok()?;
        let there = Timestamp::try_from(httpdate::parse_http_date(date).ok()?).ok()?;
        let ahead = self.clock.now().duration_since(there);
        if ahead.abs() <= TOLERATED || !is_signed(asking) {
            return None;
        }
        let far = duration::format(SignedDuration::from_secs(ahead.abs().as_secs()));
        let way = if ahead.is_positive() {
            "ahead of"
        } else {
            "behind"
        };
        Some(format!(
            "the clock here is {far} {way} the issuer's, and what is signed is good for minutes only"
        ))
    }
}
