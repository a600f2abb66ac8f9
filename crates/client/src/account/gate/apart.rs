//! How far the clock here and that of the issuer are apart, by the dates of its answers.

use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;
use tokenwright_core::duration;

/// Clocks that differ by so much agree: as far as a JWT is dated back; the windows of systems are not shorter.
pub(crate) const TOLERATED: SignedDuration = SignedDuration::from_secs(60);

/// Farther apart it is as likely the issuer's clock that is wrong, and what it says counts for no more.
const FARTHEST: SignedDuration = SignedDuration::from_hours(24);

/// How far the clock here is ahead, negative where it is behind, and zero where they agree; nothing before an answer
/// tells.
#[derive(Default)]
pub(super) struct Apart(Mutex<Option<SignedDuration>>);

impl Apart {
    /// What the latest answer told.
    pub(super) fn told(&self) -> Option<SignedDuration> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what an answer tells, in whole seconds.
    pub(super) fn heard(&self, ahead: SignedDuration) {
        let apart = match ahead.abs() > TOLERATED {
            true => SignedDuration::from_secs(ahead.clamp(-FARTHEST, FARTHEST).as_secs()),
            false => SignedDuration::ZERO,
        };
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let was_ahead = told
            .replace(apart)
            .is_some_and(|before| before.is_positive());
        if apart.is_positive() && !was_ahead {
            tracing::warn!(
                ahead = %duration::format(apart),
                "the clock here is ahead of the issuer's: superseded tokens are kept for that much longer"
            );
        }
    }
}
