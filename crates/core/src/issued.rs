//! Whether what an issuer made of a wanted lifetime can be lived with.

use jiff::Timestamp;

use crate::capabilities::Capabilities;
use crate::duration::Lifetime;
use crate::reason::Reason;

/// The year 2200, in Unix seconds. No token lives so long; a count that reads later is in another unit.
pub const END_OF_LIFETIMES: i64 = 7_258_118_400;

/// Stands for an expiry that was issued and cannot be one: no token with it is kept.
pub const IMPOSSIBLE_EXPIRY: Timestamp = Timestamp::MAX;

/// Why a fresh token cannot be kept for what was issued as its expiry; nothing where it can.
///
/// Nobody would rotate what reads as never expiring although an end was asked for: it would be relied on
/// until the issuer ends it.
#[must_use]
pub fn refused_expiry(
    wanted: Lifetime,
    issued: Option<Timestamp>,
    can: &Capabilities,
    now: Timestamp,
) -> Option<Reason> {
    let absurd = |at: Timestamp| at.as_second() >= END_OF_LIFETIMES;
    // It would have to be replaced at once, by one that is no better.
    if issued.is_some_and(|at| at <= now) {
        return Some(Reason::IssuedExpired);
    }
    let refused = match (wanted, issued) {
        (_, Some(at)) if at == IMPOSSIBLE_EXPIRY => true,
        (Lifetime::For(_), issued) if !can.lifetime_ignored => issued.is_none_or(absurd),
        (Lifetime::For(_) | Lifetime::Never, _) => false,
    };
    refused.then_some(Reason::LifetimeIgnored)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, case};

    #[test]
    fn a_finite_wish_that_is_issued_as_never_as_past_or_as_absurd_is_refused() {
        let day = Lifetime::For(jiff::SignedDuration::from_hours(24));
        let absurd = Timestamp::from_second(END_OF_LIFETIMES).unwrap();
        let refused = Some(Reason::LifetimeIgnored);
        let expired = Some(Reason::IssuedExpired);
        let mut can = case().can;
        for (wanted, issued, strict, lenient) in [
            (day, None, refused, None),
            (day, Some(absurd), refused, None),
            (day, Some(at(5)), expired, expired),
            // Issuers shorten lifetimes, and lengthen them.
            (day, Some(at(6)), None, None),
            (day, Some(at(400 * 86_400)), None, None),
            (Lifetime::Never, None, None, None),
            (Lifetime::Never, Some(absurd), None, None),
            (Lifetime::Never, Some(at(90)), None, None),
            (Lifetime::Never, Some(at(4)), expired, expired),
            (Lifetime::Never, Some(IMPOSSIBLE_EXPIRY), refused, refused),
            (day, Some(IMPOSSIBLE_EXPIRY), refused, refused),
        ] {
            for (ignored, expected) in [(false, strict), (true, lenient)] {
                can.lifetime_ignored = ignored;
                let told = refused_expiry(wanted, issued, &can, at(5));
                assert_eq!(told, expected, "{wanted:?} {issued:?} {ignored}");
            }
        }
    }
}
