//! Clocks that were wrong: what one wrote down is believed no farther than it can be true.

use jiff::Timestamp;

use crate::samples::*;
use crate::*;

/// A rotation, a switch and a revoke are due, and each one waits until this instant.
fn waiting(until: Timestamp) -> [Case; 3] {
    let mint = case().with(|c| {
        c.spec.trigger = Some("now".into());
        c.record.retry_at = Some(until);
    });
    let switch = case().with(|c| {
        c.spec.state = WantedState::Disabled;
        c.record.pauses = vec![Pause {
            duty: Duty::Switch,
            failures: 1,
            retry_at: until,
            unsure: false,
        }];
    });
    let revoke = case().with(|c| {
        c.record.retiring = vec![retiring(0, at(0))];
        c.survey(c.now, vec![sighting(1), sighting(0)]);
        c.record.revokes = vec![OpenRevoke {
            token: token(0),
            sent_at: None,
            tries: 1,
            retry_at: until,
            obstacle: Some(Obstacle::Failed),
            said: None,
        }];
    });
    [mint, switch, revoke]
}

/// What is done where the record is taken up as a front end does.
fn taken_up(case: Case) -> Option<Action> {
    let now = case.now;
    case.with(|c| c.record = as_of(c, now)).action()
}

fn as_of(case: &Case, now: Timestamp) -> Record {
    let longest = Longest {
        attempt: schedule::attempt_length(&case.spec, &case.can),
        overlap: case.spec.overlap.unwrap_or(schedule::OVERLAP),
        ended: case.spec.revoke_previous,
    };
    case.record.clone().as_of(now, longest)
}

#[test]
fn a_wait_longer_than_any_that_is_written_down_is_of_a_clock_that_was_ahead_and_keeps_nothing_back()
{
    let now = case().now;
    for case in waiting(instant::after(now, schedule::LONGEST_BACKOFF)) {
        assert_eq!(taken_up(case), None);
    }
    // Eight hours: a machine whose clock was set to local time.
    for hours_ahead in [8, 24 * 365] {
        for case in waiting(instant::after(now, hours(hours_ahead))) {
            assert_eq!(case.action(), None, "what is to be shown");
            assert!(taken_up(case).is_some(), "{hours_ahead}");
        }
    }
}

#[test]
fn a_clock_that_is_ahead_of_the_issuer_s_ends_no_superseded_token_before_its_time() {
    let case = case().with(|c| {
        let until = instant::after(c.now, secs(-60));
        c.record.retiring = vec![retiring(0, until)];
        c.survey(c.now, vec![sighting(1), sighting(0)]);
    });
    let revoke = Some(Action::Issuer(AtIssuer::Revoke(token(0))));
    assert_eq!(case.action(), revoke);
    let ahead = case.with(|c| c.observed.clock_ahead = hours(8));
    assert_eq!(ahead.action(), None);
    let then = instant::after(ahead.now, secs(8 * 3_600 - 60));
    assert_eq!(ahead.decide().check_again, Some(then));
    assert_eq!(ahead.with(|c| c.now = then).action(), revoke);
}

#[test]
fn a_revoke_that_was_sent_in_the_future_is_seen_to_be_done_by_the_next_listing() {
    let case = case().with(|c| {
        c.record.revokes = vec![OpenRevoke {
            token: token(0),
            sent_at: Some(instant::after(c.now, hours(8))),
            tries: 1,
            retry_at: c.now,
            obstacle: None,
            said: None,
        }];
    });
    let now = case.now;
    let case = case.with(|c| {
        c.record = as_of(c, now);
        c.now = instant::after(now, c.can.settle);
        c.survey(c.now, vec![sighting(1)]);
    });
    assert_eq!(case.reason(), Reason::RevokeSeen);
}

#[test]
fn an_attempt_that_a_clock_that_was_ahead_began_is_closed_as_soon_as_any_other_could_be() {
    let case = case().with(|c| {
        let ahead = instant::after(c.now, hours(8));
        c.record.attempts = vec![Attempt {
            began_at: Some(ahead),
            ..attempt(2, ahead)
        }];
        c.record.last_revision = 2;
    });
    let now = case.now;
    let longest = schedule::attempt_length(&case.spec, &case.can);
    let over = instant::after(now, longest);
    let case = case.with(|c| c.record = as_of(c, now));
    let open = &case.record.attempts[0];
    assert_eq!((open.began_at, open.deadline), (Some(now), over));
    // It is a time like any other from then on.
    let later = instant::after(now, secs(20));
    assert_eq!(as_of(&case, later).attempts[0].deadline, over);
    let case = case.with(|c| {
        c.now = instant::after(over, c.can.settle);
        c.survey(c.now, vec![sighting(1)]);
    });
    assert!(matches!(
        case.action(),
        Some(Action::Record(Note::AttemptClosed { .. }))
    ));
}

