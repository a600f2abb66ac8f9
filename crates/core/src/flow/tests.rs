//! The flow, answer by answer.

use super::*;
use crate::marker::{ManagerId, Origin};
use crate::samples::*;
use crate::{Action, AtIssuer, LostAnswer, Obstacle, Outcome, TokenStatus, evolve};

mod replays;

fn rehearsed(current: Option<Nonce>) -> Answer {
    let version = DestinationVersion::Absent;
    Answer::Rehearsed { version, current }
}

fn plan(case: &Case) -> MintPlan {
    let who = (Origin::of("cluster"), ManagerId::of("uid"));
    MintPlan::new(&case.view(), who, 2, nonce(2), at(0))
}

/// The flow after these answers, all given at 0, and its last ask.
fn after_answers(plan: MintPlan, answers: impl IntoIterator<Item = Answer>) -> (MintFlow, Ask) {
    let mut flow = MintFlow::new(plan, at(0));
    let mut ask = flow.next(Answer::Start, at(0));
    for answer in answers {
        ask = flow.next(answer, at(0));
    }
    (flow, ask)
}

fn to_mint() -> [Answer; 2] {
    [rehearsed(None), Answer::AttemptWritten]
}

fn minted_answer() -> Answer {
    Answer::Minted {
        id: token(2).id,
        expires_at: Some(at(90 * 86_400)),
        marked: Some(true),
    }
}

fn minted(case: &Case) -> (MintFlow, Ask) {
    let answers = to_mint().into_iter().chain([minted_answer()]);
    after_answers(plan(case), answers)
}

fn not_minted(sent: bool) -> Answer {
    Answer::NotMinted {
        sent,
        retry_after: None,
    }
}

fn reason(ask: &Ask) -> Reason {
    match ask {
        Ask::Done(Outcome::Failed { reason, .. }) => *reason,
        Ask::Done(Outcome::Lost { .. }) => Reason::OutcomeUnknown,
        Ask::Done(Outcome::Published(_)) => Reason::Published,
        other => panic!("not over: {other:?}"),
    }
}

fn published(ask: &Ask) -> &Publication {
    match ask {
        Ask::Publish { publication, .. } => publication,
        other => panic!("no publish: {other:?}"),
    }
}

#[test]
fn a_mint_is_rehearsed_written_down_minted_proven_and_published() {
    let (mut flow, ask) = minted(&case());
    assert_eq!(ask, Ask::Prove { at: at(0) });
    let ask = flow.next(Answer::Proved(Liveness::Alive), at(1));
    assert_eq!(published(&ask).current.token, token(2));
    assert_eq!(published(&ask).retiring[0].token, token(1));
    assert_eq!(
        reason(&flow.next(Answer::Committed, at(2))),
        Reason::Published
    );
}

#[test]
fn terraform_has_nothing_to_rehearse_and_mints_at_once() {
    let plan = MintPlan {
        durable: false,
        ..plan(&case())
    };
    assert!(matches!(after_answers(plan, []).1, Ask::Mint { .. }));
}

#[test]
fn whatever_ends_before_the_mint_is_named_and_made_no_token() {
    let start = |answer| reason(&after_answers(plan(&case()), [answer]).1);
    assert_eq!(start(Answer::RehearsalRefused), Reason::RehearsalRefused);
    let written = rehearsed(None);
    let end = after_answers(plan(&case()), [written, Answer::AttemptConflict]).1;
    assert_eq!(reason(&end), Reason::AttemptConflict);
    let sent = |sent| {
        let answers = to_mint().into_iter().chain([not_minted(sent)]);
        reason(&after_answers(plan(&case()), answers).1)
    };
    assert_eq!(sent(true), Reason::MintRefused);
    assert_eq!(sent(false), Reason::MintNotSent);
}

#[test]
fn nothing_is_sent_unless_a_whole_request_timeout_is_left() {
    let (mut flow, _) = after_answers(plan(&case()), [rehearsed(None)]);
    let late = flow.clone().next(Answer::AttemptWritten, at(31));
    assert_eq!(reason(&late), Reason::MintNotSent);
    assert!(matches!(
        flow.next(Answer::AttemptWritten, at(30)),
        Ask::Mint { .. }
    ));
}

#[test]
fn an_unreadable_answer_leaves_the_attempt_open() {
    let answers = to_mint().into_iter().chain([Answer::MintUnknown]);
    let ask = after_answers(plan(&case()), answers).1;
    assert!(matches!(
        ask,
        Ask::Done(Outcome::Lost {
            unreadable: true,
            ..
        })
    ));
}

