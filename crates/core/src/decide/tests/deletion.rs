use jiff::Timestamp;

use crate::samples::*;
use crate::*;

/// Deleted at 100 under `Revoke`; listed at 200; the destination is gone already.
fn deleted() -> Case {
    case().with(|c| {
        c.spec.deletion.since = Some(at(100));
        c.observed.destination = Destination::Absent;
        c.survey(at(200), vec![sighting(1)]);
        c.now = at(300);
    })
}

#[test]
fn the_destination_goes_before_any_token() {
    let case = deleted().with(|c| {
        c.observed.destination = crate::samples::case().observed.destination;
    });
    assert_eq!(
        case.action(),
        Some(Action::Destination(AtDestination::Remove))
    );
    assert_eq!(
        deleted().action(),
        Some(Action::Issuer(AtIssuer::Revoke(token(1))))
    );
    let retained = case.with(|c| c.spec.deletion.policy = DeletionPolicy::Retain);
    assert_eq!(
        retained.action(),
        Some(Action::Destination(AtDestination::Release))
    );
}

#[test]
fn a_destination_that_refuses_to_go_keeps_what_it_names_and_nothing_else_alive() {
    let case = deleted().with(|c| {
        let Destination::Present { carried, .. } = case().observed.destination else {
            panic!("the usual destination is there");
        };
        let mut carried = carried.unwrap();
        carried.retiring = vec![retiring(0, at(350))];
        c.observed.destination = Destination::Refuses {
            until: at(400),
            carried: Some(carried),
        };
        c.record.retiring = vec![retiring(0, at(350))];
    });
    assert_eq!(case.action(), None);
    assert_eq!(case.decide().check_again, Some(at(350)));
    let over = case.with(|c| c.now = at(360));
    assert_eq!(
        over.action(),
        Some(Action::Issuer(AtIssuer::Revoke(token(0))))
    );
    let alone = over.with(|c| c.record.retiring.clear());
    assert_eq!(alone.action(), None);
    assert_eq!(alone.reason(), Reason::DestinationRefuses);
    assert_eq!(alone.decide().check_again, Some(at(400)));
}

#[test]
fn the_policy_is_read_at_each_step() {
    let case = deleted().with(|c| {
        c.record.retiring = vec![retiring(0, at(1_000))];
        c.spec.deletion.policy = DeletionPolicy::Retain;
    });
    assert_eq!(case.reason(), Reason::WaitingForOverlaps);
    assert_eq!(case.decide().check_again, Some(at(1_000)));
    let revoked = case
        .clone()
        .with(|c| c.spec.deletion.policy = DeletionPolicy::Revoke);
    assert_eq!(
        revoked.action(),
        Some(Action::Issuer(AtIssuer::Revoke(token(0))))
    );
    let alone = case.with(|c| c.record.retiring.clear());
    assert_eq!(alone.action(), Some(Action::Finish));
}

#[test]
fn orphans_are_not_left_behind_while_revokes_are_held() {
    let mut case = deleted().with(|c| {
        c.record.current = None;
        c.observed.hold_revokes = true;
        c.record.last_revision = 2;
    });
    let closed = Outcome::Closed {
        attempt: attempt(2, at(160)),
        suspect: false,
    };
    case.record = evolve(case.record.clone(), closed, case.now);
    case.survey(at(200), vec![sighting(2)]);
    assert_eq!(case.reason(), Reason::RevokesHeld);
    assert_eq!(case.action(), None);
    let free = case.clone().with(|c| c.observed.hold_revokes = false);
    assert_eq!(
        free.action(),
        Some(Action::Issuer(AtIssuer::Revoke(token(2))))
    );
    let late = case.with(|c| c.now = at(100 + 86_400));
    assert_eq!(late.reason(), Reason::DeletionTimedOut);
}

#[test]
fn deletion_ends_where_nothing_can_be_revoked() {
    let mut case = deleted().with(|c| {
        c.can.revoke = false;
        c.record.last_revision = 2;
        c.record.attempts = vec![attempt(2, at(160))];
        c.record.retiring = vec![retiring(0, at(0))];
    });
    case.survey(at(200), vec![sighting(1), sighting(2)]);
    assert!(matches!(
        case.action(),
        Some(Action::Record(Note::AttemptClosed { .. }))
    ));
    case.record.attempts.clear();
    assert_eq!(case.action(), Some(Action::Finish));
}

