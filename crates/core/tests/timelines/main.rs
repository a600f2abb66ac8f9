//! Golden timelines: a spec and a few events make a table of decisions, until nothing is left to do.
//!
//! The tables lie beside this file and read without code. `TOKENWRIGHT_UPDATE=1` writes them anew.

#![expect(clippy::unwrap_used, reason = "a test stops at once")]

mod timeline;

use jiff::SignedDuration;
use tokenwright_core::*;

use crate::timeline::{Event, Fault, Timeline, can, days, minutes, spec};

#[test]
fn a_token_is_rotated_before_it_expires_and_its_predecessor_ends_a_day_later() {
    let mut timeline = Timeline::new(spec(), can());
    timeline.run(days(130), &[]);
    timeline.check("rotation");
}

#[test]
fn a_rotation_that_is_asked_for_ends_the_running_overlap_with_its_publish() {
    let mut timeline = Timeline::new(
        Spec {
            overlap: Some(days(2)),
            ..spec()
        },
        can(),
    );
    let ask = |trigger: &'static str| {
        Event::Change(match trigger {
            "first" => |spec| spec.trigger = Some("first".into()),
            _ => |spec| spec.trigger = Some("second".into()),
        })
    };
    timeline.run(
        days(8),
        &[(days(4), ask("first")), (days(5), ask("second"))],
    );
    timeline.check("asked_for");
}

#[test]
fn a_lost_answer_is_replaced_first_and_its_token_revoked_afterwards() {
    let mut timeline = Timeline::new(spec(), can());
    timeline.run(
        days(1),
        &[(SignedDuration::ZERO, Event::Answer(Fault::LostAfterEffect))],
    );
    timeline.check("lost_answer");
}

#[test]
fn a_lost_answer_that_made_no_token_is_closed_after_its_deadline() {
    let mut timeline = Timeline::new(spec(), can());
    timeline.run(
        days(1),
        &[(SignedDuration::ZERO, Event::Answer(Fault::LostBeforeEffect))],
    );
    timeline.check("lost_request");
}

#[test]
fn what_cannot_be_listed_keeps_the_current_token_until_its_last_safe_moment() {
    let can = Capabilities {
        lost_answer: LostAnswer::CannotList,
        look: Look::Nothing,
        ..can()
    };
    let mut timeline = Timeline::new(spec(), can);
    timeline.run(
        days(95),
        &[(days(50), Event::Answer(Fault::LostAfterEffect))],
    );
    timeline.check("cannot_list");
}

#[test]
fn a_refused_mint_backs_off_while_the_current_token_goes_on_working() {
    let mut timeline = Timeline::new(spec(), can());
    timeline.run(days(61), &[(days(50), Event::Answer(Fault::Refused))]);
    timeline.check("refused");
}

#[test]
fn a_token_that_is_born_dead_is_revoked_and_never_published() {
    let mut timeline = Timeline::new(spec(), can());
    timeline.run(
        minutes(5),
        &[(SignedDuration::ZERO, Event::Answer(Fault::BornDead))],
    );
    timeline.check("born_dead");
}

#[test]
fn a_token_without_expiry_is_rotated_by_age() {
    let rotation = Some(Rotation {
        renew_before: None,
        every: Some(days(30)),
    });
    let inputs = Inputs {
        lifetime: Lifetime::Never,
        ..spec().inputs
    };
    let mut timeline = Timeline::new(
        Spec {
            rotation,
            inputs,
            ..spec()
        },
        can(),
    );
    timeline.run(days(65), &[]);
    timeline.check("by_age");
}

#[test]
fn changed_inputs_are_updated_where_the_system_can_and_minted_where_not() {
    let can = Capabilities {
        update: [UpdateKind::Name].into(),
        ..can()
    };
    let mut timeline = Timeline::new(spec(), can);
    let rename = Event::Change(|spec| spec.inputs.name = "ci-2".into());
    let rescope = Event::Change(|spec| spec.inputs.scopes = ["write".to_owned()].into());
    timeline.run(days(4), &[(days(1), rename), (days(2), rescope)]);
    timeline.check("changed_inputs");
}

#[test]
fn what_a_person_disabled_stays_disabled_and_what_we_disabled_is_enabled_again() {
    let mut timeline = Timeline::new(spec(), can());
    let disable = Event::Change(|spec| spec.state = WantedState::Disabled);
    let enable = Event::Change(|spec| spec.state = WantedState::Enabled);
    let by_hand = Event::Status(TokenStatus::Disabled);
    timeline.run(
        days(4),
        &[(days(1), disable), (days(2), enable), (days(3), by_hand)],
    );
    timeline.check("disabled");
}

#[test]
fn a_lost_destination_gets_the_next_revision_and_the_lost_one_its_overlap() {
    let mut timeline = Timeline::new(spec(), can());
    timeline.run(days(3), &[(days(1), Event::DestinationLost)]);
    timeline.check("destination_lost");
}

#[test]
fn deletion_revokes_everything() {
    let mut timeline = Timeline::new(spec(), can());
    let trigger = Event::Change(|spec| spec.trigger = Some("now".into()));
    timeline.run(
        days(3),
        &[
            (days(1), trigger),
            (days(1) + minutes(5), Event::Delete(DeletionPolicy::Revoke)),
        ],
    );
    timeline.check("deletion_revoke");
}

#[test]
fn deletion_under_retain_leaves_the_current_token_and_keeps_the_overlap() {
    let deletion = Deletion {
        policy: DeletionPolicy::Revoke,
        since: None,
        timeout: days(7),
    };
    let mut timeline = Timeline::new(Spec { deletion, ..spec() }, can());
    let trigger = Event::Change(|spec| spec.trigger = Some("now".into()));
    timeline.run(
        days(4),
        &[
            (days(1), trigger),
            (days(1) + minutes(5), Event::Delete(DeletionPolicy::Retain)),
        ],
    );
    timeline.check("deletion_retain");
}
