//! A revoke is seen or it is not done, and each one waits by itself.

use crate::samples::*;
use crate::*;

const DAY: i64 = 86_400;

/// `t1` is current, `t0` superseded, its overlap over, and its revoke was sent at the day's end.
fn sent() -> Case {
    case().with(|c| {
        c.record.retiring = vec![retiring(0, at(0))];
        c.survey(at(DAY), vec![sighting(1), sighting(0)]);
        happened(c, Outcome::RevokeSent(token(0)));
    })
}

fn happened(c: &mut Case, outcome: Outcome) {
    c.record = evolve_beside(c.record.clone(), outcome, c.observed.survey.as_ref(), c.now);
}

fn not_revoked(revision: u8, obstacle: Obstacle) -> Outcome {
    Outcome::NotRevoked {
        token: token(revision),
        obstacle,
        said: None,
        retry_after: None,
    }
}

#[test]
fn a_success_of_a_revoke_is_a_claim_until_a_listing_of_later_shows_the_token_no_more() {
    let case = sent();
    assert_eq!(case.record.retiring.len(), 1);
    assert_eq!(case.record.past, []);
    assert_eq!(
        (case.action(), case.reason()),
        (None, Reason::RevokeNotSeen)
    );
    assert_eq!(case.decide().check_again, Some(at(DAY + 10)));
    let due = case.clone().with(|c| c.now = at(DAY + 10));
    assert_eq!(due.action(), None);
    assert_eq!(due.decide().inventory, Some(at(DAY + 10)));
    // It shows the token still, and may lag.
    let early = due
        .clone()
        .with(|c| c.survey(at(DAY + 9), vec![sighting(1), sighting(0)]));
    assert_eq!(early.action(), None);
    let mut seen = due.with(|c| c.survey(at(DAY + 10), vec![sighting(1)]));
    let ended = Ended::Revoked;
    let (token, close) = (token(0), |token| {
        Action::Record(Note::RevokeClosed { token, ended })
    });
    assert_eq!(seen.action(), Some(close(token.clone())));
    happened(&mut seen, Outcome::Ended { token, ended });
    assert_eq!(seen.record.ended(&nonce(0)), Some(Ended::Revoked));
    assert_eq!(
        (&seen.record.retiring, &seen.record.revokes),
        (&vec![], &vec![])
    );
    assert_eq!(seen.reason(), Reason::Quiet);
}

#[test]
fn a_listing_that_is_due_anyhow_tells_of_a_revoke_before_it_unless_it_may_not_know_the_token() {
    let told = |started_at: i64, change: fn(&mut Case)| {
        let case = sent().with(change);
        let case = case.with(|c| c.survey(at(started_at), vec![sighting(1)]));
        let close = |action| matches!(action, Action::Record(Note::RevokeClosed { .. }));
        case.action().is_some_and(close)
    };
    assert!(told(DAY + 1, |_| {}));
    assert!(!told(DAY, |_| {}), "it was asked for before the revoke");
    let young = |c: &mut Case| c.current().created_at = at(DAY - 5);
    assert!(
        !told(DAY + 4, young),
        "a token of that age is not listed yet"
    );
    assert!(told(DAY + 5, young));
    let nobody_s = |c: &mut Case| c.record.retiring.clear();
    assert!(!told(DAY + 9, nobody_s), "nobody knows when it was minted");
    assert!(told(DAY + 10, nobody_s));
}

#[test]
fn all_that_wait_for_a_listing_wait_for_the_same_instant() {
    let looks = |revision: u8, deleted: bool, sent_at: i64| {
        let case = sent().with(|c| {
            c.record.revokes[0].token = token(revision);
            c.record.revokes[0].sent_at = Some(at(sent_at));
            c.record.revokes[0].retry_at = at(sent_at + 10);
            if deleted {
                c.spec.deletion.since = Some(at(100));
                c.observed.destination = Destination::Absent;
            }
            c.now = at(sent_at);
            c.survey(at(sent_at), vec![sighting(1), sighting(0)]);
        });
        let first = case.decide().check_again.unwrap();
        let case = case.with(|c| c.now = first);
        assert_eq!(case.decide().inventory, Some(first));
        first.duration_since(at(DAY)).as_secs()
    };
    let all =
        |revision, deleted| [0, 1, 3, 5, 6].map(|after| looks(revision, deleted, DAY + after));
    assert_eq!(all(0, false), [10, 15, 15, 15, 20]);
    // Somebody waits for the end of a deletion, and for the place of the current token.
    assert_eq!(all(0, true), [2, 2, 4, 6, 8]);
    assert_eq!(all(1, false), [2, 2, 4, 6, 8]);
}

