//! When an overlap ends: at its instant, or sooner where it was lowered, or a person asks for it.

use jiff::SignedDuration;

use crate::samples::*;
use crate::*;

const DAY: i64 = 86_400;

/// `t0` was superseded a day ago with a long overlap, which now is `overlap`.
fn overlap_is(overlap: Option<SignedDuration>) -> Case {
    case().with(|c| {
        c.holds(held(1, at(0), None));
        c.observed.destination = Destination::NotLooked;
        c.record.retiring = vec![retiring(0, at(30 * DAY))];
        c.spec.overlap = overlap;
    })
}

#[test]
fn an_overlap_that_is_lowered_acts_on_what_is_retiring_already() {
    let now = overlap_is(Some(secs(0)));
    assert_eq!(
        now.action(),
        Some(Action::Issuer(AtIssuer::Revoke(token(0))))
    );
    let later = overlap_is(Some(hours(48)));
    assert_eq!(later.action(), None);
    assert_eq!(later.decide().check_again, Some(at(2 * DAY)));
    for unchanged in [None, Some(hours(60 * 24))] {
        let case = overlap_is(unchanged).with(|c| c.now = at(29 * DAY));
        assert_eq!(case.action(), None, "{unchanged:?}");
    }
}

#[test]
fn an_overlap_ends_no_earlier_than_the_destination_shows_nor_before_the_next_token_is_proven() {
    let unproven = overlap_is(Some(secs(0))).with(|c| {
        c.current().proven = Proven::NotYet;
        c.can.check = false;
    });
    assert_eq!(unproven.action(), None);
    let shown = overlap_is(Some(secs(0))).with(|c| {
        let carried = Carried {
            current: c.current().clone(),
            retiring: c.record.retiring.clone(),
        };
        c.observed.destination = Destination::Present {
            version: DestinationVersion::Absent,
            carried: Some(Box::new(carried)),
            intact: Intact::Yes,
        };
    });
    assert_eq!(shown.action(), None);
}

#[test]
fn what_a_publish_takes_lowers_no_overlap() {
    let case = overlap_is(Some(hours(24))).with(|c| {
        c.record.retiring = vec![retiring(0, at(DAY + 70))];
        c.now = at(DAY + 69);
    });
    assert_eq!(case.action(), None);
}

/// `t0` was superseded a day ago with a long overlap, and a person asks for its end.
fn named() -> Case {
    overlap_is(None).with(|c| c.spec.revoke_previous = Some(token(0).marker.revision))
}

/// What the destination shows.
fn carries(case: &mut Case, retiring: Vec<Retiring>) {
    let current = case.current().clone();
    case.observed.destination = Destination::Present {
        version: DestinationVersion::Absent,
        carried: Some(Box::new(Carried { current, retiring })),
        intact: Intact::Yes,
    };
}

#[test]
fn a_superseded_token_that_a_person_names_ends_once_the_destination_says_so() {
    let shown = named().with(|c| {
        let retiring = c.record.retiring.clone();
        carries(c, retiring);
    });
    assert_eq!(shown.action(), None);
    let rewritten = named().with(|c| carries(c, vec![retiring(0, at(0))]));
    let end = Action::Issuer(AtIssuer::Revoke(token(0)));
    assert_eq!(rewritten.action(), Some(end));
}

#[test]
fn nothing_ends_early_for_the_sake_of_a_token_that_is_not_proven_whoever_asks_for_it() {
    for proven in [Proven::NotYet, Proven::No, Proven::Yes] {
        let case = named().with(|c| {
            c.current().proven = proven;
            c.can.check = false;
            c.spec.suspend = true;
        });
        let old = &case.record.retiring[0];
        let current = case.record.current.as_ref();
        // The destination is never told an earlier instant either.
        let lowered = crate::schedule::lowered(&case.spec, &case.can, current, old);
        assert_eq!(
            lowered < old.not_before,
            proven == Proven::Yes,
            "{proven:?}"
        );
        // Nor does it end where the destination said so before.
        let told = |c: &mut Case| c.record.retiring = vec![retiring(0, at(0))];
        let ends = |case: &Case| {
            let revoke = Action::Issuer(AtIssuer::Revoke(token(0)));
            case.action() == Some(revoke)
        };
        assert_eq!(ends(&case), proven == Proven::Yes, "{proven:?}");
        assert_eq!(ends(&case.with(told)), proven == Proven::Yes, "{proven:?}");
    }
}

#[test]
fn a_person_who_names_the_current_revision_or_none_ends_nothing() {
    for revision in [1, 2, 7] {
        let case = overlap_is(None).with(|c| c.spec.revoke_previous = Some(revision));
        assert_eq!(case.action(), None, "{revision}");
    }
}
