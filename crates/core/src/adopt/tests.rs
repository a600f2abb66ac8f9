//! Each test is a promise about values that people hand in.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::samples::{at, hours, secs};
use crate::{DeletionPolicy, Reason};

/// One adopted token in the middle of its life: value A is offered, accepted, delivered and alive.
#[derive(Debug, Clone)]
struct Case {
    spec: AdoptSpec,
    record: AdoptRecord,
    source: Option<Fingerprint>,
    holds: Option<Fingerprint>,
    foreign: bool,
    can_check: bool,
    can_revoke: bool,
    elsewhere: bool,
    in_use: bool,
    now: Timestamp,
}

fn value(name: &str) -> Fingerprint {
    Fingerprint::new(name)
}

fn empty() -> Case {
    Case {
        spec: AdoptSpec {
            token_id: None,
            expires_at: None,
            warn_before: WARN_BEFORE,
            recheck: secs(600),
            suspend: false,
            deletion: Deletion {
                policy: DeletionPolicy::Revoke,
                since: None,
                timeout: hours(24),
            },
        },
        record: AdoptRecord::default(),
        source: Some(value("A")),
        holds: None,
        foreign: false,
        can_check: true,
        can_revoke: true,
        elsewhere: false,
        in_use: false,
        now: at(0),
    }
}

fn case() -> Case {
    let mut case = empty();
    case.record = case
        .record
        .answered(&value("A"), Liveness::Alive, false, at(0));
    case.holds = Some(value("A"));
    case.now = at(1);
    case
}

impl Case {
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn view(&self) -> AdoptView<'_> {
        AdoptView {
            spec: &self.spec,
            record: &self.record,
            source: self.source.as_ref(),
            destination: match &self.holds {
                _ if self.foreign => Holds::Foreign,
                Some(value) => Holds::Value(value),
                None => Holds::Nothing,
            },
            can_check: self.can_check,
            can_revoke: self.can_revoke,
            elsewhere: self.elsewhere,
            in_use: self.in_use,
        }
    }

    fn decide(&self) -> AdoptDecision {
        decide_adopted(&self.view(), self.now)
    }

    fn says(&self) -> (Option<AdoptAction>, Reason) {
        let decision = self.decide();
        (decision.action, decision.reason)
    }

    fn hears(mut self, name: &str, answer: Liveness) -> Self {
        let holds = self.view().holds_accepted();
        self.record = self.record.answered(&value(name), answer, holds, self.now);
        self
    }
}

#[test]
fn a_value_is_checked_then_delivered_then_left_alone() {
    let first = empty();
    let check = AdoptAction::Check(value("A"));
    assert_eq!(first.says(), (Some(check), Reason::ValueOffered));
    let alive = first.hears("A", Liveness::Alive);
    let deliver = AdoptAction::Deliver(value("A"));
    assert_eq!(alive.says(), (Some(deliver), Reason::NotDelivered));
    let delivered = alive.with(|c| c.holds = Some(value("A")));
    assert_eq!(delivered.says(), (None, Reason::Quiet));
    assert_eq!(delivered.decide().check_again, Some(at(600)));
    assert!(delivered.view().works(delivered.now));
}

#[test]
fn a_value_that_does_not_authenticate_is_not_delivered_and_is_asked_about_again() {
    let refused = empty().hears("A", Liveness::Dead);
    assert_eq!(refused.says(), (None, Reason::ValueRefused));
    let again = refused.decide().check_again;
    assert!(again.is_some_and(|at| at > refused.now), "{again:?}");
    let later = refused.with(|c| c.now = again.unwrap());
    assert_eq!(later.decide().action, Some(AdoptAction::Check(value("A"))));
}

#[test]
fn a_changed_value_is_followed_once_it_authenticates() {
    let changed = case().with(|c| c.source = Some(value("B")));
    let check = AdoptAction::Check(value("B"));
    assert_eq!(changed.says(), (Some(check), Reason::ValueOffered));
    let alive = changed.hears("B", Liveness::Alive);
    assert_eq!(
        alive.decide().action,
        Some(AdoptAction::Deliver(value("B")))
    );
}

