//! Another lifetime for a living token: it counts from the mint, and ends nothing that works.

use crate::samples::*;
use crate::*;

const DAY: i64 = 86_400;

/// A token that was minted for ninety days, which are to be others on this day.
fn changed_on(day: i64, days: i64, expires_at: i64) -> Case {
    case().with(|c| {
        let mut has = held(1, at(0), Some(at(expires_at * DAY)));
        has.inputs.lifetime = Lifetime::For(hours(90 * 24));
        c.holds(has);
        c.now = at(day * DAY);
        c.spec.inputs.lifetime = Lifetime::For(hours(days * 24));
        c.can.update = [UpdateKind::ShortenExpiry, UpdateKind::ExtendExpiry].into();
    })
}

fn kinds(case: &Case) -> Option<Vec<UpdateKind>> {
    match case.action() {
        Some(Action::Issuer(AtIssuer::Update(_, change))) => Some(change.kinds),
        Some(Action::Flow(Flow::Mint { .. })) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn which_way_an_expiry_moves_is_judged_by_the_ends_and_not_by_the_lengths() {
    let shorter = Some(vec![UpdateKind::ShortenExpiry]);
    let longer = Some(vec![UpdateKind::ExtendExpiry]);
    assert_eq!(kinds(&changed_on(10, 60, 90)), shorter);
    assert_eq!(kinds(&changed_on(10, 120, 90)), longer);
    // The issuer gave no more than thirty days.
    assert_eq!(kinds(&changed_on(10, 60, 30)), longer);
}

#[test]
fn a_lifetime_after_which_a_renewal_is_due_is_that_of_the_next_token() {
    for (day, days) in [(45, 60), (59, 60), (60, 60), (80, 60)] {
        assert_eq!(kinds(&changed_on(day, days, 90)), None, "{day} of {days}");
    }
}

/// The process died in an update, or no answer came.
#[test]
fn a_doubt_about_an_update_hides_no_wish_for_another_end_where_no_update_can_have_moved_it() {
    let doubted = |can: &[UpdateKind]| {
        changed_on(10, 120, 90).with(|c| {
            c.can.update = can.iter().copied().collect();
            c.record = evolve(c.record.clone(), Outcome::Updating, c.now);
            c.now = at(11 * DAY);
        })
    };
    assert_eq!(kinds(&doubted(&[UpdateKind::Name])), None);
    let moves = [UpdateKind::Name, UpdateKind::ExtendExpiry];
    assert_eq!(kinds(&doubted(&moves)), Some(vec![UpdateKind::Name]));
}
