//! Instants in words, for people; programs get them as they are.

use jiff::{SignedDuration, Timestamp};

/// How long ago, such as `3d` or `5h`; one unit is enough to see how old something is.
pub(crate) fn age(at: Timestamp, now: Timestamp) -> String {
    span(now.duration_since(at))
}

/// `3d ago`, or `in 5h`.
pub(crate) fn relative(at: Timestamp, now: Timestamp) -> String {
    match at <= now {
        true => format!("{} ago", age(at, now)),
        false => format!("in {}", span(at.duration_since(now))),
    }
}

/// The two largest units of a short span, the largest of a long one.
fn span(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m"),
        (0, 1..=9, _) if minutes % 60 != 0 => format!("{hours}h{}m", minutes % 60),
        (0, hours, _) => format!("{hours}h"),
        (1..=9, _, _) if hours % 24 != 0 => format!("{days}d{}h", hours % 24),
        (days, _, _) => format!("{days}d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_as_precisely_as_it_matters() {
        for (seconds, told) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3600, "1h"),
            (5400, "1h30m"),
            (36_000 + 60, "10h"),
            (86_400, "1d"),
            (86_400 + 7200, "1d2h"),
            (864_000 + 7200, "10d"),
        ] {
            assert_eq!(span(SignedDuration::from_secs(seconds)), told);
        }
        let now = Timestamp::UNIX_EPOCH;
        let later = now + SignedDuration::from_hours(1);
        assert_eq!(relative(later, now), "in 1h");
        assert_eq!(relative(now, later), "1h ago");
    }
}