#[test]
fn an_end_and_a_repair_that_are_written_down_as_to_come_are_of_now_and_a_moment_is_no_future() {
    let case = case().with(|c| {
        c.record.repaired = Some(Repaired {
            what: Repair::Loss,
            at: instant::after(c.now, hours(8)),
        });
        let marker = marker(0, 0);
        c.record.past = [hours(8), secs(30)]
            .map(|ahead| Past {
                nonce: marker.nonce.clone(),
                revision: marker.revision,
                id: Some(token(0).id),
                ended: Ended::Revoked,
                ended_at: Some(instant::after(c.now, ahead)),
                undelivered: false,
                asked: None,
            })
            .to_vec();
    });
    let record = as_of(&case, case.now);
    assert_eq!(record.repaired.map(|repaired| repaired.at), Some(case.now));
    let soon = instant::after(case.now, secs(30));
    let ended: Vec<_> = record.past.iter().map(|past| past.ended_at).collect();
    assert_eq!(ended, [Some(case.now), Some(soon)]);
}

#[test]
fn a_token_that_was_minted_in_the_future_is_missed_and_replaced_at_once() {
    let case = case().with(|c| {
        let minted = instant::after(c.now, hours(8));
        c.current().created_at = minted;
    });
    let lost = case.with(|c| {
        let survey = Survey {
            started_at: c.now,
            ours: vec![],
        };
        let doubt = Doubt {
            unlisted_since: Some(instant::before(c.now, hours(1))),
            ..Doubt::default()
        };
        let current = c.record.current.as_ref().unwrap();
        let said = |now| TokenStatus::from_survey(&survey, current, &doubt, c.can.settle, now);
        assert_eq!(said(instant::after(c.now, hours(9))), TokenStatus::Unknown);
        c.observed.status = said(c.now);
        c.observed.survey = Some(survey);
    });
    assert_eq!(lost.observed.status, TokenStatus::Missing);
    assert_eq!(lost.reason(), Reason::TokenMissing);
    assert!(matches!(
        lost.action(),
        Some(Action::Flow(Flow::Mint { .. }))
    ));
}

#[test]
fn a_clock_that_is_ahead_lets_no_token_of_a_deletion_go_before_its_time() {
    let case = case().with(|c| {
        c.spec.deletion.since = Some(instant::before(c.now, hours(25)));
        c.spec.deletion.timeout = hours(24);
    });
    assert_eq!(case.reason(), Reason::DeletionTimedOut);
    let ahead = case.with(|c| c.observed.clock_ahead = hours(8));
    assert_ne!(ahead.reason(), Reason::DeletionTimedOut);
    let then = instant::after(ahead.now, hours(7));
    assert_eq!(
        ahead.with(|c| c.now = then).reason(),
        Reason::DeletionTimedOut
    );
}

#[test]
fn an_overlap_that_a_clock_that_was_ahead_began_is_no_longer_than_it_is_asked_for() {
    let minted = instant::after(case().now, hours(8));
    let case = case().with(|c| {
        c.current().created_at = minted;
        c.spec.overlap = Some(hours(1));
        c.record.retiring = vec![retiring(0, instant::after(minted, hours(1)))];
        c.observed.destination = Destination::NotLooked;
    });
    let now = case.now;
    let over = instant::after(now, hours(1));
    let case = case.with(|c| c.record = as_of(c, now));
    assert_eq!(case.record.retiring[0].not_before, over);
    // It is a time like any other from then on.
    let later = instant::after(now, secs(600));
    assert_eq!(as_of(&case, later).retiring[0].not_before, over);
    let ended = case.with(|c| c.spec.revoke_previous = Some(0));
    assert_eq!(as_of(&ended, later).retiring[0].not_before, later);
    let right = ended.with(|c| c.current().created_at = now);
    assert_eq!(as_of(&right, later).retiring[0].not_before, over);
}