#[test]
fn a_dead_value_is_asked_again_until_settle_and_then_withdrawn() {
    let (mut flow, _) = minted(&case());
    let again = flow.next(Answer::Proved(Liveness::Dead), at(9));
    assert!(matches!(again, Ask::Prove { .. }));
    let ask = flow.next(Answer::Proved(Liveness::Dead), at(10));
    assert!(matches!(ask, Ask::Withdraw { .. }));
    let end = flow.next(Answer::Withdrawn, at(11));
    assert_eq!(reason(&end), Reason::MintedValueRefused);
}

#[test]
fn a_value_that_the_system_knows_only_at_the_end_of_settle_is_proven_whatever_the_timeout() {
    for (timeout, settle) in [(2, 20), (1, 60), (30, 10), (2, 0)] {
        let case = case().with(|c| {
            c.spec.request_timeout = SignedDuration::from_secs(timeout);
            c.can.settle = SignedDuration::from_secs(settle);
        });
        let (mut flow, mut ask) = minted(&case);
        let known_at = at(settle);
        while let Ask::Prove { at: asked } = ask {
            let liveness = match asked < known_at {
                true => Liveness::Dead,
                false => Liveness::Alive,
            };
            ask = flow.next(Answer::Proved(liveness), asked);
        }
        assert_eq!(published(&ask).current.proven, Proven::Yes, "{settle}");
    }
}

#[test]
fn only_a_destination_that_was_asked_can_have_refused() {
    let (mut flow, _) = minted(&case());
    let ask = flow.next(Answer::Proved(Liveness::Alive), at(76));
    assert!(matches!(ask, Ask::Withdraw { .. }), "{ask:?}");
    let told = reason(&flow.next(Answer::Withdrawn, at(77)));
    assert_eq!(told, Reason::ValueNotProven);
}

#[test]
fn nothing_unproven_replaces_what_works() {
    let (mut flow, _) = minted(&case());
    assert!(matches!(
        flow.next(Answer::Proved(Liveness::Unknown), at(10)),
        Ask::Prove { .. }
    ));
    let ask = flow.next(Answer::Proved(Liveness::Unknown), at(70));
    assert!(matches!(ask, Ask::Withdraw { .. }));
    assert_eq!(
        reason(&flow.next(Answer::Withdrawn, at(71))),
        Reason::ValueNotProven
    );
}

#[test]
fn an_unproven_value_is_published_where_nothing_works_and_ends_no_other() {
    let dead = case().with(|c| c.observed.status = TokenStatus::Dead);
    let (mut flow, _) = minted(&dead);
    let ask = flow.next(Answer::Proved(Liveness::Unknown), at(70));
    assert_eq!(published(&ask).current.proven, Proven::NotYet);
    assert_eq!(published(&ask).retiring[0].not_before, at(90 * 86_400));
}

#[test]
fn a_proven_publish_ends_older_overlaps_now_and_an_unproven_one_does_not() {
    let case = case().with(|c| {
        c.record.retiring = vec![retiring(0, at(86_400))];
        c.observed.status = TokenStatus::Dead;
    });
    let (mut flow, _) = minted(&case);
    let proven = flow.clone().next(Answer::Proved(Liveness::Alive), at(5));
    assert_eq!(published(&proven).retiring[0].not_before, at(5));
    let unproven = flow.next(Answer::Proved(Liveness::Unknown), at(70));
    assert_eq!(published(&unproven).retiring[0].not_before, at(86_400));
}

#[test]
fn a_token_that_was_issued_expired_is_withdrawn() {
    let answer = Answer::Minted {
        id: token(2).id,
        expires_at: Some(at(0)),
        marked: None,
    };
    let case = case().with(|c| c.can.check = false);
    let ask = after_answers(plan(&case), to_mint().into_iter().chain([answer])).1;
    assert!(matches!(ask, Ask::Withdraw { .. }), "{ask:?}");
}

/// The issuer answers with the id of the current token, which it replaced, or which it has just shown again.
fn minted_in_place() -> (MintFlow, Ask) {
    let answer = Answer::Minted {
        id: token(1).id,
        expires_at: Some(at(90 * 86_400)),
        marked: Some(true),
    };
    after_answers(plan(&case()), to_mint().into_iter().chain([answer]))
}