#[test]
fn a_changed_value_that_fails_its_check_replaces_nothing() {
    let refused = case()
        .with(|c| c.source = Some(value("B")))
        .hears("B", Liveness::Dead);
    assert_eq!(refused.says(), (None, Reason::ValueRefused));
    assert!(refused.view().works(refused.now), "A stays and works");
    let third = refused.with(|c| c.source = Some(value("C")));
    let check = Some(AdoptAction::Check(value("C")));
    assert_eq!(
        third.decide().action,
        check,
        "no back-off for another value"
    );
}

#[test]
fn nobody_knows_whether_a_value_works_so_it_replaces_nothing_that_does() {
    let unknown = case()
        .with(|c| c.source = Some(value("B")))
        .hears("B", Liveness::Unknown);
    assert_eq!(unknown.says(), (None, Reason::ValueNotChecked));
    // Where nothing works, it is all there is.
    let first = empty().hears("A", Liveness::Unknown);
    assert_eq!(
        first.decide().action,
        Some(AdoptAction::Deliver(value("A")))
    );
    let lost = case().with(|c| (c.source, c.holds) = (Some(value("B")), None));
    let lost = lost.hears("B", Liveness::Unknown);
    assert_eq!(lost.decide().action, Some(AdoptAction::Deliver(value("B"))));
}

#[test]
fn a_system_that_cannot_be_asked_is_not_asked() {
    let blind = empty().with(|c| c.can_check = false);
    assert_eq!(blind.decide().action, Some(AdoptAction::TakeUp(value("A"))));
    let taken = blind.with(|c| c.record = c.record.clone().taken_up(&value("A")));
    assert_eq!(
        taken.decide().action,
        Some(AdoptAction::Deliver(value("A")))
    );
    let delivered = taken.with(|c| c.holds = Some(value("A")));
    assert_eq!(delivered.says(), (None, Reason::Quiet));
    assert_eq!(delivered.decide().check_again, None);
}

#[test]
fn a_delivered_value_is_checked_again_and_its_death_is_said() {
    let due = case().with(|c| c.now = at(600));
    let check = AdoptAction::Check(value("A"));
    assert_eq!(due.says(), (Some(check), Reason::CheckDue));
    let dead = due.clone().hears("A", Liveness::Dead);
    assert_eq!(dead.says(), (None, Reason::TokenDead));
    assert!(!dead.view().works(dead.now));
    // An issuer that does not answer says nothing of the value.
    let unknown = due.hears("A", Liveness::Unknown);
    assert_eq!(unknown.says(), (None, Reason::Quiet));
    assert!(unknown.view().works(unknown.now));
}

#[test]
fn what_somebody_changed_or_removed_at_the_destination_is_restored() {
    for holds in [None, Some(value("X"))] {
        let lost = case().with(|c| c.holds = holds);
        let deliver = AdoptAction::Deliver(value("A"));
        assert_eq!(lost.says(), (Some(deliver), Reason::NotDelivered));
    }
    let foreign = case().with(|c| c.foreign = true);
    assert_eq!(foreign.says(), (None, Reason::DestinationForeign));
}

#[test]
fn a_source_that_goes_takes_nothing_with_it() {
    let gone = case().with(|c| c.source = None);
    assert_eq!(gone.says(), (None, Reason::SourceMissing));
    assert!(gone.view().works(gone.now));
}

#[test]
fn suspended_it_takes_up_nothing_and_tends_what_there_is() {
    let suspended = case().with(|c| (c.spec.suspend, c.source) = (true, Some(value("B"))));
    assert_eq!(suspended.says(), (None, Reason::Suspended));
    let due = suspended.with(|c| c.now = at(600));
    assert_eq!(due.decide().action, Some(AdoptAction::Check(value("A"))));
}

#[test]
fn its_end_is_announced_before_the_date_and_said_after_it() {
    let dated = |seconds| {
        case().with(|c| {
            c.spec.recheck = hours(24 * 365);
            c.spec.expires_at = Some(at(1_000));
            c.spec.warn_before = secs(100);
            c.now = at(seconds);
        })
    };
    assert_eq!(dated(1).says(), (None, Reason::Quiet));
    assert_eq!(dated(1).decide().check_again, Some(at(900)));
    assert_eq!(dated(900).says(), (None, Reason::ExpiresSoon));
    assert_eq!(dated(900).decide().check_again, Some(at(1_000)));
    assert!(dated(999).view().works(at(999)));
    assert_eq!(dated(1_000).says(), (None, Reason::TokenExpired));
    assert!(!dated(1_000).view().works(at(1_000)));
}

