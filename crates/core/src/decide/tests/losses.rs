use crate::samples::*;
use crate::*;

/// `t2` replaced `t1` a minute ago, which waits for the end of its overlap.
fn young() -> Case {
    case().with(|c| {
        c.holds(held(2, at(86_340), Some(at(90 * 86_400))));
        c.record.last_revision = 2;
        c.record.retiring = vec![retiring(1, at(2 * 86_400))];
    })
}

/// The same, where that repaired something.
fn repaired(what: Repair) -> Case {
    young().with(|c| {
        let at = at(86_340);
        c.record.repaired = Some(Repaired { what, at });
    })
}

fn modified(case: Case) -> Case {
    case.with(|c| {
        c.observed.destination = Destination::Present {
            version: DestinationVersion::Absent,
            carried: None,
            intact: Intact::No,
        };
    })
}

#[test]
fn an_edited_value_is_replaced_at_once_but_never_in_a_loop_with_another_writer() {
    assert_eq!(modified(case()).reason(), Reason::ValueModified);
    let again = modified(repaired(Repair::Value));
    assert_eq!(again.reason(), Reason::RepairWaits);
    assert_eq!(again.action(), None);
    let at_last = again.decide().check_again.unwrap();
    assert_eq!(at_last, at(86_340 + 3_600));
    assert_eq!(
        again.clone().with(|c| c.now = at_last).reason(),
        Reason::ValueModified
    );
    let asked = again.with(|c| c.spec.trigger = Some("now".into()));
    assert_eq!(asked.reason(), Reason::Triggered);
}

#[test]
fn a_token_that_is_lost_again_and_again_is_minted_with_pauses() {
    for status in [TokenStatus::Missing, TokenStatus::Dead] {
        let first = case().with(|c| c.observed.status = status);
        assert!(first.action().is_some(), "{status:?}");
        let again = repaired(Repair::Loss).with(|c| c.observed.status = status);
        assert_eq!(again.reason(), Reason::RepairWaits, "{status:?}");
        let later = again.with(|c| c.now = c.decide().check_again.unwrap());
        assert!(matches!(
            later.action(),
            Some(Action::Flow(Flow::Mint { .. }))
        ));
    }
    let deleted = repaired(Repair::Value);
    let deleted = deleted.with(|c| c.observed.destination = Destination::Absent);
    assert_eq!(deleted.reason(), Reason::RepairWaits);
}

#[test]
fn a_repair_waits_for_an_earlier_repair_of_its_kind_and_not_for_a_rotation() {
    assert_eq!(modified(young()).reason(), Reason::ValueModified);
    let deleted = young().with(|c| c.observed.destination = Destination::Absent);
    assert_eq!(deleted.reason(), Reason::DestinationLost);
    for status in [TokenStatus::Missing, TokenStatus::Dead] {
        let lost = young().with(|c| c.observed.status = status);
        assert!(lost.action().is_some(), "{status:?}");
    }
    // Another kind of repair is no sign of a writer who edits what is delivered again and again.
    let edited = modified(repaired(Repair::Loss));
    assert_eq!(edited.decide().check_again, Some(at(86_340 + 300)));
    // A rotation in between does not hide that one goes on.
    let rotated = modified(repaired(Repair::Value)).with(|c| {
        c.holds(held(3, at(86_390), Some(at(90 * 86_400))));
        c.record.last_revision = 3;
    });
    assert_eq!(rotated.reason(), Reason::RepairWaits);
    assert_eq!(rotated.decide().check_again, Some(at(86_340 + 3_600)));
}

#[test]
fn that_a_mint_repairs_is_known_after_its_publish_however_that_is_recorded() {
    let edited = modified(case());
    let who = (Origin::of("cluster"), ManagerId::of("uid"));
    let plan = MintPlan::new(&edited.view(), who.clone(), 2, nonce(2), edited.now);
    assert_eq!(plan.repairs, Some(Repair::Value));
    let rotated = case().with(|c| c.spec.trigger = Some("now".into()));
    let plan = MintPlan::new(&rotated.view(), who, 2, nonce(2), rotated.now);
    assert_eq!(plan.repairs, None);
    let of_repair = Attempt {
        repairs: Some(Repair::Value),
        ..attempt(2, at(90_000))
    };
    let record = evolve(edited.record, Outcome::Attempted(of_repair), at(86_400));
    let current = held(2, at(86_410), None);
    let publication = Publication {
        current: current.clone(),
        retiring: Vec::new(),
        destination: DestinationVersion::Absent,
        trigger: None,
        repairs: Some(Repair::Value),
    };
    let found = Carried {
        current,
        retiring: Vec::new(),
    };
    let repaired = Some(Repaired {
        what: Repair::Value,
        at: at(86_410),
    });
    for outcome in [
        Outcome::Published(Box::new(publication)),
        Outcome::Recorded(Box::new(found)),
    ] {
        let record = evolve(record.clone(), outcome, at(86_420));
        assert_eq!(record.repaired, repaired);
    }
}

