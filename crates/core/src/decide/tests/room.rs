use crate::samples::*;
use crate::*;

/// A system that keeps one token at a time, and a rotation that was asked for.
fn asked() -> Case {
    case().with(|c| {
        c.can.one = true;
        c.spec.overlap = None;
        c.spec.trigger = Some("now".into());
    })
}

fn allowed() -> Case {
    asked().with(|c| c.spec.allow_gap = true)
}

fn then(case: &mut Case, outcome: Outcome) {
    case.record = evolve(case.record.clone(), outcome, case.now);
}

#[test]
fn without_leave_nothing_is_ended_for_a_rotation() {
    let wishes: [fn(&mut Case); 3] = [
        |_| {},
        |c| {
            c.spec.trigger = None;
            c.spec.inputs.scopes = ["write".to_owned()].into();
        },
        |c| {
            c.spec.trigger = None;
            c.now = at(89 * 86_400);
        },
    ];
    for wish in wishes {
        let case = asked().with(wish);
        assert_eq!(case.action(), None);
        assert_eq!(case.reason(), Reason::GapNotAllowed);
    }
}

#[test]
fn with_leave_the_old_token_is_seen_to_end_before_the_next_is_minted() {
    let mut case = allowed();
    let room = Action::Issuer(AtIssuer::MakeRoom(token(1)));
    assert_eq!(case.action(), Some(room.clone()));
    assert_eq!(case.reason(), Reason::Triggered);
    // A process that dies after the request, before it wrote that down, asks again.
    assert_eq!(case.action(), Some(room));
    then(&mut case, Outcome::RevokeSent(token(1)));
    assert_eq!(case.action(), None);
    assert_eq!(case.reason(), Reason::MakingRoom);
    // The wish may be taken back: what was begun is finished.
    let mut case = case.with(|c| c.spec.trigger = None);
    case.now += secs(60);
    case.survey(case.now, Vec::new());
    let Some(Action::Record(Note::RevokeClosed { token, ended })) = case.action() else {
        panic!("{:?}", case.decide());
    };
    then(&mut case, Outcome::Ended { token, ended });
    assert_eq!(case.action(), Some(Flow::Mint { revision: 2 }.into()));
    assert_eq!(case.reason(), Reason::RoomMade);
}

#[test]
fn a_token_that_is_lost_is_replaced_without_leave() {
    let losses: [fn(&mut Case); 3] = [
        |c| c.observed.destination = Destination::Absent,
        |c| c.observed.status = TokenStatus::Dead,
        |c| c.now = at(90 * 86_400),
    ];
    for loss in losses {
        let case = asked().with(|c| c.spec.trigger = None).with(loss);
        let room = Action::Issuer(AtIssuer::MakeRoom(token(1)));
        assert_eq!(case.action(), Some(room), "{:?}", case.reason());
    }
}

#[test]
fn what_a_lost_mint_may_have_left_is_found_before_another_is_sent() {
    let mut case = allowed().with(|c| {
        c.record.current = None;
        c.record.last_revision = 2;
        c.record.attempts = vec![attempt(2, at(86_460))];
        c.observed.destination = Destination::Absent;
    });
    assert_eq!(case.action(), None);
    assert_eq!(case.reason(), Reason::RoomTaken);
    // Not before it is known what is there, however short the pause of the failed mint is.
    let known_at = at(86_460) + case.can.settle;
    assert_eq!(case.view().next_mint(case.now), Some(known_at));
    for (pause, next) in [(secs(5), known_at), (hours(1), case.now + hours(1))] {
        let paused = case
            .clone()
            .with(|c| c.record.retry_at = Some(c.now + pause));
        assert_eq!(paused.reason(), Reason::BackingOff);
        assert_eq!(paused.view().next_mint(case.now), Some(next));
    }
    case.now = case.decide().check_again.unwrap();
    assert!(case.decide().inventory.is_some());
    case.survey(case.now, vec![sighting(2)]);
    let revoke = Action::Issuer(AtIssuer::Revoke(token(2)));
    assert_eq!(case.action(), Some(revoke));
}

#[test]
fn a_gap_that_we_may_have_begun_ends_though_losses_are_only_to_be_reported() {
    let case = allowed().with(|c| {
        c.spec.trigger = None;
        c.spec.on_loss = OnLoss::Report;
        c.now = at(89 * 86_400);
        c.observed.status = TokenStatus::Missing;
    });
    let room = Action::Issuer(AtIssuer::MakeRoom(token(1)));
    assert_eq!(case.action(), Some(room));
}

#[test]
fn no_room_is_made_while_revokes_are_held() {
    let case = allowed().with(|c| c.observed.hold_revokes = true);
    assert_eq!(case.action(), None);
    assert_eq!(case.reason(), Reason::RevokesHeld);
}

#[test]
fn a_plan_shows_the_end_before_the_mint() {
    let case = allowed();
    let Steps { steps, record, .. } = plan(&case.view(), case.now);
    let actions: Vec<_> = steps.into_iter().map(|(action, _)| action).collect();
    assert_eq!(
        actions,
        [
            Action::Issuer(AtIssuer::MakeRoom(token(1))),
            Flow::Mint { revision: 2 }.into(),
        ]
    );
    assert!(record.retiring.is_empty());
}
