//! What a plan promises, and that the flow keeps it when all goes well.

use super::*;
use crate::observed::{Destination, Intact};
use crate::samples::*;
use crate::{LostAnswer, Proven};

fn names(case: &Case) -> Vec<Reason> {
    let steps = plan(&case.view(), case.now).steps;
    steps.into_iter().map(|(_, reason)| reason).collect()
}

#[test]
fn one_reason_plans_one_mint_also_where_the_destination_is_gone() {
    let lost = case().with(|c| c.observed.destination = Destination::Absent);
    assert_eq!(names(&lost), [Reason::DestinationLost]);
    let modified = case().with(|c| {
        if let Destination::Present { intact, .. } = &mut c.observed.destination {
            *intact = Intact::No;
        }
    });
    assert_eq!(names(&modified), [Reason::ValueModified]);
}

#[test]
fn a_replay_that_goes_well_publishes_and_mints_no_more() {
    let case = case().with(|c| {
        c.can.lost_answer = LostAnswer::Replay;
        c.record.current = None;
        c.record.last_revision = 2;
        c.record.attempts = vec![attempt(2, at(160))];
    });
    assert_eq!(names(&case), [Reason::ReplayLostAnswer]);
    let record = plan(&case.view(), case.now).record;
    assert_eq!(record.current.unwrap().token.marker.revision, 2);
}

#[test]
fn an_expired_token_without_a_schedule_is_planned_as_one_mint() {
    let case = case().with(|c| {
        c.spec.rotation = None;
        c.observed.destination = Destination::NotLooked;
        c.observed.status = TokenStatus::Missing;
        c.now = at(91 * 86_400);
    });
    assert_eq!(names(&case)[0], Reason::TokenExpired);
    assert_eq!(
        names(&case)
            .iter()
            .filter(|r| **r == Reason::TokenExpired)
            .count(),
        1
    );
}

#[test]
fn what_is_predicted_is_what_the_flow_records_when_all_goes_well() {
    let case = case().with(|c| {
        c.spec.trigger = Some("now".into());
        c.observed.destination = Destination::NotLooked;
        c.record.retiring = vec![retiring(0, at(9 * 86_400))];
    });
    let who = (Origin::of("cluster"), ManagerId::of("uid"));
    let minting = MintPlan::new(&case.view(), who, 2, nonce(2), case.now);
    let durable = MintPlan {
        durable: false,
        ..minting
    };
    let mut flow = MintFlow::new(durable, case.now);
    flow.next(Answer::Start, case.now);
    let expires_at = Some(case.now + hours(90 * 24));
    let id = token(2).id;
    let marked = None;
    flow.next(
        Answer::Minted {
            id,
            expires_at,
            marked,
        },
        case.now,
    );
    flow.next(Answer::Proved(Liveness::Alive), case.now);
    let Ask::Done(outcome) = flow.next(Answer::Committed, case.now) else {
        panic!("the flow goes on");
    };
    let real = evolve(case.record.clone(), outcome, case.now);
    let mut predicted = case.record.clone();
    let (action, _) = &plan(&case.view(), case.now).steps[0];
    if let Some(outcome) = super::predicted(&case.view(), action, case.now) {
        predicted = evolve(predicted, outcome, case.now);
    }
    let token = &mut predicted.current.as_mut().unwrap().token;
    token.id = real.current.as_ref().unwrap().token.id.clone();
    token.marker.nonce = nonce(2);
    assert_eq!(predicted, real);
    assert_eq!(real.current.unwrap().proven, Proven::Yes);
}

#[test]
fn what_one_foreseen_mint_supersedes_of_another_stays_known() {
    // An answer that can be had again is replayed, and the next token minted after it.
    let case = case().with(|c| {
        c.can.lost_answer = LostAnswer::Replay;
        c.record.attempts = vec![attempt(2, at(86_400))];
        c.record.last_revision = 2;
        c.spec.inputs.scopes = ["write".to_owned()].into();
        // What the lost mint left is listed.
        c.survey(at(86_400), vec![sighting(1), sighting(2)]);
    });
    let plan = plan(&case.view(), case.now);
    let mints = plan
        .steps
        .iter()
        .filter(|(action, _)| matches!(action, Action::Flow(_)));
    assert_eq!(mints.count(), 2);
    let revisions = plan.record.retiring.iter().map(|r| r.token.marker.revision);
    assert!(
        revisions.clone().any(|revision| revision == 2),
        "{:?}",
        plan.record.retiring
    );
    assert_ne!(plan.then, Reason::ForeignActivity);
}