#[test]
fn deletion_revokes_only_what_was_named_and_only_under_revoke() {
    let deleted = case().with(|c| {
        c.spec.deletion.since = Some(at(0));
        c.spec.token_id = Some(TokenId::new("t1"));
    });
    assert_eq!(
        deleted.decide().action,
        Some(AdoptAction::RemoveDestination)
    );
    let revoke = Some(AdoptAction::Revoke(TokenId::new("t1")));
    for source in [None, Some(value("B"))] {
        let only_copy = deleted.clone().with(|c| c.source = source);
        assert_eq!(only_copy.decide().action, revoke, "nobody else has it");
        let ended = only_copy.clone().with(|c| c.record.ended = true);
        let remove = Some(AdoptAction::RemoveDestination);
        assert_eq!(ended.decide().action, remove);
        let unnamed = only_copy.with(|c| c.spec.token_id = None);
        assert_eq!(unnamed.decide().action, remove);
    }
    let removed = deleted.clone().with(|c| c.holds = None);
    assert_eq!(removed.decide().action, revoke);
    let finish = Some(AdoptAction::Finish);
    let ended = removed.clone().with(|c| c.record.ended = true);
    assert_eq!(ended.decide().action, finish);
    let unnamed = removed.clone().with(|c| c.spec.token_id = None);
    assert_eq!(unnamed.decide().action, finish);
    let never_taken_up = removed.clone().with(|c| c.record.accepted = None);
    assert_eq!(never_taken_up.decide().action, finish);
    let unable = removed.clone().with(|c| c.can_revoke = false);
    assert_eq!(unable.decide().action, finish);
    let retained = deleted.with(|c| c.spec.deletion.policy = DeletionPolicy::Retain);
    assert_eq!(
        retained.decide().action,
        Some(AdoptAction::ReleaseDestination)
    );
    let released = retained.with(|c| c.holds = None);
    assert_eq!(released.decide().action, finish);
    let given_up = removed.with(|c| c.now = at(24 * 3_600));
    assert_eq!(given_up.says(), (finish, Reason::DeletionTimedOut));
}

#[test]
fn about_a_value_of_another_endpoint_nothing_is_asked_and_what_is_offered_here_is() {
    let moved = case().with(|c| (c.elsewhere, c.now) = (true, at(600)));
    assert_eq!(moved.says(), (None, Reason::IssuerIdentityChanged));
    assert_eq!(moved.decide().check_again, None);
    assert!(moved.view().works(moved.now));
    let lost = moved.clone().with(|c| c.holds = None);
    let deliver = AdoptAction::Deliver(value("A"));
    assert_eq!(lost.decide().action, Some(deliver));
    let offered = moved.clone().with(|c| c.source = Some(value("B")));
    let check = AdoptAction::Check(value("B"));
    assert_eq!(offered.says(), (Some(check), Reason::ValueOffered));
    let missing = moved.with(|c| (c.source, c.holds) = (None, None));
    assert_eq!(missing.says(), (None, Reason::SourceMissing));
}

#[test]
fn a_token_of_another_endpoint_or_in_use_keeps_deletion_waiting_until_its_timeout() {
    for (elsewhere, in_use, reason) in [
        (true, false, Reason::IssuerIdentityChanged),
        (true, true, Reason::IssuerIdentityChanged),
        (false, true, Reason::RevokeInUse),
    ] {
        let deleted = case().with(|c| {
            c.spec.deletion.since = Some(at(0));
            c.spec.token_id = Some(TokenId::new("t1"));
            (c.elsewhere, c.in_use) = (elsewhere, in_use);
        });
        assert_eq!(
            deleted.says(),
            (None, reason),
            "the only copy may stand there"
        );
        let removed = deleted.clone().with(|c| c.holds = None);
        assert_eq!(removed.says(), (None, reason));
        let late = removed.with(|c| c.now = at(24 * 3_600));
        let finish = Some(AdoptAction::Finish);
        assert_eq!(late.says(), (finish, Reason::DeletionTimedOut));
        // What ends nothing waits for nothing.
        let unnamed = deleted.clone().with(|c| c.spec.token_id = None);
        let remove = Some(AdoptAction::RemoveDestination);
        assert_eq!(unnamed.decide().action, remove);
        let retained = deleted.with(|c| c.spec.deletion.policy = DeletionPolicy::Retain);
        let release = Some(AdoptAction::ReleaseDestination);
        assert_eq!(retained.decide().action, release);
    }
}

