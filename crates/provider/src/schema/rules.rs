//! What a text must be to stand in an attribute.

use jiff::Timestamp;
use jiff::fmt::temporal::Pieces;
use tfplugin::Unfit;
use tokenwright_core::{Lifetime, duration};

use crate::diagnostics::capital;
use crate::values::read_renew_before;

pub(super) fn is_span(text: &str) -> Result<(), Unfit> {
    match duration::parse(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(no_duration(&error, ".")),
    }
}

pub(super) fn is_lifetime(text: &str) -> Result<(), Unfit> {
    match text.parse::<Lifetime>() {
        Ok(_) => Ok(()),
        Err(error) => Err(no_duration(&error, ", or never.")),
    }
}

fn no_duration(error: &duration::InvalidDuration, end: &str) -> Unfit {
    let detail = format!("{}{end}", capital(&error.to_string()));
    Unfit::new("is no duration", detail)
}

pub(super) fn is_renew_before(text: &str) -> Result<(), Unfit> {
    let detail = "Write a duration such as 14d, or a part of the lifetime such as 25%.";
    let unfit = || Unfit::new("is neither a duration nor a percentage", detail);
    read_renew_before(text).map(drop).ok_or_else(unfit)
}

pub(super) fn is_instant(text: &str) -> Result<(), Unfit> {
    let unfit = |_| {
        // What reads as one lies beyond all that can be reckoned with.
        let detail = match Pieces::parse(text).is_ok_and(|read| read.offset().is_some()) {
            true => {
                "It lies beyond 9999-12-30T22:00:00Z, the last one there is here. A token that never ends has no expires_at."
            }
            false => "Write date, time and zone, such as 2027-01-31T00:00:00Z.",
        };
        Unfit::new("is no instant", detail)
    };
    text.parse::<Timestamp>().map(drop).map_err(unfit)
}
