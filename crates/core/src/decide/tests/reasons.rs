use std::collections::BTreeSet;

use crate::samples::*;
use crate::*;

const DAY: i64 = 86_400;

/// Reasons that are had in the tests of adopted tokens.
const OF_ADOPTING: [Reason; 7] = [
    Reason::SourceMissing,
    Reason::ValueRefused,
    Reason::ValueNotChecked,
    Reason::ExpiresSoon,
    Reason::ValueOffered,
    Reason::NotDelivered,
    Reason::CheckDue,
];

/// What a flow ends with, or what a performer says of its end; the flow's own tests produce them.
const OF_THE_FLOW: [Reason; 14] = [
    Reason::Published,
    Reason::MintRefused,
    Reason::MintNotSent,
    Reason::OutcomeUnknown,
    Reason::MintedValueRefused,
    Reason::IdNotNew,
    Reason::MarkerNotKept,
    Reason::IssuedExpired,
    Reason::LifetimeIgnored,
    Reason::ValueNotProven,
    Reason::RehearsalRefused,
    Reason::PublishRefused,
    Reason::DestinationChanged,
    Reason::AttemptConflict,
];

type Change = fn(&mut Case);

/// A rotation that was asked for where one token is kept at a time.
fn one(c: &mut Case) {
    c.can.one = true;
    c.spec.trigger = Some("now".into());
}

fn absent(c: &mut Case) {
    c.observed.destination = Destination::Absent;
}

fn deleted(c: &mut Case) {
    absent(c);
    c.spec.deletion.since = Some(at(DAY));
    c.survey(at(DAY), vec![sighting(1)]);
}

fn lost(c: &mut Case) {
    c.record.last_revision = 2;
    c.record.attempts = vec![attempt(2, at(160))];
}

fn asked(c: &mut Case) {
    c.spec.trigger = Some("now".into());
}

fn open_revoke(c: &mut Case, obstacle: Obstacle) {
    let not_revoked = Outcome::NotRevoked {
        token: token(0),
        obstacle,
        said: None,
        retry_after: None,
    };
    c.record.retiring = vec![retiring(0, at(0))];
    c.record = evolve(c.record.clone(), not_revoked, c.now);
}

