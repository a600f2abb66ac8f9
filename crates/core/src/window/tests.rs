//! Nights and clock changes of real places, and rotations that wait for a window or cannot.

use super::*;
use crate::samples::{at, case, held, hours, spec};
use crate::schedule::{Wait, attempt_length, in_window, rotates_at};
use crate::{Action, Capabilities, Flow, Reason, RenewBefore, Rotation, Spec, decide};

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn window(days: &[Weekday], from: &str, to: &str, zone: &str) -> Window {
    Window::new(days.to_vec(), from, to, zone).unwrap()
}

/// The time that it is open at an instant, or next, as two texts.
fn next(window: &Window, at: &str) -> String {
    let open = window.next(instant(at)).unwrap();
    format!("{} {}", open.from, open.to)
}

#[test]
fn a_night_belongs_to_the_day_on_which_it_begins() {
    let nights = window(&[Weekday::Friday], "22:00", "04:00", "Europe/Berlin");
    let night = "2026-01-09T21:00:00Z 2026-01-10T03:00:00Z";
    for at in [
        "2026-01-03T03:00:00Z",
        "2026-01-09T20:59:59Z",
        "2026-01-09T21:00:00Z",
        "2026-01-10T02:59:59Z",
    ] {
        assert_eq!(next(&nights, at), night, "{at}");
    }
    let following = "2026-01-16T21:00:00Z 2026-01-17T03:00:00Z";
    assert_eq!(next(&nights, "2026-01-10T03:00:00Z"), following);
    let all_day = window(&[], "06:00", "06:00", "UTC");
    assert_eq!(
        next(&all_day, "2026-01-10T05:00:00Z"),
        "2026-01-09T06:00:00Z 2026-01-10T06:00:00Z"
    );
}

#[test]
fn the_clock_on_the_wall_decides_in_summer_and_in_winter() {
    let evening = window(&[], "20:00", "21:00", "America/New_York");
    assert_eq!(
        next(&evening, "2026-01-10T12:00:00Z"),
        "2026-01-11T01:00:00Z 2026-01-11T02:00:00Z"
    );
    assert_eq!(
        next(&evening, "2026-07-10T12:00:00Z"),
        "2026-07-11T00:00:00Z 2026-07-11T01:00:00Z"
    );
}

#[test]
fn a_change_of_the_clock_takes_no_window_away_and_opens_none_twice() {
    // Berlin jumps from 02:00 to 03:00 at 01:00 UTC on 29 March 2026, and back on 25 October.
    let cases = [
        (
            "02:10",
            "02:50",
            "2026-03-29T01:00:00Z 2026-03-29T01:50:00Z",
        ),
        (
            "02:30",
            "03:15",
            "2026-03-29T01:00:00Z 2026-03-29T01:15:00Z",
        ),
        (
            "02:00",
            "03:00",
            "2026-03-29T01:00:00Z 2026-03-29T02:00:00Z",
        ),
        (
            "02:30",
            "03:00",
            "2026-03-29T01:00:00Z 2026-03-29T01:30:00Z",
        ),
        (
            "01:30",
            "02:30",
            "2026-03-29T00:30:00Z 2026-03-29T01:30:00Z",
        ),
    ];
    for (from, to, open) in cases {
        let window = window(&[], from, to, "Europe/Berlin");
        assert_eq!(next(&window, "2026-03-28T12:00:00Z"), open, "{from} {to}");
    }
    let twice = window(&[], "02:10", "02:50", "Europe/Berlin");
    let first = "2026-10-25T00:10:00Z 2026-10-25T00:50:00Z";
    assert_eq!(next(&twice, "2026-10-24T12:00:00Z"), first);
    let tomorrow = "2026-10-26T01:10:00Z 2026-10-26T01:50:00Z";
    assert_eq!(next(&twice, "2026-10-25T00:50:00Z"), tomorrow);
    // Samoa left out the 30th of December 2011, a Friday.
    let friday = window(&[Weekday::Friday], "08:00", "09:00", "Pacific/Apia");
    let open = friday.next(instant("2011-12-29T20:00:00Z")).unwrap();
    assert!(open.to > open.from, "{open:?}");
}

#[test]
fn no_instant_is_too_far_for_a_window() {
    for zone in ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        let window = window(&[Weekday::Monday], "23:00", "01:00", zone);
        let _ = window.next(Timestamp::MIN);
        let _ = window.next(Timestamp::MAX);
    }
}

