//! Properties of the schedule and of decisions, for any lifetime, instant and wish.
//!
//! What needs a world that answers back is in the simulation.

#![expect(clippy::unwrap_used, reason = "a test stops at once")]

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
        allow_gap: false,
        overlap: None,
        windows: Vec::new(),
        default_overlap: DefaultOverlap::For(schedule::OVERLAP),
        written: None,
        trigger: None,
        state: WantedState::Follow,
        acknowledged: Default::default(),
        revoke_previous: None,
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
        wished_end: None,
        disabled_by_us: false,
    }
}

fn can(lost_answer: LostAnswer) -> Capabilities {
    Capabilities {
        lost_answer,
        check: true,
        revoke: true,
        look: Look::Listing,
        disable: Disable::Unsupported,
        update: Default::default(),
        settle: schedule::SETTLE,
        one: false,
        lifetime_ignored: false,
    }
}

fn observed() -> Observed {
    Observed {
        running: None,
        issuer: IssuerSeen {
            endpoint: "https://issuer".into(),
            credential: None,
            identity: None,
        },
        destination: Destination::NotLooked,
        status: TokenStatus::Active,
        survey: None,
        hold_revokes: false,
        clock_ahead: SignedDuration::ZERO,
        suspect: false,
        doubt: Doubt::default(),
        not_granted: Vec::new(),
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
        revision in any::<u32>(), failures in any::<u32>(), kind in 0..4_usize, windowed in any::<bool>(),
    ) {
        let mut spec = spec(Lifetime::For(lifetime));
        spec.rotation = Some(Rotation {
            renew_before: percent.map_or(Some(RenewBefore::Duration(wait)), |p| Some(RenewBefore::Percent(p))),
            every,
        });
        if windowed {
            spec.windows = vec![Window::new(Vec::new(), "23:00", "01:00", "Pacific/Apia").unwrap()];
        }
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
            began_at: expires_at,
            deadline: created_at,
            destination: DestinationVersion::Absent,
            trigger: None,
            identity: None,
            repairs: None,
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
        let refused = evolve(record.clone(), Outcome::Refused { duty: Duty::Update, unsure: deleted, retry_after: Some(wait) }, now);
        prop_assert!(refused.pauses[0].retry_at >= now);
        let lost = Outcome::Lost { nonce: Nonce::from_bytes([1; 5]), unreadable: true };
        prop_assert!(evolve(record, lost, now).unreadable >= failures);
    }
}

fn answer(n: usize) -> flow::Answer {
    use flow::Answer as A;
    let version = DestinationVersion::Absent;
    let minted = |expires_at| A::Minted {
        id: TokenId::new("t2"),
        expires_at,
        marked: None,
    };
    let not_minted = |sent| A::NotMinted {
        sent,
        retry_after: None,
    };
    match n {
        0 => A::Start,
        1 => A::Rehearsed {
            version,
            current: None,
        },
        2 => A::RehearsalRefused,
        3 => A::AttemptWritten,
        4 => A::AttemptConflict,
        5 => minted(None),
        6 => minted(Some(Timestamp::UNIX_EPOCH)),
        7 => not_minted(true),
        8 => not_minted(false),
        9 => A::MintUnknown,
        10 => A::Proved(Liveness::Alive),
        11 => A::Proved(Liveness::Dead),
        12 => A::Proved(Liveness::Unknown),
        13 => A::Committed,
        14 => A::Moved(version),
        15 => A::Changed,
        16 => A::PublishFailed,
        17 => A::Withdrawn,
        18 => A::WithdrawFailed,
        19 => A::NotNow { retry_after: None },
        _ => A::InUse,
    }
}