#[test]
fn a_token_that_took_the_place_of_another_is_published_and_leaves_nothing_to_revoke() {
    let (mut flow, _) = minted_in_place();
    let ask = flow.next(Answer::Proved(Liveness::Alive), at(1));
    assert_eq!(published(&ask).current.token.id, token(1).id);
    assert_eq!(published(&ask).current.token.marker, token(2).marker);
    assert_eq!(published(&ask).retiring, []);
}

#[test]
fn an_id_that_is_on_record_is_not_revoked_with_a_new_value_that_does_not_work() {
    let (mut flow, _) = minted_in_place();
    let ask = flow.next(Answer::Proved(Liveness::Dead), at(70));
    assert_eq!(reason(&ask), Reason::IdNotNew);
    assert!(
        matches!(&ask, Ask::Done(Outcome::Failed { token: None, .. })),
        "{ask:?}"
    );
}

#[test]
fn a_lifetime_that_the_issuer_ignored_ends_the_new_token_and_keeps_the_current_one() {
    let issued = |expires_at| Answer::Minted {
        id: token(2).id,
        expires_at,
        marked: None,
    };
    let flow = |case: &Case| {
        let answers = to_mint().into_iter().chain([issued(None)]);
        after_answers(plan(case), answers)
    };
    let (mut strict, ask) = flow(&case());
    assert!(matches!(ask, Ask::Withdraw { .. }), "{ask:?}");
    let end = strict.next(Answer::Withdrawn, at(1));
    assert_eq!(reason(&end), Reason::LifetimeIgnored);
    let (_, ask) = flow(&case().with(|c| c.can.lifetime_ignored = true));
    assert!(matches!(ask, Ask::Prove { .. }), "{ask:?}");
}

#[test]
fn a_token_whose_name_lost_its_marker_is_withdrawn_where_only_its_marker_would_prove_it() {
    let ended = |case: &Case, marked| {
        let answer = Answer::Minted {
            id: token(2).id,
            expires_at: Some(at(90 * 86_400)),
            marked,
        };
        let (mut flow, ask) = after_answers(plan(case), to_mint().into_iter().chain([answer]));
        match ask {
            Ask::Withdraw { .. } => Some(reason(&flow.next(Answer::Withdrawn, at(1)))),
            _ => None,
        }
    };
    let by_marker = case().with(|c| c.can.lost_answer = LostAnswer::FindByMarker);
    let not_kept = Some(Reason::MarkerNotKept);
    for (marked, expected) in [(Some(false), not_kept), (Some(true), None), (None, None)] {
        assert_eq!(ended(&by_marker, marked), expected, "{marked:?}");
    }
    let nameless = case().with(|c| c.can.lost_answer = LostAnswer::CannotAttribute);
    assert_eq!(ended(&nameless, Some(false)), None);
}

#[test]
fn a_publish_is_tried_again_until_the_deadline_and_then_its_token_withdrawn() {
    let (mut flow, _) = minted(&case());
    flow.next(Answer::Proved(Liveness::Alive), at(1));
    let moved = DestinationVersion::Present {
        uid: "u".into(),
        resource_version: "9".into(),
    };
    let ask = flow.next(Answer::Moved(moved.clone()), at(2));
    assert_eq!(published(&ask).destination, moved);
    assert!(matches!(
        flow.next(Answer::PublishFailed, at(70)),
        Ask::Publish { .. }
    ));
    assert!(matches!(
        flow.next(Answer::PublishFailed, at(75)),
        Ask::Withdraw { .. }
    ));
    assert_eq!(
        reason(&flow.next(Answer::Withdrawn, at(76))),
        Reason::PublishRefused
    );
}

#[test]
fn a_leader_that_wakes_late_withdraws_its_own_token() {
    let (mut flow, _) = minted(&case());
    flow.next(Answer::Proved(Liveness::Alive), at(1));
    assert!(matches!(
        flow.next(Answer::Changed, at(2)),
        Ask::Withdraw { .. }
    ));
    assert_eq!(
        reason(&flow.next(Answer::Withdrawn, at(3))),
        Reason::DestinationChanged
    );
}

#[test]
fn a_withdrawal_that_fails_or_finds_the_token_in_use_leaves_the_attempt_open() {
    let (mut flow, _) = minted(&case());
    flow.next(Answer::Proved(Liveness::Alive), at(1));
    flow.next(Answer::Changed, at(2));
    assert_eq!(
        reason(&flow.clone().next(Answer::InUse, at(3))),
        Reason::OutcomeUnknown
    );
    let mut asks = 0;
    let mut ask = flow.next(Answer::WithdrawFailed, at(3));
    while let Ask::Withdraw { .. } = ask {
        asks += 1;
        ask = flow.next(Answer::WithdrawFailed, at(3));
    }
    // The first one was asked for when the destination had changed.
    assert_eq!(asks + 1, MAX_WITHDRAWALS);
    assert_eq!(reason(&ask), Reason::OutcomeUnknown);
}