/// Issued for 90 days, renewed 30 days before, on Sunday mornings only; epoch: Friday 15 January 2027.
fn on_sundays() -> Spec {
    Spec {
        windows: vec![window(
            &[Weekday::Sunday],
            "02:00",
            "04:00",
            "Europe/Berlin",
        )],
        rotation: Some(Rotation {
            renew_before: Some(RenewBefore::Duration(hours(30 * 24))),
            every: None,
        }),
        ..spec()
    }
}

fn can() -> Capabilities {
    case().can
}

#[test]
fn a_rotation_that_is_due_waits_for_its_window() {
    let (spec, held) = (on_sundays(), held(1, at(0), Some(at(90 * 86_400))));
    let open = instant("2027-03-21T01:00:00Z");
    let due = crate::schedule::renew_at(&spec, &held).unwrap();
    assert!(due > instant("2027-03-14T03:00:00Z") && due < open, "{due}");
    assert_eq!(rotates_at(&spec, &can(), &held, at(0)), Some(open));
    let case = case().with(|c| {
        c.spec = spec;
        c.now = due;
    });
    let decision = decide(&case.view(), case.now);
    assert_eq!((decision.action, decision.reason), (None, Reason::Quiet));
    assert_eq!(decision.check_again, Some(open));
    let decision = decide(&case.view(), open);
    assert_eq!(decision.reason, Reason::Due);
    assert!(matches!(
        decision.action,
        Some(Action::Flow(Flow::Mint { revision: 2 }))
    ));
}

#[test]
fn what_failed_in_a_window_waits_for_the_next_one() {
    let spec = on_sundays();
    let closed = instant("2027-03-21T03:00:00Z");
    let case = case().with(|c| c.spec = spec);
    let view = case.view();
    assert_eq!(decide(&view, closed).action, None);
    // Summer time has begun by then.
    let next = instant("2027-03-28T01:00:00Z");
    assert_eq!(decide(&view, closed).check_again, Some(next));
}

#[test]
fn a_window_that_opens_too_late_holds_nothing_back() {
    let spec = on_sundays();
    // Due on Tuesday, and gone on Friday.
    let created = instant("2027-03-16T12:00:00Z");
    let short = held(1, created, Some(instant("2027-03-19T12:00:00Z")));
    let due = crate::schedule::renew_at(&spec, &short).unwrap();
    assert_eq!(rotates_at(&spec, &can(), &short, created), Some(due));
}

#[test]
fn what_is_wished_or_lost_waits_for_no_window() {
    let wished = case().with(|c| {
        c.spec = on_sundays();
        c.spec.trigger = Some("now".into());
    });
    assert_eq!(decide(&wished.view(), at(1_000)).reason, Reason::Triggered);
    let expired = case().with(|c| c.spec = on_sundays());
    let gone = at(91 * 86_400);
    assert_eq!(decide(&expired.view(), gone).reason, Reason::TokenExpired);
}

#[test]
fn no_window_lets_the_time_of_an_overlap_pass() {
    let mut spec = on_sundays();
    for hour in 0..(40 * 24) {
        let created = at(hour * 3_600);
        let held = held(1, created, Some(at(hour * 3_600 + 90 * 86_400)));
        for overlap in [0, 24, 10 * 24, 25 * 24] {
            spec.overlap = Some(hours(overlap));
            let due = crate::schedule::renew_at(&spec, &held).unwrap();
            let rotates = rotates_at(&spec, &can(), &held, created).unwrap();
            let left = held.expires_at.unwrap().duration_since(rotates);
            let half = held.expires_at.unwrap().duration_since(due) / 2;
            let needed = attempt_length(&spec, &can()) + hours(overlap).min(half);
            assert!(rotates == due || left >= needed, "{hour} {overlap}");
            // Later on the same day or beyond, nothing is put off past that either.
            let late = held.expires_at.unwrap() - needed + hours(1);
            let wait = Wait { due, now: late };
            assert!(in_window(&spec, &can(), &held, wait) <= late, "{hour}");
        }
    }
}

#[test]
fn a_token_without_end_always_waits_for_its_window() {
    let mut spec = on_sundays();
    spec.rotation = Some(Rotation {
        renew_before: None,
        every: Some(hours(24)),
    });
    let held = held(1, at(0), None);
    let sunday = instant("2027-01-17T01:00:00Z");
    assert_eq!(rotates_at(&spec, &can(), &held, at(0)), Some(sunday));
}