#[test]
fn a_revoke_that_did_nothing_is_asked_for_again_less_and_less_often() {
    let mut case = sent();
    let mut waits = Vec::new();
    for _ in 0..12 {
        let sent = case.now;
        while case.action().is_none() {
            case.now = case.decide().check_again.unwrap();
            case.survey(case.now, vec![sighting(1), sighting(0)]);
        }
        waits.push(case.now.duration_since(sent).as_secs());
        assert_eq!(
            case.action(),
            Some(Action::Issuer(AtIssuer::Revoke(token(0))))
        );
        happened(&mut case, Outcome::RevokeSent(token(0)));
        assert_eq!(case.reason(), Reason::RevokeNotSeen);
    }
    assert_eq!(
        waits,
        [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]
    );
    assert_eq!(case.record.revokes[0].obstacle, Some(Obstacle::NotSeen));
    assert_eq!(case.record.past, []);
}

#[test]
fn where_the_listing_does_not_tell_the_token_is_looked_at_once_more() {
    let other = |c: &mut Case| {
        let old = &mut c.record.retiring[0].token;
        old.parameters.insert("team".into(), "former".into());
        c.record.revokes[0].token = old.clone();
    };
    let cases: [fn(&mut Case); 2] = [
        |c| c.can.lost_answer = LostAnswer::CannotAttribute,
        |c| c.can.lost_answer = LostAnswer::Replay,
    ];
    let other = sent().with(other);
    for case in cases
        .map(|change| sent().with(change))
        .into_iter()
        .chain([other])
    {
        assert_eq!(case.action(), None);
        let due = case.with(|c| c.now = at(DAY + 10));
        assert!(matches!(
            due.action(),
            Some(Action::Issuer(AtIssuer::Revoke(_)))
        ));
    }
}

#[test]
fn where_nothing_can_look_the_word_of_the_issuer_is_all_there_is() {
    let blind = sent().with(|c| {
        c.can.lost_answer = LostAnswer::CannotList;
        c.can.look = Look::Nothing;
    });
    assert!(matches!(
        blind.action(),
        Some(Action::Record(Note::RevokeClosed { .. }))
    ));
    // A value that still authenticates says more.
    let lies = blind.with(|c| happened(c, not_revoked(0, Obstacle::NotSeen)));
    assert_eq!(
        (lies.action(), lies.reason()),
        (None, Reason::RevokeNotSeen)
    );
}

#[test]
fn what_a_listing_shows_is_not_gone_because_one_answer_says_so() {
    let not_there = Outcome::NotThere {
        token: token(0),
        ended: Ended::Gone,
    };
    let shown = case().with(|c| {
        c.record.retiring = vec![retiring(0, at(0))];
        c.survey(at(DAY), vec![sighting(1), sighting(0)]);
        happened(c, not_there.clone());
    });
    assert_eq!(
        (shown.action(), shown.reason()),
        (None, Reason::RevokeNotSeen)
    );
    assert_eq!(shown.record.past, []);
    let not_shown = shown.with(|c| {
        c.survey(at(DAY), vec![sighting(1)]);
        happened(c, not_there);
    });
    assert_eq!(not_shown.record.ended(&nonce(0)), Some(Ended::Gone));
}

