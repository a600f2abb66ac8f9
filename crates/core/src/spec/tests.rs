//! What a spec may not ask for, and which field is named.

use jiff::SignedDuration;

use super::*;
use crate::samples::{at, attempt, case, hours, retiring, secs, spec};
use crate::{Duty, Outcome, evolve, plan};

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
fn more_text_than_can_be_recorded_with_each_token_is_refused_by_its_field() {
    let scopes = |count: usize| {
        refused(|spec| {
            let scopes = (0..count).map(|n| format!("{n:016}"));
            spec.inputs.scopes = scopes.collect();
        })
    };
    assert_eq!(scopes(1024), None);
    assert_eq!(scopes(1025), Some("scopes"));
    let parameters = |bytes: usize| {
        refused(|spec| {
            spec.inputs.parameters = [("team".to_owned(), "x".repeat(bytes))].into();
        })
    };
    assert_eq!(parameters(16 * 1024 - 4), None);
    assert_eq!(parameters(16 * 1024), Some("parameters"));
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
fn an_age_that_tokens_never_reach_is_said_with_both_values_and_is_no_error() {
    let said =
        |days: i64, lifetime: Lifetime, renew_before: Option<RenewBefore>, known: &[&str]| {
            let mut spec = spec();
            spec.overlap = None;
            spec.inputs.lifetime = lifetime;
            spec.rotation = Some(Rotation {
                renew_before,
                every: Some(hours(24 * days)),
            });
            assert_eq!(spec.validate(), Ok(()), "nothing is wrong");
            let said = spec.idle(|field| known.contains(&field));
            said.map(|said| (said.field, said.message))
        };
    let all = ["lifetime", "rotation", "renew_before", "every"];
    let month = Lifetime::For(hours(720));
    let (field, message) = said(60, month, None, &all).unwrap();
    assert_eq!(field, "every");
    assert!(
        message.contains("60d") && message.contains("30d"),
        "{message}"
    );
    let day = Some(RenewBefore::Duration(hours(24)));
    let half = Some(RenewBefore::Percent(50));
    for (days, lifetime, renew_before, told) in [
        (20, month, None, false),
        (21, month, None, true),
        (29, month, day, false),
        (30, month, day, true),
        (15, month, half, false),
        (16, month, half, true),
        (90, Lifetime::Never, None, false),
    ] {
        let said = said(days, lifetime, renew_before, &all);
        assert_eq!(said.is_some(), told, "{days} {renew_before:?} {said:?}");
    }
    for unknown in ["lifetime", "renew_before", "every"] {
        let known: Vec<_> = all.into_iter().filter(|name| *name != unknown).collect();
        assert_eq!(said(60, month, None, &known), None, "{unknown}");
    }
}

#[test]
fn a_schedule_of_tokens_that_never_end_never_comes_due_and_says_both_values() {
    let idle = |known: &[&str], lifetime: Lifetime, rotation: Rotation| {
        let mut spec = spec();
        spec.overlap = None;
        spec.inputs.lifetime = lifetime;
        spec.rotation = Some(rotation);
        let said = spec.idle(|field| known.contains(&field));
        assert_eq!(spec.validate_known(|_| true), Ok(()), "nothing is wrong");
        // The empty one was taken ever since.
        let refused = said.as_ref().filter(|said| said.field != "rotation");
        let judged = spec.validate().err();
        assert!(known.len() < 3 || judged.as_ref() == refused, "{judged:?}");
        said.map(|said| (said.field, said.message))
    };
    let all = ["lifetime", "rotation", "renew_before"];
    let before = |renew_before| Rotation {
        renew_before: Some(renew_before),
        every: None,
    };
    let fortnight = before(RenewBefore::Duration(hours(336)));
    let (field, message) = idle(&all, Lifetime::Never, fortnight).unwrap();
    assert_eq!(field, "renew_before");
    assert!(
        message.starts_with("is 14d, and with the lifetime never"),
        "{message}"
    );
    let (field, message) = idle(&all, Lifetime::Never, Rotation::default()).unwrap();
    assert_eq!(field, "rotation");
    assert!(
        message.starts_with("is empty, and with the lifetime never"),
        "{message}"
    );
    let quarter = before(RenewBefore::Percent(25));
    assert!(idle(&all, Lifetime::Never, quarter).is_some());

    assert_eq!(idle(&all[1..], Lifetime::Never, quarter), None);
    assert_eq!(idle(&all[..1], Lifetime::Never, quarter), None);
    assert_eq!(idle(&all, Lifetime::For(hours(2400)), fortnight), None);
    let by_age = Rotation {
        renew_before: None,
        every: Some(hours(24)),
    };
    assert_eq!(idle(&all, Lifetime::Never, by_age), None);
    let mut said = spec();
    said.inputs.lifetime = Lifetime::Never;
    said.rotation = Some(Rotation::default());
    said.trigger = Some("a".to_owned());
    assert_eq!(said.idle(|_| true), None, "its triggers rotate it");
}

#[test]
fn a_lifetime_past_the_end_of_the_calendar_is_refused() {
    let ask = |d: SignedDuration| refused(|spec| spec.inputs.lifetime = Lifetime::For(d));
    assert_eq!(ask(secs(1_000_000_000_000)), Some("lifetime"));
    assert_eq!(ask(SignedDuration::ZERO), Some("lifetime"));
    assert_eq!(ask(hours(24 * 36_500)), None);
}

/// Every duration of a spec, and a way to set it.
type Field = (&'static str, fn(&mut Spec, SignedDuration));
const FIELDS: [Field; 6] = [
    ("lifetime", |spec, d| {
        spec.rotation = None;
        spec.inputs.lifetime = Lifetime::For(d);
    }),
    ("request_timeout", |spec, d| spec.request_timeout = d),
    ("deletion.timeout", |spec, d| spec.deletion.timeout = d),
    ("overlap", |spec, d| spec.overlap = Some(d)),
    ("every", |spec, d| {
        spec.rotation.as_mut().unwrap().every = Some(d)
    }),
    ("renew_before", |spec, d| {
        let rotation = spec.rotation.as_mut().unwrap();
        rotation.renew_before = Some(RenewBefore::Duration(d));
    }),
];

#[test]
fn each_duration_has_a_least_and_a_greatest_value_and_is_named() {
    for (field, set) in FIELDS {
        for absurd in [SignedDuration::MIN, SignedDuration::MAX, secs(-1)] {
            assert_eq!(refused(|spec| set(spec, absurd)), Some(field), "{absurd}");
        }
    }
    let message = |set: fn(&mut Spec)| {
        let mut spec = spec();
        set(&mut spec);
        spec.validate().unwrap_err().message
    };
    assert_eq!(
        message(|spec| spec.request_timeout = hours(52 * 168)),
        "must be between 1s and 10m, not 364d"
    );
}

#[test]
fn a_schedule_that_mints_more_often_than_every_ten_seconds_is_refused() {
    let every = |d| {
        refused(|spec| {
            spec.rotation = Some(Rotation {
                renew_before: None,
                every: Some(d),
            });
        })
    };
    assert_eq!(every(secs(9)), Some("every"));
    assert_eq!(every(secs(10)), None);
    let renew_before = |d| {
        refused(|spec| {
            spec.inputs.lifetime = Lifetime::For(hours(1));
            spec.rotation = Some(Rotation {
                renew_before: Some(RenewBefore::Duration(d)),
                every: None,
            });
        })
    };
    assert_eq!(renew_before(secs(3_600 - 9)), Some("renew_before"));
    assert_eq!(renew_before(secs(3_600 - 10)), None);
    assert_eq!(
        refused(|spec| spec.inputs.lifetime = Lifetime::For(secs(9))),
        Some("lifetime")
    );
}

#[test]
fn no_duration_however_absurd_ends_the_program() {
    let absurd = [
        SignedDuration::MIN,
        SignedDuration::MAX,
        SignedDuration::ZERO,
        secs(i64::MAX / 3),
    ];
    for (_, set) in FIELDS {
        for duration in absurd {
            let mut case = case().with(|c| {
                set(&mut c.spec, duration);
                c.can.settle = duration;
                c.spec.rotation.get_or_insert_default();
                c.spec.trigger = Some("now".into());
                c.spec.default_overlap = DefaultOverlap::For(duration);
                c.record.retiring = vec![retiring(0, at(0))];
                c.record.attempts = vec![attempt(2, at(160))];
            });
            let _ = (case.decide(), plan(&case.view(), case.now));
            case.spec.deletion.since = Some(at(1));
            let _ = case.decide();
            let refused = Outcome::Refused {
                duty: Duty::Update,
                unsure: true,
                retry_after: Some(duration),
            };
            let _ = evolve(case.record.clone(), refused, case.now);
        }
    }
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

#[test]
fn a_text_with_control_characters_is_refused_by_its_field() {
    for text in ["a\nb", "a\0", "\u{1b}[2J", "a\u{85}b"] {
        let named = refused(|spec| spec.inputs.name = text.to_owned());
        assert_eq!(named, Some("name"), "{text:?}");
        let scoped = refused(|spec| spec.inputs.scopes = [text.to_owned()].into());
        assert_eq!(scoped, Some("scopes"), "{text:?}");
        let by = |name: &str, text: &str| {
            let given = [(name.to_owned(), text.to_owned())];
            refused(|spec| spec.inputs.parameters = given.into())
        };
        assert_eq!(by("team", text), Some("parameters"), "{text:?}");
        assert_eq!(by(text, "red"), Some("parameters"), "{text:?}");
    }
}

#[test]
fn a_rule_is_judged_only_where_everything_that_it_looks_at_is_known() {
    let wrong = |known: &[&str]| {
        let mut spec = spec();
        spec.inputs.name = String::new();
        spec.inputs.lifetime = Lifetime::For(hours(24));
        spec.rotation = Some(Rotation {
            renew_before: Some(RenewBefore::Duration(hours(25))),
            every: Some(hours(1)),
        });
        spec.overlap = Some(hours(2));
        let judged = spec.validate_known(|field| known.contains(&field));
        judged.err().map(|error| error.field)
    };
    assert_eq!(wrong(&[]), None);
    assert_eq!(wrong(&["name"]), Some("name"));
    for pair in [["lifetime", "renew_before"], ["overlap", "every"]] {
        assert_eq!(wrong(&pair[..1]), None);
        assert_eq!(wrong(&pair[1..]), None);
        assert!(wrong(&pair).is_some(), "{pair:?}");
    }
    assert_eq!(wrong(&["overlap", "lifetime"]), None);
    assert_eq!(wrong(&["overlap", "renew_before"]), None);
}

#[test]
fn where_one_token_is_kept_at_a_time_nothing_overlaps_and_a_gap_must_be_allowed() {
    let can = crate::samples::case().can;
    let one = crate::Capabilities {
        one: true,
        ..can.clone()
    };
    let refused = |spec: &Spec| spec.validate_at(&one).err().map(|error| error.field);
    let mut spec = spec();
    assert_eq!(spec.validate_at(&can), Ok(()));
    assert_eq!(refused(&spec), Some("allow_gap"));
    spec.allow_gap = true;
    assert_eq!(refused(&spec), None);
    spec.overlap = Some(hours(1));
    assert_eq!(refused(&spec), Some("overlap"));
    spec.overlap = Some(hours(0));
    assert_eq!(refused(&spec), None);
    // What is never rotated by itself needs no leave.
    (spec.allow_gap, spec.inputs.lifetime) = (false, Lifetime::Never);
    assert_eq!(refused(&spec), None);
    spec.rotation = Some(Rotation {
        every: Some(hours(24)),
        ..Rotation::default()
    });
    assert_eq!(refused(&spec), Some("allow_gap"));
    spec.rotation = None;
    assert_eq!(refused(&spec), None);
}