#[test]
fn a_token_that_could_not_be_withdrawn_is_ended_by_its_id_where_nothing_else_finds_it() {
    for lost_answer in [LostAnswer::CannotAttribute, LostAnswer::CannotList] {
        let case = case().with(|c| {
            c.can.lost_answer = lost_answer;
            c.observed.survey = None;
            c.record.attempts = vec![attempt(2, at(0))];
        });
        let (mut flow, _) = minted(&case);
        flow.next(Answer::Proved(Liveness::Alive), at(1));
        let mut ask = flow.next(Answer::Changed, at(2));
        while let Ask::Withdraw { .. } = ask {
            ask = flow.next(Answer::WithdrawFailed, at(3));
        }
        let Ask::Done(outcome) = ask else {
            panic!("{ask:?}");
        };
        assert_eq!(outcome, Outcome::NotWithdrawn(token(2)));
        let after = case.with(|c| c.record = evolve(c.record.clone(), outcome, at(3)));
        let [open] = after.record.revokes.as_slice() else {
            panic!("{:?}", after.record.revokes);
        };
        assert_eq!(
            (&open.token, open.obstacle),
            (&token(2), Some(Obstacle::Failed))
        );
        assert_eq!((after.record.attempts.len(), after.record.suspects), (0, 0));
        let later = after.with(|c| c.now += hours(2));
        let again = Action::Issuer(AtIssuer::Revoke(token(2)));
        assert_eq!(later.action(), Some(again));
    }
}

#[test]
fn an_answer_out_of_turn_neither_mints_twice_nor_forgets_a_token() {
    let (mut flow, _) = after_answers(plan(&case()), to_mint());
    assert_eq!(
        reason(&flow.next(Answer::Start, at(0))),
        Reason::OutcomeUnknown
    );
    for answer in [
        not_minted(true),
        Answer::RehearsalRefused,
        Answer::Withdrawn,
        Answer::AttemptConflict,
    ] {
        let (mut flow, _) = minted(&case());
        let end = flow.next(answer.clone(), at(0));
        assert_eq!(reason(&end), Reason::OutcomeUnknown, "{answer:?}");
    }
}

#[test]
fn what_expired_is_named_no_longer_where_nothing_can_be_revoked() {
    let case = case().with(|c| {
        c.can.revoke = false;
        let mut expired = retiring(0, at(-10));
        expired.expires_at = Some(at(-10));
        c.record.retiring = vec![expired];
    });
    let (mut flow, _) = minted(&case);
    let ask = flow.next(Answer::Proved(Liveness::Alive), at(1));
    let names: Vec<_> = published(&ask)
        .retiring
        .iter()
        .map(|r| r.token.clone())
        .collect();
    assert_eq!(names, [token(1)]);
}

#[test]
fn nothing_is_minted_over_an_attempt_that_another_process_publishes_just_now() {
    let lost = case().with(|c| c.record.attempts = vec![attempt(2, at(60))]);
    for (current, minted) in [(nonce(2), false), (nonce(1), true)] {
        let mut flow = MintFlow::new(plan(&lost), at(0));
        assert_eq!(flow.next(Answer::Start, at(0)), Ask::Rehearse);
        let ask = flow.next(rehearsed(Some(current)), at(0));
        assert_eq!(matches!(ask, Ask::WriteAttempt(_)), minted, "{ask:?}");
    }
}

#[test]
fn what_was_wished_is_kept_beside_what_was_issued_where_the_system_makes_something_of_it() {
    let wished = |lifetime, ignored| {
        let case = case().with(|c| {
            c.spec.inputs.lifetime = lifetime;
            c.can.lifetime_ignored = ignored;
        });
        let (_, ask) = after_answers(
            plan(&case),
            to_mint().into_iter().chain([
                minted_answer(),
                Answer::Proved(Liveness::Alive),
                Answer::Committed,
            ]),
        );
        let Ask::Done(Outcome::Published(publication)) = ask else {
            panic!("{ask:?}");
        };
        publication.current.wished_end
    };
    let day = crate::Lifetime::For(hours(24));
    assert_eq!(wished(day, false), Some(at(86_400)));
    assert_eq!(wished(day, true), None);
    assert_eq!(wished(crate::Lifetime::Never, false), None);
}
