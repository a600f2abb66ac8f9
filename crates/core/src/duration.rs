//! Durations as people write them: `2w`, `90d`, `36h`, `15m`, `30s`, or several in a row.
//!
//! A day is 24 hours and a week is 7 days: no calendar, no time zone, no months.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Unit};
use serde::{Deserialize, Serialize};

/// The grammar, as CRDs and schemas state it.
pub const PATTERN: &str = "^([0-9]+(w|d|h|m|s))+$";

const UNITS: [(char, i64); 5] = [
    ('w', 7 * 86_400),
    ('d', 86_400),
    ('h', 3_600),
    ('m', 60),
    ('s', 1),
];

/// A thousand years: the greatest duration that anything here takes. Any instant of a token that is
/// minted within the calendar of `jiff` stays within it.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(365_000 * 24);

/// A text that is no duration, or one that nobody can mean.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDuration {
    /// It does not match [`PATTERN`].
    #[error("{0:?} is no duration: write whole numbers with w, d, h, m or s, such as 90d or 1h30m")]
    Grammar(String),
    /// It is longer than [`LONGEST`].
    #[error("{0:?} is longer than 365000d, the greatest duration")]
    TooLong(String),
}

/// Reads `90d`, `1h30m` and the like.
///
/// # Errors
/// The text does not match [`PATTERN`], or is longer than [`LONGEST`].
pub fn parse(text: &str) -> Result<SignedDuration, InvalidDuration> {
    let invalid = || InvalidDuration::Grammar(text.to_owned());
    // Sums and products stay at their end, which is far beyond the longest.
    let mut total: i64 = 0;
    let mut number: Option<i64> = None;
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            let so_far = number.unwrap_or(0).saturating_mul(10);
            number = Some(so_far.saturating_add(i64::from(digit)));
        } else {
            let unit = UNITS.iter().find(|(unit, _)| *unit == c);
            let (_, seconds) = unit.ok_or_else(invalid)?;
            let count = number.take().ok_or_else(invalid)?;
            total = total.saturating_add(count.saturating_mul(*seconds));
        }
    }
    if number.is_some() || text.is_empty() {
        return Err(invalid());
    }
    let duration = SignedDuration::from_secs(total);
    match duration <= LONGEST {
        true => Ok(duration),
        false => Err(InvalidDuration::TooLong(text.to_owned())),
    }
}

/// Reads one as others write it, where a bare number counts in a unit of theirs; zero is none.
#[must_use]
pub fn parse_in(unit: char, text: &str) -> Option<SignedDuration> {
    let read = parse(text).or_else(|_| parse(&format!("{text}{unit}")));
    read.ok().filter(|duration| !duration.is_zero())
}

/// Writes a duration so that [`parse`] reads the same again; parts of a second are cut.
///
/// Weeks are never written, so that `14d` stays `14d`.
#[must_use]
pub fn format(duration: SignedDuration) -> String {
    let mut rest = duration.as_secs().max(0);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, seconds) in UNITS.iter().skip(1) {
        let count = rest.checked_div(*seconds).unwrap_or_default();
        rest = rest.checked_rem(*seconds).unwrap_or_default();
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    text
}

/// Writes about how long a duration is, to the minute.
#[must_use]
pub fn about(duration: SignedDuration) -> String {
    let minutes = duration.abs().round(Unit::Minute);
    format(minutes.unwrap_or(duration))
}

/// How a clock stands that is ahead by this much, which may be less than nothing.
#[must_use]
pub fn standing(ahead: SignedDuration) -> &'static str {
    match ahead.is_positive() {
        true => "ahead of",
        false => "behind",
    }
}

/// How long a token is wanted to live. Compared by meaning: `48h` equals `2d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Lifetime {
    /// This long, counted from the mint.
    For(SignedDuration),
    /// No expiry.
    Never,
}

impl Lifetime {
    /// The duration, unless it is `never`.
    #[must_use]
    pub fn duration(self) -> Option<SignedDuration> {
        match self {
            Self::For(duration) => Some(duration),
            Self::Never => None,
        }
    }
}

impl FromStr for Lifetime {
    type Err = InvalidDuration;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "never" {
            return Ok(Self::Never);
        }
        parse(text).map(Self::For)
    }
}

impl TryFrom<String> for Lifetime {
    type Error = InvalidDuration;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Lifetime> for String {
    fn from(lifetime: Lifetime) -> Self {
        lifetime.to_string()
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(duration) => f.write_str(&format(*duration)),
            Self::Never => f.write_str("never"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_of_others_counts_in_their_unit_and_zero_is_none() {
        for (unit, text, seconds) in [
            ('s', "90", Some(90)),
            ('d', "30", Some(2_592_000)),
            ('s', "720h", Some(2_592_000)),
            ('d', "0", None),
            ('s', "0h", None),
            ('s', "", None),
            ('d', "soon", None),
        ] {
            let read = parse_in(unit, text).map(|duration| duration.as_secs());
            assert_eq!(read, seconds, "{text} in {unit}");
        }
    }

    #[test]
    fn durations_are_read_as_written() {
        for (text, seconds) in [
            ("2w", 1_209_600),
            ("90d", 7_776_000),
            ("36h", 129_600),
            ("15m", 900),
            ("30s", 30),
            ("1h30m", 5_400),
            ("0s", 0),
        ] {
            assert_eq!(
                parse(text),
                Ok(SignedDuration::from_secs(seconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_its_text() {
        for text in ["", "90", "d", "1.5h", "-3d", "3 d", "1y", "never"] {
            let error = parse(text).unwrap_err();
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn what_is_longer_than_a_thousand_years_is_refused_with_that_number() {
        assert_eq!(parse("365000d"), Ok(LONGEST));
        for text in [
            "365000d1s",
            "9999999w",
            "99999999999999999999d",
            "9999999999999999w9999999999999999w",
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
            assert!(error.contains("365000d, the greatest"), "{error}");
        }
    }

    #[test]
    fn lifetimes_are_compared_by_meaning_and_written_normalised() {
        assert_eq!("48h".parse::<Lifetime>(), "2d".parse());
        assert_eq!("2w".parse::<Lifetime>().unwrap().to_string(), "14d");
        assert_eq!("90m".parse::<Lifetime>().unwrap().to_string(), "1h30m");
        assert_eq!("never".parse::<Lifetime>().unwrap(), Lifetime::Never);
    }
}
