use crate::samples::*;
use crate::*;

/// Attempt 2 was lost at 100, its deadline is 160; `t3` replaced it at 200.
fn replaced() -> Case {
    case().with(|c| {
        c.holds(held(3, at(200), Some(at(90 * 86_400))));
        c.record.last_revision = 3;
        c.record.attempts = vec![attempt(2, at(160))];
        c.now = at(1_000);
    })
}

fn end(case: &mut Case, token: TokenRef) {
    let ended = Outcome::Ended {
        token,
        ended: Ended::Revoked,
    };
    case.record = evolve(case.record.clone(), ended, case.now);
}

#[test]
fn a_lost_token_that_a_lagging_list_still_shows_is_revoked_once_and_its_attempt_closed() {
    let mut case = replaced();
    case.survey(at(500), vec![sighting(3), sighting(2)]);
    assert_eq!(
        case.action(),
        Some(Action::Issuer(AtIssuer::Revoke(token(2))))
    );
    end(&mut case, token(2));
    let Some(Action::Record(Note::AttemptClosed { attempt, .. })) = case.action() else {
        panic!("{:?}", case.decide());
    };
    let closed = Outcome::Closed {
        attempt,
        suspect: false,
    };
    case.record = evolve(case.record.clone(), closed, case.now);
    assert_eq!(case.reason(), Reason::Quiet);
    assert_eq!(sighting(2).standing(&case.record), Standing::Ended);
}

#[test]
fn a_second_token_of_the_same_lost_attempt_is_revoked_too() {
    let mut case = replaced();
    end(&mut case, token(2));
    let second = Sighting {
        id: TokenId::new("second"),
        ..sighting(2)
    };
    case.survey(at(500), vec![sighting(2), second]);
    let action = case.action();
    assert!(
        matches!(&action, Some(Action::Issuer(AtIssuer::Revoke(t))) if t.id.as_str() == "second"),
        "{action:?}"
    );
}

#[test]
fn another_leaders_attempt_is_left_alone_until_its_deadline_and_settle_have_passed() {
    let open = |listed_at| {
        case().with(|c| {
            c.record.last_revision = 2;
            c.record.attempts = vec![attempt(2, at(160))];
            c.survey(listed_at, vec![sighting(1), sighting(2)]);
            c.now = at(1_000);
        })
    };
    assert_eq!(open(at(169)).action(), None);
    assert_eq!(
        open(at(170)).action(),
        Some(Action::Issuer(AtIssuer::Revoke(token(2))))
    );
}

#[test]
fn a_lost_attempt_is_closed_where_nothing_can_be_revoked() {
    let mut case = replaced();
    case.can.revoke = false;
    case.survey(at(500), vec![sighting(3), sighting(2)]);
    assert_eq!(
        case.action(),
        Some(Action::Record(Note::AttemptClosed {
            attempt: attempt(2, at(160)),
            suspect: true
        }))
    );
}

#[test]
fn a_revoke_that_cannot_be_done_keeps_no_attempt_open() {
    let mut case = replaced();
    case.record.retiring = vec![retiring(1, at(0))];
    case.survey(at(500), vec![sighting(3)]);
    assert_eq!(case.reason(), Reason::AttemptClosed);
}

#[test]
fn an_ambiguous_attempt_beside_a_token_without_expiry_ends_with_its_deadline() {
    let case = case().with(|c| {
        c.can.lost_answer = LostAnswer::CannotList;
        c.current().expires_at = None;
        c.record.attempts = vec![attempt(2, at(160))];
        c.now = at(159);
    });
    assert_eq!(case.decide().check_again, Some(at(160)));
    let later = case.with(|c| c.now = at(160));
    assert_eq!(later.reason(), Reason::Ambiguous);
    assert!(later.action().is_some(), "the attempt stays open for ever");
}

#[test]
fn an_ambiguous_attempt_does_not_keep_a_refused_value_waiting() {
    let case = case().with(|c| {
        c.can.lost_answer = LostAnswer::CannotAttribute;
        c.current().proven = Proven::No;
        c.record.attempts = vec![attempt(2, at(160))];
        c.now = at(160);
    });
    assert!(matches!(
        case.action(),
        Some(Action::Record(Note::AttemptClosed { .. }))
    ));
}

#[test]
fn a_lost_answer_is_replayed_while_suspended_since_open_attempts_finish() {
    let case = case().with(|c| {
        c.can.lost_answer = LostAnswer::Replay;
        c.record.attempts = vec![attempt(2, at(160))];
        c.spec.suspend = true;
    });
    assert_eq!(case.reason(), Reason::ReplayLostAnswer);
}

#[test]
fn an_attempt_that_asks_for_more_than_is_granted_is_not_sent_again_and_given_up_at_its_deadline() {
    let refused = case().with(|c| {
        c.can.lost_answer = LostAnswer::Replay;
        c.record.attempts = vec![attempt(2, at(160)), attempt(3, at(160))];
        c.observed.not_granted = vec![nonce(2)];
        c.spec.trigger = Some("now".into());
        c.now = at(159);
    });
    let deleted = refused.clone().with(|c| {
        c.spec.deletion.since = Some(at(100));
        c.record.attempts.truncate(1);
        c.observed.destination = Destination::Absent;
    });
    let given_up = Some(Action::Record(Note::AttemptClosed {
        attempt: attempt(2, at(160)),
        suspect: true,
    }));
    assert_eq!(refused.reason(), Reason::Ambiguous);
    assert_eq!(refused.action(), None);
    assert_eq!(refused.decide().check_again, Some(at(160)));
    let refused = refused.with(|c| c.now = at(160));
    assert_eq!(refused.action(), given_up);
    let others = refused.with(|c| {
        c.record.attempts.remove(0);
    });
    assert_eq!(others.reason(), Reason::ReplayLostAnswer);
    assert_eq!(deleted.action(), None);
    assert_eq!(deleted.with(|c| c.now = at(170)).action(), given_up);
}