proptest! {
    /// Whatever is answered, in whatever order and however late.
    #[test]
    fn a_flow_mints_once_and_ends_knowing_what_became_of_its_token(
        durable in any::<bool>(), check in any::<bool>(), revoke in any::<bool>(), works in any::<bool>(),
        answers in proptest::collection::vec((0..21_usize, 0..20_i64), 1..60),
    ) {
        let mut now = Timestamp::from_second(1_800_000_000).unwrap();
        let spec = spec(Lifetime::Never);
        let current = held(now, None, spec.inputs.clone());
        let record = Record { current: works.then_some(current), ..Record::default() };
        let can = Capabilities { check, revoke, ..can(LostAnswer::FindByMarker) };
        let observed = observed();
        let view = View { spec: &spec, record: &record, observed: &observed, can: &can };
        let who = (Origin::of("cluster"), ManagerId::of("uid"));
        let plan = MintPlan { durable, ..MintPlan::new(&view, who, 2, Nonce::from_bytes([2; 5]), now) };
        let mut flow = MintFlow::new(plan, now);
        let (mut mints, mut minted, mut withdrawn, mut committed) = (0, false, false, false);
        let mut asked = None;
        for (n, wait) in std::iter::once((0, 0)).chain(answers) {
            now += SignedDuration::from_secs(wait);
            let ask = flow.next(answer(n), now);
            // Only an answer to the question before it says what the world did.
            minted |= matches!((&asked, n), (Some(Ask::Mint { .. }), 5 | 6));
            withdrawn |= matches!((&asked, n), (Some(Ask::Withdraw { .. }), 17));
            committed |= matches!((&asked, n), (Some(Ask::Publish { .. }), 13));
            mints += usize::from(matches!(ask, Ask::Mint { .. }));
            prop_assert!(mints <= 1, "minted twice");
            if let Ask::Publish { publication, .. } = &ask {
                prop_assert!(minted);
                prop_assert!(!works || publication.current.proven == Proven::Yes, "S7");
            }
            if let Ask::Done(outcome) = &ask {
                match outcome {
                    Outcome::Failed { token, .. } if minted => {
                        prop_assert!(withdrawn && token.is_some(), "a token is forgotten: {outcome:?}");
                    }
                    Outcome::Published(_) => prop_assert!(committed || n == 13),
                    _ => {}
                }
                break;
            }
            asked = Some(ask);
        }
    }
}

proptest! {
    #[test]
    fn a_renewal_is_never_late_and_at_most_a_fiftieth_of_the_issued_lifetime_early(
        issued in 1..1_000_000_000_i64, percent in 1..100_u8, uid in any::<u32>(),
    ) {
        let mut spec = spec(Lifetime::For(SignedDuration::from_secs(issued)));
        let rotation = Rotation { renew_before: Some(RenewBefore::Percent(percent)), every: None };
        spec.rotation = Some(rotation);
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let issued = SignedDuration::from_secs(issued);
        let mut held = held(now, Some(now + issued), spec.inputs.clone());
        held.token.marker.manager = ManagerId::of(&uid.to_string());
        let due = now + issued - issued / 100 * i32::from(percent);
        let renew_at = schedule::renew_at(&spec, &held).unwrap();
        prop_assert!(renew_at <= due, "late");
        prop_assert!(renew_at >= due - issued / 50, "too early");
        prop_assert!(renew_at > now, "a mint loop");
    }

    #[test]
    fn no_overlap_outlives_the_old_token_nor_by_default_the_next_renewal(
        lifetime in 1..1_000_000_i64, age in 0..1_000_000_i64, overlap in proptest::option::of(0..1_000_000_i64),
        terraform in any::<bool>(),
    ) {
        let lifetime = SignedDuration::from_secs(lifetime);
        let mut spec = spec(Lifetime::For(lifetime));
        spec.overlap = overlap.map(SignedDuration::from_secs);
        if terraform {
            spec.default_overlap = DefaultOverlap::UntilExpiryOrRenewal;
        }
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let minted = now - SignedDuration::from_secs(age);
        let previous = held(minted, Some(minted + lifetime), spec.inputs.clone());
        let next = held(now, Some(now + lifetime), spec.inputs.clone());
        let not_before = schedule::not_before(&spec, &previous, &next, now);
        prop_assert!(not_before >= now);
        prop_assert!(not_before <= (minted + lifetime).max(now));
        if overlap.is_none() {
            prop_assert!(not_before <= schedule::renew_at(&spec, &next).unwrap());
        }
    }
}