/// One way to each reason.
const WAYS: &[(Reason, Change)] = &[
    (Reason::Quiet, |_| {}),
    (Reason::Minting, |c| c.observed.running = Some(nonce(2))),
    (Reason::Suspended, |c| {
        asked(c);
        c.spec.suspend = true;
    }),
    (Reason::RepairWaits, |c| {
        c.record.repaired = Some(Repaired {
            what: Repair::Loss,
            at: at(DAY - 60),
        });
        c.observed.destination = Destination::Absent;
    }),
    (Reason::BackingOff, |c| {
        asked(c);
        c.record.retry_at = Some(at(2 * DAY));
    }),
    (Reason::TooManyAttempts, |c| {
        asked(c);
        c.record.attempts = (2..10).map(|n| attempt(n, at(160))).collect();
    }),
    (Reason::AnswersUnreadable, |c| {
        asked(c);
        c.record.unreadable = 3;
        c.record.tried_trigger = c.spec.trigger.clone();
        lost(c);
    }),
    (Reason::IssuerSuspect, |c| {
        c.observed.status = TokenStatus::Missing;
        c.observed.doubt.can_check = false;
        c.observed.suspect = true;
    }),
    (Reason::AccountRecognised, |c| {
        deleted(c);
        c.current().token.identity = Some(Identity::new("credential:a"));
        c.observed.issuer.identity = Some(Identity::new("credential:b"));
    }),
    (Reason::AccountUnknown, |c| {
        c.current().token.identity = Some(Identity::new("credential:a"));
        c.observed.issuer.identity = Some(Identity::new("credential:b"));
    }),
    (Reason::MarkerTwice, |c| {
        let id = TokenId::new("another");
        let twin = Sighting { id, ..sighting(1) };
        c.survey(at(DAY), vec![sighting(1), twin]);
    }),
    (Reason::RevisionImpossible, |c| {
        let mut forged = sighting(9);
        forged.marker.revision = 1_002;
        c.survey(at(DAY), vec![sighting(1), forged]);
    }),
    (Reason::MintWithdrawn, |c| {
        c.record.failures = 1;
        c.record.retry_basis = Some("of another wish".into());
    }),
    (Reason::IntentWithdrawn, |c| {
        c.current().disabled_by_us = true
    }),
    (Reason::NotListed, |c| {
        c.observed.status = TokenStatus::Unlisted
    }),
    (Reason::DigestKeyChanged, |c| {
        if let Destination::Present { intact, .. } = &mut c.observed.destination {
            *intact = Intact::Unknown;
        }
    }),
    (Reason::DestinationForeign, |c| {
        c.observed.destination = Destination::Foreign;
    }),
    (Reason::IssuerIdentityChanged, |c| {
        c.observed.issuer.endpoint = "https://other".into();
    }),
    (Reason::ForeignActivity, |c| {
        c.survey(at(DAY), vec![sighting(9)])
    }),
    (Reason::RevokesHeld, |c| {
        c.observed.hold_revokes = true;
        c.record.retiring = vec![retiring(0, at(0))];
    }),
    (Reason::RevokeInUse, |c| {
        open_revoke(c, Obstacle::InUse);
    }),
    (Reason::RevokeNotProven, |c| {
        open_revoke(c, Obstacle::NotProven);
    }),
    (Reason::RevokeFailed, |c| open_revoke(c, Obstacle::Failed)),
    (Reason::RevokeNotSeen, |c| open_revoke(c, Obstacle::NotSeen)),
    (Reason::RevokeSeen, |c| {
        let sent = Outcome::RevokeSent(token(0));
        c.record = evolve(c.record.clone(), sent, at(0));
        c.survey(at(DAY), vec![sighting(1)]);
    }),
    (Reason::Ambiguous, |c| {
        asked(c);
        lost(c);
        c.can.lost_answer = LostAnswer::CannotList;
    }),
    (Reason::TokenLost, |c| {
        c.spec.on_loss = OnLoss::Report;
        c.observed.status = TokenStatus::Dead;
    }),
    (Reason::DisabledOutside, |c| {
        c.spec.state = WantedState::Enabled;
        c.observed.status = TokenStatus::Disabled;
    }),
    (Reason::Disabled, |c| {
        c.spec.state = WantedState::Disabled;
        c.observed.status = TokenStatus::Disabled;
    }),
    (Reason::CannotDisable, |c| {
        c.spec.state = WantedState::Disabled;
        c.can.disable = Disable::Unsupported;
    }),
    (Reason::FirstMint, |c| {
        absent(c);
        c.record = Record::default();
    }),
    (Reason::DestinationLost, absent),
    (Reason::ValueModified, |c| {
        if let Destination::Present { intact, .. } = &mut c.observed.destination {
            *intact = Intact::No;
        }
    }),
    (Reason::TokenMissing, |c| {
        c.observed.status = TokenStatus::Missing
    }),
    (Reason::TokenDead, |c| c.observed.status = TokenStatus::Dead),
    (Reason::TokenExpired, |c| c.now = at(90 * DAY)),
    (Reason::InputsChanged, |c| {
        c.spec.inputs.parameters.insert("team".into(), "a".into());
    }),
    (Reason::Triggered, asked),
    (Reason::Due, |c| c.now = at(60 * DAY)),
    (Reason::ReplayLostAnswer, |c| {
        lost(c);
        c.can.lost_answer = LostAnswer::Replay;
    }),
    (Reason::AlreadyPublished, |c| {
        let carried = Carried {
            current: held(2, at(0), None),
            retiring: vec![],
        };
        lost(c);
        c.observed.destination = Destination::Present {
            version: DestinationVersion::Absent,
            carried: Some(Box::new(carried)),
            intact: Intact::Yes,
        };
    }),
    (Reason::NotProven, |c| c.current().proven = Proven::NotYet),
    (Reason::InputsUpdated, |c| {
        c.spec.inputs.name = "other".into();
        c.can.update = [UpdateKind::Name].into();
    }),
    (Reason::Enabling, |c| {
        c.spec.state = WantedState::EnabledExplicitly;
        c.observed.status = TokenStatus::Disabled;
    }),
    (Reason::Disabling, |c| c.spec.state = WantedState::Disabled),
    (Reason::OverlapEnded, |c| {
        c.record.retiring = vec![retiring(0, at(DAY))];
    }),
    (Reason::LostAttempt, |c| {
        lost(c);
        c.survey(at(DAY), vec![sighting(1), sighting(2)]);
    }),
    (Reason::Orphan, |c| {
        let closed = Outcome::Closed {
            attempt: attempt(2, at(160)),
            suspect: false,
        };
        c.record.last_revision = 2;
        c.record = evolve(c.record.clone(), closed, at(200));
        c.survey(at(DAY), vec![sighting(1), sighting(2)]);
    }),
    (Reason::AttemptClosed, |c| {
        lost(c);
        c.survey(at(DAY), vec![sighting(1)]);
    }),
    (Reason::GapNotAllowed, one),
    (Reason::MakingRoom, |c| {
        one(c);
        c.spec.allow_gap = true;
        let sent = Outcome::RevokeSent(token(1));
        c.record = evolve(c.record.clone(), sent, c.now);
    }),
    (Reason::RoomTaken, |c| {
        one(c);
        lost(c);
    }),
    (Reason::RoomMade, |c| {
        one(c);
        let ended = Outcome::Ended {
            token: token(1),
            ended: Ended::Revoked,
        };
        c.record = evolve(c.record.clone(), ended, c.now);
    }),
    (Reason::WaitingForAttempts, |c| {
        deleted(c);
        lost(c);
        c.survey(at(160), vec![]);
    }),
    (Reason::WaitingForInventory, |c| {
        deleted(c);
        c.observed.survey = None;
    }),
    (Reason::WaitingForOverlaps, |c| {
        deleted(c);
        c.spec.deletion.policy = DeletionPolicy::Retain;
        c.record.retiring = vec![retiring(0, at(2 * DAY))];
    }),
    (Reason::RemovingDestination, |c| {
        c.spec.deletion.since = Some(at(DAY));
    }),
    (Reason::ReleasingDestination, |c| {
        c.spec.deletion.since = Some(at(DAY));
        c.spec.deletion.policy = DeletionPolicy::Retain;
    }),
    (Reason::DestinationRefuses, |c| {
        deleted(c);
        c.observed.destination = Destination::Refuses {
            until: at(2 * DAY),
            carried: None,
        };
    }),
    (Reason::RevokingForDeletion, deleted),
    (Reason::DeletionTimedOut, |c| {
        deleted(c);
        c.now = at(2 * DAY);
    }),
    (Reason::Deleted, |c| {
        deleted(c);
        c.record.current = None;
    }),
];

#[test]
fn every_reason_can_be_had() {
    let mut had: BTreeSet<_> = OF_THE_FLOW.into_iter().chain(OF_ADOPTING).collect();
    for (reason, change) in WAYS {
        assert_eq!(case().with(change).reason(), *reason);
        had.insert(*reason);
    }
    assert_eq!(had, Reason::ALL.iter().copied().collect());
}

#[test]
fn an_explanation_is_the_decision_and_ends_with_the_rule_that_won() {
    let due = case().with(|c| c.spec.trigger = Some("now".into()));
    let explained = explain(&due.view(), at(DAY));
    assert_eq!(explained.decision, decide(&due.view(), at(DAY)));
    assert_eq!(
        explained.asked.last(),
        Some(&"make before break: the next token where one is due")
    );
    assert!(!explained.none_won);
    let gone = case().with(deleted);
    let explained = explain_deletion(&gone.view(), at(DAY));
    assert_eq!(explained.decision, decide_deletion(&gone.view(), at(DAY)));
    assert!(explained.asked.len() > 1);
}