fn carrying(revision: u8) -> Destination {
    Destination::Present {
        version: DestinationVersion::Absent,
        carried: Some(Box::new(Carried {
            current: held(revision, at(100), Some(at(90 * 86_400))),
            retiring: vec![retiring(1, at(2 * 86_400))],
        })),
        intact: Intact::Yes,
    }
}

#[test]
fn a_publish_that_was_not_recorded_is_recorded_and_not_minted_again() {
    let case = case().with(|c| {
        c.record.last_revision = 2;
        c.record.attempts = vec![attempt(2, at(160))];
        c.observed.destination = carrying(2);
    });
    assert_eq!(case.reason(), Reason::AlreadyPublished);
}

#[test]
fn a_publish_that_landed_after_its_attempt_was_closed_is_recorded() {
    let mut case = case().with(|c| {
        c.record.last_revision = 2;
        c.observed.destination = carrying(2);
        c.survey(at(500), vec![sighting(1), sighting(2)]);
    });
    let closed = Outcome::Closed {
        attempt: attempt(2, at(160)),
        suspect: false,
    };
    case.record = evolve(case.record.clone(), closed, case.now);
    let Some(Action::Record(Note::Published(carried))) = case.action() else {
        panic!("{:?}", case.decide());
    };
    case.record = evolve(case.record.clone(), Outcome::Recorded(carried), case.now);
    assert_eq!(case.reason(), Reason::Quiet);
}

#[test]
fn what_a_tenant_writes_on_the_destination_is_not_recorded() {
    let case = case().with(|c| c.observed.destination = carrying(7));
    assert_eq!(case.reason(), Reason::Quiet);
}

#[test]
fn nothing_is_concluded_from_the_listing_of_another_account() {
    let identity = |name: &str| Some(Identity::new(name));
    let case = case().with(|c| {
        c.observed.issuer.identity = identity("b");
        let identity = identity("a");
        let lost = attempt(2, at(160));
        c.record.attempts = vec![Attempt { identity, ..lost }];
        c.survey(at(500), vec![]);
    });
    assert_eq!(case.reason(), Reason::Ambiguous);
}

#[test]
fn three_unreadable_answers_stop_minting_until_a_listing_explains_them_or_a_new_trigger() {
    let case = case().with(|c| {
        c.record.unreadable = 3;
        c.record.last_revision = 2;
        c.record.attempts = vec![attempt(2, at(160))];
        c.spec.trigger = Some("a".into());
        c.record.tried_trigger = Some("a".into());
    });
    assert_eq!(case.reason(), Reason::AnswersUnreadable);
    let asked = case.clone().with(|c| c.spec.trigger = Some("b".into()));
    assert_eq!(asked.reason(), Reason::Triggered);
    let mut explained = case.clone();
    explained.survey(at(170), vec![sighting(1)]);
    assert_eq!(explained.reason(), Reason::Triggered);
    // Where nothing can explain them, only a person knows.
    for lost_answer in [LostAnswer::CannotAttribute, LostAnswer::CannotList] {
        let blind = case.clone().with(|c| {
            c.can.lost_answer = lost_answer;
            c.record.attempts.clear();
        });
        assert_eq!(blind.reason(), Reason::AnswersUnreadable);
    }
}

/// The next mint waits for an hour, for what is wanted now.
fn waiting() -> Case {
    case().with(|c| {
        c.spec.trigger = Some("a".into());
        c.record.retry_at = Some(at(86_400 + 3_600));
        c.record.retry_basis = Some(basis(&c.spec, &c.observed.issuer));
    })
}

#[test]
fn a_changed_wish_trigger_or_credential_ends_a_wait_and_nothing_else_does() {
    assert_eq!(waiting().reason(), Reason::BackingOff);
    let changes: [fn(&mut Case); 3] = [
        |c| c.spec.written = Some("2".into()),
        |c| c.spec.trigger = Some("b".into()),
        |c| c.observed.issuer.credential = Some("corrected".into()),
    ];
    for change in changes {
        assert_eq!(waiting().with(change).reason(), Reason::Triggered);
    }
    let old = waiting().with(|c| c.record.retry_basis = None);
    assert_eq!(old.reason(), Reason::BackingOff);
}

#[test]
fn a_foreign_revision_is_stepped_over_and_holds_the_revokes() {
    let mut case = case().with(|c| c.record.retiring = vec![retiring(0, at(0))]);
    case.survey(at(500), vec![sighting(9)]);
    assert_eq!(case.reason(), Reason::ForeignActivity);
    case.spec.trigger = Some("now".into());
    assert_eq!(
        case.action(),
        Some(Action::Flow(Flow::Mint { revision: 10 }))
    );
    let mut last = sighting(9);
    last.marker.revision = marker::MAX_REVISION;
    case.survey(at(500), vec![last]);
    assert_eq!(
        case.action(),
        Some(Action::Flow(Flow::Mint { revision: 2 }))
    );
    case.spec.trigger = None;
    assert!(matches!(
        case.action(),
        Some(Action::Issuer(AtIssuer::Revoke(_)))
    ));
    case.record.retiring.clear();
    assert_eq!(case.reason(), Reason::RevisionImpossible);
}
