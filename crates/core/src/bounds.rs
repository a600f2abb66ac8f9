//! The least and the greatest value of each duration that a person writes, and the most text, defined once.
//!
//! Whoever reads a field checks it here, and says the field, the value and both bounds. What predates a
//! bound is clamped where it is used, so that nothing ends a program.

use jiff::SignedDuration;

use crate::duration::{self, LONGEST};
use crate::spec::InvalidSpec;

/// Both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The least value.
    pub least: SignedDuration,
    /// The greatest value.
    pub greatest: SignedDuration,
}

/// How long a token may be wanted to live. Shorter ones would be minted all day long; a demonstration
/// shows a whole life in half a minute.
pub const LIFETIME: Bounds = bounds(10, LONGEST.as_secs());
/// Between two scheduled rotations, be it by age or by expiry.
pub const BETWEEN_ROTATIONS: Bounds = bounds(10, LONGEST.as_secs());
/// How long a superseded token stays; none at all is a wish that people have.
pub const OVERLAP: Bounds = bounds(0, LONGEST.as_secs());
/// The longest that one request may take. A mint holds its place for twice as long.
pub const REQUEST_TIMEOUT: Bounds = bounds(1, 600);
/// How often an inventory is taken, or an adopted value checked.
pub const RECHECK: Bounds = bounds(60, 7 * 86_400);
/// How long deletion tries; zero lets go at once, and says what stays alive.
pub const DELETION_TIMEOUT: Bounds = bounds(0, LONGEST.as_secs());
/// How long before a date its end is announced.
pub const WARN_BEFORE: Bounds = bounds(0, LONGEST.as_secs());
/// How long a system may lag behind its own answers.
pub const SETTLE: Bounds = bounds(0, 3_600);

/// The most bytes of text in scopes, and in parameters. They are recorded with each token, each attempt and
/// each revoke, in one object that a destination must be able to hold.
pub const MOST_TEXT: usize = 16 * 1024;

/// How many bytes texts hold together.
pub fn bytes_of<'a>(texts: impl IntoIterator<Item = &'a String>) -> usize {
    let lengths = texts.into_iter().map(String::len);
    lengths.fold(0, usize::saturating_add)
}

const fn bounds(least: i64, greatest: i64) -> Bounds {
    Bounds {
        least: SignedDuration::from_secs(least),
        greatest: SignedDuration::from_secs(greatest),
    }
}

impl Bounds {
    /// Whether a value lies within.
    #[must_use]
    pub fn contain(&self, value: SignedDuration) -> bool {
        (self.least..=self.greatest).contains(&value)
    }

    /// The nearest value within.
    #[must_use]
    pub fn clamp(&self, value: SignedDuration) -> SignedDuration {
        value.clamp(self.least, self.greatest)
    }

    /// Refuses a value outside, by its field.
    ///
    /// # Errors
    /// The field, the value and both bounds.
    pub fn check(&self, field: &'static str, value: SignedDuration) -> Result<(), InvalidSpec> {
        if self.contain(value) {
            return Ok(());
        }
        Err(InvalidSpec::new(field, self.sentence(value)))
    }

    /// What is wrong with a value outside; continues a sentence that names the field.
    #[must_use]
    pub fn sentence(&self, value: SignedDuration) -> String {
        let [least, greatest, value] = [self.least, self.greatest, value].map(duration::format);
        format!("must be between {least} and {greatest}, not {value}")
    }
}
