//! What another writer undoes again and again: a GitOps tool, a second operator, a person's script.
//!
//! What was undone is written anew at once; the third time in a row only after a pause, which doubles up
//! to some minutes. Haste wins no such contest, and the API server is everybody's. It is over once nobody
//! has undone anything for longer than the longest pause.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use tokenwright_api::names::{FIELD_MANAGER, GROUP, condition, reason};
use tokenwright_core::instant::{after, can_have_happened};

use crate::cluster::conditions::Fact;

/// So many times it is written anew at once: a person edits more than once, too.
const FREE: u32 = 3;

/// The pause after that many times.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// The longest one: whoever gave up is noticed within it.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// After so long a quiet it is over.
const OVER: SignedDuration = SignedDuration::from_mins(10);

/// No name of a writer is longer.
const LONGEST_NAME: usize = 128;

/// How often in a row one thing was undone and written anew. There are thousands of things, and hardly any of
/// them was.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contest(Option<Box<Round>>);

#[derive(Debug, Clone)]
struct Round {
    /// The generation that was served; another wish begins anew.
    generation: Option<i64>,
    times: u32,
    last: Timestamp,
    rival: Option<String>,
}

impl Contest {
    /// When it may be written anew; `None` where that is now.
    pub(crate) fn waits(&self, generation: Option<i64>, now: Timestamp) -> Option<Timestamp> {
        let round = self.lately(now)?;
        let at = round.again_at();
        (generation == round.generation && at > now).then_some(at)
    }

    /// It was written anew over what `rival` had made of it; whether the contest begins with that.
    pub(crate) fn written(
        &mut self,
        generation: Option<i64>,
        rival: Option<String>,
        now: Timestamp,
    ) -> bool {
        let goes_on = |round: &&Round| generation == round.generation && now < round.over_at();
        let before = self.lately(now).filter(goes_on).cloned();
        let (times, known) = before.map_or((0, None), |round| (round.times, round.rival));
        let round = Round {
            generation,
            times: times.saturating_add(1),
            last: now,
            rival: rival.or(known),
        };
        let begins = round.times == FREE;
        self.0 = Some(Box::new(round));
        begins
    }

    /// What is under way.
    fn lasts(&self, now: Timestamp) -> Option<&Round> {
        let round = self.lately(now)?;
        (round.times >= FREE && now < round.over_at()).then_some(round)
    }

    /// What happened; what seems to lie ahead did so before the clock was set back, and is over.
    fn lately(&self, now: Timestamp) -> Option<&Round> {
        let round = self.0.as_deref()?;
        can_have_happened(round.last, now).then_some(round)
    }

    /// When something is to be done or said again because of it.
    pub(crate) fn changes_at(&self, now: Timestamp) -> Option<Timestamp> {
        let round = self.lasts(now)?;
        let waits = self.waits(round.generation, now);
        Some(waits.unwrap_or_else(|| round.over_at()))
    }

    /// Says who undoes what is written into a Secret, and what a person does.
    pub(crate) fn about_secret(&self, name: &str, now: Timestamp) -> Option<Fact> {
        self.told(reason::SECRET_CONTESTED, now, |round| {
            let (rival, times, at) = (round.rival(), round.times, round.again_at());
            format!(
                "{rival} undoes what the operator writes into the Secret {name}: it was written anew {times} times, and is again from {at:.0} on. Let one of them alone write it: take the Secret out of what the other one manages, or have that leave alone the labels, annotations and keys that the operator writes."
            )
        })
    }

    /// The same of a finalizer or a label. No instant is told: two operators would correct each other's.
    pub(crate) fn about_mark(&self, on: &str, now: Timestamp) -> Option<Fact> {
        self.told(reason::MARK_CONTESTED, now, |round| {
            let rival = round.rival();
            format!(
                "{rival} takes the operator's finalizer or label off {on}; it is set anew after pauses that grow to {} minutes. Have that writer leave alone what begins with {GROUP}/: without it a deletion can leave tokens behind that nobody ends.",
                LONGEST_PAUSE.as_mins()
            )
        })
    }

    /// The same of a status. No instant is told: two operators would correct each other's.
    pub(crate) fn about_status(&self, now: Timestamp) -> Option<Fact> {
        self.told(reason::STATUS_CONTESTED, now, |round| {
            let rival = round.rival();
            format!(
                "{rival} undoes what the operator says in the status; it is said again after pauses that grow to {} minutes. Let one operator serve a namespace, with a Lease where there are several replicas, and let no other program write the status.",
                LONGEST_PAUSE.as_mins()
            )
        })
    }

    /// What is said while it lasts.
    fn told(
        &self,
        reason: &str,
        now: Timestamp,
        message: impl FnOnce(&Round) -> String,
    ) -> Option<Fact> {
        let message = message(self.lasts(now)?);
        Some(Fact::new(condition::CONTESTED, true, reason, message))
    }
}

impl Round {
    fn again_at(&self) -> Timestamp {
        let pause = self
            .times
            .checked_sub(FREE)
            .map_or(SignedDuration::ZERO, |more| {
                let pause = FIRST_PAUSE.saturating_mul(1 << more.min(10));
                pause.min(LONGEST_PAUSE)
            });
        after(self.last, pause)
    }

