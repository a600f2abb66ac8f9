//! How the end of an imported token was wished: as a lifetime, or as an instant.
//!
//! A state can say the one or the other, and only the configuration knows which. What nobody names is read
//! off the times of the token, as a person would write it.

use jiff::{SignedDuration, Timestamp, Unit};
use tfplugin::Diagnostics;
use tokenwright_client::{Issuer, Token};
use tokenwright_core::Lifetime;

use super::asked::{Asked, cannot};
use crate::token::state::Stored;
use crate::token::until::ROUNDING;

/// The wish.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    After(Lifetime),
    At(String),
}

/// What was once asked for, as far as it is named or the times of the token tell.
pub(super) fn of(asked: &Asked, token: &Token, diags: &mut Diagnostics) -> Option<End> {
    match (&asked.lifetime, &asked.expires_at) {
        (None, None) => {}
        (Some(text), None) => {
            let read = text.parse();
            if let Err(error) = &read {
                diags.error("The lifetime in the id cannot be read", format!("{error}."));
            }
            return read.ok().map(End::After);
        }
        (None, Some(text)) => {
            let read = text.parse::<Timestamp>();
            if read.is_err() {
                let summary = "The expires_at in the id is no instant";
                diags.error(summary, "Write it as 2027-01-31T00:00:00Z.");
            }
            return read.ok().map(|_| End::At(text.clone()));
        }
        (Some(_), Some(_)) => {
            let summary = "The id has a lifetime and expires_at";
            diags.error(summary, "A token has one end: give the one or the other.");
            return None;
        }
    }
    match (token.details.created_at, token.expires_at) {
        (_, None) => Some(End::After(Lifetime::Never)),
        (Some(from), Some(until)) => Some(told(from, until)),
        (None, Some(_)) => {
            diags.error(
                "The lifetime of the token is not known",
                "The issuer does not tell when it was made. Name in the id what the configuration has: \
                 {\"token_id\": \"…\", \"lifetime\": \"90d\"}, or \"expires_at\" in its place.",
            );
            None
        }
    }
}

/// Nobody writes a lifetime of so many days, hours, minutes and seconds: then it is the end that was wished. A token
/// of less than an hour has a lifetime.
fn told(from: Timestamp, until: Timestamp) -> End {
    let lifetime = until.duration_since(from);
    let unit = match lifetime >= DAY {
        true => Unit::Hour,
        false => Unit::Minute,
    };
    let whole = lifetime.round(unit).unwrap_or(lifetime);
    let near = whole.saturating_sub(lifetime).abs() <= ROUNDING && !whole.is_zero();
    match near {
        true => End::After(Lifetime::For(whole)),
        false if lifetime.is_positive() && lifetime < HOUR => {
            End::After(Lifetime::For(SignedDuration::from_secs(lifetime.as_secs())))
        }
        false => End::At(in_seconds(until).to_string()),
    }
}

const DAY: SignedDuration = SignedDuration::from_hours(24);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Issuers that count finer were asked in whole seconds, too.
fn in_seconds(at: Timestamp) -> Timestamp {
    let late = at.subsec_nanosecond() >= 500_000_000;
    let whole = at.as_second().saturating_add(i64::from(late));
    Timestamp::from_second(whole).unwrap_or(at)
}

/// An end that is named must be that of the token, or the next plan would move it.
pub(super) fn check(
    asked: &Asked,
    stored: &Stored,
    issuer: &dyn Issuer,
    diags: &mut Diagnostics,
) -> Option<()> {
    let (Some(_), Some(until), Some(held)) =
        (&asked.expires_at, &stored.until, &stored.record.current)
    else {
        return Some(());
    };
    if until.is_end_of(held, issuer) {
        return Some(());
    }
    let ends = match held.expires_at {
        Some(at) => format!("ends at {at}"),
        None => "never ends".to_owned(),
    };
    diags.error(
        cannot(&held.token.id),
        format!("The id says that it ends at {}, and it {ends}.", until.text),
    );
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_as_a_person_would_write_it() {
        let from: Timestamp = "2026-01-01T07:13:21.4Z".parse().unwrap();
        for (lasts, expected) in [
            (90 * 86_400, "90d"),
            (90 * 86_400 + 2, "90d"),
            (36 * 3600, "1d12h"),
            (45 * 60, "45m"),
            (90 * 86_400 + 1800, "2026-04-01T07:43:21Z"),
            (
                30 * 86_400 - 7 * 3600 - 13 * 60 - 21,
                "2026-01-31T00:00:00Z",
            ),
            (90, "1m30s"),
            (3 * 3600 + 90, "2026-01-01T10:14:51Z"),
        ] {
            let end = told(from, from + SignedDuration::from_secs(lasts));
            let text = match end {
                End::After(lifetime) => lifetime.to_string(),
                End::At(text) => text,
            };
            assert_eq!(text, expected);
        }
    }
}
