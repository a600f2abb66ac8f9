//! What a decision is made from, and what follows from it for every rule.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::capabilities::{Capabilities, LostAnswer};
use crate::instant::after;
use crate::observed::{IssuerSeen, Observed, Sighting, Standing};
use crate::reason::Reason;
use crate::record::{Attempt, Ended, Record, Retiring, TokenRef};
use crate::schedule;
use crate::spec::Spec;

/// Everything that a decision is made from.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// What is wanted.
    pub spec: &'a Spec,
    /// What is remembered.
    pub record: &'a Record,
    /// What was seen.
    pub observed: &'a Observed,
    /// What the system can do.
    pub can: &'a Capabilities,
}

/// What a wait after a failed mint is for: another wish, trigger or credential ends it.
#[must_use]
pub fn basis(spec: &Spec, issuer: &IssuerSeen) -> String {
    let mut digest = Sha256::new();
    for text in [&spec.written, &spec.trigger, &issuer.credential] {
        let text = text.as_deref().unwrap_or_default();
        digest.update(text.len().to_be_bytes());
        digest.update(text);
    }
    let digest = digest.finalize();
    let short = digest.iter().take(6);
    short.map(|byte| format!("{byte:02x}")).collect()
}

impl View<'_> {
    /// Until when the next mint waits after one that failed.
    #[must_use]
    pub fn waits_until(&self, now: Timestamp) -> Option<Timestamp> {
        let same = !self.wish_changed();
        self.record.retry_at.filter(|at| *at > now && same)
    }

    /// Whether the latest mint failed for another wish, trigger or credential than that of now.
    pub(super) fn wish_changed(&self) -> bool {
        let other = |of: &String| *of != basis(self.spec, &self.observed.issuer);
        self.record.retry_basis.as_ref().is_some_and(other)
    }

    /// Open attempts that no flow of this process is working on.
    pub(crate) fn lost_attempts(&self) -> impl Iterator<Item = &Attempt> {
        let running = self.observed.running.as_ref();
        self.record
            .attempts
            .iter()
            .filter(move |a| Some(&a.nonce) != running)
    }

    /// Lost attempts whose tokens the same request gets again.
    pub(super) fn replayable(&self) -> impl Iterator<Item = &Attempt> {
        let again = self.can.lost_answer == LostAnswer::Replay;
        let lost = self.lost_attempts();
        lost.filter(move |attempt| again && self.is_granted(attempt))
    }

    /// Lost attempts of which nothing will ever tell whether there is a token of them.
    pub(super) fn unattributable(&self) -> impl Iterator<Item = &Attempt> {
        self.lost_attempts()
            .filter(|attempt| match self.can.lost_answer {
                LostAnswer::CannotAttribute | LostAnswer::CannotList => true,
                LostAnswer::Replay => !self.is_granted(attempt),
                LostAnswer::FindByMarker => false,
            })
    }

    fn is_granted(&self, attempt: &Attempt) -> bool {
        !self.observed.not_granted.contains(&attempt.nonce)
    }

    /// Whether the survey must show the token of this attempt if there is one.
    pub(super) fn covers(&self, attempt: &Attempt) -> bool {
        let survey = self.observed.survey.as_ref();
        survey.is_some_and(|survey| survey.covers(attempt.deadline, self.can.settle))
    }

    /// From when on a listing tells what a deletion is to end: after it, unless the one at hand shows all that was
    /// minted before. Thousands that are deleted one after the other ask for none of their own then.
    pub(super) fn lists_since(&self, now: Timestamp) -> Option<Timestamp> {
        let since = self.spec.deletion.since?;
        if self.record.last_revision == 0 {
            return None;
        }
        let told = self.observed.survey.as_ref().is_some_and(|survey| {
            let latest = self.minted_by(now);
            let complete = latest.is_some_and(|at| survey.covers(at, self.can.settle));
            survey.started_at >= since || complete
        });
        (!told).then_some(since)
    }

    /// From when on a second listing tells what a deletion may have left: one that closed an attempt may have
    /// skipped what came of it, which stands in no record, and so may any within `settle` of it.
    pub(super) fn lists_again_since(&self, now: Timestamp) -> Option<Timestamp> {
        let _since = self.spec.deletion.since?;
        let past = self.record.past.iter();
        let lost = past.filter(|past| past.ended == Ended::Lost);
        let closed_at = lost.filter_map(|past| past.ended_at.filter(|at| *at <= now));
        let closed_at = closed_at.max()?;
        let survey = self.observed.survey.as_ref();
        let told = survey.is_some_and(|survey| survey.covers(closed_at, self.can.settle));
        (!told).then_some(after(closed_at, self.can.settle))
    }

    /// When all that was ever minted had reached the issuer, as far as the record tells that.
    fn minted_by(&self, now: Timestamp) -> Option<Timestamp> {
        let record = self.record;
        let minted = record.current.as_ref()?.there_since(now);
        let attempts = record.attempts.iter().map(|attempt| Some(attempt.deadline));
        let past = record.past.iter().map(|past| past.ended_at);
        let all = attempts.chain(past).chain([Some(minted)]);
        all.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// The tokens with our marker that nothing of ours explains: another writer made them.
    pub fn foreign(&self) -> impl Iterator<Item = &Sighting> {
        let acknowledged = &self.spec.acknowledged;
        let foreign = self.sightings(Standing::Foreign);
        foreign.filter(|sighting| !acknowledged.contains(&sighting.id))
    }

    /// Live tokens in this manager's name that it did not mint: why they are left alone, and which they are.
    pub fn strangers(&self) -> Option<(Reason, Vec<&Sighting>)> {
        let kinds = [
            (Standing::Foreign, Reason::ForeignActivity),
            (Standing::Twin, Reason::MarkerTwice),
            (Standing::Impossible, Reason::RevisionImpossible),
        ];
        let acknowledged = &self.spec.acknowledged;
        let mut all = kinds.into_iter().map(|(standing, reason)| {
            let shown = self.sightings(standing);
            let open = shown.filter(|sighting| !acknowledged.contains(&sighting.id));
            (reason, open.collect::<Vec<_>>())
        });
        all.find(|(_, shown)| !shown.is_empty())
    }

    pub(super) fn foreign_activity(&self) -> bool {
        self.foreign().next().is_some()
    }

    pub(super) fn sightings(&self, standing: Standing) -> impl Iterator<Item = &Sighting> {
        let survey = self.observed.survey.iter();
        survey.flat_map(move |survey| {
            let of =
                move |shown: &&Sighting| survey.standing(shown, self.record, self.can) == standing;
            survey.ours.iter().filter(of)
        })
    }

    /// The token that the destination says its value belongs to.
    pub(super) fn named(&self) -> Option<&TokenRef> {
        let carried = self.observed.destination.carried()?;
        Some(&carried.current.token)
    }

    /// Until when a superseded token stays: what the destination shows counts, where it says later. A clock
    /// that is ahead is not taken at its word: what it says now comes to be only then.
    pub(super) fn not_before(&self, retiring: &Retiring) -> Timestamp {
        let current = self.record.current.as_ref();
        let not_before = schedule::lowered(self.spec, self.can, current, retiring);
        let carried = self.observed.destination.carried();
        let shown = carried.iter().flat_map(|carried| &carried.retiring);
        let shown = shown.filter(|r| r.token.is(&retiring.token));
        let latest = shown.map(|r| r.not_before).fold(not_before, Timestamp::max);
        after(latest, self.observed.clock_ahead)
    }

    /// When tokens of a deleted object that cannot be revoked are let go. When the deletion began, the API
    /// server's clock said: one here that is ahead ends nothing early.
    pub(super) fn gives_up_at(&self) -> Option<Timestamp> {
        let deletion = self.spec.deletion;
        let over = after(deletion.since?, deletion.timeout);
        Some(after(over, self.observed.clock_ahead))
    }

    pub(super) fn revokes_held(&self) -> bool {
        self.observed.hold_revokes || self.foreign_activity()
    }

    /// The reference of a sighted token, as the issuer that showed it is known now.
    pub(super) fn reference(&self, sighting: &Sighting) -> TokenRef {
        if let Some(open) = self.record.open_revoke(&sighting.id, &sighting.marker) {
            return open.token.clone();
        }
        let parameters = match self.record.attempt(&sighting.marker.nonce) {
            Some(attempt) => &attempt.inputs.parameters,
            None => &self.spec.inputs.parameters,
        };
        TokenRef {
            id: sighting.id.clone(),
            marker: sighting.marker.clone(),
            parameters: parameters.clone(),
            endpoint: self.observed.issuer.endpoint.clone(),
            identity: self.observed.issuer.identity.clone(),
        }
    }
}