    fn over_at(&self) -> Timestamp {
        after(self.last, OVER)
    }

    fn rival(&self) -> String {
        let named = self.rival.as_deref();
        let named = named.map(|name| format!("The writer {name:?}"));
        named.unwrap_or_else(|| "Another operator, or a writer that is not named,".to_owned())
    }
}

/// Who else wrote this part of an object last, by the name that it gave to the API server.
pub(crate) fn rival(written: &ObjectMeta, subresource: Option<&str>) -> Option<String> {
    let others = written.managed_fields.iter().flatten().filter(|entry| {
        entry.subresource.as_deref() == subresource
            && entry.manager.as_deref() != Some(FIELD_MANAGER)
    });
    let last = others.max_by_key(|entry| entry.time.as_ref().map(|time| time.0))?;
    let name = last.manager.as_deref()?;
    Some(name.chars().take(LONGEST_NAME).collect())
}

/// What was said last in a status of an object, and how often that was undone. There are thousands of
/// objects, so that digests are kept of what was said, and not the words.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    pub(crate) contest: Contest,
    said: Option<Digest>,
    recorded: Option<Digest>,
    sent: Option<Digest>,
    /// The version of the object that says so.
    at: u64,
}

/// Tells two statuses apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest(u64);

impl Told {
    /// Whether somebody else has made something of what was said.
    pub(crate) fn undone(&self, is: Digest) -> bool {
        self.said.is_some_and(|said| said != is)
    }

    /// Whether this was recorded last.
    pub(crate) fn recorded(&self, record: Digest) -> bool {
        self.recorded == Some(record)
    }

    /// Whether this was sent last.
    pub(crate) fn sent_last(&self, status: Digest) -> bool {
        self.sent == Some(status)
    }

    /// Whether this version of the object is the one that says what was said.
    pub(crate) fn said_at(&self, version: u64) -> bool {
        self.at == version && version > 0
    }

    /// This was sent, if what counts of it was kept, and the object has this version since.
    pub(crate) fn sent(&mut self, status: Option<Digest>, version: u64) {
        (self.sent, self.at) = (status, version);
    }

    /// A status was said, with what it records where somebody asks for that.
    pub(crate) fn said(&mut self, status: Digest, record: Option<Digest>) {
        self.said = Some(status);
        self.recorded = record;
    }
}

impl Digest {
    pub(crate) fn of(status: &impl Serialize) -> Self {
        Self::hash(DefaultHasher::new(), status)
    }

    /// The digest of this and of more.
    pub(crate) fn and(self, more: &impl Serialize) -> Self {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        Self::hash(hasher, more)
    }

    fn hash(mut hasher: DefaultHasher, status: &impl Serialize) -> Self {
        // What is no JSON could not be sent either.
        serde_json::to_vec(status)
            .unwrap_or_default()
            .hash(&mut hasher);
        Self(hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// At which seconds it is written while another writer undoes it at once, until `end`.
    fn writes(contest: &mut Contest, from: i64, end: i64) -> Vec<i64> {
        let mut now = from;
        let mut all = Vec::new();
        while now < end {
            match contest.waits(Some(1), at(now)) {
                Some(later) => now = later.as_second(),
                None => {
                    contest.written(Some(1), None, at(now));
                    all.push(now);
                    now += 1;
                }
            }
        }
        all
    }

    #[test]
    fn what_is_undone_for_an_hour_is_written_less_and_less_often() {
        let mut contest = Contest::default();
        let all = writes(&mut contest, 0, 3_600);
        assert!(all.starts_with(&[0, 1, 2, 7, 17, 37, 77]), "{all:?}");
        assert!(all.len() < 24, "{all:?}");
        let last = *all.last().unwrap();
        assert!(contest.waits(Some(1), at(last + 301)).is_none(), "capped");
    }

    #[test]
    fn what_was_undone_while_the_clock_was_ahead_keeps_nothing_waiting_once_it_is_right() {
        let mut contest = Contest::default();
        let ahead = 36_000;
        writes(&mut contest, ahead, ahead + 60);
        assert!(contest.waits(Some(1), at(ahead + 60)).is_some());
        assert!(contest.waits(Some(1), at(60)).is_none());
        assert!(contest.about_status(at(60)).is_none());
        assert!(writes(&mut contest, 60, 70).starts_with(&[60, 61, 62, 67]));
    }

    #[test]
    fn another_wish_and_a_quiet_of_ten_minutes_end_the_pauses() {
        let mut contest = Contest::default();
        writes(&mut contest, 0, 1_000);
        let now = at(1_000);
        assert!(contest.waits(Some(1), now).is_some());
        assert!(contest.waits(Some(2), now).is_none());
        let over = contest.0.as_ref().unwrap().over_at();
        assert!(contest.about_status(now).is_some());
        assert!(contest.about_status(over).is_none());
        contest.written(Some(1), None, over);
        assert!(contest.waits(Some(1), over).is_none());
    }
}
