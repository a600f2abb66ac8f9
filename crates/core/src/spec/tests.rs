//! What a spec may not ask for, and which field is named.

use jiff::SignedDuration;

use super::*;
use crate::samples::{hours, secs, spec};

fn refused(change: impl FnOnce(&mut Spec)) -> Option<&'static str> {
    let mut spec = spec();
    change(&mut spec);
    spec.validate().err().map(|error| error.field)
}

#[test]
fn the_sample_is_valid() {
    assert_eq!(refused(|_| {}), None);
}

#[test]
fn a_negative_overlap_is_refused_without_a_schedule_too() {
    assert_eq!(
        refused(|spec| {
            spec.rotation = None;
            spec.overlap = Some(secs(-1));
        }),
        Some("overlap")
    );
}

#[test]
fn an_overlap_longer_than_the_lifetime_less_renew_before_is_refused() {
    let ask = |days: i64| {
        refused(|spec| {
            spec.rotation = Some(Rotation {
                renew_before: Some(RenewBefore::Percent(50)),
                every: None,
            });
            spec.overlap = Some(hours(24 * days));
        })
    };
    assert_eq!(ask(45), None);
    assert_eq!(ask(46), Some("overlap"));
}

#[test]
fn an_overlap_longer_than_every_is_refused() {
    assert_eq!(
        refused(|spec| {
            spec.rotation = Some(Rotation {
                renew_before: None,
                every: Some(hours(1)),
            });
            spec.overlap = Some(hours(2));
        }),
        Some("overlap")
    );
}

#[test]
fn a_lifetime_past_the_end_of_the_calendar_is_refused() {
    let ask = |d: SignedDuration| refused(|spec| spec.inputs.lifetime = Lifetime::For(d));
    assert_eq!(ask(secs(1_000_000_000_000)), Some("lifetime"));
    assert_eq!(ask(SignedDuration::ZERO), Some("lifetime"));
    assert_eq!(ask(hours(24 * 36_500)), None);
}

#[test]
fn timeouts_that_leave_no_time_are_refused() {
    assert_eq!(
        refused(|spec| spec.request_timeout = SignedDuration::ZERO),
        Some("request_timeout")
    );
    assert_eq!(
        refused(|spec| spec.deletion.timeout = secs(-1)),
        Some("deletion.timeout")
    );
}

#[test]
fn a_name_that_holds_a_marker_is_refused() {
    let marker = crate::samples::marker(1, 1);
    assert_eq!(
        refused(|spec| spec.inputs.name = format!("ci {marker}")),
        Some("name")
    );
}
