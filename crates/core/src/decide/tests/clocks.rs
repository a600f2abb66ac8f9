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
    let case = case.with(|c| c.record = c.record.clone().without_impossible_waits(now));
    case.action()
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