#[test]
fn a_revoke_that_is_refused_keeps_no_other_waiting() {
    for obstacle in [Obstacle::Failed, Obstacle::NotProven, Obstacle::NotSeen] {
        let case = case().with(|c| {
            c.holds(held(4, at(0), Some(at(90 * DAY))));
            c.record.last_revision = 4;
            c.record.retiring = vec![retiring(0, at(0)), retiring(1, at(0))];
            let closed = Outcome::Closed {
                attempt: attempt(3, at(160)),
                suspect: false,
            };
            happened(c, closed);
            c.survey(
                at(DAY),
                vec![sighting(0), sighting(1), sighting(3), sighting(4)],
            );
            happened(c, not_revoked(0, obstacle));
        });
        let (ended, then) = revoked(case.clone());
        assert_eq!(ended, ["t1", "t3"]);
        assert_eq!(then.reason, obstacle.reason());
        assert_eq!(then.check_again, Some(at(DAY + 10)));
        // It never stands in the way of a rotation either.
        let due = case.with(|c| c.now = at(60 * DAY));
        assert_eq!(due.reason(), Reason::Due);
    }
}

#[test]
fn a_withdrawn_token_that_still_shows_is_revoked_again() {
    let mut case = case().with(|c| {
        c.record.last_revision = 2;
        let withdrawn = Outcome::Failed {
            marker: marker(2, 2),
            token: Some(token(2)),
            reason: Reason::MintedValueRefused,
            retry_after: None,
        };
        happened(c, withdrawn);
        c.now = at(DAY + 10);
        c.survey(at(DAY + 10), vec![sighting(1), sighting(2)]);
    });
    assert_eq!(
        case.action(),
        Some(Action::Issuer(AtIssuer::Revoke(token(2))))
    );
    case.survey(at(DAY + 10), vec![sighting(1)]);
    assert!(matches!(
        case.action(),
        Some(Action::Record(Note::RevokeClosed { .. }))
    ));
}

/// Deleted at 100; two superseded tokens, an orphan and the current one; some could not be revoked.
fn deleted(stuck: &[u8], obstacle: Obstacle) -> Case {
    case().with(|c| {
        c.spec.deletion.since = Some(at(100));
        c.observed.destination = Destination::Absent;
        c.now = at(300);
        c.record.retiring = vec![retiring(0, at(0)), retiring(2, at(50))];
        c.record.last_revision = 3;
        let closed = Outcome::Closed {
            attempt: attempt(3, at(160)),
            suspect: false,
        };
        happened(c, closed);
        c.survey(at(200), vec![sighting(1), sighting(3)]);
        for revision in stuck {
            happened(c, not_revoked(*revision, obstacle));
        }
    })
}

/// What is revoked, one after the other and seen at once, until something waits.
fn revoked(mut case: Case) -> (Vec<String>, Decision) {
    let mut revoked = Vec::new();
    loop {
        let decision = case.decide();
        let outcome = match decision.action.clone() {
            Some(Action::Issuer(AtIssuer::Revoke(token))) => {
                revoked.push(token.id.to_string());
                let survey = case.observed.survey.as_mut().unwrap();
                survey.ours.retain(|sighting| sighting.id != token.id);
                let ended = Ended::Revoked;
                Outcome::Ended { token, ended }
            }
            Some(Action::Record(Note::AttemptClosed { attempt, suspect })) => {
                Outcome::Closed { attempt, suspect }
            }
            _ => return (revoked, decision),
        };
        happened(&mut case, outcome);
    }
}

#[test]
fn deletion_goes_on_with_the_rest_whatever_stands_in_the_way_of_one() {
    for obstacle in [Obstacle::Failed, Obstacle::NotProven, Obstacle::NotSeen] {
        for stuck in 0..4 {
            let (ended, then) = revoked(deleted(&[stuck], obstacle));
            let mut all = vec!["t3", "t0", "t2", "t1"];
            all.retain(|id| *id != format!("t{stuck}"));
            assert_eq!(ended, all, "{stuck}");
            assert_eq!((then.action, then.reason), (None, obstacle.reason()));
            assert_eq!(then.check_again, Some(at(310)), "{stuck}");
        }
    }
    let all = deleted(&[], Obstacle::Failed);
    let (ended, then) = revoked(all.clone());
    assert_eq!(ended.len(), 4);
    // What came of the closed attempt is looked for once more.
    assert_eq!((then.action, then.check_again), (None, Some(at(310))));
    let again = all.with(|c| {
        c.now = at(310);
        c.survey(c.now, vec![sighting(1), sighting(3)]);
    });
    let (_, then) = revoked(again);
    assert_eq!(then.action, Some(Action::Finish));
}

