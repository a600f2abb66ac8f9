//! The number that tells consumers of write-only values that there is another one.

use jiff::Timestamp;

/// The number after this one. The first is that of the instant, so that it never starts over: a resource
/// that is replaced or declared anew begins above what its predecessor reached.
///
/// In milliseconds: a resource may be replaced within the second in which it was created, and a consumer that
/// is told the same number twice keeps a value that was revoked.
pub(crate) fn after(before: Option<i64>, now: Timestamp) -> i64 {
    before.map_or_else(|| now.as_millisecond(), next)
}

/// The number that a plan promises where there is one already.
pub(crate) const fn next(version: i64) -> i64 {
    version.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_replaced_within_a_second_begins_above_what_its_predecessor_reached() {
        let at = |millisecond| Timestamp::from_millisecond(millisecond).unwrap();
        let mut version = None;
        for rotation in 0..5 {
            version = Some(after(version, at(1_000_000_000_000 + rotation * 100)));
        }
        assert!(Some(after(None, at(1_000_000_000_500))) > version);
    }

    #[test]
    fn the_number_of_an_older_state_is_below_that_of_its_successor() {
        let now = Timestamp::from_second(1_795_000_000).unwrap();
        let of_an_older_state = Some(now.as_second());
        assert!(after(None, now) > after(of_an_older_state, now));
    }
}