#[test]
fn where_one_token_is_kept_a_repair_is_known_though_the_old_one_ended_first() {
    let made = modified(case()).with(|c| {
        c.can.one = true;
        c.spec.allow_gap = true;
        let ended = Outcome::Ended {
            token: token(1),
            ended: crate::record::Ended::Revoked,
        };
        c.record = evolve(c.record.clone(), ended, c.now);
    });
    assert_eq!(made.reason(), Reason::RoomMade);
    let who = (Origin::of("cluster"), ManagerId::of("uid"));
    let plan = MintPlan::new(&made.view(), who, 2, nonce(2), made.now);
    assert_eq!(plan.repairs, Some(Repair::Value));
}

#[test]
fn a_plan_that_a_person_asks_for_knows_no_pauses() {
    let case = repaired(Repair::Loss).with(|c| {
        c.observed.destination = Destination::NotLooked;
        c.observed.status = TokenStatus::Missing;
    });
    assert_eq!(case.reason(), Reason::TokenMissing);
}

#[test]
fn a_loss_that_is_only_reported_still_obeys_a_person() {
    let case = case().with(|c| {
        c.spec.on_loss = OnLoss::Report;
        c.observed.status = TokenStatus::Missing;
    });
    assert_eq!(case.reason(), Reason::TokenLost);
    let due = case.clone().with(|c| c.now = at(80 * 86_400));
    assert_eq!(due.reason(), Reason::TokenLost);
    let asked = case.clone().with(|c| c.spec.trigger = Some("now".into()));
    assert_eq!(asked.reason(), Reason::Triggered);
    let changed = case.with(|c| c.spec.inputs.scopes = ["write".to_owned()].into());
    assert_eq!(changed.reason(), Reason::InputsChanged);
}

#[test]
fn an_expiry_is_no_loss_from_outside_where_a_schedule_was_to_prevent_it() {
    let case = case().with(|c| {
        c.spec.on_loss = OnLoss::Report;
        c.now = at(91 * 86_400);
    });
    assert_eq!(case.reason(), Reason::TokenExpired);
    let unscheduled = case.with(|c| c.spec.rotation = None);
    assert_eq!(unscheduled.reason(), Reason::TokenLost);
}

#[test]
fn a_token_that_we_disabled_is_not_dead() {
    let case = case().with(|c| {
        c.spec.state = WantedState::Disabled;
        c.current().disabled_by_us = true;
        c.observed.status = TokenStatus::Dead;
    });
    assert_eq!(case.reason(), Reason::Disabled);
    let unproven = case.with(|c| {
        c.observed.status = TokenStatus::Disabled;
        c.current().proven = Proven::NotYet;
    });
    assert_eq!(unproven.reason(), Reason::Disabled);
}

#[test]
fn nothing_is_retired_while_the_current_token_is_unproven() {
    let case = young().with(|c| {
        c.current().proven = Proven::NotYet;
        c.record.retiring = vec![retiring(1, at(0))];
        c.record.pauses = vec![Pause {
            duty: Duty::Prove,
            failures: 1,
            retry_at: at(90_000),
            unsure: false,
        }];
    });
    assert_eq!(case.action(), None);
    let expired = case.clone().with(|c| {
        c.record.retiring[0].expires_at = Some(at(10));
    });
    assert_eq!(expired.reason(), Reason::OverlapEnded);
    let proven = case.with(|c| c.current().proven = Proven::Yes);
    assert_eq!(proven.reason(), Reason::OverlapEnded);
}

#[test]
fn a_destination_that_somebody_else_took_is_named() {
    let case = case().with(|c| c.observed.destination = Destination::Foreign);
    assert_eq!(case.reason(), Reason::DestinationForeign);
}

#[test]
fn what_somebody_else_disabled_is_never_enabled_by_us() {
    let case = case().with(|c| {
        c.spec.state = WantedState::Enabled;
        c.observed.status = TokenStatus::Disabled;
    });
    assert_eq!(case.reason(), Reason::DisabledOutside);
    assert_eq!(case.action(), None);
    let explicit = case.with(|c| c.spec.state = WantedState::EnabledExplicitly);
    assert_eq!(explicit.reason(), Reason::Enabling);
}

#[test]
fn what_we_could_not_disable_is_not_enabled_by_us_after_a_person_disabled_it() {
    let case = case().with(|c| {
        c.spec.state = WantedState::Enabled;
        c.current().disabled_by_us = true;
    });
    // The disabling got no answer, the wish was taken back, and the token is seen enabled.
    assert_eq!(case.action(), Some(Action::Record(Note::IntentWithdrawn)));
    let later = case.with(|c| {
        c.record = evolve(c.record.clone(), Outcome::IntentWithdrawn, c.now);
        c.observed.status = TokenStatus::Disabled;
    });
    assert_eq!(
        (later.action(), later.reason()),
        (None, Reason::DisabledOutside)
    );
}