#[test]
fn the_timeout_of_a_deletion_comes_at_its_instant_whatever_waits() {
    let case = deleted(&[0, 1, 2, 3], Obstacle::Failed).with(|c| {
        for open in &mut c.record.revokes {
            open.retry_at = at(300 + 3 * DAY);
        }
        c.now = at(310);
        c.survey(at(310), vec![sighting(1), sighting(3)]);
    });
    assert_eq!(case.decide().check_again, Some(at(100 + DAY)));
    let late = case.with(|c| c.now = at(100 + DAY));
    assert_eq!(late.action(), Some(Action::Finish));
    assert_eq!(late.reason(), Reason::DeletionTimedOut);
}

#[test]
fn a_lost_attempt_whose_token_is_not_revoked_keeps_no_other_alive() {
    let case = deleted(&[], Obstacle::Failed).with(|c| {
        c.record.attempts = vec![attempt(4, at(160))];
        c.record.last_revision = 4;
        c.survey(at(200), vec![sighting(1), sighting(4)]);
        happened(c, not_revoked(4, Obstacle::NotProven));
    });
    let (ended, then) = revoked(case);
    assert_eq!(ended, ["t0", "t2", "t1"]);
    assert_eq!(then.reason, Reason::RevokeNotProven);
}

#[test]
fn deletion_is_over_once_the_last_revoke_is_seen() {
    let mut case = deleted(&[], Obstacle::Failed).with(|c| {
        c.record.retiring.clear();
        c.record.past.clear();
        c.survey(at(300), vec![sighting(1)]);
        happened(c, Outcome::RevokeSent(token(1)));
    });
    assert_eq!(
        (case.action(), case.reason()),
        (None, Reason::RevokeNotSeen)
    );
    case.now = at(310);
    case.survey(at(310), vec![]);
    let Some(Action::Record(Note::RevokeClosed { token, ended })) = case.action() else {
        panic!("{:?}", case.decide());
    };
    happened(&mut case, Outcome::Ended { token, ended });
    assert_eq!(case.action(), Some(Action::Finish));
}

#[test]
fn a_record_of_an_earlier_version_has_no_open_revokes() {
    let old: Record = serde_json::from_str(r#"{"lastRevision": 3}"#).unwrap();
    assert_eq!((old.revokes, old.last_revision), (vec![], 3));
}

/// The current token `t1` under a former name of ours.
fn formerly() -> TokenRef {
    TokenRef {
        id: token(1).id,
        ..token(0)
    }
}

#[test]
fn the_id_of_the_current_token_is_not_revoked_under_a_former_name() {
    let shown = Sighting {
        id: token(1).id,
        ..sighting(0)
    };
    let retired = case().with(|c| {
        let token = formerly();
        c.record.retiring = vec![Retiring {
            token,
            ..retiring(0, at(0))
        }];
    });
    assert_eq!(retired.action(), None);
    let listed = retired.with(|c| c.survey(at(DAY), vec![shown.clone()]));
    assert_eq!(listed.action(), None);
    let orphan = case().with(|c| c.survey(at(DAY), vec![shown]));
    assert_eq!(orphan.action(), None);
}

#[test]
fn a_token_that_a_later_listing_shows_again_was_not_revoked_and_is_revoked_once_more() {
    let mut case = sent();
    // One listing that lacks everything, such as an empty page of a gateway.
    case.now = at(DAY + 20);
    let end = Outcome::Ended {
        token: token(0),
        ended: Ended::Revoked,
    };
    happened(&mut case, end);
    let lagging = case
        .clone()
        .with(|c| c.survey(at(DAY + 25), vec![sighting(1), sighting(0)]));
    assert_eq!(lagging.action(), None);
    let again = case.with(|c| c.survey(at(DAY + 40), vec![sighting(1), sighting(0)]));
    let revoke = Action::Issuer(AtIssuer::Revoke(token(0)));
    assert_eq!(again.action(), Some(revoke.clone()));
    let alone = again.clone().with(|c| c.can.look = Look::Alone);
    assert_eq!(alone.action(), None);
    // It waits like any other, and is done again by a listing.
    let mut waits = again;
    happened(&mut waits, Outcome::RevokeSent(token(0)));
    assert_eq!(waits.action(), None);
}
