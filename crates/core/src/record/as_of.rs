//! What a clock that was ahead wrote down, as the clock of now can believe it.

use jiff::{SignedDuration, Timestamp};

use super::Record;
use crate::backoff::can_wait_until;
use crate::instant::{after, before, can_have_happened};
use crate::marker::Revision;

/// How long what was begun takes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Longest {
    /// An attempt.
    pub attempt: SignedDuration,
    /// An overlap.
    pub overlap: SignedDuration,
    /// The superseded revision that a person ended, of which there is none any more.
    pub ended: Option<Revision>,
}

impl Record {
    /// The record as the clock of now can believe it, without what a clock that was ahead wrote down: waited
    /// for, that would keep back for hours or years what is due in seconds. No wait is longer than the longest
    /// back-off, no attempt and no overlap longer than `longest` says, and what has happened is not to come: it
    /// happens now.
    ///
    /// When the current token was minted stays as it is, for a clock that is behind would make it older than it
    /// is, and due: see [`Held::there_since`](super::Held::there_since).
    #[must_use]
    pub fn as_of(mut self, now: Timestamp, longest: Longest) -> Self {
        let possible = |until: &Timestamp| can_wait_until(*until, now);
        self.retry_at = self.retry_at.filter(possible);
        self.pauses.retain(|pause| possible(&pause.retry_at));
        let happened = |at: &mut Timestamp| {
            if !can_have_happened(*at, now) {
                *at = now;
            }
        };
        for open in &mut self.revokes {
            open.retry_at = Some(open.retry_at).filter(possible).unwrap_or(now);
            open.sent_at.iter_mut().for_each(happened);
        }
        let ended = self
            .past
            .iter_mut()
            .filter_map(|past| past.ended_at.as_mut());
        ended.for_each(happened);
        if let Some(repaired) = &mut self.repaired {
            happened(&mut repaired.at);
        }
        let Longest {
            attempt,
            overlap,
            ended,
        } = longest;
        for open in &mut self.attempts {
            open.began_at.iter_mut().for_each(happened);
            if !can_have_happened(before(open.deadline, attempt), now) {
                open.deadline = after(now, attempt);
            }
        }
        // It was superseded by the same clock.
        let current = self.current.as_ref();
        if current.is_some_and(|held| held.was_minted_ahead_of(now)) {
            for old in &mut self.retiring {
                let overlap = match ended == Some(old.token.marker.revision) {
                    true => SignedDuration::ZERO,
                    false => overlap,
                };
                old.not_before = old.not_before.min(after(now, overlap));
            }
        }
        self
    }
}
