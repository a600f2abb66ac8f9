//! Properties of the schedule and of decisions, for any lifetime, instant and wish.
//!
//! What needs a world that answers back is in the simulation.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tokenwright_core::*;

fn spec(lifetime: Lifetime) -> Spec {
    Spec {
        inputs: Inputs {
            name: "ci".into(),
            scopes: Default::default(),
            parameters: Parameters::new(),
            lifetime,
        },
        rotation: Some(Rotation::default()),
        overlap: None,
        default_overlap: DefaultOverlap::For(schedule::OVERLAP),
        trigger: None,
        state: WantedState::Follow,
        suspend: false,
        on_loss: OnLoss::Remint,
        deletion: Deletion {
            policy: DeletionPolicy::Revoke,
            since: None,
            timeout: SignedDuration::from_hours(24),
        },
        request_timeout: SignedDuration::from_secs(30),
    }
}

fn held(created_at: Timestamp, expires_at: Option<Timestamp>, inputs: Inputs) -> Held {
    Held {
        token: TokenRef {
            id: TokenId::new("t1"),
            marker: Marker {
                origin: Origin::of("cluster"),
                manager: ManagerId::of("uid"),
                revision: 1,
                nonce: Nonce::from_bytes([0; 5]),
            },
            parameters: Parameters::new(),
            endpoint: "https://issuer".into(),
            identity: None,
        },
        inputs,
        created_at,
        expires_at,
        proven: Proven::Yes,
        disabled_by_us: false,
    }
}

fn can(lost_answer: LostAnswer) -> Capabilities {
    Capabilities {
        lost_answer,
        check: true,
        revoke: true,
        disable: Disable::Unsupported,
        update: Default::default(),
        settle: schedule::SETTLE,
    }
}

fn observed() -> Observed {
    Observed {
        running: None,
        issuer: IssuerSeen {
            endpoint: "https://issuer".into(),
            identity: None,
        },
        destination: Destination::NotLooked,
        status: TokenStatus::Active,
        survey: None,
        hold_revokes: false,
        hold_mints: false,
    }
}

fn instant() -> impl Strategy<Value = Timestamp> {
    let all = Timestamp::MIN.as_second()..=Timestamp::MAX.as_second();
    prop_oneof![all, Just(Timestamp::MAX.as_second()), Just(0)]
        .prop_map(|second| Timestamp::from_second(second).unwrap())
}

fn duration() -> impl Strategy<Value = SignedDuration> {
    prop_oneof![
        (1..1_000_000_i64),
        Just(1_000_000_000_000),
        Just(i64::MAX),
        any::<i64>()
    ]
    .prop_map(SignedDuration::from_secs)
}

proptest! {
    #[test]
    fn no_instant_and_no_duration_is_too_large_to_decide(
        now in instant(), created_at in instant(), expires_at in proptest::option::of(instant()),
        lifetime in duration(), wait in duration(), every in proptest::option::of(duration()),
        percent in proptest::option::of(any::<u8>()), deleted in any::<bool>(),
        revision in any::<u32>(), failures in any::<u32>(), kind in 0..4_usize,
    ) {
        let mut spec = spec(Lifetime::For(lifetime));
        spec.rotation = Some(Rotation {
            renew_before: percent.map_or(Some(RenewBefore::Duration(wait)), |p| Some(RenewBefore::Percent(p))),
            every,
        });
        spec.overlap = every.map(|_| wait);
        spec.request_timeout = wait;
        spec.deletion.timeout = wait;
        spec.deletion.since = deleted.then_some(created_at);
        let _ = spec.validate();
        let mut inputs = spec.inputs.clone();
        inputs.lifetime = Lifetime::For(wait);
        let current = held(created_at, expires_at, inputs.clone());
        let attempt = Attempt {
            nonce: Nonce::from_bytes([1; 5]),
            revision,
            inputs,
            deadline: created_at,
            destination: DestinationVersion::Absent,
            trigger: None,
        };
        let kinds = [LostAnswer::Replay, LostAnswer::FindByMarker, LostAnswer::CannotAttribute, LostAnswer::CannotList];
        let can = Capabilities { settle: lifetime, ..can(kinds[kind]) };
        let record = Record {
            current: Some(current),
            attempts: vec![attempt],
            last_revision: revision,
            failures,
            unreadable: failures,
            suspects: failures,
            ..Record::default()
        };
        let observed = observed();
        let view = View { spec: &spec, record: &record, observed: &observed, can: &can };
        let decision = decide(&view, now);
        prop_assert_eq!(&decision, &decide(&view, now));
        prop_assert!(decision.check_again.is_none_or(|at| at > now));
        prop_assert!(decide_deletion(&view, now).check_again.is_none_or(|at| at > now));
        prop_assert!(plan(&view, now).steps.len() < 8);
        let refused = evolve(record.clone(), Outcome::Refused { retry_after: Some(wait) }, now);
        prop_assert!(refused.retry_at.is_some_and(|at| at >= now));
        let lost = Outcome::Lost { nonce: Nonce::from_bytes([1; 5]), unreadable: true };
        prop_assert!(evolve(record, lost, now).unreadable >= failures);
    }
}