#[test]
fn of_two_tokens_with_one_marker_the_one_on_record_is_ours_and_the_other_is_left_alone() {
    let twin = Sighting {
        id: TokenId::new("somebody's"),
        ..sighting(1)
    };
    let case = case().with(|c| c.survey(at(500), vec![sighting(1), twin.clone()]));
    assert_eq!((case.action(), case.reason()), (None, Reason::MarkerTwice));
    let deleted = case.with(|c| {
        c.spec.deletion.since = Some(at(400));
        c.observed.destination = Destination::Absent;
    });
    assert_eq!(
        deleted.action(),
        Some(Action::Issuer(AtIssuer::Revoke(token(1))))
    );
    // Nor is it an orphan once the one on record has ended.
    let ended = deleted.with(|c| {
        let outcome = Outcome::Ended {
            token: token(1),
            ended: crate::record::Ended::Revoked,
        };
        c.record = evolve(c.record.clone(), outcome, c.now);
        c.survey(at(500), vec![twin.clone()]);
    });
    assert_eq!(ended.action(), Some(Action::Finish));
}

#[test]
fn what_is_believed_of_a_destination_is_put_on_record_where_that_was_lost() {
    for lost_answer in [
        LostAnswer::FindByMarker,
        LostAnswer::CannotAttribute,
        LostAnswer::CannotList,
    ] {
        let lost = case().with(|c| {
            c.record = Record::default();
            c.can.lost_answer = lost_answer;
        });
        let deleted = lost.clone().with(|c| c.spec.deletion.since = Some(at(400)));
        for action in [lost.action(), deleted.action()] {
            assert!(matches!(action, Some(Action::Record(Note::Published(_)))));
        }
        // What somebody else may have written there nominates nothing.
        let deleted = deleted.with(|c| {
            if let Destination::Present { carried, .. } = &mut c.observed.destination {
                *carried = None;
            }
        });
        assert_eq!(
            deleted.action(),
            Some(Action::Destination(AtDestination::Remove))
        );
    }
}

#[test]
fn no_token_ends_before_the_instant_that_the_destination_shows() {
    // Two leaders replayed one attempt, and the record is of the one that did not publish.
    let case = young().with(|c| {
        let carried = Carried {
            current: held(2, at(86_350), Some(at(90 * 86_400))),
            retiring: vec![retiring(1, at(90_000))],
        };
        c.record.retiring = vec![retiring(1, at(86_400))];
        c.observed.destination = Destination::Present {
            version: DestinationVersion::Absent,
            carried: Some(Box::new(carried)),
            intact: Intact::Yes,
        };
    });
    assert_eq!(case.action(), None);
    assert_eq!(case.decide().check_again, Some(at(90_000)));
    let later = case.with(|c| c.now = at(90_000));
    assert_eq!(later.reason(), Reason::OverlapEnded);
}

#[test]
fn a_token_whose_marker_was_edited_away_keeps_no_other_revoke_waiting() {
    let stuck = retiring(1, at(0));
    let next = retiring(2, at(0));
    let case = case().with(|c| {
        c.holds(held(3, at(0), Some(at(90 * 86_400))));
        c.record.last_revision = 3;
        c.record.retiring = vec![stuck.clone(), next.clone()];
    });
    assert_eq!(
        case.action(),
        Some(Action::Issuer(AtIssuer::Revoke(stuck.token.clone())))
    );
    let tried = case.with(|c| {
        let not_proven = Outcome::NotRevoked {
            token: stuck.token.clone(),
            obstacle: Obstacle::NotProven,
            said: None,
            retry_after: None,
        };
        c.record = evolve(c.record.clone(), not_proven, c.now);
    });
    assert_eq!(
        tried.action(),
        Some(Action::Issuer(AtIssuer::Revoke(next.token.clone())))
    );
}

#[test]
fn what_the_destination_names_is_not_ended_though_it_is_superseded_and_gets_a_successor() {
    // A leader that slept published the first revision where a person had removed the second.
    let case = case().with(|c| {
        c.record.last_revision = 2;
        c.record.current = Some(held(2, at(0), Some(at(90 * 86_400))));
        c.record.retiring = vec![retiring(1, at(600))];
        c.now = at(700);
    });
    assert_eq!(case.reason(), Reason::ValueModified);
    let mint = Action::Flow(Flow::Mint { revision: 3 });
    assert_eq!(case.action(), Some(mint));
    // Nor while the successor waits.
    let waits = case.with(|c| {
        let what = Repair::Value;
        c.record.repaired = Some(Repaired { what, at: at(0) });
    });
    assert_eq!(
        (waits.action(), waits.reason()),
        (None, Reason::RepairWaits)
    );
}