/// What happens outside between two steps.
#[derive(Debug, Clone)]
enum Event {
    Offer(Option<u8>),
    Kill(u8),
    Unreachable(bool),
    Lose,
    Crash,
    Pass(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        proptest::option::of(0..4_u8).prop_map(Event::Offer),
        (0..4_u8).prop_map(Event::Kill),
        any::<bool>().prop_map(Event::Unreachable),
        Just(Event::Lose),
        Just(Event::Crash),
        (1..4_000_i64).prop_map(Event::Pass),
    ]
}

proptest! {
    /// Whatever people, issuers and crashes do: what was seen to work is replaced only by what was seen
    /// to work, what was dead when asked about is never delivered, and in the end the destination holds
    /// the offered value if it lives.
    #[test]
    fn what_works_is_replaced_only_by_what_works(events in proptest::collection::vec(event(), 1..40)) {
        let name = |n: u8| value(&n.to_string());
        let mut case = empty().with(|c| c.source = None);
        let mut dead: BTreeSet<u8> = BTreeSet::new();
        let mut reachable = true;
        let mut written = case.record.clone();
        let quiet = [Event::Unreachable(false), Event::Pass(100_000)];
        for event in events.into_iter().chain(quiet) {
            match event {
                Event::Offer(n) => case.source = n.map(name),
                Event::Kill(n) => { dead.insert(n); }
                Event::Unreachable(is) => reachable = !is,
                Event::Lose => case.holds = None,
                Event::Crash => case.record = written.clone(),
                Event::Pass(seconds) => case.now += secs(seconds),
            }
            for _ in 0..6 {
                let Some(action) = case.decide().action else { break };
                match action {
                    AdoptAction::Check(fingerprint) => {
                        let n: u8 = fingerprint.as_str().parse().unwrap();
                        let answer = match (reachable, dead.contains(&n)) {
                            (false, _) => Liveness::Unknown,
                            (true, true) => Liveness::Dead,
                            (true, false) => Liveness::Alive,
                        };
                        case = case.hears(fingerprint.as_str(), answer);
                    }
                    AdoptAction::Deliver(fingerprint) => {
                        let accepted = case.record.accepted.clone().unwrap();
                        prop_assert_eq!(&accepted.fingerprint, &fingerprint);
                        prop_assert_ne!(accepted.liveness, Liveness::Dead);
                        let held = case.holds.clone();
                        let was_alive = written.alive() && held.is_some_and(|held| written.accepts(&held));
                        prop_assert!(!was_alive || accepted.alive_at.is_some(), "{:?}", case);
                        case.holds = Some(fingerprint);
                        written = case.record.clone();
                    }
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            written = case.record.clone();
        }
        if let Some(offered) = case.source.clone() {
            let lives = !dead.contains(&offered.as_str().parse().unwrap());
            prop_assert_eq!(lives && case.holds != Some(offered), false, "{:?}", case);
        }
    }
}

#[test]
fn a_value_that_was_asked_about_in_the_future_is_asked_about_at_once() {
    let mut case = case();
    assert_eq!(case.decide().action, None);
    let asked = |ahead| after(case.now, ahead);
    let [moment, far] = [secs(30), hours(8)].map(asked);
    let accepted = case.record.accepted.as_mut().unwrap();
    accepted.asked_at = Some(moment);
    assert_eq!(case.decide().action, None);
    let accepted = case.record.accepted.as_mut().unwrap();
    accepted.asked_at = Some(far);
    assert_eq!(case.decide().action, Some(AdoptAction::Check(value("A"))));
}
