//! An overlap that is moved after a rotation: what retires already ends as much later, or earlier.

use jiff::{SignedDuration, Timestamp};
use tfplugin::Value;
use tokenwright_core::instant::after;
use tokenwright_core::{Held, Proven, Retiring, Spec, schedule};

use super::state::Stored;
use crate::schema::names::*;
use crate::values::span;

impl Stored {
    /// Gives what the state names as retiring the ends that follow from the wanted overlap.
    pub(super) fn move_ends(&mut self, state: &Value, wanted: &Spec) {
        let before = span(state.get(ROTATION), OVERLAP);
        let Some(current) = self.record.current.clone() else {
            return;
        };
        if before == wanted.overlap {
            return;
        }
        let was = state.get(RETIRING).as_slice().unwrap_or_default();
        let was: Vec<_> = was
            .iter()
            .filter_map(|row| row.get(TOKEN_ID).as_str())
            .collect();
        let fingerprints = &self.fingerprints;
        for retiring in &mut self.record.retiring {
            let id = &retiring.token.id;
            // Somebody may hold the value of a found token, whatever the overlap of others is.
            if was.contains(&id.as_str()) && fingerprints.contains_key(id) {
                retiring.not_before = moved(retiring, &current, before, wanted);
            }
        }
    }
}

fn moved(
    retiring: &Retiring,
    current: &Held,
    before: Option<SignedDuration>,
    wanted: &Spec,
) -> Timestamp {
    let ends = retiring.not_before;
    let end = match (before, wanted.overlap) {
        (Some(before), Some(overlap)) => after(ends, overlap.saturating_sub(before)),
        // Without one it was the longest that there is.
        (None, Some(overlap)) => ends.min(after(current.created_at, overlap)),
        (_, None) => {
            let natural = schedule::renew_at(wanted, current);
            let natural = natural.into_iter().chain(retiring.expires_at).min();
            ends.max(natural.unwrap_or_else(|| after(current.created_at, schedule::OVERLAP)))
        }
    };
    let end = retiring
        .expires_at
        .map_or(end, |expires_at| end.min(expires_at));
    // Nothing ends earlier for the sake of a token that is not proven.
    match current.proven {
        Proven::Yes => end,
        Proven::No | Proven::NotYet => end.max(ends),
    }
}
