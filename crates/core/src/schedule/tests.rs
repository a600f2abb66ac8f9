//! Instants that no rounding, cut or jitter may move the wrong way.

use super::*;
use crate::samples::{at, held, hours, secs, spec};
use crate::{Lifetime, Rotation};

/// Wanted for 90 days, issued for so many seconds.
fn issued(seconds: i64) -> Held {
    held(1, at(0), Some(at(seconds)))
}

fn renewing(renew_before: RenewBefore) -> Spec {
    let rotation = Some(Rotation {
        renew_before: Some(renew_before),
        every: None,
    });
    Spec { rotation, ..spec() }
}

#[test]
fn a_lifetime_cut_to_just_over_renew_before_makes_no_mint_loop() {
    let spec = renewing(RenewBefore::Duration(hours(30 * 24)));
    for extra in [-1, 0, 1, 3_600] {
        let held = issued(30 * 86_400 + extra);
        let renew_at = renew_at(&spec, &held).unwrap();
        assert!(renew_at > at(19 * 86_400), "{extra}: {renew_at}");
        assert!(lifetime_shortened(&spec, &held), "{extra}");
    }
    assert!(!lifetime_shortened(&spec, &issued(60 * 86_400)));
}

#[test]
fn a_renewal_that_a_person_wants_almost_at_once_is_no_mint_loop() {
    let spec = renewing(RenewBefore::Percent(99));
    for uid in 0..200 {
        let mut held = issued(90 * 86_400);
        held.token.marker.manager = ManagerId::of(&uid.to_string());
        let renew_at = renew_at(&spec, &held).unwrap();
        assert!(renew_at >= at(90 * 864 / 2), "{uid}: {renew_at}");
        assert!(renew_at <= at(90 * 864), "{uid}: {renew_at}");
    }
}

#[test]
fn percentages_of_short_lifetimes_keep_their_parts_of_a_second() {
    let spec = renewing(RenewBefore::Percent(50));
    let renew_at = renew_at(&spec, &issued(7)).unwrap();
    assert!(renew_at <= at(0) + SignedDuration::from_millis(3_500));
    assert!(renew_at >= at(0) + SignedDuration::from_millis(3_500 - 140));
}

#[test]
fn a_wanted_renew_before_is_kept_where_the_issuer_cut_nothing() {
    let spec = Spec {
        inputs: crate::Inputs {
            lifetime: Lifetime::For(hours(24)),
            ..spec().inputs
        },
        ..renewing(RenewBefore::Duration(secs(86_400 - 60)))
    };
    let mut held = issued(86_400);
    held.inputs = spec.inputs.clone();
    assert!(renew_at(&spec, &held).unwrap() <= at(60));
    assert!(!lifetime_shortened(&spec, &held));
}

/// Minted for a day by our wish, and read as ending this much later or earlier than that.
fn read_as_ending(hours_later: i64) -> Held {
    let mut held = issued(86_400 + hours_later * 3_600);
    held.inputs.lifetime = Lifetime::For(hours(24));
    held.wished_end = Some(at(86_400));
    held
}

#[test]
fn a_renewal_goes_by_the_earlier_of_what_was_issued_and_what_was_wished() {
    let case = crate::samples::case();
    let at_all = |held: &Held| {
        let renewed = renew_at(&case.spec, held).unwrap();
        let safe = last_safe_moment(&case.spec, &case.can, held).unwrap();
        (renewed, safe)
    };
    let right = at_all(&read_as_ending(0));
    for late in [1, 12, 14, 24 * 365] {
        assert_eq!(at_all(&read_as_ending(late)), right, "{late} h late");
    }
    let early = at_all(&read_as_ending(-6));
    assert!(early.0 < right.0 && early.1 < right.1);
    // A record of before says nothing of the wish: nothing comes due by an upgrade.
    let mut old = read_as_ending(24 * 365);
    old.wished_end = None;
    assert!(at_all(&old).0 > at(86_400));
}
