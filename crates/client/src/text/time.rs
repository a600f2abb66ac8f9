//! Times as systems write them.

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use minijinja::Value;
use minijinja::value::ValueKind;

/// The last second that there is a time for, almost at the end of the year 9999.
pub(crate) fn last_second() -> i64 {
    Timestamp::MAX.as_second()
}

/// The last days of the year 9999, beyond which nothing is written: what systems mean by it is never.
const LAST_DAYS: &str = "9999-12-3";

/// A value that is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoTime {
    /// A text of no known form.
    Text,
    /// Neither text nor whole number.
    Kind(ValueKind),
}

/// RFC 3339, the same without a zone (then UTC), a day (its beginning in UTC), or Unix seconds.
///
/// Nothing, an empty text, the profile's word, numbers that are not positive or lie beyond the year 9999,
/// its last days, and the year 1, which is Go's time that was never set, are `None`.
pub(crate) fn instant_of(value: &Value, never: Option<&str>) -> Result<Option<Timestamp>, NoTime> {
    if value.is_none() || value.is_undefined() {
        return Ok(None);
    }
    match (value.kind(), value.as_i64()) {
        (ValueKind::String, _) => of_text(&value.to_string(), never),
        (ValueKind::Number, Some(seconds)) if seconds <= 0 || seconds > last_second() => Ok(None),
        (ValueKind::Number, Some(seconds)) => Timestamp::from_second(seconds)
            .map(Some)
            .map_err(|_| NoTime::Text),
        (kind, _) => Err(NoTime::Kind(kind)),
    }
}

fn of_text(text: &str, never: Option<&str>) -> Result<Option<Timestamp>, NoTime> {
    if text.is_empty() || never == Some(text) || text.starts_with(LAST_DAYS) {
        return Ok(None);
    }
    let instant = text.parse::<Timestamp>().or_else(|_| {
        let local: civil::DateTime = text.parse().map_err(|_| NoTime::Text)?;
        let zoned = local.to_zoned(TimeZone::UTC).map_err(|_| NoTime::Text)?;
        Ok(zoned.timestamp())
    })?;
    let year = instant.to_zoned(TimeZone::UTC).year();
    Ok((year > 1).then_some(instant))
}
