//! Clocks that differ: what is signed is good for minutes only, and a refusal of it may be about the time
//! and not about the key.

use http::{HeaderMap, header};
use jiff::SignedDuration;
use tokenwright_core::duration;

use super::ProfileIssuer;
use super::answered::Arrived;
use super::asking::Asking;
use super::plan::AuthPlan;
use super::signed::JWT;
use crate::account::gate::TOLERATED;
use crate::http::date;

/// Whether the request is good for some minutes only.
pub(super) fn is_signed(asking: &Asking<'_>) -> bool {
    let put = asking.call.put.iter().any(|put| put.part == JWT);
    put || asking.auth.is_some_and(|auth| match auth {
        AuthPlan::Sigv4(_) => true,
        auth => auth.parts().contains(&JWT),
    })
}

impl ProfileIssuer {
    /// How far the clock here is ahead of that of whoever answered; nothing where the answer has no date, or
    /// is a copy that somebody kept, whose date is an old one.
    pub(super) fn ahead(&self, headers: &HeaderMap) -> Option<SignedDuration> {
        let there = date(headers).filter(|_| !headers.contains_key(header::AGE))?;
        Some(self.clock.now().duration_since(there))
    }

    /// The same in words, of what was signed; nothing where the clocks agree.
    pub(super) fn skew(&self, asking: &Asking<'_>, answer: &Arrived) -> Option<String> {
        let apart = self.apart(answer).filter(|_| is_signed(asking))?;
        Some(format!(
            "{apart}, and what is signed is good for minutes only"
        ))
    }

    /// The same in words; nothing where the clocks agree.
    pub(super) fn apart(&self, answer: &Arrived) -> Option<String> {
        let ahead = self.ahead(&answer.headers)?;
        if ahead.abs() <= TOLERATED {
            return None;
        }
        let (far, standing) = (duration::about(ahead), duration::standing(ahead));
        Some(format!("the clock here is {far} {standing} the issuer's"))
    }
}
