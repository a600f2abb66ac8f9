//! What a run that was killed, or that lost an answer, may have left: it is ended with the rest.

use jiff::{SignedDuration, Timestamp};
use tfplugin::Diagnostics;
use tokenwright_core::instant::before;
use tokenwright_core::{
    Attempt, DestinationVersion, Ended, Nonce, Outcome, Past, Reason, Sighting, Standing, Survey,
};

use super::Destroy;
use crate::token::state::Stored;
use crate::token::wanted::Wanted;

/// The next mint's nonce as an attempt: a token that carries it is a lost answer of ours.
pub(super) fn open_attempt(stored: &mut Stored, wanted: &Wanted, since: Timestamp) {
    let Some(nonce) = stored.next_nonce.clone() else {
        return;
    };
    let revision = stored.record.last_revision.saturating_add(1);
    stored.record.last_revision = revision;
    stored.record.attempts.push(Attempt {
        nonce,
        revision,
        inputs: wanted.spec.inputs.clone(),
        began_at: None,
        // Long ago, unless a mint of the last minutes is known to have lost its answer.
        deadline: stored
            .lost_until
            .unwrap_or(before(since, SignedDuration::from_hours(1))),
        destination: DestinationVersion::Absent,
        trigger: None,
        identity: None,
        repairs: None,
    });
}

/// Whether what is waited for shows whether a lost mint left a token.
pub(super) fn is_waited_for(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::WaitingForAttempts | Reason::WaitingForInventory
    )
}

impl Destroy<'_> {
    /// Closes the open attempt. Where no mint is known to be lost it is a guess, for which one listing is enough.
    pub(super) fn close(&mut self, (attempt, suspect): (Attempt, bool), diags: &mut Diagnostics) {
        let settle = self.session.connected.issuer.capabilities().settle;
        let survey = self.observed.survey.as_ref();
        let enough = survey.map(|survey| before(survey.started_at, settle));
        let closed_at = enough.filter(|_| self.stored.lost_until.is_none());
        let closed_at = closed_at.unwrap_or_else(|| self.session.now());
        self.evolve(Outcome::Closed { attempt, suspect }, closed_at);
        if suspect {
            self.may_have_left_one(diags);
        }
    }
}

/// Several lost answers in a row: each nonce of the chain that a token carries is one of our attempts.
pub(super) fn follow_chain(stored: &mut Stored, seen: &Survey) {
    loop {
        let Some(last) = stored.record.attempts.last().cloned() else {
            return;
        };
        let shown = |nonce: &Nonce| seen.ours.iter().find(|s| s.marker.nonce == *nonce);
        let Some(sighting) = shown(&last.nonce) else {
            return;
        };
        // A lost answer keeps the revision that it was minted with, whatever we counted since.
        let revision = sighting.marker.revision;
        if let Some(attempt) = stored.record.attempts.last_mut() {
            attempt.revision = revision;
        }
        let next = stored.nonce_after(&last.nonce);
        if shown(&next).is_none() {
            stored.record.last_revision = stored.record.last_revision.max(revision);
            return;
        }
        stored.record.last_revision = stored.record.last_revision.max(revision).saturating_add(1);
        stored.record.attempts.push(Attempt {
            nonce: next,
            ..last
        });
    }
}

/// A run that was killed, and the next one after it, minted with the same nonce of the state: another token
/// under the marker of one on record is one of ours, too, and nobody has its value.
pub(super) fn own_twins(stored: &mut Stored, seen: &Survey, now: Timestamp) {
    let twin = |shown: &&Sighting| shown.standing(&stored.record) == Standing::Twin;
    let twins = seen.ours.iter().filter(twin).map(|shown| Past {
        nonce: shown.marker.nonce.clone(),
        revision: shown.marker.revision,
        id: None,
        ended: Ended::Lost,
        ended_at: Some(now),
        undelivered: false,
        asked: None,
    });
    let twins: Vec<_> = twins.collect();
    stored.record.past.extend(twins);
}
