//! Times as systems write them.

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use minijinja::Value;
use minijinja::value::ValueKind;
use tokenwright_core::END_OF_LIFETIMES;

/// The last second that there is a time for, almost at the end of the year 9999.
pub(super) fn last_second() -> i64 {
    Timestamp::MAX.as_second()
}

/// The last days of the year 9999, beyond which nothing is written: what systems mean by it is never.
const LAST_DAYS: &str = "9999-12-3";

/// How the times of a system are to be understood.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Notation<'a> {
    /// The word that is no time and means never.
    pub(crate) never: Option<&'a str>,
    /// Whether numbers count milliseconds, and not seconds.
    pub(crate) milliseconds: bool,
}

/// A value that is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoTime {
    /// A text of no known form.
    Text,
    /// Neither text nor number.
    Kind(ValueKind),
    /// A number that lies beyond the year 2200: it counts something else.
    Absurd,
}

/// RFC 3339, the same without a zone (then UTC), a day (its beginning in UTC), or a number, which may stand
/// in a text.
///
/// Nothing, an empty text, the profile's word, numbers that are not positive, the last days of the year
/// 9999, and the year 1, which is Go's time that was never set, are `None`. A number that is too large is
/// an error: taken for never, a token would be relied on until it ends.
pub(crate) fn instant_of(
    value: &Value,
    notation: Notation<'_>,
) -> Result<Option<Timestamp>, NoTime> {
    if value.is_none() || value.is_undefined() {
        return Ok(None);
    }
    match value.kind() {
        ValueKind::String => of_text(&value.to_string(), notation),
        ValueKind::Number
            if notation
                .never
                .is_some_and(|never| never == value.to_string()) =>
        {
            Ok(None)
        }
        ValueKind::Number => of_number(whole(value)?, notation),
        kind => Err(NoTime::Kind(kind)),
    }
}

/// The number without what is behind its point.
fn whole(value: &Value) -> Result<i64, NoTime> {
    if let Some(whole) = value.as_i64() {
        return Ok(whole);
    }
    let text = value.to_string();
    let whole = text
        .split_once('.')
        .map_or(text.as_str(), |(whole, _)| whole);
    whole.parse().map_err(|_| NoTime::Kind(ValueKind::Number))
}

fn of_number(number: i64, notation: Notation<'_>) -> Result<Option<Timestamp>, NoTime> {
    if number <= 0 {
        return Ok(None);
    }
    let instant = match notation.milliseconds {
        true => Timestamp::from_millisecond(number),
        false => Timestamp::from_second(number),
    };
    let instant = instant.map_err(|_| NoTime::Absurd)?;
    match instant.as_second() < END_OF_LIFETIMES {
        true => Ok(Some(instant)),
        false => Err(NoTime::Absurd),
    }
}

fn of_text(text: &str, notation: Notation<'_>) -> Result<Option<Timestamp>, NoTime> {
    if text.is_empty() || notation.never == Some(text) || text.starts_with(LAST_DAYS) {
        return Ok(None);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return of_number(text.parse().map_err(|_| NoTime::Absurd)?, notation);
    }
    let instant = text.parse::<Timestamp>().or_else(|_| {
        let local: civil::DateTime = text.parse().map_err(|_| NoTime::Text)?;
        let zoned = local.to_zoned(TimeZone::UTC).map_err(|_| NoTime::Text)?;
        Ok(zoned.timestamp())
    })?;
    let year = instant.to_zoned(TimeZone::UTC).year();
    Ok((year > 1).then_some(instant))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::text::of_json;

    #[test]
    fn a_number_that_is_no_time_is_an_error_and_never_never() {
        let seconds = Notation::default();
        let milliseconds = Notation {
            milliseconds: true,
            ..seconds
        };
        let number = Err(NoTime::Kind(ValueKind::Number));
        let hour = Timestamp::from_second(1_796_000_000).unwrap();
        let half = Timestamp::from_millisecond(1_796_000_000_500).unwrap();
        let last = Timestamp::from_second(7_258_118_399).unwrap();
        let [before, spring] = [7_258_118_399, 7_258_118_400]
            .map(|milliseconds| Timestamp::from_millisecond(milliseconds).unwrap());
        for (value, in_seconds, in_milliseconds) in [
            (
                json!(1_796_000_000_500_i64),
                Err(NoTime::Absurd),
                Ok(Some(half)),
            ),
            (json!("1796000000500"), Err(NoTime::Absurd), Ok(Some(half))),
            (
                json!(1_796_000_000_500_000_i64),
                Err(NoTime::Absurd),
                Err(NoTime::Absurd),
            ),
            (
                json!(9_223_372_036_854_775_807_i64),
                Err(NoTime::Absurd),
                Err(NoTime::Absurd),
            ),
            // Nobody's token lives until the year 2200.
            (
                json!(7_258_118_400_i64),
                Err(NoTime::Absurd),
                Ok(Some(spring)),
            ),
            (json!(7_258_118_399_i64), Ok(Some(last)), Ok(Some(before))),
            (json!(1e300), number, number),
            (
                json!("99999999999999999999999"),
                Err(NoTime::Absurd),
                Err(NoTime::Absurd),
            ),
            (json!(0), Ok(None), Ok(None)),
            (json!(-1), Ok(None), Ok(None)),
            (json!("-1"), Ok(None), Ok(None)),
            (
                json!(true),
                Err(NoTime::Kind(ValueKind::Bool)),
                Err(NoTime::Kind(ValueKind::Bool)),
            ),
        ] {
            let value = of_json(&value);
            assert_eq!(instant_of(&value, seconds), in_seconds, "{value}");
            assert_eq!(instant_of(&value, milliseconds), in_milliseconds, "{value}");
        }
        for written in [
            json!(1_796_000_000),
            json!("1796000000"),
            json!(1_796_000_000.25),
        ] {
            assert_eq!(
                instant_of(&of_json(&written), seconds),
                Ok(Some(hour)),
                "{written}"
            );
        }
        let word = Notation {
            never: Some("253402300799"),
            ..seconds
        };
        for never in [json!("253402300799"), json!(253_402_300_799_i64)] {
            assert_eq!(instant_of(&of_json(&never), word), Ok(None), "{never}");
            assert_eq!(
                instant_of(&of_json(&never), seconds),
                Err(NoTime::Absurd),
                "{never}"
            );
        }
    }
}