#[test]
fn an_attempt_that_nothing_can_list_is_waited_out_even_while_suspended() {
    let case = deleted().with(|c| {
        c.can.lost_answer = LostAnswer::CannotList;
        c.spec.suspend = true;
        c.record.attempts = vec![attempt(2, at(400))];
    });
    assert_eq!(case.reason(), Reason::WaitingForAttempts);
    assert_eq!(case.decide().check_again, Some(at(410)));
    assert!(matches!(
        case.with(|c| c.now = at(410)).action(),
        Some(Action::Record(Note::AttemptClosed { suspect: true, .. }))
    ));
}

#[test]
fn another_account_keeps_deletion_waiting_until_its_timeout() {
    let case = deleted().with(|c| c.observed.issuer.endpoint = "https://other".into());
    assert_eq!(case.reason(), Reason::IssuerIdentityChanged);
    assert_eq!(case.decide().check_again, Some(at(100 + 86_400)));
    let late = case.with(|c| c.now = at(100 + 86_400));
    assert_eq!(late.reason(), Reason::DeletionTimedOut);
}

#[test]
fn a_listing_of_before_the_deletion_is_enough_where_it_shows_all_that_was_minted() {
    let young = deleted().with(|c| {
        c.survey(at(90), vec![sighting(1)]);
        let current = c.record.current.as_mut().unwrap();
        current.created_at = at(85);
    });
    assert_eq!(young.reason(), Reason::WaitingForInventory);
    assert_eq!(young.decide().inventory, Some(at(100)));
    let grown = young.with(|c| c.record.current.as_mut().unwrap().created_at = at(-1_000));
    assert_eq!(
        grown.action(),
        Some(Action::Issuer(AtIssuer::Revoke(token(1))))
    );
    assert_eq!(grown.decide().inventory, None);
    // A mint that came to nothing, just now or nobody knows when, may have left something all the same.
    for ended_at in [Some(at(85)), None] {
        let refused = grown.clone().with(|c| c.record.past.push(lost(ended_at)));
        assert_eq!(refused.reason(), Reason::WaitingForInventory);
    }
    let nothing_current = grown.with(|c| c.record.current = None);
    assert_eq!(nothing_current.reason(), Reason::WaitingForInventory);
}

fn lost(ended_at: Option<Timestamp>) -> Past {
    Past {
        nonce: nonce(9),
        revision: 1,
        id: None,
        ended: Ended::Lost,
        ended_at,
        undelivered: false,
        asked: None,
    }
}

#[test]
fn what_came_of_an_attempt_that_a_deletion_s_listing_closed_is_looked_for_in_one_that_is_settle_younger()
 {
    let closed = deleted().with(|c| {
        c.record.current = None;
        c.record.past.push(lost(Some(at(250))));
        c.survey(at(250), Vec::new());
        c.now = at(251);
    });
    assert_eq!(closed.reason(), Reason::WaitingForInventory);
    // An empty moment of the issuer hides a token from both of two listings in a row.
    assert_eq!(closed.decide().inventory, None);
    assert_eq!(closed.decide().check_again, Some(at(260)));
    let right_after = closed.with(|c| {
        c.survey(at(259), Vec::new());
        c.now = at(261);
    });
    assert_eq!(right_after.reason(), Reason::WaitingForInventory);
    assert_eq!(right_after.decide().inventory, Some(at(260)));
    let second = right_after.with(|c| c.survey(at(260), Vec::new()));
    assert_eq!(second.action(), Some(Action::Finish));
    let before = second.with(|c| {
        c.record.past = vec![lost(Some(at(50)))];
        c.survey(at(200), Vec::new());
    });
    assert_eq!(before.action(), Some(Action::Finish));
}

#[test]
fn an_orphan_whose_revoke_failed_is_not_forgotten_by_a_listing_that_misses_it() {
    let mut case = deleted().with(|c| {
        c.record.current = None;
        c.record.last_revision = 2;
        c.survey(at(200), vec![sighting(2)]);
    });
    case.record.past.push(Past {
        nonce: nonce(2),
        revision: 2,
        ..lost(Some(at(150)))
    });
    let orphan = Action::Issuer(AtIssuer::Revoke(token(2)));
    assert_eq!(case.action(), Some(orphan.clone()));
    let failed = Outcome::NotRevoked {
        token: token(2),
        obstacle: Obstacle::Failed,
        said: None,
        retry_after: None,
    };
    case.record = evolve(case.record.clone(), failed, case.now);
    let missed = case.with(|c| {
        c.now = at(305);
        c.survey(at(302), Vec::new());
    });
    assert_eq!(missed.action(), None);
    assert_eq!(missed.reason(), Reason::RevokeFailed);
    let later = missed.with(|c| c.now = at(400));
    assert_eq!(later.action(), Some(orphan), "it is asked for by its id");
}
